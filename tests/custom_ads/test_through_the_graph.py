"""Custom ads and interactions through the graph: who may, what is shown, how each says no."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import custom_ads
from tests.given.custom_ads import NOON, Site

Call = Callable[..., Any]


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Call:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *roles: Role, **variables: Any) -> Any:
        principal = Principal("test", scope, frozenset(roles or {Role.MARKETING}))
        made = await answer(Operation(query, variables), Context(services, principal, now=NOON))
        return json.loads(made.body, parse_float=Decimal)

    return run


ERRORS = "errors { code message path }"
CAMPAIGN = "campaign { id name status isActive channels currency tracking { slug isExplicit integration { wmktId } } }"
CREATE = f"""
mutation($i: CustomCampaignCreateInput!) {{ customCampaignCreate(input: $i) {{ modifiedCount {CAMPAIGN} {ERRORS} }} }}
"""
UPDATE = f"""
mutation($i: CustomCampaignUpdateInput!) {{ customCampaignUpdate(input: $i) {{ modifiedCount {CAMPAIGN} {ERRORS} }} }}
"""
OUTLAY = """
outlay { id amount { amount currency } startsAt endsAt country region deletedAt campaign { id } integration { id } }
"""
LAY_OUT = (
    f"mutation($i: OutlayCreateInput!) {{ outlayCreate(input: $i) {{ modifiedCount {OUTLAY} {ERRORS} }} }}"
)
CHANGE = (
    f"mutation($i: OutlayUpdateInput!) {{ outlayUpdate(input: $i) {{ modifiedCount {OUTLAY} {ERRORS} }} }}"
)
VISIT = f"""
mutation($i: InteractionRecordInput!) {{ interactionRecord(input: $i) {{ interaction {{
  id kind occurredAt trackerId landingUrl referrer userData nodeData
  project {{ slug }} customer {{ id }}
  integration {{ wmktId }} campaign {{ name tracking {{ isExplicit }} }} }} {ERRORS}
}} }}
"""
CONTACT = f"""
mutation($i: InteractionRecordOfflineInput!) {{ interactionRecordOffline(input: $i) {{ interaction {{
  kind occurredAt userData nodeData customer {{ email }} campaign {{ id }} }} {ERRORS} }} }}
