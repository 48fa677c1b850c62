"""Events through the Webmarketer API: sent; shown as they were sent and as they were understood; in the trash."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.db.database import Database
from app.domain.events.processing import process_pending
from app.main import running
from app.serving.journal import Journal
from app.settings import Settings
from app.values.json_text import write_json
from tests.given import groups, projects
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_event_types import event_type

RAW_KEYS = ["_id", "projectId", "nonce", "eventType", "trackerId", "createdAt", "data"]
KEYS = [
    "_id", "projectId", "userId", "eventDate", "eventType", "attributable", "expirationPolicy", "event", "user",
    "metrics", "createdAt", "updatedAt",
]  # fmt: skip
MILLIS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ORDER: dict[str, Any] = {
    "reference": "order",
    "name": "Order",
    "fields": [
        {"label": "Number", "entity": "event-type", "type": "string", "ingestionKey": "no",
         "storageKey": "order_number", "optional": False},
        {"label": "Delivered on", "entity": "event-type", "type": "date", "storageKey": "delivered_on",
         "optional": True},
        {"label": "Mail", "entity": "user", "type": "email", "ingestionKey": "mail", "storageKey": "email",
         "optional": True, "discriminant": True},
        {"label": "Phone", "entity": "user", "type": "phone", "storageKey": "phone", "optional": True},
        {"label": "Turnover", "entity": "statistic", "type": "currency", "storageKey": "turnover",
         "optional": True},
        {"label": "Converted", "entity": "state", "type": "boolean", "storageKey": "converted", "optional": True},
        {"label": "Qualified", "entity": "state", "type": "boolean", "storageKey": "qualified", "optional": True},
    ],
}  # fmt: skip


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A client whose project knows orders and contact forms."""
    for body in (ORDER, event_type()):
        await analyst.ok("POST", "event-types", status=201, json=body)
    return analyst


def event(shop: Analyst, **more: Any) -> dict[str, Any]:
    """An order; a field of `...` is left out."""
    body = {
        "projectId": shop.project,
        "eventType": "order",
        "eventDate": "2024-04-16T20:37:02Z",
        "trackerId": "23jkfs1ufeuih1fh",
        "nonce": str(uuid4()),
        "data": {"no": "A-1", "mail": "Jane@Example.com", "turnover": 120.50},
        **more,
    }
    return {name: value for name, value in body.items() if value is not ...}


async def send(shop: Analyst, path: str = "/api/v1/events/sync", **more: Any) -> str:
    """The id of an event that was taken."""
    ident = await shop.ok("POST", path, json=event(shop, **more))
    assert isinstance(ident, str)
    assert str(UUID(ident)) == ident
    return ident


async def process(shop: Analyst) -> None:
    """What the worker does."""
    while await process_pending(shop.db, shop.given.group_id, now=datetime.now(UTC)):
        pass


async def metric_of(shop: Analyst, ident: str, key: str) -> Any:
    """The value and date of a metric of this event."""
    shown = await shop.get(f"events/{ident}")
    return next((one["data"] for one in shown["metrics"] if one["storageKey"] == key), None)


# ── sending ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/events", "/events", "/events/sync"])
async def test_the_answer_is_the_events_id_a_bare_text(shop: Analyst, path: str) -> None:
    response = await shop.call("POST", path, json=event(shop))
    assert response.status_code == 200
    assert re.fullmatch(rb'"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"', response.content)


async def test_an_event_sent_for_later_is_kept_first_and_processed_then(shop: Analyst) -> None:
    ident = await send(shop, "/api/v1/events")
    assert (await shop.get(f"raw-events/{ident}"))["_id"] == ident
    await shop.refused("GET", f"events/{ident}", 404)
    await process(shop)
    assert (await shop.get(f"events/{ident}"))["_id"] == ident


async def test_an_event_sent_at_once_is_processed_when_the_answer_comes(shop: Analyst) -> None:
    ident = await send(shop)
    shown = await shop.get(f"events/{ident}")
    assert list(shown) == KEYS
    assert shown["projectId"] == shop.project
    assert shown["eventDate"] == "2024-04-16T20:37:02.000Z"
    assert (shown["eventType"], shown["attributable"], shown["expirationPolicy"]) == ("order", True, None)
    assert re.fullmatch("[0-9a-f]{24}", shown["userId"])
    assert shown["event"] == {"order_number": "A-1"}
    assert shown["user"] == {"email": "jane@example.com"}
    [turnover] = [one for one in shown["metrics"] if one["storageKey"] == "turnover"]
    assert list(turnover) == ["_id", "type", "storageKey", "data", "createdAt", "updatedAt"]
    assert (turnover["type"], turnover["data"]) == (
        "statistic",
        {"value": 120.5, "date": "2024-04-16T20:37:02.000Z"},
    )
    for name in ("createdAt", "updatedAt"):
        assert MILLIS.fullmatch(shown[name])


