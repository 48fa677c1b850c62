"""The periods over which a spend limit counts: a day, a calendar month, or the campaign's whole life.

Source: Criteo, "Spend Limit", the cadence of renewal; days and months are those of the store's time zone. What is
spent in a period is the sum of the ledger's entries dated in it, in a lifetime of all of them; what is dated after
today is planned and not spent.
"""

from datetime import date, datetime, timedelta, tzinfo

from app.tables.spend import SpendLimitRenewal
from app.values.instants import start_of


def today_in(zone: tzinfo, *, now: datetime) -> date:
    """Today in that zone."""
    return now.astimezone(zone).date()


def next_period(renewal: SpendLimitRenewal, zone: tzinfo, *, now: datetime) -> datetime | None:
    """The first instant of the period after the current one; None for a lifetime, which has no next."""
    today = today_in(zone, now=now)
    if renewal is SpendLimitRenewal.LIFETIME:
        return None
    if renewal is SpendLimitRenewal.DAILY:
        return start_of(today + timedelta(days=1), zone)
    return start_of((today.replace(day=1) + timedelta(days=32)).replace(day=1), zone)
