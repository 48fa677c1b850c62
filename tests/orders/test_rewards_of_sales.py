"""Rewards that were paid for an order are taken back when it is cancelled or given back, once, and given again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.event_types.fields import FieldEntry
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.orders.refunding import cancel_order, refund_order
from app.domain.rewards.occurrences import Occurrence
from app.tables.event_types import EventDataType, RewardTrigger
from tests.given import events, rewards
from tests.given.campaigns import NOON
from tests.given.rewards import Given


@pytest.fixture
async def world(db: Database) -> Given:
    return await rewards.given(db)


async def order(world: Given, reference: str, **more: Any) -> None:
    async with world.db.transaction(world.scope) as tx:
        entry = OrderEntry(
            reference=reference, amount=Decimal(50), customer_id=world.customers[0], ordered_at=NOON, **more
        )
        await record_orders(tx, [entry], now=NOON)


async def cancel(world: Given, reference: str) -> None:
    async with world.db.transaction(world.scope) as tx:
        await cancel_order(tx, order_id=None, order=reference, now=NOON)


async def refund(world: Given, reference: str, amount: str) -> None:
    async with world.db.transaction(world.scope) as tx:
        await refund_order(
            tx,
            order_id=None,
            order=reference,
            amount=Decimal(amount),
            reference=f"{reference} {amount}",
            now=NOON,
        )


async def told(world: Given, reference: str, campaign: int) -> None:
    """A reward for an event that tells the sale."""
    await world.purchases(1)
    row = await world.row("SELECT id, customer_id FROM event WHERE group_id = $1 ORDER BY received_at DESC")
    await world.row(
        "UPDATE event SET sale_reference = $3 WHERE group_id = $1 AND id = $2 RETURNING id",
        row["id"],
        reference,
    )
    occurrence = Occurrence(
        reference=str(row["id"]), trigger_code=1, customer_id=row["customer_id"], occurred_at=NOON,
        transaction={"amount": 5000}, event_id=row["id"],
    )  # fmt: skip
    await world.pay(campaign, occurrence)


async def test_what_was_paid_for_an_event_of_the_sale_is_taken_back_once(world: Given) -> None:
    campaign = await world.campaign()
    await order(world, "o-1")
    await order(world, "o-2")
    await told(world, "o-1", campaign)
    assert await world.total(campaign) == 100
    await cancel(world, "o-2")
    assert await world.total(campaign) == 100
    for _ in range(2):
        await cancel(world, "o-1")
        assert await world.total(campaign) == 0
    # It is given again where the order stands again, by a line of its own.
    await order(world, "o-1", is_cancelled=False)
    assert await world.total(campaign) == 100
    await cancel(world, "o-1")
    assert await world.total(campaign) == 0


async def test_an_event_that_comes_after_its_order_was_cancelled_pays_nothing(world: Given) -> None:
    campaign = await world.campaign()
    async with world.db.transaction(world.scope) as tx:
        await tx.execute(
            "UPDATE customer SET email = 'ada@example.org', email_key = 'ada@example.org' WHERE id = $1",
            world.customers[0],
        )
    fields = [
        FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
        FieldEntry(storage_key="order_id", data_type=EventDataType.INTEGER),
    ]
    site = await events.shop(world.db, fields=fields, group_id=world.group_id, trigger=RewardTrigger.SPEND)
    for reference in (1, 2):
        await order(world, str(reference))
    await cancel(world, "1")
    for reference in (1, 2):
        await site.send(data={"email": "ada@example.org", "order_id": reference})
    await site.process()
    await site.acceptor.close()
    assert await world.total(campaign) == 100
    row = await world.row("SELECT count(*), count(reversed_at) FROM reward_evaluation WHERE group_id = $1")
    assert tuple(row) == (2, 1)


async def test_a_reward_asked_for_by_the_orders_reference_is_the_orders(world: Given) -> None:
    campaign = await world.campaign(world.flow(), world.flow(70, trigger=2))
    await order(world, "o-1")
    await world.pay(campaign, world.spend("o-1"))
    for _ in range(2):
        await refund(world, "o-1", "30")
        assert await world.total(campaign) == 40
    await refund(world, "o-1", "20")
    assert await world.total(campaign) == 0
    # That a registration has the same name is chance.
    await order(world, "77")
    await world.pay(campaign, world.spend("77", trigger_code=2, transaction={}))
    await cancel(world, "77")
    assert await world.total(campaign) == 70


async def test_what_was_redeemed_meanwhile_stays_paid_and_the_order_is_cancelled(world: Given) -> None:
    campaign = await world.campaign()
    redeeming = await world.campaign(reward_type=2)
    await order(world, "o-1")
    await world.pay(campaign, world.spend("o-1"))
    await world.pay(redeeming, world.spend("spent", occurred_at=NOON + timedelta(seconds=1)))
    assert await world.balance() == 0
    await cancel(world, "o-1")
    assert await world.total(campaign) == 100
    row = await world.row("SELECT worth FROM customer_order WHERE group_id = $1")
    assert row["worth"] == 0
