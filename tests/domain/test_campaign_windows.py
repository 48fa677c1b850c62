"""Dates, instants and periods become a window; the window says where a new campaign stands."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.campaigns.windows import (
    AskedWindow,
    CampaignWindow,
    initial_status,
    period_of,
    window_of,
)
from app.errors import Invalid

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2025, 6, 15, 22, 30, tzinfo=UTC)  # already the 16th in Paris


def window(**asked: Any) -> CampaignWindow:
    return window_of(AskedWindow(**asked), zone=PARIS, now=NOW)


@pytest.mark.parametrize(
    ("period", "start", "last"),
    [
        ("1_month", date(2025, 6, 1), date(2025, 6, 30)),
        ("1_months", date(2025, 6, 1), date(2025, 6, 30)),
        ("2_weeks", date(2025, 6, 1), date(2025, 6, 14)),
        ("1_week", date(2025, 12, 29), date(2026, 1, 4)),
        ("1_day", date(2025, 6, 1), date(2025, 6, 1)),
        ("10_days", date(2025, 6, 1), date(2025, 6, 10)),
        ("1_year", date(2024, 2, 29), date(2025, 2, 27)),
        ("1_month", date(2025, 1, 31), date(2025, 2, 27)),
        ("3_MONTHS", date(2025, 1, 15), date(2025, 4, 14)),
    ],
)
def test_a_period_ends_the_day_before_its_start_comes_again(period: str, start: date, last: date) -> None:
    assert window(starts_on=start, period_type=period).ends_on == last


@pytest.mark.parametrize(
    "text", ["", "month", "0_month", "1 month", "1_fortnight", "-1_day", "٣_day", "1_days_"]
)
def test_other_texts_are_no_period(text: str) -> None:
    assert period_of(text) is None


def test_a_period_without_dates_starts_today_in_the_store_s_zone() -> None:
    made = window(period_type="1_month")
    assert (made.starts_on, made.ends_on) == (date(2025, 6, 16), date(2025, 7, 15))
    assert made.starts_at == datetime(2025, 6, 15, 22, tzinfo=UTC)
    assert made.ends_at == datetime(2025, 7, 15, 22, tzinfo=UTC)


def test_given_dates_win_over_the_period() -> None:
    made = window(starts_on=date(2025, 7, 1), ends_on=date(2025, 7, 3), period_type="1_month")
    assert made.ends_on == date(2025, 7, 3)


def test_an_unknown_period_fills_in_nothing() -> None:
    assert window(period_type="one season") == CampaignWindow()


def test_a_period_after_an_instant_keeps_the_time_of_day_over_a_change_of_clocks() -> None:
    made = window(starts_at=datetime(2025, 10, 1, 8, tzinfo=UTC), period_type="1_month")
    assert made.ends_at == datetime(2025, 11, 1, 9, tzinfo=UTC)
    assert (made.starts_on, made.ends_on) == (None, None)


def test_one_day_is_a_whole_day() -> None:
    made = window(starts_on=date(2025, 3, 30), ends_on=date(2025, 3, 30))
    assert made.starts_at
    assert made.ends_at
    assert (made.ends_at - made.starts_at).total_seconds() == 23 * 3600  # clocks go forward that day


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"starts_on": date(2025, 6, 2), "ends_on": date(2025, 6, 1)}, ["endsOn"]),
        ({"starts_at": NOW, "ends_at": NOW}, ["endsAt"]),
        ({"starts_on": date(2025, 6, 2), "ends_at": datetime(2025, 6, 1, tzinfo=UTC)}, ["endsAt"]),
        ({"starts_on": date(2025, 6, 2), "starts_at": NOW}, ["startsOn"]),
        ({"ends_on": date(2025, 6, 2), "ends_at": NOW}, ["endsOn"]),
        ({"starts_on": date(1, 1, 1)}, ["startsOn"]),
        ({"ends_on": date(9999, 12, 31)}, ["endsOn"]),
        ({"starts_on": date(2025, 1, 1), "period_type": "9999_years"}, ["periodType"]),
        ({"starts_at": NOW, "period_type": "9999_years"}, ["periodType"]),
    ],
)
def test_impossible_windows_name_the_field(asked: dict[str, object], path: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        window(**asked)
    assert refused.value.path == path


BEFORE, AFTER = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "status"),
    [
        (None, None, "draft"),
        (None, AFTER, "draft"),
        (None, BEFORE, "completed"),
        (AFTER, None, "scheduled"),
        (BEFORE, None, "active"),
        (BEFORE, AFTER, "active"),
        (NOW, AFTER, "active"),
        (datetime(2025, 5, 1, tzinfo=UTC), BEFORE, "completed"),
        (BEFORE, NOW, "completed"),
    ],
)
def test_the_schedule_says_where_a_new_campaign_stands(
    starts_at: datetime | None, ends_at: datetime | None, status: str
) -> None:
    assert initial_status(CampaignWindow(starts_at=starts_at, ends_at=ends_at), now=NOW) == status
