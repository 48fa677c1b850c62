"""Reports, refunds and cancellations of the same orders at the same moment: everything counts once."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

from app.db.database import Database
from app.errors import Failure
from tests.orders.shops import NOON, REFERENCES, Order, Said, Shop, after, shop

MANY = 64


async def test_sixty_four_reports_at_once_come_to_the_newest(db: Database) -> None:
    made = await shop(db)
    chance = random.Random(13)
    said = [
        Said(
            reference, version, amount=chance.randrange(80), whom=chance.choice(["ada", "bo"]),
            campaign=chance.choice([None, 0, 1]), days_ago=chance.randrange(3),
            refunded=chance.choice([None, 3, 60]), cancelled=chance.choice([None, None, True]),
        )
        for reference in REFERENCES
        for version in range(1, 17)
    ]  # fmt: skip
    coming = [*said, *said]
    chance.shuffle(coming)
    await asyncio.gather(
        *(
            made.report(*(one.entry(made) for one in chance.sample(coming, 2)), said.entry(made))
            for said in coming
        )
    )
    orders: dict[str, Order] = {}
    for one in said:
        after(orders, one, made)
    assert len(coming) == MANY
    assert await made.found() == made.should(orders)


async def _report_naively(made: Shop, amount: int) -> None:
    """The same without holding anything: what was read is not what is written over."""
    async with made.db.transaction(made.scope) as tx:
        known = await tx.fetchval("SELECT amount FROM customer_order WHERE reference = 'A-1'")
        await asyncio.sleep(0.005)
        await tx.execute("UPDATE customer_order SET amount = $1 WHERE reference = 'A-1'", amount)
        await tx.execute(
            "UPDATE customer SET total_spent = total_spent + $1 WHERE external_id = 'ada'", amount - known
        )


async def test_without_holding_the_order_the_same_goes_wrong(db: Database) -> None:
    """What the test above would notice."""
    made = await shop(db)
    await made.report(made.order("A-1", "1000"))
    await asyncio.gather(*(_report_naively(made, 100 + n) for n in range(MANY)))
    found = await made.found()
    assert found["facts"]["ada"][1] != found["orders"]["A-1"][0]


async def test_of_sixty_four_refunds_at_once_as_many_are_made_as_there_is_money(db: Database) -> None:
    made = await shop(db)
    june = made.campaigns[0]
    await made.report(made.order("A-1", "20", campaign_id=june), made.order("A-2", "7", campaign_id=june))
    ended: Counter[str] = Counter()

    async def refund(n: int) -> None:
        try:
            await made.refund("A-1", f"r{n // 2}", "1")
            ended["refunded"] += 1
        except Failure as failure:
            ended[failure.reason] += 1

    await asyncio.gather(*(refund(n) for n in range(MANY)))
    assert ended == {"refunded": 40, "NOTHING_LEFT": 24}
    found = await made.found()
    assert found["orders"]["A-1"][:3] == (20, 20, 0)
    assert found["facts"]["ada"] == (2, Decimal(7), NOON)
    assert found["metrics"] == {(june, NOON.date()): (1, Decimal(7))}
    async with db.transaction(made.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM order_refund") == 20


async def test_calls_about_orders_in_any_sequence_never_wait_for_one_another(db: Database) -> None:
    made = await shop(db)
    june, july = made.campaigns
    both = [
        made.order("A-1", "50", campaign_id=june, promo_code="june"),
        made.order("A-2", "30", campaign_id=july, promo_code="june", customer_external_id="bo"),
    ]
    await made.report(*both)

    async def act(n: int) -> None:
        if n % 4 == 0:
            await made.report(*both)
        elif n % 4 == 1:
            await made.report(*reversed(both), now=NOON + timedelta(minutes=n))
        elif n % 4 == 2:
            await made.cancel(REFERENCES[n % 8 // 4])
        else:
            await made.refund(REFERENCES[n % 8 // 4], "r1" if n % 8 // 4 else "r2", "5")

    await asyncio.gather(*(act(n) for n in range(MANY)))
    found = await made.found()
    assert [found["orders"][one][2:4] for one in REFERENCES] == [(0, True), (0, True)]
    assert found["facts"] == {"ada": (0, 0, None), "bo": (0, 0, None)}
    assert (found["metrics"], found["rollup"], found["used"]) == ({}, (0, 0), (0, 0))
