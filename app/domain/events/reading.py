"""Values of an event's data, read as the types its event type declares.

Lenient where senders differ and the meaning is plain (a number as text, a boolean as 0 or 1), strict otherwise: each
reader raises ValueError, which says what would be right. Source: Webmarketer API 1.0.0, "Gets an Event by ID" ("passed
data parsed").
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from app.domain.customers.entries import MAX_EMAIL
from app.domain.events.sending import read_date
from app.domain.inputs import SMALLEST
from app.tables.events import EventDataType
from app.values.json_text import kind_of
from app.values.money import MAX_AMOUNT
from app.values.texts import read_text

MAX_IDENTITY = 255
MAX_DIGITS = 40
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_GROUPED = re.compile(r"[\s\u00a0\u202f_']+")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PHONE = re.compile(r"(?P<plus>\+|00)?[\s().\-/\d\u00a0\u202f]+")
_NOT_DIGITS = re.compile(r"[^0-9]")
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

CALLING_CODES = {
    "AT": "43", "AU": "61", "BE": "32", "BR": "55", "CA": "1", "CH": "41", "CZ": "420", "DE": "49", "DK": "45",
    "DZ": "213", "ES": "34", "FI": "358", "FR": "33", "GB": "44", "GP": "590", "GR": "30", "IE": "353", "IN": "91",
    "IT": "39", "JP": "81", "LU": "352", "MA": "212", "MC": "377", "MQ": "596", "MX": "52", "NL": "31", "NO": "47",
    "PL": "48", "PT": "351", "RE": "262", "RO": "40", "SE": "46", "TN": "216", "US": "1",
}  # fmt: skip
"""ITU country calling codes, by ISO 3166 code, of what a `phoneParsingConfig` may name."""
_KEEPS_ZERO = frozenset({"39"})
"""Where a national number's leading 0 is part of the number."""


def read_string(value: object) -> str:
    """A text; numbers and booleans as JSON writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {kind_of(value)}")
    return read_text(value)


def read_number(value: object) -> int | Decimal:
    """A number, also as text: `12.50`, `12,50`, `1 234,5`."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        plain = _GROUPED.sub("", value)
        if _NUMBER.fullmatch(plain) and len(plain) <= MAX_DIGITS:
            number = Decimal(plain.replace(",", "."))
            return int(number) if "." not in plain and "," not in plain and number.adjusted() < 18 else number
    raise ValueError(f"must be a number such as 12.5, not {_shown(value)}")


def read_integer(value: object) -> int:
    """A whole number, also as text or with a fraction of 0."""
    number = read_number(value)
    whole = int(number)
    if number != whole or not -(2**63) <= whole < 2**63:
        raise ValueError(f"must be a whole number of at most 64 bits, not {_shown(value)}")
    return whole


def read_boolean(value: object) -> bool:
    """True or false; also 1 and 0, and either as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal) and value in (0, 1):
        return value == 1
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    raise ValueError(f"must be true or false, not {_shown(value)}")


def read_date_time(value: object) -> str:
    """A date-time, as the API prints it: `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    moment = read_date(value)
    if moment is None:
        raise ValueError(f"must be a date-time such as 2025-06-01T08:00:00Z, not {_shown(value)}")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_email(value: object) -> str:
    """An e-mail address, in lower case."""
    if isinstance(value, str):
        address = value.strip().lower()
        if _EMAIL.fullmatch(address) and len(address) <= MAX_EMAIL:
            return read_text(address)
    raise ValueError(f"must be an e-mail address such as ada@example.com, not {_shown(value)}")


def read_phone(value: object, config: object = None) -> str:
    """A phone number: `+` and digits where its country is said or configured, else its digits alone.

    `config` is an event type's `phoneParsingConfig`, whose form the document leaves open: taken are country codes
    (`FR`) and calling codes (`+33`), alone, in a list, or as a value of an object. The first one is used.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _PHONE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        raise ValueError(f"must be a phone number such as +33612345678, not {_shown(value)}")
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
        raise ValueError(f"must be a phone number of 4 to 15 digits, not {_shown(value)}")
    return f"+{digits}" if international else digits


def read_any(value: object) -> object:
    """Any JSON value, as it is."""
    return value


def read_statistic(value: object) -> Decimal:
    """An amount a column holds: 4 decimals, further ones rounded half away from zero (JavaScript sums doubles)."""
    number = Decimal(read_number(value))
    if abs(number) > MAX_AMOUNT:
        raise ValueError(f"must lie between -{MAX_AMOUNT} and {MAX_AMOUNT}, not {_shown(value)}")
    try:
        return number.quantize(SMALLEST, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"must be a number that can be stored, not {_shown(value)}") from None


def read_state(value: object) -> Decimal:
    """1 or 0; also true and false."""
    return Decimal(1) if read_boolean(value) else Decimal(0)


READERS: Mapping[EventDataType, Callable[[object], Any]] = {
    EventDataType.STRING: read_string,
    EventDataType.NUMBER: read_number,
    EventDataType.INTEGER: read_integer,
    EventDataType.BOOLEAN: read_boolean,
    EventDataType.DATE: read_date_time,
    EventDataType.EMAIL: read_email,
    EventDataType.PHONE: read_phone,
    EventDataType.JSON: read_any,
}
"""By data type. A phone number may be read with a configuration besides."""


def identity_of(kind: str, value: object) -> str | None:
    """What a user is known by: the value in the one form that compares; None where it says nothing.

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


def _calling_code(config: object) -> str | None:
    if isinstance(config, str):
        code = config.strip().upper()
        return CALLING_CODES.get(code) or (code[1:] if code.startswith("+") and code[1:].isdigit() else None)
    inner: Iterable[object] = ()
    if isinstance(config, Mapping | list):
        inner = config.values() if isinstance(config, Mapping) else config
    return next((found for one in inner if (found := _calling_code(one)) is not None), None)


def _shown(value: object) -> str:
    """What was sent, short: a fault's message is kept and shown."""
    return (
        f"{value[:40]!r}" if isinstance(value, str) else f"{value}"[:40] if _plain(value) else kind_of(value)
    )


def _plain(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


__all__ = [
    "READERS",
    "identity_of",
    "read_boolean",
    "read_email",
    "read_phone",
    "read_state",
    "read_statistic",
]
