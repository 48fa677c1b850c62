"""When points can be used, and when they expire. Pure.

Both follow from the moment the purchase happened: it waits so many days, and expires so many days after that or with
the calendar period in which it could first be used, whichever comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from app.tables.campaigns import ExpiryPeriod

LAST = 9998
_MONTHS = {ExpiryPeriod.MONTH: 1, ExpiryPeriod.QUARTER: 3, ExpiryPeriod.YEAR: 12}


@dataclass(frozen=True, slots=True)
class PointDates:
    """From when points count, and until when."""

    available_at: datetime | None
    """None: at once."""
    expires_at: datetime | None
    """None: never."""


def dates_of(row: Mapping[str, Any], moment: datetime, zone: tzinfo, *, now: datetime) -> PointDates | None:
    """The dates of points for what happened at `moment`; None where they count at once and for good.

    `row`: the campaign's settings. Calendar periods are those of the store's time zone.
    """
    wait, days, period = row["reward_wait_days"], row["reward_expire_days"], row["reward_expire_period"]
    if wait is None and days is None and period is None:
        return None
    usable = moment + timedelta(days=wait or 0)
    ends = []
    if days is not None:
        ends.append(usable + timedelta(days=days))
    if period is not None:
        ends.append(end_of_period(usable, ExpiryPeriod(period), zone))
    available_at = usable if usable > now else None
    expires_at = min(ends) if ends else None
    return None if available_at is None and expires_at is None else PointDates(available_at, expires_at)


def end_of_period(moment: datetime, period: ExpiryPeriod, zone: tzinfo) -> datetime:
    """The first moment after the calendar period in which this one lies."""
    local, months = moment.astimezone(zone), _MONTHS[period]
    first = (local.month - 1) // months * months + months
    year, month = local.year + first // 12, first % 12 + 1
    return datetime(min(year, LAST), month, 1, tzinfo=zone).astimezone(moment.tzinfo)
