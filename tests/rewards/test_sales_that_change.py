"""What was paid for an order follows what is left of it, whichever of the two comes first, and back again."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.auditing import Actor
from app.domain.campaigns.lifecycle import Move
from app.domain.erasing.operations import Cleaned, erase_customer
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.orders.refunding import cancel_order
from app.domain.rewards.windows import RewardWindow
from tests.given.campaigns import NOON
from tests.given.rewards import Given
from tests.rewards.conftest import Ask
from tests.rewards.test_by_its_date import HOUR, move
from tests.rewards.test_judging_again import DAY, again

RECORD = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) { outcomes errors { message } } }
"""
REFUND = "mutation($input: OrderRefundInput!) { orderRefund(input: $input) { errors { message } } }"
CANCEL = "mutation($input: OrderCancelInput!) { orderCancel(input: $input) { errors { message } } }"
DELETE = "mutation($input: OrderDeleteInput!) { orderDelete(input: $input) { deletedId errors { message } } }"
REVERSE = "mutation($input: RewardReverseInput!) { rewardReverse(input: $input) { errors { message } } }"
PROCESS = """
mutation($input: RewardProcessInput!) {
  rewardProcess(input: $input) {
    errors { code message }
    evaluation { id reference amount takenBack outstanding counts entries { kind amount } }
  }
}
"""


class Shop:
    """Orders of one customer, and what is paid for them: a point for each euro."""

    def __init__(self, ask: Ask, world: Given, campaign: int) -> None:
        self.ask, self.world, self.campaign = ask, world, campaign

    async def order(self, reference: str = "o-1", amount: str = "100", **more: Any) -> None:
        said = {
            "reference": reference,
            "amount": amount,
            "customerId": f"cust_{self.world.customers[0]}",
            **more,
        }
        made = (await self.ask(RECORD, orders=[said]))["ordersRecord"]
        assert made["errors"] == []

    async def refund(self, amount: str, reference: str = "o-1") -> None:
        given = {"orderReference": reference, "amount": amount, "reference": f"{reference} {amount}"}
        assert (await self.ask(REFUND, input=given))["orderRefund"]["errors"] == []

    async def cancel(self, reference: str = "o-1") -> None:
        made = await self.ask(CANCEL, input={"orderReference": reference})
        assert made["orderCancel"]["errors"] == []

    async def delete(self, reference: str = "o-1") -> None:
        made = await self.ask(DELETE, input={"orderReference": reference})
        assert made["orderDelete"]["errors"] == []

    async def pay(self, reference: str = "o-1", amount: int = 10000, **more: Any) -> Any:
        """The evaluation, as it is now."""
        said = {
            "trigger": "SPEND", "campaignId": f"camp_{self.campaign}", "reference": reference,
            "customerId": f"cust_{self.world.customers[0]}", "transaction": {"amount": amount},
            "occurredAt": NOON.isoformat(), **more,
        }  # fmt: skip
        made = (await self.ask(PROCESS, input=said))["rewardProcess"]
        assert made["errors"] == []
        return made["evaluation"]

    async def has(self) -> tuple[int, int]:
        """What the campaign paid and the customer has."""
        return await self.world.total(self.campaign), await self.world.balance()


@pytest.fixture
async def shop(ask: Ask, world: Given) -> Shop:
    return Shop(ask, world, await world.campaign())


@pytest.mark.parametrize(
    ("told", "left"),
    [({"isCancelled": True}, 0), ({"refunded": "50"}, 50), ({"refunded": "100"}, 0), ({}, 100)],
)
async def test_an_order_that_was_given_back_before_pays_what_is_left(
    shop: Shop, told: dict[str, Any], left: int
) -> None:
    await shop.order(**told)
    for _ in range(2):
        paid = await shop.pay()
        assert (paid["amount"], paid["takenBack"], paid["counts"]) == (100, 100 - left, left > 0)
        assert await shop.has() == (left, left)
        await shop.order(**told)


async def test_judging_again_pays_what_is_left_and_a_look_says_so(shop: Shop) -> None:
    ask, world, campaign = shop.ask, shop.world, shop.campaign
    await move(world, campaign, Move.PAUSE, now=NOON + HOUR)
    late = {"now": NOON + 3 * HOUR}
    for reference in ("o-1", "o-2", "o-3"):
        await shop.order(reference)
        said = {
            "trigger": "SPEND", "campaignId": f"camp_{campaign}", "reference": reference,
            "customerId": f"cust_{world.customers[0]}", "transaction": {"amount": 10000},
            "occurredAt": (NOON + 2 * HOUR).isoformat(),
        }  # fmt: skip
        assert (await ask(PROCESS, input=said, **late))["rewardProcess"]["evaluation"]["amount"] == 0
    await move(world, campaign, Move.RESUME, now=NOON + 4 * HOUR)
    await shop.refund("50")
    await shop.cancel("o-2")
    for preview in (True, False):
        done = await again(ask, campaign, "PAUSE", preview=preview)
        assert (done["differing"], done["paidBefore"], done["paidAfter"]) == (3, 0, 150)
        assert [one["paidAfter"] for one in done["differences"]] == [50, 0, 100]
        assert [one["evaluation"].split("_")[0] for one in done["differences"]] == ["reward"] * 3
        assert await shop.has() == ((0, 0) if preview else (150, 150))


