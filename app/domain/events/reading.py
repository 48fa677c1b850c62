"""Values of an event's data, read as the types its event type declares.

Lenient where senders differ and the meaning is plain (a number as text, a boolean as 0 or 1), strict otherwise: each
reader raises ValueError, which says what would be right. Source: Webmarketer API 1.0.0, "Gets an Event by ID" ("passed
data parsed").
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from app.domain.events.sending import read_event_date
from app.domain.identities.values import read_email, read_phone, read_string, shortened
from app.domain.inputs import SMALLEST
from app.tables.event_types import EventDataType
from app.values.money import MAX_AMOUNT

MAX_DIGITS = 40
_NOISE = Decimal("1e-13")
"""By which share a sum of some hundred doubles may be off."""
_MOST_NOISE = Decimal("1e-6")
_GROUPED = re.compile(r"[\s\u00a0\u202f_']+")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_number(value: object) -> int | Decimal:
    """A number, also as text: `12.50`, `12,50`, `1 234,5`."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        plain = _GROUPED.sub("", value)
        if _NUMBER.fullmatch(plain) and len(plain) <= MAX_DIGITS:
            number = Decimal(plain.replace(",", "."))
            return int(number) if "." not in plain and "," not in plain and number.adjusted() < 18 else number
    raise ValueError(f"must be a number such as 12.5, not {shortened(value)}")


def read_integer(value: object) -> int:
    """A whole number, also as text or with a fraction of 0."""
    number = read_number(value)
    whole = int(number)
    if number != whole or not -(2**63) <= whole < 2**63:
        raise ValueError(f"must be a whole number of at most 64 bits, not {shortened(value)}")
    return whole


def read_boolean(value: object) -> bool:
    """True or false; also 1 and 0, and either as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal) and value in (0, 1):
        return value == 1
    if isinstance(value, str) and value.strip().lower() in _TRUTHS:
        return _TRUTHS[value.strip().lower()]
    raise ValueError(f"must be true or false, not {shortened(value)}")


def read_date_time(value: object) -> str:
    """A date-time, as the API prints it: `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    moment = read_event_date(value)
    if moment is None:
        raise ValueError(f"must be a date-time such as 2025-06-01T08:00:00Z, not {shortened(value)}")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_any(value: object) -> object:
    """Any JSON value, as it is."""
    return value


def read_statistic(value: object) -> Decimal:
    """A number that a column holds as it is, with at most 4 decimals.

    What is left over where programs add up doubles (0.30000000000000004) is no fifth decimal.
    """
    number = Decimal(read_number(value))
    if abs(number) > MAX_AMOUNT:
        raise ValueError(f"must lie between -{MAX_AMOUNT} and {MAX_AMOUNT}, not {shortened(value)}")
    try:
        kept = number.quantize(SMALLEST, rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"must be a number that can be stored, not {shortened(value)}") from None
    if abs(number - kept) > min(abs(number) * _NOISE, _MOST_NOISE):
        raise ValueError(
            f"must have at most 4 decimals, or it could not be kept as it is, not {shortened(value)}"
        )
    return kept


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
"""By data type. Reading a phone number can also take a configuration."""


__all__ = [
    "READERS",
    "read_boolean",
    "read_state",
    "read_statistic",
]
