"""Insights through the Webmarketer API: the shape of their entries, and what the request must say."""

from typing import Any

import pytest

from app.rest.webmarketer.event_requests import INTERVALS
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_event_types import event_type
from tests.webmarketer.test_events import ORDER, send

WANTED: dict[str, Any] = {
    "since": "2023-08-01T22:00:00.000Z",
    "until": "2023-08-03T22:00:00.000Z",
    "metrics": ["turnover", "converted", "event-count", "no-such-key"],
    "groupBy": "project",
    "interval": "day",
    "filter": None,
}


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A project with two orders and a contact on one day."""
    for body in (ORDER, event_type()):
        await analyst.ok("POST", "event-types", status=201, json=body)
    data = {"no": "A-1", "turnover": 1000.25}
    first = await send(analyst, eventDate="2023-08-02T10:00:00Z", data=data)
    await send(analyst, eventDate="2023-08-02T11:00:00Z", data=data)
    await send(analyst, eventType="contact-form", eventDate="2023-08-02T23:00:00Z", data={"topic": "Hello"})
    await analyst.ok("PATCH", f"events/{first}/states/converted", json={"value": 1})
    return analyst


async def insights(shop: Analyst, **more: Any) -> Any:
    """The entries."""
    body = {name: value for name, value in {**WANTED, **more}.items() if value is not ...}
    return await shop.ok("POST", "events/insights", json=body)


def entry(date: Any, *numbers: float, **more: str) -> dict[str, Any]:
    """An entry with the metrics that are asked for."""
    return {"date": date, **more, **dict(zip(WANTED["metrics"], numbers, strict=True))}


async def test_every_day_is_there_with_every_metric(shop: Analyst) -> None:
    found = await insights(shop)
    assert found == [
        entry("2023-08-01T00:00:00.000Z", 0, 0, 0, 0),
        entry("2023-08-02T00:00:00.000Z", 2000.5, 1, 3, 0),
        entry("2023-08-03T00:00:00.000Z", 0, 0, 0, 0),
    ]
    assert [list(one) for one in found] == [["date", *WANTED["metrics"]]] * 3


async def test_by_event_type_there_is_an_entry_for_each_and_interval(shop: Analyst) -> None:
    found = await insights(shop, groupBy="event-type", interval="month")
    assert sorted(found, key=lambda one: one["eventType"]) == [
        entry("2023-08-01T00:00:00.000Z", 0, 0, 1, 0, eventType="contact-form"),
        entry("2023-08-01T00:00:00.000Z", 2000.5, 1, 2, 0, eventType="order"),
    ]
    assert list(found[0])[:2] == ["date", "eventType"]


async def test_the_filter_is_about_event_types_and_empty_is_none(shop: Analyst) -> None:
    async def types(**more: Any) -> set[Any]:
        return {one.get("eventType") for one in await insights(shop, groupBy="event-type", **more)}

    both = {"order", "contact-form"}
    assert await types(filter=["order"]) == {"order"}
    assert await types(filter=[]) == await types(filter=None) == await types(filter=...) == both
    assert await insights(shop, filter=["order"]) == await insights(shop)


@pytest.mark.parametrize("interval", INTERVALS)
async def test_each_interval_is_known(shop: Analyst, interval: str) -> None:
    found = await insights(shop, interval=interval)
    assert sum(one["event-count"] for one in found) == 3
    dates = {type(one["date"]) for one in found}
    assert dates == ({int} if "Of" in interval else {str})


async def test_days_of_the_week_begin_with_monday(shop: Analyst) -> None:
    found = {one["date"]: one["event-count"] for one in await insights(shop, interval="dayOfWeek")}
    assert found[3] == 3  # a Wednesday
    assert set(found) <= set(range(1, 8))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"since": ...}, "`since` is required"),
        ({"until": ...}, "`until` is required"),
        ({"metrics": ...}, "`metrics` is required"),
        ({"groupBy": ...}, "`groupBy` is required"),
        ({"interval": ...}, "`interval` is required"),
        ({"groupBy": "campaign"}, "`groupBy` must be one of project, event-type"),
        ({"interval": "hour"}, "`interval` must be one of day, week"),
        ({"metrics": "turnover"}, "`metrics` must be a list"),
        ({"since": "soon"}, "`since`"),
        ({"groupBy": "event-type", "filter": "order"}, "`filter` must be a list"),
    ],
)
async def test_what_is_wrong_is_said(analyst: Analyst, more: dict[str, Any], says: str) -> None:
    body = {name: value for name, value in {**WANTED, **more}.items() if value is not ...}
    assert says in await analyst.refused("POST", "events/insights", 400, json=body)


async def test_the_printed_request_works(analyst: Analyst) -> None:
    found = await insights(analyst, metrics=["event-count"], until="2023-08-19T22:00:00.000Z")
    assert len(found) == 19


async def test_a_metric_called_date_does_not_hide_the_date(analyst: Analyst) -> None:
    found = await insights(analyst, metrics=["date", "event-count"], interval="year")
    assert found == [{"date": "2023-01-01T00:00:00.000Z", "event-count": 0}]


async def test_a_day_alone_as_the_end_is_all_of_that_day(shop: Analyst) -> None:
    """As `until` an instant at its beginning would leave the day's three events out."""
    found = await insights(shop, metrics=["event-count"], since="2023-08-02", until="2023-08-02")
    assert found == [{"date": "2023-08-02T00:00:00.000Z", "event-count": 3}]
    found = await insights(shop, metrics=["event-count"], since="2023-08-01", until="2023-08-02T00:00:00Z")
    assert [one["event-count"] for one in found] == [0, 0]
