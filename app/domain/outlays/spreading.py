"""An outlay's money shared over the days it covers."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from app.errors import Invalid
from app.values.instants import start_of
from app.values.money import share_out

MAX_DAYS = 3_660
"""Ten years is the most an outlay may cover: each day is an entry in the ledger."""
_MICROSECOND = timedelta(microseconds=1)


def spread(
    amount: Decimal, currency: str, *, starts_at: datetime, ends_at: datetime, zone: tzinfo
) -> dict[date, Decimal]:
    """The share of each day in the zone, by how much of it is covered; days without a share are left out.

    The shares add up to the amount exactly. `starts_at` is before `ends_at`, which is exclusive.
    """
    days = days_between(starts_at, ends_at, zone)
    shares = share_out(amount, currency, [(until - since) // _MICROSECOND for _, since, until in days])
    return {day: part for (day, _, _), part in zip(days, shares, strict=True) if part}


def days_between(
    starts_at: datetime, ends_at: datetime, zone: tzinfo
) -> list[tuple[date, datetime, datetime]]:
    """The days it touches in the zone, each with the part that is covered."""
    if ends_at - starts_at > timedelta(days=MAX_DAYS):
        raise Invalid(
            f"An outlay covers at most {MAX_DAYS} days; make several of it.", path=["endsAt"], code="TOO_LONG"
        )
    days: list[tuple[date, datetime, datetime]] = []
    since = starts_at.astimezone(UTC)
    try:
        while since < ends_at:
            day = since.astimezone(zone).date()
            until = start_of(day + timedelta(days=1), zone)
            if until <= since:  # Where clocks were put back over midnight, a day has a second end.
                until = start_of(day + timedelta(days=2), zone)
            until = min(until, ends_at)
            days.append((day, since, until))
            since = until
    except (ValueError, OverflowError):
        raise Invalid(
            "An outlay must lie between 0001-01-02 and 9999-12-30.", path=["startsAt"], code="OUT_OF_CALENDAR"
        ) from None
    return days
