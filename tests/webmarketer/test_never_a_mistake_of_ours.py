"""Whatever is sent, the answer says what was wrong with it, in this API's form; it is never a 500."""

import random
from typing import Any
from urllib.parse import quote

import pytest

from app.rest.webmarketer.routes import ROUTES
from tests.given import projects
from tests.webmarketer.conftest import Analyst
from tests.webmarketer.test_custom_ads import campaign, spent
from tests.webmarketer.test_events import ORDER, send

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**18, -(10**18), 1e300, 1e-300, "", " ", "text", "é\u202e", "0", "2023-02-30",
    "9999-12-31T23:59:59.999Z", "0001-01-01", [], [[]], [None], {}, {"a": {}}, {"wmktId": "ads-1"}, {"wmktId": [1]},
    "x" * 300, ["order"], {"value": "1"}, {"date": "2023-08-10 16:30:00.000000", "timezone_type": 3, "timezone": "UTC"},
    {"date": 7, "timezone": "UTC"}, "00000000000000000000002a", "ffffffffffffffffffffffff",
]  # fmt: skip
QUERY = [
    "",
    "0",
    "1",
    "-1",
    "true",
    "x",
    "name",
    "-name,",
    "2023-01-01",
    "%00",
    "9" * 30,
    "é",
    "\u202e",
    "state",
    "ASC",
]
SEEDS = range(40)


@pytest.fixture
async def places(analyst: Analyst) -> dict[str, str]:
    """What each parameter of a path can be, of things that are there."""
    group_id, project_id = analyst.given.group_id, analyst.project_id
    await projects.integration(analyst.db, group_id, project_id, wmkt_id="ads-1")
    await analyst.ok("POST", "event-types", status=201, json=ORDER)
    event = await send(analyst)
    ident = await campaign(analyst, "spring")
    path = f"custom-ads/ads-1/campaigns/{ident}"
    return {
        "projectId": analyst.project, "wmktId": "ads-1", "reference": "order", "storageKey": "turnover",
        "parentCampaignId": ident, "outlayId": await spent(analyst, path), "event": event, "campaign": ident,
        "user": (await analyst.get(f"events/{event}"))["userId"],
    }  # fmt: skip


def address(route: Any, places: dict[str, str], pick: random.Random) -> str:
    """The path with things that are there, and now and then one that is not."""
    values = dict(places)
    kind = "user" if "/users/" in route.path else "campaign" if "/custom-ads/" in route.path else "event"
    values["id"] = values[kind]
    if "/states/" in route.path:
        values["storageKey"] = "converted"
    if pick.random() < 0.2:
        values[pick.choice(sorted(values))] = quote(pick.choice(["x", "é", "\x00", "a b", "9" * 40]), safe="")
    return f"/api/v1{route.path.format(**values)}"


def body_of(route: Any, project: str, pick: random.Random) -> Any:
    """The documented example with some of its values changed for odd ones."""
    body: dict[str, Any] = {**route.takes.example}
    if "projectId" in body:
        body |= {"projectId": project, "eventType": "order", "nonce": pick.random(), "data": {"no": "A-1"}}
    if "nodeData" in body:
        body["nodeData"] = {"wmktId": "ads-1"}
    if pick.random() < 0.1:
        return pick.choice(ODD)
    for name in pick.sample(sorted(body), k=min(len(body), pick.randint(0, 2))):
        body[name] = pick.choice(ODD)
    for name, value in list(body.items()):
        if isinstance(value, dict) and pick.random() < 0.5:
            body[name] = {**value, pick.choice([*value, "email", "wmktId"]): pick.choice(ODD)}
        if isinstance(value, list) and value and isinstance(value[0], dict) and pick.random() < 0.5:
            body[name] = [{**value[0], pick.choice(sorted(value[0])): pick.choice(ODD)}, *value]
    return body


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_odd_values_are_never_a_mistake_of_ours(
    analyst: Analyst, places: dict[str, str], route: Any
) -> None:
    for seed in SEEDS:
        pick = random.Random(f"{route.method} {route.path} {seed}")
        path = address(route, places, pick)
        names = [one.name for one in route.parameters if one.where == "query"]
        query = {name: pick.choice(QUERY) for name in names if pick.random() < 0.2}
        more: dict[str, Any] = {"params": query} if query else {}
        if route.takes is not None:
            more["json"] = body_of(route, analyst.project, pick)
        response = await analyst.call(route.method, path, **more)
        told = f"{seed}: {route.method} {path} {more} → {response.status_code} {response.text}"
        assert response.status_code in (200, 201, 400, 404, 409, 413), told
        body = response.json()
        if response.status_code >= 400:
            assert body["statusCode"] == response.status_code, told
            assert body["message"], told
            assert body["error"], told
