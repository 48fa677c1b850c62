"""One lenient reader of instants: what the Webmarketer document prints, and what PHP clients send."""

from datetime import UTC, datetime

import pytest

from app.values.instants import read_instant, read_moment

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
