"""Orders beyond their promo's limits: they stand, so limits are judged by them; a free place is the oldest's."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from app.db.database import Database
from app.domain.orders.refunding import cancel_order
from app.domain.promos.generating import exported_codes, generate_codes
from app.domain.promos.redeeming import release
from app.errors import Conflict, Several
from app.values.scope import Scope
from tests.given import audience, groups
from tests.given import promos as given
from tests.given.promos import NOON
from tests.promos.conftest import Call

RECORD = """
mutation($i: OrdersRecordInput!) { ordersRecord(input: $i) { beyondPromoLimits errors { code path message } } }
"""
REFUND = "mutation($i: OrderRefundInput!) { orderRefund(input: $i) { errors { code } } }"
VALIDATE = """
query($code: String!) { promoValidate(code: $code, basket: {lines: [{unitPrice: "100"}]}) { reasons { code } } }
"""
REDEEM = """
mutation($i: PromoRedeemInput!) { promoRedeem(input: $i) {
  redemption { id isOfOrder isBeyondLimit customer { name } } errors { code } } }
"""
UPDATE = "mutation($i: PromoUpdateInput!) { promoUpdate(input: $i) { promo { used } errors { code } } }"
PROMO = """
{ promos { nodes { used usedBeyondLimit usedShare status isRedeemable
  redemptions(orderBy: {field: REDEEMED_AT}, filter: {released: false}) { totalCount nodes { key isBeyondLimit } } } } }