async def test_an_order_that_stands_again_is_paid_again_once(shop: Shop) -> None:
    await shop.order()
    await shop.pay()
    for _ in range(2):
        await shop.cancel()
        assert await shop.has() == (0, 0)
        for _ in range(2):
            await shop.order(isCancelled=False)
            paid = await shop.pay()
            assert (paid["takenBack"], paid["counts"], paid["outstanding"]) == (0, True, 0)
            assert await shop.has() == (100, 100)
    assert [(one["kind"], one["amount"]) for one in paid["entries"]] == [
        ("PAYMENT", 100), ("REVERSAL", -100), ("RESTORATION", 100), ("REVERSAL", -100), ("RESTORATION", 100),
    ]  # fmt: skip


async def test_a_smaller_refund_gives_the_difference_again(shop: Shop) -> None:
    await shop.order(refunded="0")
    await shop.pay()
    for refunded, left in (("60", 40), ("25", 75), ("100", 0), ("0", 100)):
        await shop.order(refunded=refunded)
        assert await shop.has() == (left, left)


async def test_what_somebody_asked_back_stays_taken_back(shop: Shop) -> None:
    await shop.order()
    paid = await shop.pay()
    await shop.ask(REVERSE, input={"id": paid["id"], "inAll": 30})
    await shop.cancel()
    assert await shop.has() == (0, 0)
    await shop.order(isCancelled=False)
    assert await shop.has() == (70, 70)


async def test_what_was_spent_meanwhile_is_not_given_twice(shop: Shop) -> None:
    world = shop.world
    redeeming = await world.campaign(world.flow(60), reward_type=2)
    await shop.order()
    await shop.pay()
    await world.pay(redeeming, world.spend("r"))
    await shop.cancel()
    assert await shop.has() == (60, 0)
    await shop.order(isCancelled=False)
    paid = await shop.pay()
    assert (paid["takenBack"], paid["outstanding"]) == (0, 0)
    assert await shop.has() == (100, 40)


async def test_limits_hold_when_it_is_given_again(ask: Ask, world: Given) -> None:
    shop = Shop(ask, world, await world.campaign(goals=[(2, 2, 150)]))
    await shop.order()
    await shop.pay()
    await shop.cancel()
    await shop.order("o-2")
    await shop.pay("o-2")
    await shop.order(isCancelled=False)
    assert await shop.has() == (150, 150)
    assert (await shop.pay())["takenBack"] == 50


async def test_points_that_wait_wait_again(ask: Ask, world: Given) -> None:
    shop = Shop(ask, world, await world.campaign(reward_wait_days=14, reward_expire_days=30))
    await shop.order()
    await shop.pay()
    await shop.cancel()
    await shop.order(isCancelled=False)
    assert await shop.has() == (100, 0)
    row = await world.row("SELECT pending FROM reward_balance WHERE group_id = $1")
    assert row["pending"] == 100


async def test_a_deleted_orders_reference_is_free(shop: Shop) -> None:
    await shop.order(amount="500")
    old = await shop.pay(amount=50000)
    await shop.delete()
    assert await shop.has() == (0, 0)
    await shop.order(amount="50")
    for _ in range(2):
        new = await shop.pay(amount=5000)
        assert (new["id"] != old["id"], new["takenBack"], new["counts"]) == (True, 0, True)
        assert await shop.has() == (100, 100)
    await shop.cancel()
    assert await shop.has() == (0, 0)


async def test_replaying_what_was_given_again_gives_the_ledger(shop: Shop) -> None:
    for reference in ("o-1", "o-2"):
        await shop.order(reference)
        await shop.pay(reference)
        await shop.cancel(reference)
    await shop.order(isCancelled=False)
    await shop.order("o-2", isCancelled=False, refunded="40")
    assert await shop.has() == (160, 160)
    found = await replayed(shop)
    assert (found.paid, found.was_paid, found.differing) == (160, 160, 0)


async def replayed(shop: Shop) -> Any:
    """The campaign's own configuration, over everything."""
    from app.domain.rewards.reading import read_running
    from app.domain.rewards.simulating import replay_evaluations

    window = RewardWindow(NOON - DAY, NOON + timedelta(days=36500))
    async with shop.world.db.transaction(shop.world.scope) as tx:
        one = (await read_running(tx, [shop.campaign]))[shop.campaign]
        async for state in replay_evaluations(tx, one.programme, window):
            found = state
    return found


async def test_whichever_is_first_when_both_come_at_once(shop: Shop) -> None:
    world = shop.world

    async def cancelled(reference: str) -> None:
        async with world.db.transaction(world.scope) as tx:
            await cancel_order(tx, order_id=None, order=reference, now=NOON)

    async with world.db.transaction(world.scope) as tx:
        entries = [
            OrderEntry(
                reference=f"m-{n}", amount=Decimal(100), customer_id=world.customers[0], ordered_at=NOON
            )
            for n in range(12)
        ]
        await record_orders(tx, entries, now=NOON)
    both = [
        (cancelled(f"m-{n}"), world.pay(shop.campaign, world.spend(f"m-{n}", amount=10000)))
        for n in range(12)
    ]
    await asyncio.gather(*(one for pair in both for one in pair))
    assert await shop.has() == (0, 0)


async def test_the_reference_of_somebody_who_is_erased_is_gone(shop: Shop) -> None:
    world = shop.world
    said = "Ada Lovelace, her order"
    await world.row("UPDATE customer SET name = 'Ada Lovelace' WHERE group_id = $1 RETURNING id")
    await shop.pay(said)
    async with world.db.transaction(world.scope) as tx:
        await erase_customer(tx, world.customers[0], cleaned=Cleaned(), by=Actor("test"), now=NOON)
    row = await world.row("SELECT count(*) FROM sale_reference WHERE group_id = $1 AND reference = $2", said)
    assert row[0] == 0
