"""An outlay over its days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.outlays.spreading import MAX_DAYS, days_between, spread
from app.errors import Invalid

PARIS = ZoneInfo("Europe/Paris")
ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(1900, 1, 3), datetime(2100, 1, 1)).map(lambda d: d.replace(tzinfo=UTC))  # noqa: DTZ001


def test_days_are_those_of_the_store_and_count_by_the_time_that_is_covered() -> None:
    start = datetime(2025, 6, 1, 22, tzinfo=UTC)  # midnight in Paris
    assert spread(
        Decimal(100), "EUR", starts_at=start, ends_at=start + timedelta(days=2, hours=12), zone=PARIS
    ) == {date(2025, 6, 2): 40, date(2025, 6, 3): 40, date(2025, 6, 4): 20}


def test_a_day_of_25_hours_weighs_more() -> None:
    start = datetime(2025, 10, 24, 22, tzinfo=UTC)
    assert spread(Decimal(49), "JPY", starts_at=start, ends_at=start + timedelta(hours=49), zone=PARIS) == {
        date(2025, 10, 25): 24,
        date(2025, 10, 26): 25,
    }


def test_the_sign_stays_and_days_without_a_coin_are_left_out() -> None:
    start = datetime(2025, 6, 1, tzinfo=UTC)
    window: dict[str, Any] = {"starts_at": start, "ends_at": start + timedelta(days=3), "zone": UTC}
    assert spread(Decimal("-0.02"), "EUR", **window) == {
        date(2025, 6, 1): Decimal("-0.01"),
        date(2025, 6, 2): Decimal("-0.01"),
    }
    assert spread(Decimal(0), "EUR", **window) == {}


@given(
    amount=st.decimals(-(10**9), 10**9, places=2),
    start=MOMENTS,
    length=st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
    zone=ZONES,
)
def test_whatever_the_zone_and_the_window_the_days_add_up(
    amount: Decimal, start: datetime, length: timedelta, zone: ZoneInfo
) -> None:
    days = days_between(start, start + length, zone)
    assert (days[0][1], days[-1][2]) == (start, start + length)
    assert all(until == since for (_, _, until), (_, since, _) in pairwise(days))
    assert [day for day, _, _ in days] == sorted({day for day, _, _ in days})
    shares = spread(amount, "EUR", starts_at=start, ends_at=start + length, zone=zone)
    assert sum(shares.values()) == amount


def test_more_than_ten_years_are_refused() -> None:
    start = datetime(2025, 6, 1, tzinfo=UTC)
    with pytest.raises(Invalid) as refused:
        days_between(start, start + timedelta(days=MAX_DAYS, microseconds=1), UTC)
    assert refused.value.reason == "TOO_LONG"
    with pytest.raises(Invalid, match="9999"):
        days_between(datetime(9999, 12, 30, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC), UTC)
