"""The vendor's PHP client, call by call: what it puts on the wire, and what it does with the answers.

Facts read from its published source (webmarketer-saas/php-webmarketer-sdk, version 2.0.0); there is no PHP here, so
`Client` sends the same requests byte for byte where they can differ, and takes answers as it does.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.given import projects
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_event_types import event_type
from tests.webmarketer.test_events import ORDER, process

PER_PAGE = 10
PHP_DATE = {"date": "2023-08-10 16:30:00.000000", "timezone_type": 3, "timezone": "Europe/Paris"}
"""What `json_encode` makes of a `DateTime`."""


class Refused(Exception):
    """A status other than 200 and 201 is an exception there."""


@dataclass(frozen=True, slots=True)
class Client:
    """`ApiService` and `HttpService`."""

    shop: Analyst

    async def get(self, endpoint: str, params: dict[str, Any] | None = None) -> Any:
        """`get(…)`: a question mark always, also with nothing after it; false is 0."""
        php = {
            name: int(value) if isinstance(value, bool) else value for name, value in (params or {}).items()
        }
        return await self.send("GET", f"{endpoint}?{urlencode(php)}")

    async def page(self, endpoint: str, params: dict[str, Any] | None = None) -> "Page":
        """`get(…, is_paginated: true)`."""
        asked = {"limit": PER_PAGE, "offset": 0, **(params or {})}
        return Page(await self.get(endpoint, asked), endpoint, asked, self)

    async def post(self, endpoint: str, body: Any) -> Any:
        """`post(…)`."""
        return await self.send("POST", endpoint, body)

    async def patch(self, endpoint: str, body: Any) -> None:
        """`patch(…)`: what is answered is not looked at."""
        await self.send("PATCH", endpoint, body)

    async def send(self, method: str, endpoint: str, body: Any = None) -> Any:
        """`sendRequest(…)`: the text as it is where it is not JSON."""
        headers = {"User-Agent": "php-webmarketer-sdk/2.0.0"}
        content = None
        if body:
            # `json_encode` puts no blanks, and a backslash before each slash.
            content = json.dumps(body, separators=(",", ":")).replace("/", "\\/")
            headers["Content-Type"] = "application/json"
        response = await self.shop.call(method, f"/api/v1/{endpoint}", headers=headers, content=content)
        if response.status_code not in (200, 201):
            raise Refused(response.status_code, response.json())
        return response.json()


@dataclass(frozen=True, slots=True)
class Page:
    """`PaginatedApiResponse`: it needs `data`, `total`, `limit` and `offset` of every page."""

    payload: Any
    endpoint: str
    params: dict[str, Any]
    client: Client

    @property
    def has_next(self) -> bool:
        """`hasNext()`."""
        return bool(self.payload["offset"] + self.payload["limit"] < self.payload["total"])

    async def next(self) -> "Page":
        """`fetchNext()`."""
        asked = {**self.params, "offset": self.params["offset"] + self.params["limit"]}
        return await self.client.page(self.endpoint, asked)


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A project that knows orders."""
    await analyst.ok("POST", "event-types", status=201, json=ORDER)
    return analyst


def payload(shop: Analyst, **more: Any) -> dict[str, Any]:
    """An `EventPayload`; what is null is left out."""
    return {
        "projectId": shop.project, "nonce": str(uuid4()), "eventType": "order", "trackerId": "t-1",
        "data": {"no": "A/1", "turnover": 12.5, "mail": "jane@example.com"}, **more,
    }  # fmt: skip


@pytest.mark.parametrize("method", ["events", "events/sync"])
async def test_an_event_is_created_and_its_id_comes_back_as_a_string(shop: Analyst, method: str) -> None:
    client = Client(shop)
    ident = await client.post(method, payload(shop))
    assert isinstance(ident, str)
    await process(shop)
    shown = await client.get(f"projects/{shop.project}/events/{ident}")
    # `Event::createFromArray` takes these.
    known = {"_id", "projectId", "userId", "event", "user", "metrics", "eventType", "expirationPolicy", "eventDate",
             "createdAt", "updatedAt"}  # fmt: skip
    assert known <= set(shown)
    assert (shown["_id"], shown["event"]) == (ident, {"order_number": "A/1"})


async def test_an_antedated_event_has_the_date_of_a_php_object(shop: Analyst) -> None:
    client = Client(shop)
    for method in ("events", "events/sync"):
        ident = await client.post(method, payload(shop, eventDate=PHP_DATE))
        await process(shop)
        shown = await client.get(f"projects/{shop.project}/events/{ident}")
        assert shown["eventDate"] == "2023-08-10T14:30:00.000Z"


async def test_an_empty_array_is_an_empty_object(shop: Analyst) -> None:
    client = Client(shop)
    ident = await client.post("events", payload(shop, data=[]))
    await process(shop)
    [row] = (await shop.get("trashed-events"))["data"]
    assert row["_id"] == ident
    assert [one["code"] for one in row["errors"]] == ["field_required"]


