"""Many at once: limits are met exactly, the ledger adds up, and what is naive fails."""

import asyncio
import os
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import asyncpg
import pytest

from app.db.database import Database, connect
from app.domain.rewards.processing import process
from app.domain.rewards.reversing import reverse
from app.errors import Conflict
from tests.given import rewards
from tests.given.campaigns import NOON
from tests.given.rewards import CAP, Given

CLIENTS = 64
OPERATIONS = int(os.environ.get("REWARD_OPERATIONS", "1500"))
"""Random operations of one run; 100,000 before a release."""


@pytest.fixture
async def crowd(database_url: str) -> AsyncIterator[Given]:
    """A group of 64 customers, with enough connections for as many clients to collide."""
    db = await connect(database_url, readers=1, writers=16)
    yield await rewards.given(db, customers=CLIENTS)
    await db.close()


async def test_64_clients_are_paid_exactly_the_limit(crowd: Given) -> None:
    campaign = await crowd.campaign(crowd.flow(70), goals=[(*CAP, 5000)])

    async def client(at: int) -> list[dict[str, Any]]:
        return [(await crowd.pay(campaign, crowd.spend(f"{at}-{n}", at)))[0] for n in range(2)]

    made = [one for many in await asyncio.gather(*(client(at) for at in range(CLIENTS))) for one in many]
    assert await crowd.total(campaign) == 5000
    paid = sorted(one["amount"] for one in made)
    assert paid == sorted([70] * 71 + [30] + [0] * (2 * CLIENTS - 72))
    assert sum(one["outcome"] == "trimmed" for one in made) == 1


async def test_64_clients_are_at_most_so_many_participants(crowd: Given) -> None:
    campaign = await crowd.campaign(goals=[(1, 2, 10)])
    await asyncio.gather(*(crowd.pay(campaign, crowd.spend(f"{at}", at)) for at in range(CLIENTS)))
    row = await crowd.row(
        "SELECT reward_participants FROM campaign WHERE group_id = $1 AND id = $2", campaign
    )
    assert row[0] == 10
    assert await crowd.total(campaign) == 1000


async def test_one_balance_is_not_taken_twice(crowd: Given) -> None:
    earn = await crowd.campaign(crowd.flow(500))
    takes = [await crowd.campaign(crowd.flow(70), reward_type=2) for _ in range(2)]
    await crowd.pay(earn, crowd.spend("earned"))
    made = await asyncio.gather(*(crowd.pay(takes[at % 2], crowd.spend(f"t{at}")) for at in range(CLIENTS)))
    assert sum(one[0]["amount"] for one in made) == 490
    assert await crowd.balance() == 10
    await crowd.check()


async def test_reading_first_and_writing_after_passes_the_limit(crowd: Given) -> None:
    """What the conditional statement is for: the same rule, read and then written, pays too much."""
    campaign = await crowd.campaign(crowd.flow(70), goals=[(*CAP, 700)])
    start = asyncio.Barrier(8)

    async def naive() -> int:
        async with crowd.db.transaction(crowd.scope) as tx:
            paid = await tx.fetchval(
                "SELECT total_rewards FROM campaign WHERE group_id = $1 AND id = $2", crowd.group_id, campaign
            )
            await start.wait()
            amount = max(0, min(70, 700 - paid))
            await tx.execute(
                "UPDATE campaign SET total_rewards = total_rewards + $3 WHERE group_id = $1 AND id = $2",
                crowd.group_id, campaign, amount,
            )  # fmt: skip
            return int(amount)

    granted = 0
    while (round_ := sum(await asyncio.gather(*(naive() for _ in range(8))))) > 0:
        granted += round_
    assert granted > 700


async def test_campaigns_and_balances_are_taken_in_one_order(crowd: Given) -> None:
    """Batches that name the same campaigns and customers in any order never wait in a circle."""
    earn = [await crowd.campaign() for _ in range(3)]
    take = [await crowd.campaign(crowd.flow(10), reward_type=2) for _ in range(2)]

    async def client(at: int) -> None:
        chance = Random(at)
        for n in range(4):
            asked = [
                (campaign, crowd.spend(f"{at}/{n}/{who}", who))
                for campaign in earn + take
                for who in chance.sample(range(4), 3)
            ]
            chance.shuffle(asked)
            async with crowd.db.transaction(crowd.scope) as tx:
                await process(tx, asked, now=NOON)

    await asyncio.gather(*(client(at) for at in range(12)))
    await crowd.check()


async def test_the_ledger_adds_up_after_random_operations_with_reversals(crowd: Given) -> None:
    earn = [
        await crowd.campaign(crowd.flow(70), crowd.flow(30), goals=[(*CAP, 20_000), (1, 2, 40)])
        for _ in range(2)
    ]
    take = await crowd.campaign(crowd.flow(45), reward_type=2, goals=[(4, 2, 10**6)])
    left = OPERATIONS
    done: list[int] = []
    refused: list[str] = []

    async def client(at: int) -> None:
        nonlocal left
        chance = Random(at)
        while left > 0:
            left -= 1
            try:
                async with crowd.db.transaction(crowd.scope) as tx:
                    if done and chance.random() < 0.3:
                        await reverse(tx, chance.choice(done), now=NOON)
                        continue
                    number = chance.randrange(OPERATIONS)
                    made = await process(
                        tx,
                        [
                            (
                                chance.choice([*earn, take]),
                                crowd.spend(f"r{number}", number % CLIENTS, amount=500),
                            )
                        ],
                        now=NOON,
                    )
                done.extend(made)
            except Conflict as conflict:
                refused.append(conflict.reason)

    await asyncio.gather(*(client(at) for at in range(12)))
    # What was spent meanwhile stays paid.
    assert refused == []
    await crowd.check()
    kinds = await crowd.row(
        "SELECT count(*) FILTER (WHERE kind = 'payment'), count(*) FILTER (WHERE kind = 'redemption'),"
        " count(*) FILTER (WHERE kind = 'reversal') FROM reward_entry WHERE group_id = $1"
    )
    assert all(count > 0 for count in kinds)


async def test_nothing_in_the_ledger_can_be_out_of_its_bounds(world: Given, db: Database) -> None:
    campaign = await world.campaign()
    await world.pay(campaign, world.spend("1"))
    for statement in (
        "UPDATE reward_balance SET balance = balance - 101 WHERE group_id = $1",
        "UPDATE reward_entry SET amount = 0 WHERE group_id = $1",
        "UPDATE reward_entry SET amount = -100 WHERE group_id = $1",
        "UPDATE reward_entry SET balance_change = 1 WHERE group_id = $1",
        "UPDATE reward_evaluation SET amount = wanted + 1 WHERE group_id = $1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            async with db.transaction(world.scope) as tx:
                await tx.execute(statement, world.group_id)
