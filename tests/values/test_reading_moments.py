"""One lenient reader of instants: what the Webmarketer document prints, and what PHP clients send."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.values.instants import (
    day_alone,
    day_printed,
    ending,
    last_moment,
    read_instant,
    read_moment,
    show_given,
    show_instant,
    show_printed,
    starting,
    zone_of,
)

FIVE = datetime(2022, 4, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2022-04-01Z05:00:00",  # printed so, and not RFC 3339
        "2022-04-01T06:00:00+01:00",
        "2022-04-01T03:00:00-02:00",
        "2022-04-01T05:00:00Z",
        "2022-04-01T05:00:00",
        "2022-04-01 05:00:00Z",
        "2022-04-01t05:00:00.000z",
    ],
)
def test_the_printed_forms_are_one_instant(text: str) -> None:
    assert read_instant(text) == read_moment(text) == FIVE


@pytest.mark.parametrize(
    "sent",
    [
        {"date": "2022-04-01 05:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": "2022-04-01 07:00:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"},
        {"date": "2022-04-01 06:00:00.000000", "timezone_type": 1, "timezone": "+01:00"},
        {"date": "2022-04-01 05:00:00", "timezone_type": 2, "timezone": "Z"},
    ],
)
def test_what_php_makes_of_a_date_is_read(sent: dict[str, object]) -> None:
    assert read_moment(sent) == FIVE


@pytest.mark.parametrize(
    "sent",
    [
        1648789200,
        None,
        ["2022-04-01"],
        {},
        {"date": "2022-04-01 05:00:00.000000"},
        {"date": "2022-04-01T05:00:00+01:00", "timezone": "Europe/Paris"},
        {"date": "2022-04-01 05:00:00", "timezone": "Europe/Nowhere"},
        {"date": "2022-13-01 05:00:00", "timezone": "UTC"},
        {"date": "0001-01-01 00:00:00", "timezone": "Asia/Tokyo"},
        {"date": "2022-04-01 05:00:00", "timezone": "../../etc/passwd"},
    ],
)
def test_anything_else_is_refused(sent: object) -> None:
    with pytest.raises(ValueError, match=r"date-time|time zone|calendar"):
        read_moment(sent)


def test_a_day_alone_is_a_day_where_the_thing_lives() -> None:
    given, there = read_instant("2026-11-30"), zone_of("America/New_York")
    assert day_alone(given) == date(2026, 11, 30)
    assert given == datetime(2026, 11, 30, tzinfo=UTC)
    assert starting(given, there) == datetime(2026, 11, 30, 5, tzinfo=UTC)
    assert ending(given, there) == datetime(2026, 12, 1, 5, tzinfo=UTC)
    assert last_moment(given, there) == datetime(2026, 12, 1, 4, 59, 59, 999999, tzinfo=UTC)
    assert (show_given(given), show_instant(given)) == ("2026-11-30", "2026-11-30T00:00:00Z")


def test_what_is_reckoned_from_a_day_is_an_instant() -> None:
    given = read_instant("2026-11-30")
    for moment in (
        given + timedelta(days=1),
        given - timedelta(days=1),
        read_instant("2026-11-30T00:00:00Z"),
    ):
        assert day_alone(moment) is None
        assert ending(moment, zone_of("America/New_York")) == moment
    assert given - datetime(2026, 11, 29, tzinfo=UTC) == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-06-01T00:00:00Z", date(2026, 6, 1), None),
        ("2026-06-01 00:00:00.000", date(2026, 6, 1), None),
        ("2026-08-31T23:59:59Z", None, date(2026, 8, 31)),
        ("2026-08-31T23:59:59.999+00:00", None, date(2026, 8, 31)),
        ("2026-08-31T23:59:59+01:00", None, None),
        ("2026-08-31T00:00:00.5Z", None, None),
        ("2026-02-30T00:00:00Z", None, None),
        ("2026-08-31", None, None),
    ],
)
def test_days_are_told_by_the_second_they_are_printed_as(
    text: str, start: date | None, end: date | None
) -> None:
    assert (day_printed(text, ends=False), day_printed(text, ends=True)) == (start, end)
    for day, ends in ((start, False), (end, True)):
        assert day is None or day_printed(show_printed(day, ends=ends), ends=ends) == day
