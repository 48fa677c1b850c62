"""Time zones: which names are known, and where hours of UTC are whole hours of the clock."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_NOT_THE_DATABASES = frozenset({"localtime"})
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_AGREED = datetime(1970, 1, 1, tzinfo=UTC)
"""Before this, Python's and PostgreSQL's zone tables differ in places."""
_FROM_HERE_ON = datetime(2100, 1, 1, tzinfo=UTC)
"""Later changes all follow rules that are in force by then."""
_WEEK = timedelta(days=7)


def is_zone(name: str) -> bool:
    """Whether Python and PostgreSQL know a zone of this name."""
    return name in _names()


@cache
def whole_hours_since(name: str) -> datetime:
    """Since when the zone's offset has been a whole number of hours; the year 9999 where it still is not."""
    if name == "UTC":
        return _FIRST
    zone, at = ZoneInfo(name), _FROM_HERE_ON
    while at > _AGREED and not at.astimezone(zone).utcoffset() % timedelta(hours=1):  # type: ignore[operator]
        at -= _WEEK
    if at == _FROM_HERE_ON:
        return datetime(9999, 1, 1, tzinfo=UTC)
    return max(at + _WEEK, _AGREED)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_THE_DATABASES