async def test_what_cannot_be_processed_is_accepted_and_found_in_the_trash(shop: Analyst) -> None:
    sent: list[dict[str, Any]] = [
        {"eventType": "nothing-known"},
        {"data": {"mail": "jane@example.com"}},
        {"data": {"no": "A-1", "mail": "nobody"}},
        {"eventDate": "yesterday"},
        {"data": {"no": "A-1", "turnover": 12.34567}},
    ]
    idents = [await send(shop, "/api/v1/events", **more) for more in sent]
    await process(shop)
    page = await shop.get("trashed-events")
    assert list(page) == ["count", "total", "data", "offset", "limit"]
    assert (page["count"], page["total"]) == (5, 5)
    found = {row["_id"]: row for row in page["data"]}
    assert set(found) == set(idents)
    codes = [[one["code"] for one in found[ident]["errors"]] for ident in idents]
    assert codes == [
        ["event_type_unknown"], ["field_required"], ["field_invalid"], ["date_invalid"], ["field_invalid"],
    ]  # fmt: skip
    assert "at most 4 decimals" in found[idents[-1]]["errors"][0]["message"]
    assert all(list(row) == [*RAW_KEYS, "eventDate", "errors"] for row in page["data"])
    for ident in idents:
        await shop.refused("GET", f"events/{ident}", 404)
        assert (await shop.get(f"raw-events/{ident}"))["_id"] == ident


async def test_a_number_of_any_length_is_taken_and_judged_later(shop: Analyst) -> None:
    long = 10**30
    refused = await send(shop, "/api/v1/events", data={"no": "A-1", "turnover": long})
    taken = await send(shop, "/api/v1/events", data={"no": long, "unknown": [{"deep": -long}]})
    await process(shop)
    [row] = (await shop.get("trashed-events"))["data"]
    assert (row["_id"], [one["code"] for one in row["errors"]]) == (refused, ["field_invalid"])
    assert row["data"]["turnover"] == long
    assert (await shop.get(f"events/{taken}"))["event"] == {"order_number": str(long)}
    raw = await shop.call("GET", f"raw-events/{taken}")
    assert f'"data":{{"no":{long},"unknown":[{{"deep":{-long}}}]}}' in raw.text
    at_once = await shop.call("POST", "/events/sync", json=event(shop, data={"no": "A-1", "turnover": long}))
    assert (at_once.status_code, at_once.json()["errors"][0]["field"]) == (400, "turnover")


@pytest.mark.parametrize(
    ("text", "said"), [("\\u0000", "NUL"), ("\\ud800", "half of a character"), ("9" * 401, "400 digits")]
)
@pytest.mark.parametrize("path", ["/api/v1/events", "/events/sync"])
async def test_what_no_database_can_keep_is_refused(shop: Analyst, path: str, text: str, said: str) -> None:
    value = text if text.isdigit() else f'"{text}"'
    body = f'{{"projectId": "{shop.project}", "eventType": "order", "nonce": "1", "data": {{"no": {value}}}}}'
    message = await shop.refused("POST", path, 400, content=body)
    assert said in message
    assert (await shop.get("trashed-events"))["total"] == 0


async def test_an_invalid_event_sent_at_once_is_refused_with_every_reason_and_kept(shop: Analyst) -> None:
    response = await shop.call(
        "POST", "/api/v1/events/sync", json=event(shop, data={"mail": "nobody", "turnover": "much"})
    )
    assert response.status_code == 400
    body = response.json()
    assert list(body) == ["statusCode", "message", "error", "errors"]
    assert [(one["field"], one["code"]) for one in body["errors"]] == [
        ("order_number", "field_required"),
        ("email", "field_invalid"),
        ("turnover", "field_invalid"),
    ]
    [row] = (await shop.get("trashed-events"))["data"]
    assert row["_id"] in body["message"]
    assert [one["code"] for one in row["errors"]] == [one["code"] for one in body["errors"]]