async def test_states_and_statistics_are_upserted(shop: Analyst) -> None:
    client = Client(shop)
    ident = await client.post("events/sync", payload(shop))
    home = f"projects/{shop.project}/events/{ident}"
    await client.patch(f"{home}/states/converted", {"value": True})
    await client.patch(f"{home}/states/qualified", {"value": 1, "date": PHP_DATE})
    await client.patch(f"{home}/statistics/turnover", {"value": 4000, "date": PHP_DATE})
    await client.patch(f"{home}/statistics/turnover", {"value": "4000.50"})
    metrics = {one["storageKey"]: one["data"] for one in (await client.get(home))["metrics"]}
    assert metrics["converted"]["value"] == 1
    assert metrics["qualified"] == {"value": 1, "date": "2023-08-10T14:30:00.000Z"}
    assert metrics["turnover"]["value"] == 4000.5
    with pytest.raises(Refused) as refused:
        await client.patch(f"{home}/states/nothing", {"value": 1})
    assert refused.value.args[0] == 404


async def test_a_users_events_are_gone_through_page_by_page(shop: Analyst) -> None:
    client = Client(shop)
    idents = [await client.post("events/sync", payload(shop)) for _ in range(23)]
    user = (await client.get(f"projects/{shop.project}/events/{idents[0]}"))["userId"]
    page = await client.page(f"projects/{shop.project}/users/{user}/events")
    seen = [one["_id"] for one in page.payload["data"]]
    while page.has_next:
        page = await page.next()
        seen += [one["_id"] for one in page.payload["data"]]
    assert seen == idents[::-1]


async def test_event_types_are_listed_shown_and_created(shop: Analyst) -> None:
    client = Client(shop)
    home = f"projects/{shop.project}/event-types"
    await client.post(home, {**event_type("quote"), "expirationPolicy": {"from": "project"}})
    for params in ({"archived": False}, {"archived": False, "search": "quo"}):
        page = await client.page(home, params)
        assert "quote" in [one["reference"] for one in page.payload["data"]]
        assert not page.has_next
    shown = await client.get(f"{home}/quote")
    assert (shown["reference"], shown["projectId"], shown["expirationPolicy"]) == (
        "quote", shop.project, {"from": "project"},
    )  # fmt: skip
    assert {"label", "entity", "type", "ingestionKey", "storageKey", "optional"} <= set(shown["fields"][0])


async def test_event_types_are_updated_and_deleted_by_reference(shop: Analyst) -> None:
    client = Client(shop)
    path = f"projects/{shop.project}/event-types/order"
    field = {
        "label": "No",
        "entity": "event-type",
        "type": "string",
        "storageKey": "order_number",
        "optional": True,
    }
    await client.patch(path, {"name": "Orders", "fields": [field], "attributable": True})
    shown = await client.get(path)
    assert (shown["name"], [one["label"] for one in shown["fields"]]) == ("Orders", ["No"])
    await client.patch(path, {"name": "Again"})
    assert len((await client.get(path))["fields"]) == 1
    await client.send("DELETE", path)
    assert (await client.get(path))["archivedAt"] is not None
    page = await client.page(f"projects/{shop.project}/event-types", {"archived": False})
    assert page.payload["total"] == 0
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        with pytest.raises(Refused) as refused:
            await client.send(method, f"projects/{shop.project}/event-types/nothing", body)
        assert refused.value.args[0] == 404


async def test_a_field_with_one_key_has_it_for_both(shop: Analyst) -> None:
    client = Client(shop)
    body = {
        "reference": "old",
        "name": "Old",
        "fields": [{"label": "A", "type": "string", "key": "a_key", "optional": True}],
    }
    await client.post(f"projects/{shop.project}/event-types", body)
    [shown] = (await client.get(f"projects/{shop.project}/event-types/old"))["fields"]
    assert (shown["ingestionKey"], shown["storageKey"], shown["key"]) == ("a_key", "a_key", "a_key")


async def test_an_offline_interaction_is_created(shop: Analyst) -> None:
    await projects.integration(shop.db, shop.given.group_id, shop.project_id, wmkt_id="ads-1")
    client, path = Client(shop), f"projects/{shop.project}/interactions/offline"
    sent = {"userData": {"email": "jane@example.com"}, "nodeData": {"wmktId": "ads-1", "cid": "spring"}}
    await client.post(path, sent)
    await client.post(path, {**sent, "date": PHP_DATE})
    with pytest.raises(Refused) as refused:
        await client.post(path, {"userData": {"email": "jane@example.com"}, "nodeData": []})
    assert refused.value.args[1]["message"] == "wmktId must be present in nodeData"


async def test_what_it_cannot_reach_is_its_own_exception(shop: Analyst, analysts: Callable[..., Any]) -> None:
    client = Client(replace(shop, token="a.b.c"))
    wrong: Iterator[tuple[Client, str, int]] = iter(
        [
            (client, f"projects/{shop.project}/event-types", 401),
            (Client(shop), "projects/no-such-project/event-types", 404),
            (Client(shop), "projects/NO/event-types", 400),
            (Client(shop), f"projects/{shop.project}/fields", 404),
        ]
    )
    for one, endpoint, status in wrong:
        with pytest.raises(Refused) as refused:
            await one.get(endpoint)
        assert refused.value.args[0] == status
