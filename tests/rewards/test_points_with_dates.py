"""Points wait, can be used, and expire, each by a line of the ledger, once, however late it is booked."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.rewards.dates import end_of_period
from app.domain.rewards.lots import book_due
from app.domain.rewards.processing import process
from app.domain.rewards.reversing import reverse
from app.tables.campaigns import ExpiryPeriod
from app.worker.points import Points
from tests.given.campaigns import NOON
from tests.given.rewards import Given
from tests.rewards.conftest import Ask

DAY = timedelta(days=1)
BALANCES = """
query($id: ID!) { customer(id: $id) { rewardBalances { nodes { balance pending } } } }
"""
SET = """
mutation($input: CampaignUpdateInput!) {
  campaignUpdate(input: $input) {
    errors { code path message } campaign { rewards { waitDays expireAfterDays expireAtEndOf } }
  }
}
"""


async def work(world: Given, now: datetime) -> None:
    """What the worker does at this moment."""
    assert (await Points().run(world.db, now)).errors == []
    await world.check()


async def earn(world: Given, campaign: int, reference: str, *, at: datetime = NOON, told: Any = None) -> int:
    async with world.db.transaction(world.scope) as tx:
        (made,) = await process(tx, [(campaign, world.spend(reference, occurred_at=at))], now=told or at)
        return made


async def has(world: Given) -> tuple[int, int]:
    """What can be used, and what waits."""
    await world.check()
    row = await world.row(
        "SELECT coalesce(sum(balance), 0)::int, coalesce(sum(pending), 0)::int FROM reward_balance WHERE group_id = $1"
    )
    return tuple(row)


async def kinds(world: Given) -> list[str]:
    row = await world.row(
        "SELECT array_agg(kind || ' ' || balance_change || ' ' || pending_change ORDER BY id)"
        " FROM reward_entry WHERE group_id = $1"
    )
    return list(row[0])


async def test_what_is_earned_waits_and_is_released_once(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(reward_wait_days=14)
    await earn(world, campaign, "1")
    assert await has(world) == (0, 100)
    shown = await ask(BALANCES, id=f"cust_{world.customers[0]}")
    assert shown["customer"]["rewardBalances"]["nodes"] == [{"balance": 0, "pending": 100}]
    await work(world, NOON + 14 * DAY - timedelta(seconds=1))
    assert await has(world) == (0, 100)
    # However late, and however often.
    for late in (20, 21):
        await work(world, NOON + late * DAY)
        assert await has(world) == (100, 0)
    assert await kinds(world) == ["pending 0 100", "release 100 -100"]
    assert await world.total(campaign) == 100


async def test_what_waits_cannot_be_used_until_it_can(world: Given) -> None:
    await earn(world, await world.campaign(reward_wait_days=14), "1")
    redeeming = await world.campaign(world.flow(60), reward_type=2)
    early = await earn(world, redeeming, "r1", at=NOON + DAY)
    # No worker has been there, and it can be used all the same.
    late = await earn(world, redeeming, "r2", at=NOON + 15 * DAY)
    rows = await world.row(
        "SELECT array_agg(outcome::text ORDER BY id) FROM reward_evaluation WHERE group_id = $1 AND id = ANY ($2)",
        [early, late],
    )
    assert rows[0] == ["no_balance", "paid"]
    assert await has(world) == (40, 0)


async def test_what_is_told_late_waits_from_when_it_happened(world: Given) -> None:
    campaign = await world.campaign(reward_wait_days=14)
    await earn(world, campaign, "1", at=NOON, told=NOON + 14 * DAY)
    await earn(world, campaign, "2", at=NOON + DAY, told=NOON + 14 * DAY)
    assert await has(world) == (100, 100)


async def test_points_expire_once_and_the_ledger_says_so(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    said = {
        "id": f"camp_{campaign}",
        "rewards": {"waitDays": 10, "expireAfterDays": 30, "expireAtEndOf": "YEAR"},
    }
    made = (await ask(SET, input=said))["campaignUpdate"]
    assert made["campaign"]["rewards"] == {"waitDays": 10, "expireAfterDays": 30, "expireAtEndOf": "YEAR"}
    await earn(world, campaign, "1")
    # Released and expired in one go, after a long downtime.
    await work(world, NOON + 100 * DAY)
    await work(world, NOON + 100 * DAY)
    assert await has(world) == (0, 0)
    assert await kinds(world) == ["pending 0 100", "release 100 -100", "expiry -100 0"]
    assert await world.total(campaign) == 100
    row = await world.row(
        "SELECT available_at, expires_at FROM reward_entry WHERE group_id = $1 AND kind = 'expiry'"
    )
    assert tuple(row) == (NOON + 10 * DAY, NOON + 40 * DAY)
    wrong = {"id": f"camp_{campaign}", "rewards": {"waitDays": 0}}
    assert (await ask(SET, input=wrong))["campaignUpdate"]["errors"][0]["path"] == ["rewards", "waitDays"]


async def test_what_expires_first_is_used_first(world: Given) -> None:
    long, short = await world.campaign(reward_expire_days=60), await world.campaign(reward_expire_days=30)
    for_good = await world.campaign()
    for reference, campaign in (("1", long), ("2", short), ("3", for_good)):
        await earn(world, campaign, reference)
    redeeming = await world.campaign(world.flow(130), reward_type=2)
    await earn(world, redeeming, "r", at=NOON + DAY)
    assert await has(world) == (170, 0)
    # Of the short ones nothing is left, of the long ones 70.
    await work(world, NOON + 31 * DAY)
    assert await has(world) == (170, 0)
    await work(world, NOON + 61 * DAY)
    assert await has(world) == (100, 0)


async def test_what_is_taken_back_while_it_waits_was_never_there(world: Given) -> None:
    campaign = await world.campaign(reward_wait_days=14)
    made = await earn(world, campaign, "1")
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, made, in_all=30, now=NOON + DAY)
    assert await has(world) == (0, 70)
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, made, now=NOON + DAY)
    await work(world, NOON + 20 * DAY)
    assert (await has(world), await world.total(campaign)) == ((0, 0), 0)


async def test_many_that_book_at_once_book_once(world: Given) -> None:
    campaign = await world.campaign(reward_wait_days=1, reward_expire_days=30)
    await earn(world, campaign, "1")

    async def one(days: int) -> None:
        async with world.db.transaction(world.scope) as tx:
            await book_due(tx, now=NOON + days * DAY)

    await asyncio.gather(*(one(2) for _ in range(5)))
    assert await has(world) == (100, 0)
    await asyncio.gather(*(one(40) for _ in range(5)))
    assert await has(world) == (0, 0)
    assert len(await kinds(world)) == 3


async def test_what_made_up_for_less_than_nothing_does_not_expire(world: Given) -> None:
    owing = await world.campaign(negative_balance="allowed")
    first = await earn(world, owing, "1")
    await earn(world, await world.campaign(world.flow(60), reward_type=2), "r")
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, first, now=NOON)
    assert await has(world) == (-60, 0)
    await earn(world, await world.campaign(reward_expire_days=30), "2")
    assert await has(world) == (40, 0)
    await work(world, NOON + 40 * DAY)
    assert await has(world) == (0, 0)


async def taken(world: Given, ident: int) -> tuple[int, int]:
    """What was asked back of an evaluation and what was taken."""
    row = await world.row(
        "SELECT asked_back::int, taken_back::int FROM reward_evaluation WHERE group_id = $1 AND id = $2",
        ident,
    )
    return tuple(row)


@pytest.mark.parametrize("rule", ["forbidden", "allowed"])
@pytest.mark.parametrize("another", [True, False])
async def test_what_expired_is_not_taken_a_second_time(world: Given, rule: str, another: bool) -> None:
    campaign = await world.campaign(reward_expire_days=30, negative_balance=rule)
    first = await earn(world, campaign, "old")
    await work(world, NOON + 31 * DAY)
    if another:
        await earn(world, campaign, "new", at=NOON + 40 * DAY)
    kept = (100 if another else 0, 0)
    assert await has(world) == kept
    for in_all in (30, 30, None):
        async with world.db.transaction(world.scope) as tx:
            await reverse(tx, first, in_all=in_all, now=NOON + 41 * DAY)
        assert await has(world) == kept
    assert await taken(world, first) == (100, 100)
    assert await world.total(campaign) == kept[0]


async def test_what_was_used_of_what_expired_is_owed_at_most(world: Given) -> None:
    campaign = await world.campaign(reward_expire_days=30)
    first = await earn(world, campaign, "old")
    await earn(world, await world.campaign(world.flow(60), reward_type=2), "r", at=NOON + DAY)
    await work(world, NOON + 31 * DAY)
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, first, in_all=50, now=NOON + 32 * DAY)
    # 40 have expired; of the 60 that were spent 10 are missing.
    assert (await taken(world, first), await has(world)) == ((50, 40), (0, 0))
    await earn(world, campaign, "new", at=NOON + 33 * DAY)
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, first, now=NOON + 34 * DAY)
    assert (await taken(world, first), await has(world)) == ((100, 100), (40, 0))


async def test_what_is_taken_back_is_of_its_own_lot_first(world: Given) -> None:
    short, long = await world.campaign(reward_expire_days=30), await world.campaign(reward_expire_days=60)
    await earn(world, short, "1")
    second = await earn(world, long, "2")
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, second, now=NOON + DAY)
    assert await has(world) == (100, 0)
    # What is left is what expires soon.
    await work(world, NOON + 31 * DAY)
    assert await has(world) == (0, 0)


@pytest.mark.parametrize(
    ("period", "end"),
    [
        (ExpiryPeriod.MONTH, datetime(2025, 6, 30, 22, tzinfo=UTC)),
        (ExpiryPeriod.QUARTER, datetime(2025, 6, 30, 22, tzinfo=UTC)),
        (ExpiryPeriod.YEAR, datetime(2025, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_a_period_ends_by_the_clock_of_its_store(period: ExpiryPeriod, end: datetime) -> None:
    assert end_of_period(NOON, period, ZoneInfo("Europe/Paris")) == end
