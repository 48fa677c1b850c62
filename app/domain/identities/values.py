"""What a user is known by: values in one comparable form. Each reader raises ValueError, which says what would be
right. Source: Webmarketer API 1.0.0, "Create offline interaction" (userData), "Gets an Event by ID".
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from app.domain.customers.entries import MAX_EMAIL
from app.values.contacts import fold_email, phone_key, region_of
from app.values.json_text import kind_of
from app.values.texts import read_text

MAX_IDENTITY = 255
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


def identity_of(kind: str, value: object, region: str | None = None) -> str | None:
    """The value in its one comparable form; None where it is empty. `region`: whose phone numbers say no country.

    ValueError where it cannot be one.
    """
    if kind == "email":
        return read_email(value)
    if kind == "phone":
        return read_phone(value, region=region)
    text = read_string(value).strip()
    if len(text) > MAX_IDENTITY:
        raise ValueError(f"has {len(text)} characters; at most {MAX_IDENTITY} are allowed")
    return text or None


def read_string(value: object) -> str:
    """A text; numbers and booleans as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {kind_of(value)}")
    return read_text(value)


def read_email(value: object) -> str:
    """An e-mail address in its one form."""
    if isinstance(value, str):
        address = fold_email(value)
        if _EMAIL.fullmatch(address) and len(address) <= MAX_EMAIL:
            return read_text(address)
    raise ValueError(f"must be an e-mail address such as ada@example.com, not {shortened(value)}")


def read_phone(value: object, config: object = None, *, region: str | None = None) -> str:
    """A phone number: `+` and digits where its country is given or configured, else only its digits.

    `config` is an event type's `phoneParsingConfig`, whose form the document leaves open: country codes (`FR`)
    and calling codes (`+33`) are accepted, alone, in a list, or as a value of an object. The first one is used, and
    wins over `region`.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise ValueError(f"must be a phone number such as +33612345678, not {shortened(value)}")
    try:
        return phone_key(text, _region(config) or region)
    except ValueError:
        raise ValueError(
            f"must be a phone number of 4 to 15 digits such as +33612345678, not {shortened(value)}"
        ) from None


def shortened(value: object) -> str:
    """What was sent, short: a fault's message is kept and shown."""
    return (
        f"{value[:40]!r}" if isinstance(value, str) else f"{value}"[:40] if _plain(value) else kind_of(value)
    )


def _plain(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _region(config: object) -> str | None:
    if isinstance(config, str):
        return region_of(config)
    inner: Iterable[object] = ()
    if isinstance(config, Mapping | list):
        inner = config.values() if isinstance(config, Mapping) else config
    return next((found for one in inner if (found := _region(one)) is not None), None)


__all__ = ["identity_of", "read_email", "read_phone", "read_string", "shortened"]
