"""The sums of orders by store and day are those of the orders, whatever was reported, corrected or cancelled."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.groups.fields import StoreFields
from app.domain.groups.operations import update_store
from app.domain.orders.sums import REBUILD_SUMS
from app.errors import Failure
from tests.given import groups
from tests.orders.shops import NOON, Shop, shop

KEPT = """
SELECT store_id, day, channel, has_promo, currency, orders, cancelled, worth, refunded FROM order_rollup
 WHERE orders <> 0 OR cancelled <> 0 OR worth <> 0 OR refunded <> 0
"""
SUMMED = """
SELECT store_id, ordered_on, channel, promo_id IS NOT NULL, currency, count(*) FILTER (WHERE cancelled_at IS NULL),
       count(cancelled_at), sum(worth), sum(refunded)
  FROM customer_order GROUP BY 1, 2, 3, 4, 5
"""
ROUNDS, AT_ONCE = 25, 4


async def differences(made: Shop) -> list[Any]:
    async with made.db.transaction(made.scope) as tx:
        assert await tx.fetch(SUMMED)
        return [
            dict(row)
            for row in await tx.fetch(f"(({KEPT}) EXCEPT ({SUMMED})) UNION ALL (({SUMMED}) EXCEPT ({KEPT}))")
        ]


@pytest.mark.parametrize("seed", range(4))
async def test_they_add_up_after_anything_at_once(db: Database, seed: int) -> None:
    made, rng = await shop(db), random.Random(seed)
    second = await groups.store(db, made.scope.group_id, time_zone="Asia/Tokyo")
    stores = [None, second.store_id]

    async def step() -> None:
        reference = f"o{rng.randrange(12)}"
        what = rng.random()
        with suppress(Failure):
            if what < 0.15:
                await made.cancel(reference)
            elif what < 0.3:
                await made.refund(reference, f"r{rng.randrange(30)}", rng.choice([None, "1", "2.5"]))
            else:
                await made.report(
                    *(
                        made.order(
                            f"o{one}", str(rng.randrange(0, 60)), store_id=rng.choice(stores),
                            campaign_id=rng.choice([None, *made.campaigns]),
                            promo_code=rng.choice([None, None, "JUNE"]), currency=rng.choice(["EUR", "USD"]),
                            ordered_at=NOON - timedelta(hours=rng.randrange(72)),
                            is_cancelled=rng.choice([None, None, True, False]),
                        )
                        for one in sorted(rng.sample(range(12), 3))
                    )
                )  # fmt: skip

    for _ in range(ROUNDS):
        await asyncio.gather(*(step() for _ in range(AT_ONCE)))
    assert await differences(made) == []
    async with db.transaction(made.scope) as tx:
        kept = {tuple(row) for row in await tx.fetch(KEPT)}
        for statement in REBUILD_SUMS:
            await tx.execute(statement, made.scope.group_id)
        assert {tuple(row) for row in await tx.fetch(KEPT)} == kept


async def test_a_store_that_moves_to_another_zone_leaves_its_orders_on_their_days(db: Database) -> None:
    made = await shop(db)
    await made.report(made.order("o1", "10", ordered_at=NOON.replace(hour=23, minute=30) - timedelta(days=1)))
    async with db.transaction(made.scope) as tx:
        store = await tx.fetchval("SELECT store_id FROM customer_order")
        day = await tx.fetchval("SELECT ordered_on FROM customer_order")
        await update_store(tx, store, StoreFields(time_zone="Pacific/Auckland"), now=NOON)
    await made.report(made.order("o1", "12", ordered_at=NOON.replace(hour=23, minute=30) - timedelta(days=1)))
    async with db.transaction(made.scope) as tx:
        row = await tx.fetchrow("SELECT day, orders, worth FROM order_rollup")
        assert row is not None
        assert tuple(row) == (day, 1, Decimal(12))
    assert await differences(made) == []
