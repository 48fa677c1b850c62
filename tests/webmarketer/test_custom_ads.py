"""Custom ads through the Webmarketer API: campaigns of an integration, and their outlays."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.external_ids.giving import set_ids
from app.errors import Invalid
from tests.given import projects
from tests.webmarketer.conftest import Analyst

CAMPAIGN_KEYS = [
    "id", "integrationId", "projectId", "name", "campaignSlug", "active", "explicit", "createdAt", "updatedAt",
]  # fmt: skip
OUTLAY_KEYS = [
    "_id", "projectId", "integrationId", "campaignId", "amount", "startDate", "endDate", "country", "region",
    "deletedAt", "createdAt", "updatedAt",
]  # fmt: skip
PAGE_KEYS = ["data", "count", "total", "offset", "limit"]
OBJECT_ID = re.compile("[0-9a-f]{24}")
ADS = "custom-ads/ads-1/campaigns"


@pytest.fixture
async def shop(analyst: Analyst) -> Analyst:
    """A client whose project has an integration in pounds."""
    await projects.integration(
        analyst.db, analyst.given.group_id, analyst.project_id, wmkt_id="ads-1", currency="GBP"
    )
    return analyst


async def campaign(shop: Analyst, slug: str, path: str = ADS, **more: Any) -> str:
    """The id of a new campaign."""
    made = await shop.ok("POST", path, status=201, json={"campaignSlug": slug, "name": slug.title(), **more})
    assert list(made) == ["id"]
    assert OBJECT_ID.fullmatch(made["id"])
    return str(made["id"])


def outlay(**more: Any) -> dict[str, Any]:
    """The printed body; a field of `...` is left out."""
    body = {
        "amount": 1200.50,
        "startDate": "2019-08-24T14:15:22Z",
        "endDate": "2019-09-24T14:15:22Z",
        "country": "FR",
        "region": "Bretagne",
        **more,
    }
    return {name: value for name, value in body.items() if value is not ...}


async def spent(shop: Analyst, path: str, **more: Any) -> str:
    """The id of a new outlay."""
    made = await shop.ok("POST", f"{path}/outlays", status=201, json=outlay(**more))
    assert list(made) == ["id"]
    return str(made["id"])


# ── campaigns ─────────────────────────────────────────────────────────────────


async def test_a_campaign_is_made_explicit_and_active(shop: Analyst) -> None:
    ident = await campaign(shop, "spring")
    shown = await shop.get(f"{ADS}/{ident}")
    assert list(shown) == CAMPAIGN_KEYS
    assert (shown["id"], shown["projectId"]) == (ident, shop.project)
    assert OBJECT_ID.fullmatch(shown["integrationId"])
    assert (shown["name"], shown["campaignSlug"], shown["active"], shown["explicit"]) == (
        "Spring", "spring", True, True,
    )  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["createdAt"])
    assert shown["id"] != shown["campaignSlug"]
    asleep = await campaign(shop, "asleep", active=False)
    assert (await shop.get(f"{ADS}/{asleep}"))["active"] is False


async def test_a_slug_is_unique_in_its_integration_also_when_two_come_at_once(shop: Analyst) -> None:
    await projects.integration(shop.db, shop.given.group_id, shop.project_id, wmkt_id="ads-2")
    calls = [shop.call("POST", ADS, json={"campaignSlug": "one", "name": "One"}) for _ in range(4)]
    statuses = sorted(response.status_code for response in await asyncio.gather(*calls))
    assert statuses == [201, 409, 409, 409]
    assert "slug" in await shop.refused("POST", ADS, 409, json={"campaignSlug": "one", "name": "One"})
    await campaign(shop, "one", "custom-ads/ads-2/campaigns")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "No slug"}, "`campaignSlug` is required"),
        ({"campaignSlug": "x"}, "`name` is required"),
        ({"campaignSlug": 1, "name": "x"}, "`campaignSlug` must be a text"),
        ({"campaignSlug": "", "name": "x"}, "`campaignSlug` is empty"),
        ({"campaignSlug": "x", "name": "x", "active": "yes"}, "`active` must be true or false"),
    ],
)
async def test_what_is_wrong_with_a_campaign_is_said(shop: Analyst, body: dict[str, Any], says: str) -> None:
    assert says in await shop.refused("POST", ADS, 400, json=body)
    assert await shop.count("campaign") == 0


async def test_name_and_active_change_and_the_slug_stays(shop: Analyst) -> None:
    ident = await campaign(shop, "spring")

    async def change(**body: Any) -> int:
        answer = await shop.ok("PATCH", f"{ADS}/{ident}", json=body)
        assert list(answer) == ["modifiedCount"]
        return int(answer["modifiedCount"])

    assert await change(name="Summer", active=False) == 1
    assert await change(name="Summer", active=False) == 0
    assert await change() == 0
    assert await change(campaignSlug="other", id="other") == 0
    assert await change(active=True) == 1
    shown = await shop.get(f"{ADS}/{ident}")
    assert (shown["name"], shown["active"], shown["campaignSlug"]) == ("Summer", True, "spring")
    short = await shop.ok("PATCH", f"/api/v1/custom-ads/campaigns/{ident}", json={"name": "Autumn"})
    assert short == {"modifiedCount": 1}


async def test_the_list_is_filtered_by_all_that_is_given(shop: Analyst) -> None:
    spring = await campaign(shop, "spring")
    await campaign(shop, "spring-again", active=False)
    await campaign(shop, "autumn", name="Late SPRING")
    visit = (
        "mutation ($input: InteractionRecordInput!) { interactionRecord(input: $input)"
        " { errors { message } } }"
    )
    for tracker in ("t-1", "t-2"):
        given = {
            "project": shop.project,
            "trackerId": tracker,
            "landingUrl": "https://shop.example/?wmktid=ads-1",
        }
        answer = await shop.call("POST", "/graphql", json={"query": visit, "variables": {"input": given}})
        assert answer.json()["data"]["interactionRecord"]["errors"] == []

    async def found(**query: Any) -> set[Any]:
        page = await shop.get(ADS, **query)
        assert list(page) == PAGE_KEYS
        assert page["count"] == page["total"] == len(page["data"])
        return {one["campaignSlug"] for one in page["data"]}

    assert await found() == {"spring", "spring-again", "autumn", None}
    assert await found(active="true") == {"spring", "autumn", None}
    assert await found(active="false") == {"spring-again"}
    assert await found(explicit="0") == {None}
    assert await found(explicit="1", active="1") == {"spring", "autumn"}
    assert await found(nameLike="spring") == {"spring", "spring-again", "autumn"}
    assert await found(nameLike="SPRING", active="0") == {"spring-again"}
    assert await found(campaignSlug="spring") == {"spring"}
    assert await found(campaignId=spring) == {"spring"}
    assert await found(campaignId=spring, campaignSlug="autumn") == set()
    assert await found(campaignId="nonsense") == set()
    [implicit] = (await shop.get(ADS, explicit="false"))["data"]
    assert await shop.get(f"{ADS}/{implicit['id']}") == implicit
    await shop.refused("GET", f"{ADS}?active=perhaps", 400)


async def imported(shop: Analyst, ident: str, external_id: str) -> None:
    """The campaign had this id where it comes from."""
    async with shop.db.transaction(shop.given.scope) as tx:
        await set_ids(tx, "camp", {int(ident, 16): {"webmarketer": external_id}})


async def test_an_imported_campaign_is_shown_with_its_old_id_and_found_by_either(shop: Analyst) -> None:
    old = "5f43a2b1c0ffee0123456789"
    spring, autumn = await campaign(shop, "spring"), await campaign(shop, "autumn")
    await imported(shop, spring, old)
    for ident in (spring, old, old.upper()):
        assert (await shop.get(f"{ADS}/{ident}"))["id"] == old
        assert [one["id"] for one in (await shop.get(ADS, campaignId=ident))["data"]] == [old]
        laid_out = await spent(shop, f"{ADS}/{ident}")
        assert (await shop.get(f"{ADS}/{ident}/outlays/{laid_out}"))["campaignId"] == old
        assert laid_out in [one["_id"] for one in (await shop.get(f"{ADS}/{ident}/outlays"))["data"]]
        changed = await shop.ok("PATCH", f"{ADS}/{ident}/outlays/{laid_out}", json={"campaignId": autumn})
        assert changed == {"modifiedCount": 1}
        path = f"{ADS}/{autumn}/outlays/{laid_out}"
        assert (await shop.get(path))["campaignId"] == autumn
        assert await shop.ok("PATCH", path, json={"campaignId": ident}) == {"modifiedCount": 1}
        for short in (f"{ADS}/{ident}", f"/api/v1/custom-ads/campaigns/{ident}"):
            assert (await shop.ok("PATCH", short, json={"name": f"{ident} {short}"}))["modifiedCount"] == 1
    nobodys = "5f43a2b1c0ffee0123456780"
    await shop.refused("GET", f"{ADS}/{nobodys}", 404)
    await shop.refused("PATCH", f"{ADS}/{nobodys}", 404, json={"name": "x"})
    await shop.refused("POST", f"{ADS}/{nobodys}/outlays", 404, json=outlay())
    await shop.refused("PATCH", f"{ADS}/{old}/outlays/{laid_out}", 404, json={"campaignId": nobodys})


@pytest.mark.parametrize("other", ["camp_001", "5F43A2B1C0FFEE0123456789", "7"])
async def test_an_id_that_is_none_of_this_api_is_none_of_its_system(shop: Analyst, other: str) -> None:
    spring = await campaign(shop, "spring")
    with pytest.raises(Invalid):
        await imported(shop, spring, other)
    assert (await shop.get(f"{ADS}/{spring}"))["id"] == spring


async def test_an_id_is_found_in_its_own_integration_and_group_alone(
    shop: Analyst, analysts: Callable[..., Any]
) -> None:
    old = "5f43a2b1c0ffee0123456789"
    await imported(shop, await campaign(shop, "spring"), old)
    await projects.integration(shop.db, shop.given.group_id, shop.project_id, wmkt_id="ads-2")
    stranger = await analysts()
    await projects.integration(stranger.db, stranger.given.group_id, stranger.project_id, wmkt_id="ads-1")
    for who, path in ((shop, "custom-ads/ads-2/campaigns"), (stranger, ADS)):
        await who.refused("GET", f"{path}/{old}", 404)
        await who.refused("PATCH", f"{path}/{old}", 404, json={"name": "x"})
        await who.refused("POST", f"{path}/{old}/outlays", 404, json=outlay())


async def test_the_list_is_sorted_and_has_pages(shop: Analyst) -> None:
    for slug, active in (("b", True), ("a", False), ("c", True)):
        await campaign(shop, slug, active=active)

    async def found(**query: Any) -> str:
        return "".join(one["campaignSlug"] for one in (await shop.get(ADS, **query))["data"])

    assert await found(sort="name") == await found(sort="name", order="ASC") == "abc"
    assert await found(sort="name", order="DESC") == "cba"
    assert await found(sort="campaignId") == "bac"
    assert await found(sort="campaignId", order="DESC") == "cab"
    assert (await found(sort="active"))[0] == "a"
    assert (await found(sort="active", order="DESC"))[2] == "a"
    page = await shop.get(ADS, sort="name", offset=1, limit=1)
    assert [page[name] for name in PAGE_KEYS[1:]] == [1, 3, 1, 1]
    assert page["data"][0]["campaignSlug"] == "b"
    for query in ("sort=slug", "sort=name&order=up"):
        await shop.refused("GET", f"{ADS}?{query}", 400)


async def test_campaigns_out_of_reach_are_not_found(shop: Analyst, analysts: Callable[..., Any]) -> None:
    ident = await campaign(shop, "spring")
    sent = await spent(shop, f"{ADS}/{ident}")
    neighbour = await analysts(given=shop.given)
    await projects.integration(shop.db, shop.given.group_id, neighbour.project_id, wmkt_id="ads-9")
    await projects.integration(shop.db, shop.given.group_id, shop.project_id, wmkt_id="ads-2")
    for client, ads in ((neighbour, "ads-1"), (neighbour, "ads-9"), (shop, "ads-2"), (shop, "nothing")):
        home = f"custom-ads/{ads}/campaigns/{ident}"
        await client.refused("GET", home, 404)
        await client.refused("PATCH", home, 404, json={"name": "Mine"})
        await client.refused("GET", f"{home}/outlays", 404)
        await client.refused("POST", f"{home}/outlays", 404, json=outlay())
        await client.refused("GET", f"{home}/outlays/{sent}", 404)
        await client.refused("PATCH", f"{home}/outlays/{sent}", 404, json={"amount": 1})
    await shop.refused("GET", "custom-ads/nothing/campaigns", 404)
    await shop.refused("POST", "custom-ads/nothing/campaigns", 404, json={"campaignSlug": "x", "name": "x"})
    stranger = await analysts()
    path = f"/custom-ads/campaigns/{ident}"
    message = await stranger.refused("PATCH", path, 404, json={"name": "Mine"})
    assert message == f"There is no campaign {ident} here."
    assert (await shop.get(f"{ADS}/{ident}"))["name"] == "Spring"


# ── outlays ───────────────────────────────────────────────────────────────────


async def test_an_outlay_is_in_the_currency_of_its_integration(shop: Analyst) -> None:
    ident = await campaign(shop, "spring")
    sent = await spent(shop, f"{ADS}/{ident}")
    shown = await shop.get(f"{ADS}/{ident}/outlays/{sent}")
    assert list(shown) == OUTLAY_KEYS
    assert (shown["_id"], shown["campaignId"], shown["projectId"]) == (sent, ident, shop.project)
    assert shown["amount"] == {"value": 1200.5, "currency": "GBP"}
    assert (shown["startDate"], shown["endDate"]) == ("2019-08-24T14:15:22.000Z", "2019-09-24T14:15:22.000Z")
    assert (shown["country"], shown["region"], shown["deletedAt"]) == ("FR", "Bretagne", None)
    again = await spent(
        shop, f"{ADS}/{ident}", amount={"value": 7, "currency": "GBP"}, country=..., region=...
    )
    shown = await shop.get(f"{ADS}/{ident}/outlays/{again}")
    assert (shown["amount"]["value"], shown["country"], shown["region"]) == (7, None, None)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"amount": ...}, "`amount` is required"),
        ({"amount": "1"}, "`amount` must be a number"),
        (
            {"amount": 1.005},
            "`amount` has more digits than its currency: an amount in GBP has at most 2 decimals",
        ),
        ({"amount": {"value": 100, "currency": "JPY"}}, "counts in GBP; an amount in JPY"),
        ({"amount": {"value": 100, "currency": "pounds"}}, "`currency` is an ISO 4217 code"),
        ({"startDate": ...}, "`startDate` is required"),
        ({"endDate": ...}, "`endDate` is required"),
        ({"endDate": "2019-08-24T14:15:22Z"}, "`startDate` must be before `endDate`"),
        ({"endDate": "2019-08-24T14:15:21Z"}, "`startDate` must be before `endDate`"),
        ({"startDate": "soon"}, "`startDate`"),
        ({"country": 7}, "`country` must be a text"),
    ],
)
async def test_what_is_wrong_with_an_outlay_is_said(shop: Analyst, more: dict[str, Any], says: str) -> None:
    ident = await campaign(shop, "spring")
    assert says in await shop.refused("POST", f"{ADS}/{ident}/outlays", 400, json=outlay(**more))
    assert await shop.count("outlay") == 0


async def test_an_outlay_changes_in_parts(shop: Analyst) -> None:
    path = f"{ADS}/{await campaign(shop, 'spring')}"
    one = f"{path}/outlays/{await spent(shop, path)}"

    async def change(**body: Any) -> int:
        answer = await shop.ok("PATCH", one, json=body)
        assert list(answer) == ["modifiedCount"]
        return int(answer["modifiedCount"])

    assert await change(amount=900, region=None) == 1
    assert await change(amount=900) == await change() == 0
    shown = await shop.get(one)
    assert (shown["amount"]["value"], shown["country"], shown["region"]) == (900, "FR", None)
    # The order of the dates is that of the whole outlay as it would be.
    message = await shop.refused("PATCH", one, 400, json={"startDate": "2019-09-24T14:15:22Z"})
    assert "`startDate` must be before `endDate`" in message
    assert await change(startDate="2019-09-25", endDate="2019-09-26") == 1


async def test_an_outlay_moves_inside_its_integration(shop: Analyst) -> None:
    spring, autumn = await campaign(shop, "spring"), await campaign(shop, "autumn")
    await projects.integration(shop.db, shop.given.group_id, shop.project_id, wmkt_id="ads-2")
    other = await campaign(shop, "spring", "custom-ads/ads-2/campaigns")
    sent = await spent(shop, f"{ADS}/{spring}")
    here, there = f"{ADS}/{spring}/outlays/{sent}", f"{ADS}/{autumn}/outlays/{sent}"
    assert "integration" in await shop.refused("PATCH", here, 400, json={"campaignId": other})
    await shop.refused("PATCH", here, 404, json={"campaignId": "nonsense"})
    assert await shop.ok("PATCH", here, json={"campaignId": {"_id": autumn}}) == {"modifiedCount": 1}
    await shop.refused("GET", here, 404)
    assert (await shop.get(there))["campaignId"] == autumn
    assert await shop.ok("PATCH", there, json={"campaignId": spring}) == {"modifiedCount": 1}
    assert (await shop.get(here))["campaignId"] == spring


async def test_outlays_are_listed_by_stretch_order_and_page(shop: Analyst) -> None:
    path = f"{ADS}/{await campaign(shop, 'spring')}"
    for month, amount, country in ((1, 30, "FR"), (2, 10, "BE"), (3, 20, "DE")):
        await spent(
            shop, path, amount=amount, country=country, region=country[::-1],
            startDate=f"2024-0{month}-01T00:00:00Z", endDate=f"2024-0{month + 1}-01T00:00:00Z",
        )  # fmt: skip

    async def found(**query: Any) -> list[int]:
        page = await shop.get(f"{path}/outlays", **query)
        assert list(page) == PAGE_KEYS
        return [one["amount"]["value"] for one in page["data"]]

    assert await found() == await found(sort="startDate") == await found(sort="endDate") == [30, 10, 20]
    assert await found(sort="startDate", order="DESC") == [20, 10, 30]
    assert await found(sort="amount") == [10, 20, 30]
    assert await found(sort="country") == [10, 20, 30]
    assert await found(sort="region", order="DESC") == [30, 20, 10]
    assert await found(sort="campaignId") == [30, 10, 20]
    assert await found(since="2024-02-10") == [10, 20]
    assert await found(until="2024-02-10T00:00:00.000Z") == [30, 10]
    assert await found(since="2024-02-10", until="2024-02-20") == [10]
    assert await found(since="2024-05-01") == []
    page = await shop.get(f"{path}/outlays", offset=1, limit=1)
    assert [page[name] for name in PAGE_KEYS[1:]] == [1, 3, 1, 1]
    await shop.refused("GET", f"{path}/outlays?sort=colour", 400)


async def test_a_deleted_outlay_is_hidden(shop: Analyst) -> None:
    path = f"{ADS}/{await campaign(shop, 'spring')}"
    sent = await spent(shop, path)
    delete = "mutation ($id: ID!) { outlayDelete(input: {id: $id}) { errors { message } } }"
    variables = {"id": f"outlay_{int(sent, 16)}"}
    answer = await shop.call("POST", "/graphql", json={"query": delete, "variables": variables})
    assert answer.json()["data"]["outlayDelete"]["errors"] == []
    assert (await shop.get(f"{path}/outlays"))["total"] == 0
    await shop.refused("GET", f"{path}/outlays/{sent}", 404)
    await shop.refused("PATCH", f"{path}/outlays/{sent}", 404, json={"amount": 1})


async def test_in_an_archived_integration_the_past_is_read_and_nothing_begun(shop: Analyst) -> None:
    ident = await campaign(shop, "spring")
    await spent(shop, f"{ADS}/{ident}")
    async with shop.db.transaction(shop.given.scope) as tx:
        await tx.execute(
            "UPDATE integration SET archived_at = now() WHERE group_id = $1 AND wmkt_id = 'ads-1'",
            shop.given.group_id,
        )
    assert [one["campaignSlug"] for one in (await shop.get(ADS))["data"]] == ["spring"]
    assert (await shop.get(f"{ADS}/{ident}"))["campaignSlug"] == "spring"
    assert len((await shop.get(f"{ADS}/{ident}/outlays"))["data"]) == 1
    await spent(shop, f"{ADS}/{ident}")
    await shop.refused("POST", ADS, 409, json={"campaignSlug": "summer", "name": "Summer"})


async def test_an_archived_project_is_read_and_takes_nothing_new(shop: Analyst) -> None:
    async with shop.db.transaction(shop.given.scope) as tx:
        await tx.execute(
            "UPDATE project SET archived_at = now() WHERE group_id = $1 AND id = $2",
            shop.given.group_id,
            shop.project_id,
        )
    assert (await shop.get(ADS))["data"] == []
    await shop.refused("POST", ADS, 409, json={"campaignSlug": "summer", "name": "Summer"})
    await shop.refused("POST", "event-types", 409, json={"reference": "form"})
    event = {"projectId": shop.project, "eventType": "form", "nonce": 1, "trackerId": "t", "data": {}}
    await shop.refused("POST", "/api/v1/events", 409, json=event)
    await replace(shop, token=None).refused("POST", "/api/v1/events", 404, json=event)
    assert await shop.count("event") == 0


async def test_an_outlay_given_days_covers_the_last_one(shop: Analyst) -> None:
    path = f"{ADS}/{await campaign(shop, 'winter')}"
    made = await spent(shop, path, amount=30, startDate="2024-01-01", endDate="2024-01-03")
    async with shop.db.transaction(shop.given.scope) as tx:
        days = await tx.fetch("SELECT day::text FROM spend_entry ORDER BY day")
    assert [row["day"] for row in days] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert made is not None
