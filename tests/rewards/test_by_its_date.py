"""What happened is judged by when it happened, not by when it was told."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain.campaigns.lifecycle import Move
from app.domain.campaigns.operations import advance_due_campaigns, move_campaign
from app.domain.rewards.triggers import process_event_triggers
from tests.given.campaigns import NOON
from tests.given.rewards import Given
from tests.rewards.conftest import Ask
from tests.rewards.test_events_reward import event

PROCESS = """
mutation($input: RewardProcessInput!) {
  rewardProcess(input: $input) { errors { code message } evaluation { outcome amount trace } }
}
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def tell(
    ask: Ask, world: Given, campaign: int, reference: str, *, happened: datetime, told: datetime
) -> Any:
    """A purchase through the graph."""
    given = {
        "campaignId": f"camp_{campaign}", "reference": reference, "trigger": "SPEND",
        "customerId": f"cust_{world.customers[0]}", "occurredAt": happened.isoformat(),
        "transaction": {"amount": 1000},
    }  # fmt: skip
    made = (await ask(PROCESS, now=told, input=given))["rewardProcess"]
    assert made["errors"] == []
    return made["evaluation"]


async def move(world: Given, campaign: int, name: Move, *, now: datetime) -> None:
    async with world.db.transaction(world.scope) as tx:
        await move_campaign(tx, campaign, name, now=now)


async def test_an_old_purchase_is_not_paid_by_a_new_campaign(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    old = await tell(ask, world, campaign, "old", happened=NOON - 730 * DAY, told=NOON + DAY)
    assert (old["outcome"], old["trace"]["closed"]) == ("NOT_LIVE", "it had not started")
    new = await tell(ask, world, campaign, "new", happened=NOON + HOUR, told=NOON + DAY)
    assert new["outcome"] == "PAID"
    assert await world.total(campaign) == 100


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_purchase_inside_the_window_is_paid_after_its_end(
    ask: Ask, world: Given, noticed: bool
) -> None:
    end = NOON + DAY
    campaign = await world.campaign(ends_at=end)
    if noticed:
        async with world.db.transaction(world.scope) as tx:
            await advance_due_campaigns(tx, end + timedelta(seconds=1))
    late = await tell(
        ask, world, campaign, "a", happened=end - timedelta(seconds=1), told=end + timedelta(seconds=2)
    )
    after = await tell(ask, world, campaign, "b", happened=end, told=end + timedelta(seconds=2))
    assert (late["outcome"], after["outcome"]) == ("PAID", "NOT_LIVE")
    assert after["trace"]["closed"] == "it was over"


@pytest.mark.parametrize(("days", "outcome"), [(29, "PAID"), (30, "NOT_LIVE")])
async def test_what_is_told_long_after_the_end_is_not_looked_at(
    ask: Ask, world: Given, days: int, outcome: str
) -> None:
    end = NOON + DAY
    campaign = await world.campaign(ends_at=end)
    made = await tell(ask, world, campaign, "a", happened=end - HOUR, told=end + days * DAY)
    assert made["outcome"] == outcome


async def test_a_pause_counts_from_its_beginning_to_its_end(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    await move(world, campaign, Move.PAUSE, now=NOON + 2 * HOUR)
    # Before the pause, told in it.
    before = await tell(ask, world, campaign, "a", happened=NOON + HOUR, told=NOON + 3 * HOUR)
    await move(world, campaign, Move.RESUME, now=NOON + 4 * HOUR)
    # In the pause, told after it.
    inside = await tell(ask, world, campaign, "b", happened=NOON + 3 * HOUR, told=NOON + 5 * HOUR)
    after = await tell(ask, world, campaign, "c", happened=NOON + 4 * HOUR, told=NOON + 5 * HOUR)
    assert [one["outcome"] for one in (before, inside, after)] == ["PAID", "NOT_LIVE", "PAID"]
    assert inside["trace"]["closed"] == "it was paused"


async def test_a_start_that_no_worker_noticed_is_a_start(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(starts_at=NOON + HOUR)
    before = await tell(ask, world, campaign, "a", happened=NOON, told=NOON + 3 * HOUR)
    after = await tell(ask, world, campaign, "b", happened=NOON + 2 * HOUR, told=NOON + 3 * HOUR)
    assert (before["outcome"], after["outcome"]) == ("NOT_LIVE", "PAID")


async def test_events_are_heard_by_the_campaigns_of_their_time(world: Given) -> None:
    end = NOON + DAY
    over, paused = await world.campaign(ends_at=end), await world.campaign(world.flow(7))
    await move(world, paused, Move.PAUSE, now=NOON + HOUR)
    told = end + HOUR

    async def run(number: int, *, happened: datetime) -> int:
        one = await event(world, number)
        moved = type(one)(**{name: getattr(one, name) for name in one.__slots__} | {"occurred_at": happened})
        async with world.db.transaction(world.scope) as tx:
            return await process_event_triggers(tx, [moved], now=told)

    assert await run(1, happened=NOON) == 2
    # What only a pause or the window refuses is kept, unpaid; not what happened long before.
    assert await run(2, happened=NOON + 2 * HOUR) == 2
    assert await run(3, happened=end) == 2
    assert await run(5, happened=NOON - 30 * DAY) == 2
    assert await run(6, happened=NOON - 31 * DAY) == 0
    # A clock ahead: as of arrival.
    assert await run(4, happened=told + 365 * DAY) == 2
    assert (await world.total(over), await world.total(paused)) == (200, 7)
