"""Text that may be stored: no NUL (PostgreSQL cannot hold it), no half of a surrogate pair (UTF-8 cannot)."""

import re

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_URL = re.compile(r"https?://[^\s/?#@\\]+(?::\d{1,5})?(?:[/?#][^\s\\]*)?", re.ASCII | re.IGNORECASE)
MAX_TEXT = 65_536
MAX_URL = 2_048


def read_text(text: str, *, longest: int = MAX_TEXT, blank: bool = True) -> str:
    """The text, unchanged; ValueError says why it cannot be stored. Lengths count characters."""
    if "\0" in text:
        raise ValueError("holds the character NUL (U+0000), which cannot be stored")
    if _HALF_PAIR.search(text):
        raise ValueError("holds half of a surrogate pair, which is not a character")
    if len(text) > longest:
        raise ValueError(f"has {len(text)} characters; at most {longest} are allowed")
    if not blank and not text.strip():
        raise ValueError("is empty")
    return text


def read_url(text: str) -> str:
    """An absolute http(s) address without credentials in it; ValueError says what is expected."""
    read_text(text, longest=MAX_URL)
    if _URL.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is not an address like https://example.com/page")
    return text