"""
BASKET = {"lines": [{"unitPrice": "100"}]}


async def codes(db: Database, scope: Scope, promo: int, count: int) -> list[str]:
    async with db.transaction(scope) as tx:
        await generate_codes(tx, promo, count=count, prefix="SUM", now=NOON)
        rows = await tx.fetch("SELECT code FROM promo_code ORDER BY code")
    return [row["code"] for row in rows]


def order(reference: str, code: str = "WELCOME20", who: str = "ada", *, minute: int = 0) -> dict[str, Any]:
    at = NOON - timedelta(hours=2) + timedelta(minutes=minute)
    return {
        "reference": reference, "amount": "80", "customerExternalId": who, "promoCode": code,
        "orderedAt": at.isoformat(),
    }  # fmt: skip


async def record(call: Call, scope: Scope, *orders: dict[str, Any]) -> list[str]:
    told = (await call(scope, RECORD, i={"orders": list(orders)}))["data"]["ordersRecord"]
    assert told["errors"] == []
    return list(told["beyondPromoLimits"])


async def refund(call: Call, scope: Scope, reference: str) -> None:
    told = await call(scope, REFUND, i={"orderReference": reference, "reference": f"back {reference}"})
    assert told["data"]["orderRefund"]["errors"] == []


async def reasons(call: Call, scope: Scope, code: str) -> list[str]:
    told = await call(scope, VALIDATE, code=code)
    return [one["code"] for one in told["data"]["promoValidate"]["reasons"]]


async def redeemed(call: Call, scope: Scope, key: str, code: str = "WELCOME20") -> Any:
    told = await call(scope, REDEEM, i={"key": key, "codes": [code], "basket": BASKET})
    told = told["data"]["promoRedeem"]
    return told["redemption"] or [one["code"] for one in told["errors"]]


async def shown(call: Call, scope: Scope) -> tuple[int, int, list[str]]:
    """What is used, what is beyond, and whose uses are beyond."""
    node = (await call(scope, PROMO))["data"]["promos"]["nodes"][0]
    keys = [one["key"] for one in node["redemptions"]["nodes"] if one["isBeyondLimit"]]
    assert node["redemptions"]["totalCount"] == node["used"] + node["usedBeyondLimit"]
    return node["used"], node["usedBeyondLimit"], keys


async def test_a_code_that_a_standing_order_came_with_is_not_free(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=3)
    (code,) = await codes(db, group.scope, promo, 1)
    await audience.customer(db, group.scope, "ada")
    await record(call, group.scope, order("o2", code))
    assert await record(call, group.scope, order("o3", code, minute=1)) == ["o3"]
    await refund(call, group.scope, "o2")
    assert await shown(call, group.scope) == (1, 0, [])
    assert await reasons(call, group.scope, code) == ["CODE_USED"]
    assert await redeemed(call, group.scope, "k", code) == ["CODE_USED"]
    await refund(call, group.scope, "o3")
    assert await shown(call, group.scope) == (0, 0, [])
    assert await reasons(call, group.scope, code) == []


async def test_a_code_used_only_beyond_the_limit_does_not_look_free(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=0)
    (code,) = await codes(db, group.scope, promo, 1)
    await audience.customer(db, group.scope, "ada")
    assert await record(call, group.scope, order("o1", code)) == ["o1"]
    async for page in exported_codes(db, group.group_id, promo):
        assert [one["redeemed_at"] for one in page] == [NOON]
    assert "CODE_USED" in await reasons(call, group.scope, code)


async def test_a_place_that_comes_free_is_the_oldest_ones(db: Database, call: Call) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope, usage_limit=3)
    await audience.customer(db, group.scope, "ada")
    orders = [order(f"o{n}", minute=n) for n in range(5)]
    assert await record(call, group.scope, *orders) == ["o3", "o4"]
    used = await redeemed(call, group.scope, "other")
    assert used == ["USAGE_LIMIT_REACHED"]
    await refund(call, group.scope, "o1")
    assert await shown(call, group.scope) == (3, 1, ["o4"])
    await refund(call, group.scope, "o0")
    assert await shown(call, group.scope) == (3, 0, [])
    assert await redeemed(call, group.scope, "other") == ["USAGE_LIMIT_REACHED"]
    await refund(call, group.scope, "o2")
    assert (await redeemed(call, group.scope, "other"))["isBeyondLimit"] is False


async def test_a_raised_limit_takes_in_what_is_beyond(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=3, per_customer_limit=4)
    for who in ("ada", "bo"):
        await audience.customer(db, group.scope, who)
    await record(
        call, group.scope, *(order(f"o{n}", minute=n) for n in range(6)), order("o6", who="bo", minute=9)
    )
    assert await shown(call, group.scope) == (3, 4, ["o3", "o4", "o5", "o6"])
    told = await call(group.scope, UPDATE, i={"id": f"promo_{promo}", "usageLimit": 100})
    assert told["data"]["promoUpdate"] == {"promo": {"used": 5}, "errors": []}
    assert await shown(call, group.scope) == (5, 2, ["o4", "o5"])
    await call(group.scope, UPDATE, i={"id": f"promo_{promo}", "perCustomerLimit": None})
    assert await shown(call, group.scope) == (7, 0, [])
    # A cancelled order that stands again takes its place again.
    async with db.transaction(group.scope) as tx:
        await cancel_order(tx, order_id=None, order="o0", now=NOON)
    await record(call, group.scope, {**order("o0"), "isCancelled": False})
    assert await shown(call, group.scope) == (7, 0, [])


async def test_limits_are_judged_by_all_uses_that_stand(db: Database, call: Call) -> None:
    """A code that two orders came with leaves places, but not more uses than the limit allows."""
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=3)
    one, two, three = await codes(db, group.scope, promo, 3)
    await audience.customer(db, group.scope, "ada")
    assert await record(call, group.scope, order("o1", one), order("o2", one, minute=1)) == ["o2"]
    assert (await redeemed(call, group.scope, "k", two))["isBeyondLimit"] is False
    assert await shown(call, group.scope) == (2, 1, ["o2"])
    node = (await call(group.scope, PROMO))["data"]["promos"]["nodes"][0]
    assert (node["status"], node["isRedeemable"]) == ("USED_UP", False)
    assert await reasons(call, group.scope, three) == ["USAGE_LIMIT_REACHED"]
    assert await redeemed(call, group.scope, "l", three) == ["USAGE_LIMIT_REACHED"]


async def test_an_order_keeps_its_place_when_it_is_corrected(db: Database, call: Call) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope, usage_limit=1)
    for who in ("ada", "bo"):
        await audience.customer(db, group.scope, who)
    await record(call, group.scope, order("o1", minute=5))
    assert await record(call, group.scope, order("o2", minute=1)) == ["o2"]
    assert await record(call, group.scope, order("o1", who="bo", minute=5)) == []
    assert await shown(call, group.scope) == (1, 1, ["o2"])
    # Its key is the same use still; that of the other has no place.
    assert (await redeemed(call, group.scope, "o1"))["customer"] == {"name": "bo"}
    assert await redeemed(call, group.scope, "o2") == ["USAGE_LIMIT_REACHED"]
    assert await shown(call, group.scope) == (1, 1, ["o2"])


async def test_redeeming_what_is_beyond_and_redemptions_of_its_customer_take_rows_in_one_order(
    db: Database, call: Call
) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=0)
    ada = await audience.customer(db, group.scope, "ada")
    await record(call, group.scope, *(order(f"o{n}", minute=n) for n in range(25)))
    async with db.transaction(group.scope) as tx:
        # Nobody has given them their places yet.
        await tx.execute("UPDATE promo SET usage_limit = 100 WHERE id = $1", promo)
    made = await asyncio.gather(
        *(given.use(db, group.scope, "WELCOME20", key=f"o{n}") for n in range(25)),
        *(given.use(db, group.scope, "WELCOME20", key=f"k{n}", customer_id=ada) for n in range(25)),
    )
    assert len(set(made)) == 50
    assert await given.uses(db, group.scope, promo) == (50, 50, 50)
    assert await shown(call, group.scope) == (50, 0, [])


async def test_places_that_come_free_while_others_redeem_are_taken_without_a_deadlock(
    db: Database, call: Call
) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=25)
    ada = await audience.customer(db, group.scope, "ada")
    taken = [await given.use(db, group.scope, "WELCOME20", key=f"t{n}") for n in range(25)]
    orders = [order(f"o{n}", minute=n) for n in range(25)]
    assert len(await record(call, group.scope, *orders)) == 25

    async def back(ident: int) -> None:
        async with db.transaction(group.scope) as tx:
            await release(tx, ident, now=NOON)

    async def cancel(n: int) -> None:
        async with db.transaction(group.scope) as tx:
            await cancel_order(tx, order_id=None, order=f"o{n}", now=NOON)

    async def raise_limit(limit: int) -> None:
        await call(group.scope, UPDATE, i={"id": f"promo_{promo}", "usageLimit": limit})

    doing: list[Awaitable[Any]] = [raise_limit(limit) for limit in (26, 40, 60)]
    for n in range(25):
        doing += [
            back(taken[n]),
            given.use(db, group.scope, "WELCOME20", key=f"o{n}"),
            given.use(db, group.scope, "WELCOME20", key=f"k{n}", customer_id=ada),
        ]
        if n % 5 == 0:
            doing.append(cancel(n))
    ended = await asyncio.gather(*doing, return_exceptions=True)
    refused = [one for one in ended if isinstance(one, BaseException)]
    assert all(isinstance(one, (Conflict, Several)) for one in refused), refused
    await raise_limit(
        61
    )  # One that was being redeemed when a place came free may have been left out until now.
    used, beyond, _ = await shown(call, group.scope)
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT sum(used) FROM promo_usage") == await tx.fetchval(
            "SELECT count(*) FROM promo_redemption WHERE released_at IS NULL AND customer_id IS NOT NULL"
        )
    assert beyond == 0
    assert used <= 60
