"""When a campaign runs: windows from dates, instants and periods.

A window is kept as two instants, the end exclusive, and, where days were given, the days too: a day means the
whole day in the store's time zone, and the last day belongs to the window.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from dateutil.relativedelta import relativedelta

from app.domain.inputs import Path
from app.errors import Invalid
from app.tables.campaigns import CampaignStatus
from app.values.instants import day_alone, end_of, show_instant, start_of

_PERIOD = re.compile(r"([1-9][0-9]{0,3})_(day|week|month|year)s?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedWindow:
    """What a caller gave. Each edge is a day or an instant, not both; a day alone as an instant is that day."""

    starts_on: date | None = None
    starts_at: datetime | None = None
    ends_on: date | None = None
    ends_at: datetime | None = None
    """Exclusive."""
    period_type: str | None = None
    """`1_month`, `2_weeks`, … fills in missing edges; any other text fills in nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignWindow:
    """What is stored. `ends_at` is exclusive, `ends_on` inclusive."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    starts_on: date | None = None
    ends_on: date | None = None


def period_of(period_type: str) -> relativedelta | None:
    """The length that `<n>_day|week|month|year` (plural allowed) names; None for any other text."""
    match = _PERIOD.fullmatch(period_type)
    if match is None:
        return None
    n, unit = int(match[1]), match[2].lower()
    return {
        "day": relativedelta(days=n),
        "week": relativedelta(weeks=n),
        "month": relativedelta(months=n),
        "year": relativedelta(years=n),
    }[unit]


def window_of(asked: AskedWindow, *, zone: tzinfo, now: datetime) -> CampaignWindow:
    """Settle both edges. Given edges win over the period; with a period the start defaults to today.

    The period's last day is start + period − 1 day (1_month from 1 June ends on 30 June).
    """
    if asked.starts_on and asked.starts_at:
        raise Invalid("Give `startsOn` or `startsAt`, not both.", path=["startsOn"])
    if asked.ends_on and asked.ends_at:
        raise Invalid("Give `endsOn` or `endsAt`, not both.", path=["endsOn"])
    starts_on, starts_at = _day_or_instant(asked.starts_on, asked.starts_at)
    ends_on, ends_at = _day_or_instant(asked.ends_on, asked.ends_at)
    period = period_of(asked.period_type) if asked.period_type else None
    if period is not None:
        if not starts_on and not starts_at:
            starts_on = now.astimezone(zone).date()
        if not ends_on and not ends_at:
            ends_on, ends_at = _end_after(period, starts_on, starts_at, zone)
    if starts_on:
        starts_at = _edge(start_of, starts_on, zone, ["startsOn"])
    if ends_on:
        ends_at = _edge(end_of, ends_on, zone, ["endsOn"])
    if starts_at and ends_at and ends_at <= starts_at:
        field = "endsOn" if ends_on else "endsAt"
        first = starts_on or starts_at
        raise Invalid(
            f"The campaign would end before it starts; `{field}` must {_last(first)}.",
            path=[field],
            code="END_BEFORE_START",
        )
    return CampaignWindow(starts_at=starts_at, ends_at=ends_at, starts_on=starts_on, ends_on=ends_on)


def _last(first: date | datetime) -> str:
    """The rule that a wrong end broke: a last day may be the first one, an instant must be after the start."""
    return f"lie after {show_instant(first)}" if isinstance(first, datetime) else f"not be before {first}"


def initial_status(window: CampaignWindow, *, now: datetime) -> CampaignStatus:
    """The status of a new campaign, which follows from its schedule.

    Without a start it is a draft, unless even its end has passed.
    """
    if window.ends_at and window.ends_at <= now:
        return CampaignStatus.COMPLETED
    if window.starts_at is None:
        return CampaignStatus.DRAFT
    return CampaignStatus.SCHEDULED if window.starts_at > now else CampaignStatus.ACTIVE


def _end_after(
    period: relativedelta, starts_on: date | None, starts_at: datetime | None, zone: tzinfo
) -> tuple[date | None, datetime | None]:
    """A start day gives a last day, an instant the instant at the same time of day."""
    try:
        if starts_on:
            return starts_on + period - timedelta(days=1), None
        assert starts_at is not None
        # Wall-clock time: a month from 10:00 ends at 10:00, even if the clocks change.
        return None, (starts_at.astimezone(zone) + period).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("This period ends after the year 9999.", path=["periodType"]) from None


def _day_or_instant(day: date | None, instant: datetime | None) -> tuple[date | None, datetime | None]:
    alone = day_alone(instant)
    return (day, instant) if alone is None else (alone, None)


def _edge(edge: Callable[[date, tzinfo], datetime], day: date, zone: tzinfo, path: Path) -> datetime:
    try:
        return edge(day, zone)
    except (ValueError, OverflowError):
        raise Invalid("The day must lie between 0001-01-02 and 9999-12-30.", path=path) from None
