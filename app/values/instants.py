"""Instants and dates: one lenient reader, one printed form.

The reader takes RFC 3339 and its common variants (Webmarketer API 1.0.0, "Date Specification"): a space or
`Z` where `T` belongs, lower case, no offset (which means UTC), an offset without its colon. A day alone is read as a
`DayAlone`: which moment it means depends on where the thing lives, and on whether it is a start or an end.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt Zz](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
_OFFSET = re.compile(r"Z|[+-]\d\d:?\d\d", re.ASCII)
_UTC_DAY = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?(?:[Zz]|\+00:?00)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MICROSECOND = timedelta(microseconds=1)


class DayAlone(datetime):
    """A day given where an instant can be. As an instant it is the day's first moment in UTC.

    `starting` and `ending` say which moment it means in a zone. What is reckoned from it is a plain instant.
    """

    def __add__(self, other: timedelta, /) -> Any:
        return plain_instant(self) + other

    __radd__ = __add__

    def __sub__(self, other: Any, /) -> Any:
        return plain_instant(self) - other


def day_alone(value: datetime | None) -> date | None:
    """The day, where only a day was given."""
    return value.date() if isinstance(value, DayAlone) else None


def as_day_alone(day: date) -> DayAlone:
    """A day as if it had been given where an instant can be."""
    return DayAlone(day.year, day.month, day.day, tzinfo=UTC)


def starting(value: datetime, zone: tzinfo) -> datetime:
    """The instant a start means: of a day alone its first moment in the zone."""
    return start_of(value.date(), zone) if isinstance(value, DayAlone) else value


def ending(value: datetime, zone: tzinfo) -> datetime:
    """The instant an exclusive end means: of a day alone the moment after it in the zone."""
    return end_of(value.date(), zone) if isinstance(value, DayAlone) else value


def last_moment(value: datetime, zone: tzinfo) -> datetime:
    """The instant an inclusive end means: of a day alone its last moment in the zone."""
    return end_of(value.date(), zone) - MICROSECOND if isinstance(value, DayAlone) else value


def read_instant(text: str) -> datetime:
    """Parse an instant, in UTC. Digits past the microsecond are cut. ValueError says what is expected.

    A day alone is a `DayAlone`.
    """
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a date-time like 2025-06-01T08:00:00Z")
    year, month, day, hour, minute, second, fraction, _, sign, off_h, off_m = match.groups()
    zone = UTC
    if sign:
        offset = timedelta(hours=int(off_h), minutes=int(off_m))
        if offset >= timedelta(hours=24):
            raise ValueError(f"{text[:40]!r} has an offset of a day or more")
        zone = timezone(-offset if sign == "-" else offset)
    kind = datetime if hour else DayAlone
    leap = second == "60"  # RFC 3339 allows a leap second; it becomes the next second.
    try:
        local = kind(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            59 if leap else int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=zone,
        )
        return (local + timedelta(seconds=1) if leap else local).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a moment of the calendar (years 0001 to 9999)") from None


def day_printed(text: str, *, ends: bool) -> date | None:
    """The day whose first or last second in UTC this is: so Marketing & CRM prints the days of a campaign.

    `2026-06-01T00:00:00Z` as a start is 1 June, `2026-08-31T23:59:59Z` as an end 31 August, wherever the store is.
    None for any other moment, one with an offset among them.
    """
    match = _UTC_DAY.fullmatch(text.strip())
    if match is None or match[2] != ("23:59:59" if ends else "00:00:00"):
        return None
    if not ends and match[3] and match[3].strip(".0"):
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def show_printed(day: date | str, *, ends: bool) -> str:
    """The second that stands for the day there."""
    return f"{day}T{'23:59:59' if ends else '00:00:00'}Z"


def read_moment(value: object) -> datetime:
    """Parse an instant as JSON brings it: a text, or what PHP makes of a `DateTime`, whose text is local to its zone.

    `{"date": "2023-08-01 22:00:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"}`; the zone may be an offset.
    """
    if isinstance(value, str):
        return read_instant(value)
    local, zone = (value.get("date"), value.get("timezone")) if isinstance(value, dict) else (None, None)
    if not isinstance(local, str) or not isinstance(zone, str) or _LOCAL.fullmatch(local) is None:
        raise ValueError("a date-time is a text like 2025-06-01T08:00:00Z")
    if _OFFSET.fullmatch(zone):
        return read_instant(local + zone)
    try:
        return read_instant(local).replace(tzinfo=zone_of(zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{local!r} is not a moment of the calendar (years 0001 to 9999)") from None


def read_date(text: str) -> date:
    """Parse `YYYY-MM-DD`; ValueError says what is expected."""
    if _DATE.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is not a date like 2025-06-01")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a day of the calendar") from None


def show_instant(value: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS[.ffffff]Z`, trailing zeros trimmed."""
    value = value.astimezone(UTC)
    text = value.replace(tzinfo=None, microsecond=0).isoformat()
    return f"{text}.{value.microsecond:06d}".rstrip("0") + "Z" if value.microsecond else f"{text}Z"


def show_given(value: datetime) -> str:
    """The same, but a day alone as the day it was given as: so a legacy API hands it on to the graph."""
    return value.date().isoformat() if isinstance(value, DayAlone) else show_instant(value)


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def end_of(day: date, zone: tzinfo) -> datetime:
    """The instant after a day in a zone (exclusive end), in UTC."""
    return start_of(day + timedelta(days=1), zone)


def plain_instant(value: datetime) -> datetime:
    """The same moment as a plain instant."""
    return datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.tzinfo,
    )


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone; ValueError where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name[:40]!r} is not a time zone like Europe/Paris") from None
