"""An order reported again names its own promo, campaign and store, whatever became of them since."""

from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from tests.given import audience, groups
from tests.orders.test_through_the_graph import Asking

RECORD = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) { outcomes errors { code message } } }
"""
CHANGE = (
    "mutation($id: ID!, $code: String!) { promoUpdate(input: {id: $id, code: $code}) { errors { code } } }"
)
SEEN = "{ orders { nodes { reference refunded { amount } promo { id } campaign { id } store { id } } } }"


@pytest.fixture
async def ask(db: Database, tmp_path: Path) -> Asking:
    made = await groups.group(db)
    await audience.customer(db, made.scope, "ada")
    return Asking(db, made, tmp_path)


async def make(ask: Asking, what: str, fields: str) -> str:
    answer = await ask(
        f"mutation {{ {what}Create(input: {{{fields}}}) {{ {what} {{ id }} errors {{ code }} }} }}"
    )
    return str(answer[f"{what}Create"][what]["id"])


async def promo(ask: Asking, code: str = "WELCOME", more: str = "") -> str:
    return await make(ask, "promo", f'code: "{code}", type: PERCENTAGE, value: "10"{more}')


async def delete(ask: Asking, what: str, ident: str) -> None:
    answer = await ask(
        f'mutation {{ {what}Delete(input: {{id: "{ident}"}}) {{ deletedId errors {{ code }} }} }}'
    )
    assert answer[f"{what}Delete"]["errors"] == []


async def report(ask: Asking, *entries: dict[str, Any]) -> Any:
    common = {"customerExternalId": "ada", "amount": "45", "orderedAt": "2025-06-14T10:00:00Z"}
    answer = (await ask(RECORD, orders=[{**common, **one} for one in entries]))["ordersRecord"]
    return answer["errors"] or answer["outcomes"]


async def used(ask: Asking, ident: str) -> int:
    return int((await ask(f'{{ promo(id: "{ident}") {{ used }} }}'))["promo"]["used"])


async def test_a_deleted_promo_a_campaign_and_a_store_are_still_its_own(ask: Asking) -> None:
    campaign = await make(ask, "campaign", 'name: "C", channels: ["email"], startsAt: "2025-06-01T00:00:00Z"')
    store = await make(ask, "store", 'name: "S"')
    ident = await promo(ask, more=f', campaignId: "{campaign}"')
    has = {"reference": "o1", "promoCode": "welcome", "campaignId": campaign, "storeId": store, "version": 1}
    assert await report(ask, has) == ["RECORDED"]
    for what, one in (("promo", ident), ("campaign", campaign), ("store", store)):
        await delete(ask, what, one)
    assert await report(ask, has) == ["REPEATED"]
    again = {**has, "version": 2, "refunded": "10"}
    del again["campaignId"]  # Then it is its promo's, as it was.
    assert await report(ask, again, {"reference": "o2"}) == ["CORRECTED", "RECORDED"]
    seen = {one["reference"]: one for one in (await ask(SEEN))["orders"]["nodes"]}
    assert seen["o1"]["refunded"]["amount"] == "10.00"
    assert (seen["o1"]["promo"], seen["o1"]["campaign"], seen["o1"]["store"]) == (
        {"id": ident}, {"id": campaign}, {"id": store},
    )  # fmt: skip
    # Another order cannot come with what is there no more.
    for name, value in (("promoCode", "WELCOME"), ("campaignId", campaign), ("storeId", store)):
        assert (await report(ask, {"reference": "o3", name: value}))[0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("how", ["deleted", "renamed"])
async def test_a_code_that_another_promo_has_now_means_the_orders_own(ask: Asking, how: str) -> None:
    first = await promo(ask)
    told = {"reference": "o1", "promoCode": "WELCOME"}
    assert await report(ask, told) == ["RECORDED"]
    if how == "deleted":
        await delete(ask, "promo", first)
    else:
        await ask(CHANGE, id=first, code="HELLO")
        assert await report(ask, told) == ["REPEATED"]
        assert await report(ask, {**told, "promoCode": "hello"}) == ["REPEATED"]
    second = await promo(ask)
    assert await report(ask, told) == ["REPEATED"]
    assert await report(ask, {**told, "version": 2, "refunded": "10"}) == ["CORRECTED"]
    assert (await ask(SEEN))["orders"]["nodes"][0]["promo"] == {"id": first}
    assert await used(ask, second) == 0
    assert await report(ask, {**told, "reference": "o2"}) == ["RECORDED"]
    assert await used(ask, second) == 1


@pytest.mark.parametrize("version", [0, 1])
async def test_a_corrected_moment_counts_for_the_campaign_that_held_it(ask: Asking, version: int) -> None:
    first, second = [
        await make(ask, "campaign", f'name: "C", channels: ["email"], startsAt: "{since}", endsAt: "{until}"')
        for since, until in (
            ("2025-06-01T00:00:00Z", "2025-06-06T00:00:00Z"), ("2025-06-12T00:00:00Z", "2025-06-20T00:00:00Z"),
        )
    ]  # fmt: skip
    ident = await promo(ask, more=f', campaignId: "{first}"')
    await ask(
        f'mutation {{ promoCampaignAdd(input: {{promoId: "{ident}", campaignId: "{second}"}})'
        " { errors { code } } }"
    )
    told = {"reference": "o1", "promoCode": "WELCOME"}

    async def campaign_at(moment: str, number: int, **more: Any) -> str:
        await report(ask, {**told, **more, "orderedAt": moment, "version": number * version})
        return str((await ask(SEEN))["orders"]["nodes"][0]["campaign"]["id"])

    assert await campaign_at("2025-06-03T10:00:00Z", 1) == first
    assert await campaign_at("2025-06-14T10:00:00Z", 2) == second
    # One that was named stays, unless the whole order is told without.
    assert await campaign_at("2025-06-14T10:00:00Z", 3, campaignId=first) == first
    assert await campaign_at("2025-06-13T10:00:00Z", 4) == (second if version else first)
