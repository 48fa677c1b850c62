"""Names of credentials: what people call them, and what a log may show of them."""

from app.errors import Invalid

MAX_NAME = 200
MAX_LOGGED = 80


def read_name(text: str) -> str:
    """The name people gave, without outer spaces; Invalid where it could not be stored or shown."""
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"name must have 1 to {MAX_NAME} printable characters", path=["name"])
    return name


def loggable(text: str) -> str:
    """What came in a token, cut and made printable: it goes into logs and the audit trail."""
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_LOGGED])
