"""One book: an order with a code is a use, once, whoever told it first; what does not stand gives it back."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.orders.refunding import cancel_order, refund_order
from app.domain.promos.redeeming import release
from app.values.scope import Scope
from tests.given import audience, groups
from tests.given import promos as given
from tests.given.promos import NOON
from tests.promos.conftest import Call

RECORD = """
mutation($i: OrdersRecordInput!) { ordersRecord(input: $i) { recorded beyondPromoLimits errors { code } } }
"""
BOOK = """
{ promos { nodes { used usedBeyondLimit redemptions(orderBy: {field: REDEEMED_AT}) { nodes {
    key counts isOfOrder isBeyondLimit discount { amount } customer { id } } } } } }
"""


async def book(db: Database, scope: Scope, promo: int) -> tuple[int, int, int]:
    """What the promo counts, what it counts beyond its limits, what its customers count."""
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow(
            "SELECT used, used_beyond_limit,"
            " (SELECT coalesce(sum(used), 0) FROM promo_usage WHERE promo_id = p.id) AS counted"
            " FROM promo p WHERE id = $1",
            promo,
        )
        assert row is not None
        recorded = await tx.fetchrow(
            "SELECT count(*) FILTER (WHERE NOT is_beyond_limit) AS used,"
            " count(*) FILTER (WHERE is_beyond_limit) AS more"
            " FROM promo_redemption WHERE promo_id = $1 AND released_at IS NULL",
            promo,
        )
        assert recorded is not None
    assert (row["used"], row["used_beyond_limit"]) == (recorded["used"], recorded["more"])
    return row["used"], row["used_beyond_limit"], int(row["counted"])


async def cancel(db: Database, scope: Scope, order: str) -> None:
    async with db.transaction(scope) as tx:
        await cancel_order(tx, order_id=None, order=order, now=NOON)


async def refund(db: Database, scope: Scope, order: str, reference: str, amount: str | None = None) -> None:
    async with db.transaction(scope) as tx:
        part = None if amount is None else Decimal(amount)
        await refund_order(tx, order_id=None, order=order, amount=part, reference=reference, now=NOON)


async def test_orders_with_a_code_are_uses_also_beyond_its_limit(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1)
    await audience.customer(db, group.scope, "ada")
    order = {"customerExternalId": "ada", "promoCode": "welcome20", "orderedAt": "2026-06-15T10:00:00Z"}
    told = await call(
        group.scope, RECORD,
        i={"orders": [{**order, "reference": "o1", "amount": "80"}, {**order, "reference": "o2", "amount": "9"}]},
    )  # fmt: skip
    assert told["data"]["ordersRecord"] == {"recorded": 2, "beyondPromoLimits": ["o2"], "errors": []}
    shown = (await call(group.scope, BOOK))["data"]["promos"]["nodes"][0]
    assert (shown["used"], shown["usedBeyondLimit"]) == (1, 1)
    assert sorted((one["key"], one["isBeyondLimit"]) for one in shown["redemptions"]["nodes"]) == [
        ("o1", False), ("o2", True),
    ]  # fmt: skip
    assert all(one["isOfOrder"] and one["counts"] for one in shown["redemptions"]["nodes"])
    # Nobody else gets one, and telling it again changes nothing.
    with pytest.raises(Exception, match="can be used 1 times"):
        await given.use(db, group.scope, "WELCOME20", key="k")
    await call(group.scope, RECORD, i={"orders": [{**order, "reference": "o1", "amount": "81"}]})
    assert await book(db, group.scope, promo) == (1, 1, 2)


async def test_an_order_and_a_redemption_with_its_reference_are_one_use(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=2)
    ada = await audience.customer(db, group.scope, "ada")
    first = await given.use(db, group.scope, "WELCOME20", key="o1", customer_id=ada)
    await audience.orders(
        db, group.scope, audience.order("o1", "ada", "80", promo_code="WELCOME20"), now=NOON
    )
    assert await book(db, group.scope, promo) == (1, 0, 1)
    await audience.orders(
        db, group.scope, audience.order("o2", "ada", "80", promo_code="WELCOME20"), now=NOON
    )
    second = await given.use(db, group.scope, "WELCOME20", key="o2", customer_id=ada)
    assert first != second
    assert await book(db, group.scope, promo) == (2, 0, 2)
    async with db.transaction(group.scope) as tx:
        discounts = await tx.fetch("SELECT discount, place FROM promo_redemption ORDER BY key")
    assert [tuple(row) for row in discounts] == [(20, 0), (20, 0)]


async def test_what_does_not_stand_gives_it_back_and_takes_it_again(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1)
    await audience.customer(db, group.scope, "ada")
    order = {"promo_code": "welcome20"}
    await audience.orders(db, group.scope, audience.order("o1", "ada", "80", **order), now=NOON)
    await refund(db, group.scope, "o1", "r1", "10")
    assert await book(db, group.scope, promo) == (1, 0, 1)  # partly refunded: still a use
    await refund(db, group.scope, "o1", "r2")
    assert await book(db, group.scope, promo) == (0, 0, 0)
    await audience.orders(db, group.scope, audience.order("o2", "ada", "80", **order), now=NOON)
    await cancel(db, group.scope, "o2")
    await cancel(db, group.scope, "o2")
    assert await book(db, group.scope, promo) == (0, 0, 0)
    again = audience.order("o2", "ada", "80", is_cancelled=False)
    await audience.orders(db, group.scope, again, now=NOON)
    assert await book(db, group.scope, promo) == (1, 0, 1)
    # Back while somebody else has the last one: it happened, so it is told.
    await cancel(db, group.scope, "o2")
    await given.use(db, group.scope, "WELCOME20", key="other")
    told = await audience.orders(db, group.scope, again, now=NOON)
    assert told.beyond_limit == ("o2",)
    assert await book(db, group.scope, promo) == (1, 1, 1)


async def test_a_corrected_order_moves_its_use(db: Database) -> None:
    group = await groups.group(db)
    one = await given.promo(db, group.scope, "ONE20")
    two = await given.promo(db, group.scope, "TWO20")
    for who in ("ada", "bo"):
        await audience.customer(db, group.scope, who)
    for whom, code, expected in (
        ("ada", "one20", ((1, 0, 1), (0, 0, 0))),
        ("bo", "one20", ((1, 0, 1), (0, 0, 0))),
        ("bo", "two20", ((0, 0, 0), (1, 0, 1))),
        ("ada", "one20", ((1, 0, 1), (0, 0, 0))),
    ):
        await audience.orders(db, group.scope, audience.order("o1", whom, "80", promo_code=code), now=NOON)
        assert (await book(db, group.scope, one), await book(db, group.scope, two)) == expected
    async with db.transaction(group.scope) as tx:
        whose = await tx.fetch(
            "SELECT c.external_id, u.used FROM promo_usage u JOIN customer c ON c.id = u.customer_id"
            " WHERE u.promo_id = $1 ORDER BY 1",
            one,
        )
    assert [tuple(row) for row in whose] == [("ada", 1), ("bo", 0)]
    # Cancelled with one code, standing again with another: the first one stays given back.
    await cancel(db, group.scope, "o1")
    await audience.orders(
        db, group.scope, audience.order("o1", "ada", "80", promo_code="two20", is_cancelled=False), now=NOON
    )  # fmt: skip
    assert (await book(db, group.scope, one))[0] == 0
    assert (await book(db, group.scope, two))[0] == 1


async def test_a_use_given_back_by_hand_comes_again_with_its_order(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1)
    ada = await audience.customer(db, group.scope, "ada")
    used = await given.use(db, group.scope, "WELCOME20", key="o1", customer_id=ada)
    async with db.transaction(group.scope) as tx:
        await release(tx, used, now=NOON)
    await audience.orders(
        db, group.scope, audience.order("o1", "ada", "80", promo_code="welcome20"), now=NOON
    )
    assert await book(db, group.scope, promo) == (1, 0, 1)


async def test_an_order_and_its_redemption_at_the_same_moment_are_one_use(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope)
    ada = await audience.customer(db, group.scope, "ada")

    async def tell(n: int, what: str) -> None:
        if what == "order":
            entry = audience.order(f"o{n}", "ada", "80", promo_code="welcome20")
            await audience.orders(db, group.scope, entry, now=NOON)
        else:
            await given.use(db, group.scope, "WELCOME20", key=f"o{n}", customer_id=ada)

    await asyncio.gather(*(tell(n, what) for n in range(20) for what in ("order", "use")))
    assert await book(db, group.scope, promo) == (20, 0, 20)


async def test_a_bundle_with_an_orders_reference_comes_and_goes_with_it(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promos = [
        await given.promo(db, group.scope, code, stacking="with_others", value=Decimal(10))
        for code in ("ONE10", "TWO10")
    ]
    await audience.customer(db, group.scope, "ada")
    redeem = "mutation($i: PromoRedeemInput!) { promoRedeem(input: $i) { errors { code } } }"
    asked: dict[str, Any] = {
        "key": "o1", "codes": ["ONE10", "TWO10"], "basket": {"lines": [{"unitPrice": "100"}]},
    }  # fmt: skip
    await call(group.scope, redeem, i=asked)
    await audience.orders(db, group.scope, audience.order("o1", "ada", "81", promo_code="one10"), now=NOON)
    assert [(await book(db, group.scope, one))[0] for one in promos] == [1, 1]
    await cancel(db, group.scope, "o1")
    assert [(await book(db, group.scope, one))[0] for one in promos] == [0, 0]
    await audience.orders(db, group.scope, audience.order("o1", "ada", "81", is_cancelled=False), now=NOON)
    assert [(await book(db, group.scope, one))[0] for one in promos] == [1, 1]