"""


async def made(call: Call, site: Site, slug: str = "metro", **more: Any) -> dict[str, Any]:
    found = await call(site.scope, CREATE, i={"wmktId": site.wmkt_id, "slug": slug, "name": slug, **more})
    campaign: dict[str, Any] = found["data"]["customCampaignCreate"]["campaign"]
    return campaign


async def test_an_integration_is_made_and_read(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    shown = "integration { id name kind wmktId currency project { slug } }"
    create = (
        f"mutation($i: IntegrationCreateInput!) {{ integrationCreate(input: $i) {{ {shown} {ERRORS} }} }}"
    )
    told = {"project": site.slug, "name": "Radio", "wmktId": "radio-fm", "currency": "CHF"}
    found = (await call(site.scope, create, i=told))["data"]["integrationCreate"]["integration"]
    ident = found.pop("id")
    assert found == {
        "name": "Radio", "kind": "custom_ads", "wmktId": "radio-fm", "currency": "CHF", "project": {"slug": site.slug}
    }  # fmt: skip
    again = (await call(site.scope, create, i=told))["data"]["integrationCreate"]
    assert (again["integration"], again["errors"][0]["code"]) == (None, "WMKT_ID_EXISTS")
    update = (
        f"mutation($i: IntegrationUpdateInput!) {{ integrationUpdate(input: $i) {{ {shown} {ERRORS} }} }}"
    )
    found = await call(site.scope, update, i={"id": ident, "name": "Radio FM"})
    assert found["data"]["integrationUpdate"]["integration"]["name"] == "Radio FM"


async def test_campaigns_are_made_changed_listed_and_sorted(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    metro, bus = await made(call, site), await made(call, site, "bus", active=False)
    assert {name: metro[name] for name in ("name", "status", "isActive", "channels", "currency", "tracking")} == {
        "name": "metro", "status": "ACTIVE", "isActive": True, "channels": ["custom_ads"], "currency": "EUR",
        "tracking": {"slug": "metro", "isExplicit": True, "integration": {"wmktId": site.wmkt_id}},
    }  # fmt: skip
    await call(
        site.scope, VISIT, i={"project": site.slug, "trackerId": "t", "landingUrl": f"?wmktid={site.wmkt_id}"}
    )
    change = {"id": bus["id"], "wmktId": site.wmkt_id, "name": "100% Bus"}
    for count in (1, 0):
        found = (await call(site.scope, UPDATE, i=change))["data"]["customCampaignUpdate"]
        assert (found["modifiedCount"], found["campaign"]["name"], found["errors"]) == (count, "100% Bus", [])
    listed = """
    query($w: String!, $f: CampaignFilter, $o: [CampaignOrder!]) { integrations(filter: {wmktId: $w}) { nodes {
      campaigns(filter: $f, orderBy: $o) { totalCount nodes { name } } } } }
    """

    async def names(filter: Any = None, *order: tuple[str, str]) -> list[str]:
        found = await call(
            site.scope,
            listed,
            w=site.wmkt_id,
            f=filter,
            o=[{"field": f, "direction": d} for f, d in order] or None,
        )
        page = found["data"]["integrations"]["nodes"][0]["campaigns"]
        assert page["totalCount"] == len(page["nodes"])
        return [node["name"] for node in page["nodes"]]

    everything = ["100% Bus", "Posters (implicit)", "metro"]
    assert await names(None, ("NAME", "ASC")) == everything
    assert await names(None, ("ID", "ASC")) == ["metro", "100% Bus", "Posters (implicit)"]
    assert (await names(None, ("STATUS", "DESC"), ("NAME", "ASC")))[0] == "100% Bus"
    assert (await names(None, ("STATUS", "ASC"), ("NAME", "ASC")))[-1] == "100% Bus"
    assert await names({"isActive": False}) == ["100% Bus"]
    assert await names({"isExplicit": False}) == ["Posters (implicit)"]
    assert await names({"slug": "metro"}) == ["metro"]
    assert await names({"nameLike": "METR", "isExplicit": True}) == ["metro"]
    assert await names({"nameLike": "0%"}) == ["100% Bus"]
    assert await names({"ids": [metro["id"]], "isActive": False}) == []


async def test_outlays_are_made_changed_moved_and_deleted(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    metro, bus = await made(call, site), await made(call, site, "bus")
    told = {
        "campaignId": metro["id"], "wmktId": site.wmkt_id, "amount": Decimal("1200.5"),
        "startsAt": "2019-08-24T14:15:22Z", "endsAt": "2019-08-25T14:15:22Z", "country": "FR",
    }  # fmt: skip
    found = (await call(site.scope, LAY_OUT, i=told))["data"]["outlayCreate"]
    ident = found["outlay"].pop("id")
    assert (found["modifiedCount"], found["errors"]) == (1, [])
    assert found["outlay"] == {
        "amount": {"amount": "1200.50", "currency": "EUR"}, "startsAt": told["startsAt"], "endsAt": told["endsAt"],
        "country": "FR", "region": None, "deletedAt": None, "campaign": {"id": metro["id"]},
        "integration": {"id": f"intg_{site.integration_id}"},
    }  # fmt: skip
    change = {"id": ident, "parentCampaignId": metro["id"], "campaignId": bus["id"], "region": "Rhône"}
    found = (await call(site.scope, CHANGE, i=change))["data"]["outlayUpdate"]
    assert (found["modifiedCount"], found["outlay"]["campaign"]["id"]) == (1, bus["id"])
    again = (await call(site.scope, CHANGE, i=change))["data"]["outlayUpdate"]
    assert (again["modifiedCount"], again["outlay"], again["errors"][0]["code"]) == (0, None, "NOT_FOUND")
    same = {"id": ident, "campaignId": bus["id"]}
    assert (await call(site.scope, CHANGE, i=same))["data"]["outlayUpdate"]["modifiedCount"] == 0
    wrong = {"id": ident, "startsAt": told["endsAt"]}
    [error] = (await call(site.scope, CHANGE, i=wrong))["data"]["outlayUpdate"]["errors"]
    assert (error["code"], error["path"]) == ("END_BEFORE_START", ["endsAt"])
    spent = """
    { campaigns(orderBy: [{field: NAME}]) { nodes { name metrics { spend { amount } } outlays { totalCount } } } }
    """
    sums = (await call(site.scope, spent))["data"]["campaigns"]["nodes"]
    assert [(n["name"], Decimal(n["metrics"]["spend"]["amount"]), n["outlays"]["totalCount"]) for n in sums] == [
        ("bus", Decimal("1200.50"), 1), ("metro", Decimal(0), 0)
    ]  # fmt: skip
    delete = f"mutation($id: ID!) {{ outlayDelete(input: {{id: $id}}) {{ deletedId {ERRORS} }} }}"
    assert (await call(site.scope, delete, id=ident))["data"]["outlayDelete"] == {
        "deletedId": ident,
        "errors": [],
    }
    sums = (await call(site.scope, spent))["data"]["campaigns"]["nodes"]
    assert [(Decimal(n["metrics"]["spend"]["amount"]), n["outlays"]["totalCount"]) for n in sums] == [
        (Decimal(0), 0),
        (Decimal(0), 0),
    ]


@pytest.mark.parametrize("field", ["CAMPAIGN", "STARTS_AT", "ENDS_AT", "AMOUNT", "COUNTRY", "REGION"])
async def test_outlays_are_sorted_by_each_of_their_fields(db: Database, call: Call, field: str) -> None:
    site = await custom_ads.site(db)
    camps = [(await made(call, site, slug))["id"] for slug in ("b", "a")]
    days = ["2025-06-01T00:00:00Z", "2025-06-02T00:00:00Z", "2025-06-03T00:00:00Z", "2025-06-04T00:00:00Z"]
    for camp, amount, first, last, country, region in [
        (camps[0], "3", 0, 3, "FR", None), (camps[1], "1", 1, 2, None, "b"), (camps[0], "2", 0, 1, "BE", "a"),
    ]:  # fmt: skip
        told = {"campaignId": camp, "amount": amount, "startsAt": days[first], "endsAt": days[last]}
        await call(site.scope, LAY_OUT, i={**told, "country": country, "region": region})
    query = f"""
    query($d: Direction!) {{ integration(id: "intg_{site.integration_id}") {{
      outlays(orderBy: [{{field: {field}, direction: $d}}, {{field: AMOUNT}}]) {{ nodes {{ amount {{ amount }} }} }}
    }} }}
    """

    async def amounts(direction: str) -> list[int]:
        nodes = (await call(site.scope, query, d=direction))["data"]["integration"]["outlays"]["nodes"]
        return [int(Decimal(node["amount"]["amount"])) for node in nodes]

    expected = {
        "CAMPAIGN": ([2, 3, 1], [1, 2, 3]), "STARTS_AT": ([2, 3, 1], [1, 2, 3]), "ENDS_AT": ([2, 1, 3], [3, 1, 2]),
        "AMOUNT": ([1, 2, 3], [3, 2, 1]), "COUNTRY": ([1, 2, 3], [3, 2, 1]), "REGION": ([3, 2, 1], [1, 2, 3]),
    }  # fmt: skip
    assert (await amounts("ASC"), await amounts("DESC")) == expected[field]


async def test_since_and_until_ask_for_outlays_that_overlap(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    camp = (await made(call, site))["id"]
    told = {
        "campaignId": camp,
        "amount": "1",
        "startsAt": "2025-06-02T00:00:00Z",
        "endsAt": "2025-06-04T00:00:00Z",
    }
    await call(site.scope, LAY_OUT, i=told)
    query = "query($f: OutlayFilter) { outlays(filter: $f) { totalCount } }"
    for filter, count in [
        ({"since": "2025-06-03T00:00:00Z", "until": "2025-06-03T12:00:00Z"}, 1), ({"since": "2025-06-04T00:00:00Z"}, 0),
        ({"until": "2025-06-02T00:00:00Z"}, 0), ({"until": "2025-06-02T00:00:01Z"}, 1), ({}, 1),
    ]:  # fmt: skip
        assert (await call(site.scope, query, f=filter))["data"]["outlays"]["totalCount"] == count


async def test_a_page_may_tell_that_somebody_came_and_nothing_else(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    told = {
        "project": site.slug, "trackerId": "t1", "landingUrl": f"https://shop.example/?wmktid={site.wmkt_id}&cid=x",
        "referrer": "https://news.example/",
    }  # fmt: skip
    # These are shown to who may see them.
    visit = VISIT.replace(" trackerId landingUrl referrer userData nodeData", "")
    assert (await call(site.project_scope, VISIT, Role.TRACKER, i=told))["errors"]
    found = (await call(site.project_scope, visit, Role.TRACKER, i=told))["data"]["interactionRecord"]
    first = found["interaction"].pop("id")
    assert found == {
        "interaction": {
            "kind": "ONLINE", "occurredAt": "2025-06-15T12:00:00Z",
            "project": {"slug": site.slug}, "customer": None, "integration": {"wmktId": site.wmkt_id},
            "campaign": {"name": "Posters (implicit)", "tracking": {"isExplicit": False}},
        },
        "errors": [],
    }  # fmt: skip
    again = (await call(site.project_scope, VISIT, Role.MARKETING, i=told))["data"]["interactionRecord"]
    assert again["interaction"]["id"] == first
    assert (again["interaction"]["trackerId"], again["interaction"]["userData"]) == ("t1", None)
    assert again["interaction"]["landingUrl"] == told["landingUrl"]
    assert again["interaction"]["referrer"] == told["referrer"]
    assert again["interaction"]["nodeData"] == {"wmktId": site.wmkt_id, "cid": "x"}
    other = await custom_ads.site(db)
    refused = await call(site.project_scope, visit, Role.TRACKER, i={**told, "project": other.slug})
    assert refused["data"]["interactionRecord"]["errors"][0]["code"] == "NOT_FOUND"
    for query, input in (
        (CREATE, {"wmktId": site.wmkt_id, "slug": "s", "name": "n"}),
        (CONTACT, {"project": site.slug, "nodeData": {"wmktId": site.wmkt_id}}),
    ):
        assert (await call(site.project_scope, query, Role.TRACKER, i=input))["errors"]
    assert (await call(site.scope, VISIT, Role.READ, i=told))["errors"]


async def test_a_contact_out_of_the_website(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    metro = await made(call, site)
    node, user = {"wmktId": site.wmkt_id, "cid": "metro"}, {"email": "ada@example.com"}
    told = {
        "project": site.slug,
        "nodeData": node,
        "userData": user,
        "occurredAt": "2023-08-01T22:00:00.000Z",
    }
    found = (await call(site.scope, CONTACT, i=told))["data"]["interactionRecordOffline"]["interaction"]
    assert found == {
        "kind": "OFFLINE", "occurredAt": "2023-08-01T22:00:00Z", "userData": user, "nodeData": node,
        "customer": user, "campaign": {"id": metro["id"]},
    }  # fmt: skip
    nodes: tuple[Any, ...] = (None, {}, [], {"cid": "metro"})
    for other in nodes:
        refused = (await call(site.scope, CONTACT, i={**told, "nodeData": other}))["data"][
            "interactionRecordOffline"
        ]
        assert refused == {
            "interaction": None,
            "errors": [
                {
                    "code": "WMKT_ID_MISSING",
                    "message": "wmktId must be present in nodeData",
                    "path": ["nodeData", "wmktId"],
                }
            ],
        }  # fmt: skip
    refused = (await call(site.scope, CONTACT, i={**told, "userData": "ada"}))["data"][
        "interactionRecordOffline"
    ]
    assert refused["errors"][0]["path"] == ["userData"]
    listed = """
    { customers { nodes { interactions(filter: {kinds: [OFFLINE]}) { totalCount nodes { campaign { name } } } } } }
    """
    assert (await call(site.scope, listed))["data"]["customers"]["nodes"] == [
        {"interactions": {"totalCount": 1, "nodes": [{"campaign": {"name": "metro"}}]}}
    ]
