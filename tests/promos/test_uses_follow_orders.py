"""What an order is corrected to, its use says, too: how much, when, and whose."""

from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from tests.given import audience, groups
from tests.given.groups import GivenGroup
from tests.orders.test_through_the_graph import Asking

RECORD = (
    "mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) { errors { code message } } }"
)
REDEEM = """
mutation($key: String!, $codes: [String!]!, $customer: ID) { promoRedeem(input: {
  key: $key, codes: $codes, customerId: $customer, basket: {lines: [{unitPrice: "50"}]} }) { errors { code } } }
"""
MERGE = "mutation($a: ID!, $b: ID!) { customerMerge(input: {fromId: $a, intoId: $b}) { errors { code } } }"
LIMIT = """
mutation($id: ID!, $most: Long) { promoUpdate(input: {id: $id, perCustomerLimit: $most}) { errors { code } } }
"""
SEEN = """
{ promos(orderBy: {field: CODE, direction: ASC}) { nodes { id used usedBeyondLimit
  redemptions { nodes { redeemedAt basketTotal { amount currency } customer { externalId } } }
  redemptionFigures(interval: DAY) { period basketTotal { amount currency } } } } }
"""


@pytest.fixture
async def ask(db: Database, tmp_path: Path) -> Asking:
    made: GivenGroup = await groups.group(db)
    for who in ("ada", "bo"):
        await audience.customer(db, made.scope, who)
    asking = Asking(db, made, tmp_path)
    await promo(asking, "AAA", "perCustomerLimit: 1, stacking: WITH_OTHERS")
    return asking


async def promo(ask: Asking, code: str, more: str) -> None:
    made = await ask(
        f'mutation {{ promoCreate(input: {{code: "{code}", type: PERCENTAGE, value: "10", {more}}})'
        " { errors { message } } }"
    )
    assert made["promoCreate"]["errors"] == []


async def report(ask: Asking, whom: str = "ada", **more: Any) -> None:
    entry = {"reference": "o1", "customerExternalId": whom, "promoCode": "AAA", "amount": "45",
             "orderedAt": "2025-06-12T10:00:00Z", **more}  # fmt: skip
    assert (await ask(RECORD, orders=[entry]))["ordersRecord"]["errors"] == []


async def redeem(ask: Asking, key: str, whom: str | None = None, *codes: str) -> list[str]:
    found = await ask("{ customers { nodes { id externalId } } }")
    ids = {one["externalId"]: one["id"] for one in found["customers"]["nodes"]}
    told = await ask(REDEEM, key=key, codes=codes or ["AAA"], customer=whom and ids[whom])
    return [one["code"] for one in told["promoRedeem"]["errors"]]


async def seen(ask: Asking) -> Any:
    return (await ask(SEEN))["promos"]["nodes"]


async def test_amount_currency_and_moment(ask: Asking) -> None:
    await report(ask)
    await report(ask, amount="60", currency="USD", orderedAt="2025-06-10T10:00:00Z")
    (node,) = await seen(ask)
    (use,) = node["redemptions"]["nodes"]
    assert use["redeemedAt"].startswith("2025-06-10T10:00:00")
    assert use["basketTotal"] == {"amount": "60.00", "currency": "USD"}
    (day,) = node["redemptionFigures"]
    assert (day["period"], day["basketTotal"]) == ("2025-06-10", {"amount": "60.00", "currency": "USD"})


async def test_a_redeemed_basket_stays_as_it_was_told(ask: Asking) -> None:
    await redeem(ask, "o1", "ada")
    await report(ask)
    await report(ask, amount="60")
    (use,) = (await seen(ask))[0]["redemptions"]["nodes"]
    assert use["basketTotal"]["amount"] == "50.00"


async def test_a_redemption_moves_with_its_order_to_another_customer(ask: Asking) -> None:
    await promo(ask, "BBB", "stacking: WITH_OTHERS")
    assert await redeem(ask, "o1", "ada", "AAA", "BBB") == []
    await report(ask)
    await report(ask, "bo")
    for node in await seen(ask):
        assert (node["used"], node["usedBeyondLimit"]) == (1, 0)
        assert [one["customer"]["externalId"] for one in node["redemptions"]["nodes"]] == ["bo"]
    assert await redeem(ask, "k2", "bo") == ["CUSTOMER_LIMIT_REACHED"]
    assert await redeem(ask, "k3", "ada") == []


@pytest.mark.parametrize("first", ["order", "redemption"])
async def test_a_redemption_for_nobody_is_the_orders_customers(ask: Asking, first: str) -> None:
    await promo(ask, "BBB", "usageLimit: 9")
    if first == "order":
        await report(ask, promoCode="BBB")
        assert await redeem(ask, "o1", None, "BBB") == []
    else:
        assert await redeem(ask, "o1", None, "BBB") == []
        await report(ask, promoCode="BBB")
        assert await redeem(ask, "o1", None, "BBB") == []
    _, node = await seen(ask)
    assert (node["used"], node["usedBeyondLimit"]) == (1, 0)
    assert [one["customer"]["externalId"] for one in node["redemptions"]["nodes"]] == ["ada"]
    # It counts for that customer, once.
    for most, expected in ((1, ["CUSTOMER_LIMIT_REACHED"]), (2, [])):
        await ask(LIMIT, id=node["id"], most=most)
        assert await redeem(ask, "k2", "ada", "BBB") == expected


async def test_whoever_was_merged_repeats_a_key_by_either_id(ask: Asking) -> None:
    await promo(ask, "BBB", "usageLimit: 9")
    found = await ask("{ customers { nodes { id externalId } } }")
    ids = {one["externalId"]: one["id"] for one in found["customers"]["nodes"]}
    for key, whom in (("k1", "ada"), ("k2", "bo")):
        assert await redeem(ask, key, whom, "BBB") == []
    await report(ask, promoCode="BBB")
    merged = await ask(MERGE, a=ids["ada"], b=ids["bo"])
    assert merged["customerMerge"]["errors"] == []
    for key in ("k1", "k2", "o1"):
        for whom in ids.values():
            told = await ask(REDEEM, key=key, codes=["BBB"], customer=whom)
            assert told["promoRedeem"]["errors"] == [], (key, whom)
    _, node = await seen(ask)
    assert node["used"] == 3
    carl = await audience.customer(ask.services.db, ask.group.scope, "carl")
    told = await ask(REDEEM, key="k1", codes=["BBB"], customer=f"cust_{carl}")
    assert [one["code"] for one in told["promoRedeem"]["errors"]] == ["KEY_REUSED"]


async def test_an_orders_promo_says_when_it_was_deleted(ask: Asking) -> None:
    await report(ask)
    told = "{ orders { nodes { promo { deletedAt isRedeemable } } } }"
    assert (await ask(told))["orders"]["nodes"] == [{"promo": {"deletedAt": None, "isRedeemable": True}}]
    (node,) = await seen(ask)
    await ask(f'mutation {{ promoDelete(input: {{id: "{node["id"]}"}}) {{ errors {{ code }} }} }}')
    (order,) = (await ask(told))["orders"]["nodes"]
    assert order["promo"]["deletedAt"].startswith("2025-06-15T12:00:00")
    assert order["promo"]["isRedeemable"] is False