async def test_without_a_tracker_it_is_kept_and_not_attributed(shop: Analyst) -> None:
    ident = await send(shop, trackerId=...)
    shown = await shop.get(f"events/{ident}")
    assert (shown["attributable"], (await shop.get(f"raw-events/{ident}"))["trackerId"]) == (False, None)
    assert shown["userId"]  # the e-mail tells


@pytest.mark.parametrize("blank", [..., None, ""])
async def test_without_a_date_it_happened_now(shop: Analyst, blank: object) -> None:
    before = datetime.now(UTC)
    shown = await shop.get(f"events/{await send(shop, eventDate=blank)}")
    happened = datetime.fromisoformat(shown["eventDate"])
    assert abs((happened - before).total_seconds()) < 30
    assert shown["eventDate"] == shown["createdAt"]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2022-04-01Z05:00:00", "2022-04-01T05:00:00.000Z"),
        ("2022-04-01T06:00:00+01:00", "2022-04-01T05:00:00.000Z"),
        ("2022-04-01T03:00:00-02:00", "2022-04-01T05:00:00.000Z"),
        ("2022-04-01T05:00:00", "2022-04-01T05:00:00.000Z"),
        ("2004-09-22 14:15:00Z", "2004-09-22T14:15:00.000Z"),
        ("2023-08-21T21:59:59.999Z", "2023-08-21T21:59:59.999Z"),
        ("1955-11-12T22:00:00Z", "1955-11-12T22:00:00.000Z"),
    ],
)
async def test_dates_are_read_as_documented_the_malformed_one_too(
    shop: Analyst, written: str, instant: str
) -> None:
    shown = await shop.get(f"events/{await send(shop, eventDate=written)}")
    assert shown["eventDate"] == instant


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"projectId": ...}, "`projectId` is required"),
        ({"projectId": "ab"}, "`projectId` must be 3 to 64"),
        ({"projectId": "a--b"}, "`projectId` must be 3 to 64"),
        ({"eventType": ...}, "`eventType` is required"),
        ({"eventType": 7}, "`eventType` is required"),
        ({"nonce": ...}, "`nonce` is required"),
        ({"nonce": True}, "`nonce` is required"),
        ({"nonce": "n" * 256}, "`nonce`"),
        ({"trackerId": 7}, "`trackerId` must be a text"),
        ({"data": ...}, "`data` must be an object"),
        ({"data": "text"}, "`data` must be an object"),
        ({"data": [1]}, "`data` must be an object"),
        ({"eventDate": 7}, "`eventDate`"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/sync"])
async def test_what_is_no_event_at_all_is_refused(
    shop: Analyst, path: str, more: dict[str, Any], says: str
) -> None:
    assert says in await shop.refused("POST", path, 400, json=event(shop, **more))
    assert await shop.count("event") == 0


async def test_bodies_that_are_no_objects_are_refused(shop: Analyst) -> None:
    for content in (b"", b"[]", b'"text"', b"{", b'{"projectId": "\xff"}'):
        await shop.refused("POST", "/api/v1/events", 400, content=content)


# ── the nonce ─────────────────────────────────────────────────────────────────


async def test_the_same_nonce_is_the_same_event_whatever_the_route(shop: Analyst) -> None:
    paths = ["/api/v1/events", "/api/v1/events/sync"] * 4
    answers = await asyncio.gather(*(send(shop, path, nonce="once") for path in paths))
    assert len(set(answers)) == 1
    assert await shop.count("event") == 1


async def test_a_nonce_may_be_a_number_which_is_the_same_as_its_text(shop: Analyst) -> None:
    number = await send(shop, nonce=123456789)
    assert await send(shop, nonce="123456789") == number
    assert (await shop.get(f"raw-events/{number}"))["nonce"] == 123456789


async def test_nonces_are_a_projects_own(shop: Analyst, analysts: Callable[..., Any]) -> None:
    other = await analysts(given=shop.given)
    mine = await send(shop, "/api/v1/events", nonce="1")
    assert await send(other, "/api/v1/events", nonce="1") != mine


# ── who may send ──────────────────────────────────────────────────────────────


async def test_a_tracker_needs_no_token_but_a_known_project(shop: Analyst) -> None:
    tracker = replace(shop, token=None)
    assert await send(tracker)
    message = await tracker.refused(
        "POST", "/api/v1/events", 404, json=event(shop, projectId="nobodys-project")
    )
    assert message == "There is no project nobodys-project here."


async def test_a_page_that_is_left_can_only_send_text(shop: Analyst) -> None:
    body = replace(shop, token=None)
    content = write_json(event(shop))
    response = await body.call(
        "POST", "/api/v1/events", content=content, headers={"Content-Type": "text/plain;charset=UTF-8"}
    )
    assert response.status_code == 200


# ── looking ───────────────────────────────────────────────────────────────────


async def test_the_raw_event_is_as_it_was_sent(shop: Analyst) -> None:
    content = (
        '{"zoom": 1, "data": {"z": 1.50, "a": [1e2, null], "no": "A-1", "deep": {"b": true, "a": "é"}},'
        ' "nonce": 7, "eventType": "order", "projectId": "PROJECT", "more": {"x": []}}'
    ).replace("PROJECT", shop.project)
    ident = await shop.ok("POST", "/api/v1/events", content=content)
    response = await shop.call("GET", f"raw-events/{ident}")
    shown = response.json()
    assert list(shown) == [*RAW_KEYS, "zoom", "more"]
    assert list(shown["data"]) == ["z", "a", "no", "deep"]
    assert list(shown["data"]["deep"]) == ["b", "a"]
    assert (shown["nonce"], shown["trackerId"], shown["more"]) == (7, None, {"x": []})
    assert '"z":1.50' in response.text
    assert MILLIS.fullmatch(shown["createdAt"])


async def test_an_event_sent_through_the_graph_is_shown_as_well(shop: Analyst) -> None:
    send_it = "mutation ($input: EventSendInput!) { eventSendNow(input: $input) { id errors { message } } }"
    given = {"project": shop.project, "eventType": "order", "nonce": "graph-1", "trackerId": "t-1"}
    for more in ({"data": {"no": "A-1"}}, {"body": '{"data": {"no": "A-2"}}', "nonce": "graph-2"}):
        body = {"query": send_it, "variables": {"input": {**given, **more}}}
        sent = (await shop.call("POST", "/graphql", json=body)).json()["data"]["eventSendNow"]
        shown = await shop.get(f"raw-events/{sent['id'].removeprefix('event_')}")
        assert list(shown) == RAW_KEYS
        assert (shown["nonce"], shown["eventType"], shown["trackerId"]) == (
            {**given, **more}["nonce"], "order", "t-1",
        )  # fmt: skip


async def test_ids_out_of_reach_are_not_found(shop: Analyst, analysts: Callable[..., Any]) -> None:
    ident = await send(shop)
    user = (await shop.get(f"events/{ident}"))["userId"]
    neighbour, stranger = await analysts(given=shop.given), await analysts()
    for client in (neighbour, stranger):
        for path in (
            f"raw-events/{ident}",
            f"events/{ident}",
            f"users/{user}/events",
            f"users/{user}/metrics",
        ):
            assert "There is no" in await client.refused("GET", path, 404)
        for path in (f"events/{ident}/states/converted", f"events/{ident}/statistics/turnover"):
            assert "There is no event" in await client.refused("PATCH", path, 404, json={"value": 1})
        assert (await client.get("trashed-events"))["total"] == 0
    for wrong in ("nonsense", str(uuid4()), ident[:-1], f"event_{ident}"):
        await shop.refused("GET", f"events/{wrong}", 404)
        await shop.refused("GET", f"raw-events/{wrong}", 404)


async def test_the_trash_has_pages_and_a_stretch_of_time(shop: Analyst) -> None:
    idents = []
    for _ in range(5):
        idents.append(await send(shop, "/api/v1/events", eventType="nothing"))
    await process(shop)
    rows = (await shop.get("trashed-events"))["data"]
    assert [row["_id"] for row in rows] == idents[::-1]
    page = await shop.get("trashed-events", offset=1, limit=2)
    assert [page[name] for name in ("count", "total", "offset", "limit")] == [2, 5, 1, 2]
    assert [row["_id"] for row in page["data"]] == idents[::-1][1:3]
    first, last = rows[-1]["createdAt"], rows[0]["createdAt"]
    assert (await shop.get("trashed-events", since=first, until=last))["total"] == 5
    for edge, ident in ((first, idents[0]), (last, idents[-1])):
        at_edge = await shop.get("trashed-events", since=edge, until=edge)
        assert ident in [row["_id"] for row in at_edge["data"]]
    assert (await shop.get("trashed-events", until="2000-01-01T00:00:00.000Z"))["total"] == 0
    assert "`since`" in await shop.refused("GET", "trashed-events?since=soon", 400)


async def test_a_reasons_field_is_an_object_or_a_text(shop: Analyst) -> None:
    await send(shop, "/api/v1/events", data={})
    await process(shop)

    async def field(**query: Any) -> Any:
        return (await shop.get("trashed-events", **query))["data"][0]["errors"][0]["field"]

    assert await field() == await field(fieldFormat="object") == {"storageKey": "order_number"}
    assert await field(fieldFormat="string") == "order_number"
    await shop.refused("GET", "trashed-events?fieldFormat=number", 400)


# ── states and statistics ─────────────────────────────────────────────────────


async def test_an_event_holds_several_states_each_with_its_date(shop: Analyst) -> None:
    ident = await send(shop)
    for key, date in (("qualified", "2023-08-10T14:30:00Z"), ("converted", "2023-08-18T17:30:00Z")):
        shown = await shop.ok("PATCH", f"events/{ident}/states/{key}", json={"value": 1, "date": date})
        assert list(shown) == KEYS
    assert await metric_of(shop, ident, "qualified") == {"value": 1, "date": "2023-08-10T14:30:00.000Z"}
    assert await metric_of(shop, ident, "converted") == {"value": 1, "date": "2023-08-18T17:30:00.000Z"}


async def test_the_state_that_is_latest_by_its_date_stands(shop: Analyst) -> None:
    """Also where both lie ahead, and whatever came first."""
    now = datetime.now(UTC)
    for late_first in (True, False):
        ident = await send(shop)
        words = [(0, now + timedelta(hours=48)), (1, now + timedelta(hours=24))]
        for value, date in words if late_first else reversed(words):
            body = {"value": value, "date": date.isoformat()}
            await shop.ok("PATCH", f"events/{ident}/states/converted", json=body)
        assert (await metric_of(shop, ident, "converted"))["value"] == 0
        await shop.ok("PATCH", f"events/{ident}/states/converted", json={"value": 1})
        assert (await metric_of(shop, ident, "converted"))[
            "value"
        ] == 0  # of now, so before the day after tomorrow


async def test_a_state_is_0_or_1(shop: Analyst) -> None:
    path = f"events/{await send(shop)}/states/converted"
    for value in (2, -1, 0.5):
        assert "must be 0 or 1" in await shop.refused("PATCH", path, 400, json={"value": value})
    for body in ({}, {"value": None}, {"value": "yes"}, {"value": 1, "date": "soon"}):
        await shop.refused("PATCH", path, 400, json=body)
    await shop.ok("PATCH", path, json={"value": 1})
    await shop.ok("PATCH", path, json={"value": 0})


async def test_a_statistic_is_any_number(shop: Analyst) -> None:
    ident = await send(shop)
    body = {"value": 4000, "date": "2023-05-04T12:00:00.000Z"}
    shown = await shop.ok("PATCH", f"events/{ident}/statistics/turnover", json=body)
    assert shown["updatedAt"] >= shown["createdAt"]
    assert await metric_of(shop, ident, "turnover") == body
    for value in (0.01, -12.5, 0):
        await shop.ok("PATCH", f"events/{ident}/statistics/turnover", json={"value": value})
        assert (await metric_of(shop, ident, "turnover"))["value"] == value
    await shop.refused("PATCH", f"events/{ident}/statistics/turnover", 400, json={"value": "much"})
    # What could not be kept as it is would be another number.
    for value in (0.00004, 12.34567):
        why = await shop.refused("PATCH", f"events/{ident}/statistics/turnover", 400, json={"value": value})
        assert "at most 4 decimals" in why
    assert (await metric_of(shop, ident, "turnover"))["value"] == 0


@pytest.mark.parametrize(
    "path", ["states/conveted", "statistics/turnovr", "states/turnover", "statistics/converted", "states/%00"]
)
async def test_a_key_that_the_event_type_has_not_is_not_found(shop: Analyst, path: str) -> None:
    response = await shop.call("PATCH", f"events/{await send(shop)}/{path}", json={"value": 1})
    assert response.json() == {
        "statusCode": 404,
        "message": "No storageKey matching field in this eventType",
        "error": "Not Found",
    }


async def test_a_state_that_came_after_the_event_is_not_its_own(shop: Analyst) -> None:
    before = await send(shop)
    change = (
        "mutation ($id: ID!, $fields: [EventFieldInput!]!) {"
        " eventTypeUpdate(input: {id: $id, fields: $fields}) { errors { message } } }"
    )
    ident = f"evtype_{int((await shop.get('event-types/order'))['_id'], 16)}"
    fields = [{"storageKey": "order_number", "ingestionKey": "no"}, {"storageKey": "rdv", "kind": "STATE"}]
    answer = await shop.call(
        "POST", "/graphql", json={"query": change, "variables": {"id": ident, "fields": fields}}
    )
    assert answer.json()["data"]["eventTypeUpdate"] == {"errors": []}
    after = await send(shop, data={"no": "A-2"})
    await shop.refused("PATCH", f"events/{before}/states/rdv", 404, json={"value": 1})
    await shop.ok("PATCH", f"events/{after}/states/rdv", json={"value": 1})
    await shop.ok("PATCH", f"events/{before}/states/converted", json={"value": 1})


# ── users ─────────────────────────────────────────────────────────────────────


async def test_a_users_events_and_metrics_have_pages(shop: Analyst) -> None:
    idents = [await send(shop, eventDate=f"2024-04-{10 + n}T08:00:00Z") for n in range(3)]
    await send(shop, trackerId="somebody-else", data={"no": "B-1", "mail": "other@example.com"})
    user = (await shop.get(f"events/{idents[0]}"))["userId"]
    page = await shop.get(f"users/{user}/events", limit=2, offset=0)
    assert list(page) == ["count", "total", "data", "offset", "limit"]
    assert [page[name] for name in ("count", "total", "offset", "limit")] == [2, 3, 0, 2]
    assert [row["_id"] for row in page["data"]] == idents[::-1][:2]
    assert page["data"][0] == await shop.get(f"events/{idents[2]}")

    await shop.ok("PATCH", f"events/{idents[0]}/states/converted", json={"value": 1, "date": "2024-05-01"})

    async def found(**query: Any) -> list[tuple[str, float, str]]:
        page = await shop.get(f"users/{user}/metrics", **query)
        assert list(page) == ["count", "total", "data", "offset", "limit"]
        return [(one["storageKey"], one["data"]["value"], one["data"]["date"][:10]) for one in page["data"]]

    [state] = [one for one in await found(type="state") if one[1] == 1]
    assert state == ("converted", 1.0, "2024-05-01")
    dates = {"type": "statistic", "sort": "metricDate"}
    assert [one[2] for one in await found(**dates)] == ["2024-04-10", "2024-04-11", "2024-04-12"]
    assert [one[2] for one in await found(**dates, order="DESC")] == [
        "2024-04-12",
        "2024-04-11",
        "2024-04-10",
    ]
    edges = {"since": "2024-04-10T08:00:00.000Z", "until": "2024-04-11T08:00:00.000Z"}
    assert [one[2] for one in await found(**dates, **edges)] == ["2024-04-10", "2024-04-11"]
    assert [one[2] for one in await found(**dates, offset=1, limit=1)] == ["2024-04-11"]
    assert len(await found()) >= 4
    [first] = (await shop.get(f"users/{user}/metrics", limit=1, **dates))["data"]
    assert (first["eventId"], first["userId"], first["projectId"]) == (idents[0], user, shop.project)
    for query in ("type=colour", "sort=colour", "sort=createdAt&order=up", "since=soon"):
        await shop.refused("GET", f"users/{user}/metrics?{query}", 400)
    await shop.refused("GET", "users/nobody/metrics", 404)
    await shop.refused("GET", f"users/{'0' * 20}ffff/events", 404)


async def test_a_project_has_a_rate(settings: Settings, db: Database) -> None:
    """A gateway that takes one event a second, five at once."""
    slow = replace(settings, event_rate=1)
    group = await groups.group(db)
    await projects.tracking(db, group.group_id, slug="busy")
    await projects.tracking(db, group.group_id, slug="calm")

    async with running(slow, journal=Journal()) as gateway:
        transport = httpx.ASGITransport(gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:

            async def post(project: str) -> httpx.Response:
                body = {"projectId": project, "eventType": "x", "nonce": str(uuid4()), "data": {}}
                return await http.post("/api/v1/events", content=write_json(body))

            answers = [await post("busy") for _ in range(8)]
            assert [one.status_code for one in answers[:5]] == [200] * 5
            last = answers[-1]
            assert (last.status_code, last.json()["error"]) == (429, "Too Many Requests")
            assert int(last.headers["Retry-After"]) >= 1
            assert (await post("calm")).status_code == 200
