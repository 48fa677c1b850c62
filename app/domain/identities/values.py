"""What a user is known by: values in one comparable form. Each reader raises ValueError, which says what would be
right. Source: Webmarketer API 1.0.0, "Create offline interaction" (userData), "Gets an Event by ID".
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from app.domain.customers.entries import MAX_EMAIL
from app.values.json_text import kind_of
from app.values.texts import read_text

MAX_IDENTITY = 255
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_PHONE = re.compile(r"(?P<plus>\+|00)?[\s().\-/\d\u00a0\u202f]+")
_NOT_DIGITS = re.compile(r"[^0-9]")

CALLING_CODES = {
    "AT": "43", "AU": "61", "BE": "32", "BR": "55", "CA": "1", "CH": "41", "CZ": "420", "DE": "49", "DK": "45",
    "DZ": "213", "ES": "34", "FI": "358", "FR": "33", "GB": "44", "GP": "590", "GR": "30", "IE": "353", "IN": "91",
    "IT": "39", "JP": "81", "LU": "352", "MA": "212", "MC": "377", "MQ": "596", "MX": "52", "NL": "31", "NO": "47",
    "PL": "48", "PT": "351", "RE": "262", "RO": "40", "SE": "46", "TN": "216", "US": "1",
}  # fmt: skip
"""ITU country calling codes, by ISO 3166 code, for countries that a `phoneParsingConfig` may name."""
_KEEPS_ZERO = frozenset({"39"})
"""Where a national number's leading 0 is part of the number."""


def identity_of(kind: str, value: object) -> str | None:
    """The value in its one comparable form; None where it is empty.

    ValueError where it cannot be one.
    """
    if kind == "email":
        return read_email(value)
    if kind == "phone":
        return read_phone(value)
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
    """An e-mail address, in lower case."""
    if isinstance(value, str):
        address = value.strip().lower()
        if _EMAIL.fullmatch(address) and len(address) <= MAX_EMAIL:
            return read_text(address)
    raise ValueError(f"must be an e-mail address such as ada@example.com, not {shortened(value)}")


def read_phone(value: object, config: object = None) -> str:
    """A phone number: `+` and digits where its country is given or configured, else only its digits.

    `config` is an event type's `phoneParsingConfig`, whose form the document leaves open: country codes (`FR`)
    and calling codes (`+33`) are accepted, alone, in a list, or as a value of an object. The first one is used.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _PHONE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        raise ValueError(f"must be a phone number such as +33612345678, not {shortened(value)}")
    # `+33 (0)6 12…`: the 0 in brackets is for callers at home.
    digits = _NOT_DIGITS.sub("", text.replace("(0)", "") if match["plus"] else text)
    if match["plus"] == "00":
        digits = digits[2:]
    international = bool(match["plus"])
    code = None if international else _calling_code(config)
    if code is not None:
        digits = code + (digits if code in _KEEPS_ZERO else digits.removeprefix("0"))
        international = True
    if not 4 <= len(digits) <= 15:
        raise ValueError(f"must be a phone number of 4 to 15 digits, not {shortened(value)}")
    return f"+{digits}" if international else digits


def shortened(value: object) -> str:
    """What was sent, short: a fault's message is kept and shown."""
    return (
        f"{value[:40]!r}" if isinstance(value, str) else f"{value}"[:40] if _plain(value) else kind_of(value)
    )


def _plain(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _calling_code(config: object) -> str | None:
    if isinstance(config, str):
        code = config.strip().upper()
        return CALLING_CODES.get(code) or (code[1:] if code.startswith("+") and code[1:].isdigit() else None)
    inner: Iterable[object] = ()
    if isinstance(config, Mapping | list):
        inner = config.values() if isinstance(config, Mapping) else config
    return next((found for one in inner if (found := _calling_code(one)) is not None), None)


__all__ = ["identity_of", "read_email", "read_phone", "read_string", "shortened"]
