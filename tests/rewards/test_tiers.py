"""A customer's tier is what was earned in a window up to now."""

from datetime import timedelta
from typing import Any

from app.domain.rewards.reversing import reverse
from tests.given.campaigns import NOON
from tests.given.rewards import Given
from tests.rewards.conftest import Ask

SAVE = """
mutation($input: RewardTiersSaveInput!) {
  rewardTiersSave(input: $input) { errors { code path } tiers { name threshold windowDays } }
}
"""
TIER = "query($id: ID!) { customer(id: $id) { rewardTier { name threshold earned } } }"


async def tier(ask: Ask, world: Given, *, days: int = 0) -> Any:
    shown = await ask(TIER, now=NOON + timedelta(days=days), id=f"cust_{world.customers[0]}")
    return shown["customer"]["rewardTier"]


async def test_a_tier_is_reached_by_what_was_earned_and_lost_with_time(ask: Ask, world: Given) -> None:
    asked = [{"name": "silver", "threshold": 100, "windowDays": 30}, {"name": "gold", "threshold": 150}]
    made = (await ask(SAVE, input={"tiers": asked}))["rewardTiersSave"]
    assert made["tiers"] == [
        {"name": "silver", "threshold": 100, "windowDays": 30},
        {"name": "gold", "threshold": 150, "windowDays": 365},
    ]
    assert await tier(ask, world) is None
    campaign = await world.campaign(starts_at=NOON - timedelta(days=40))
    (first,) = await world.pay(campaign, world.spend("1"))
    assert await tier(ask, world) == {"name": "silver", "threshold": 100, "earned": 100}
    # By when it happened: the older one counts for the longer window alone.
    await world.pay(campaign, world.spend("2", occurred_at=NOON - timedelta(days=31)))
    assert await tier(ask, world) == {"name": "gold", "threshold": 150, "earned": 200}
    # Using it takes nothing away; taking it back does.
    await world.pay(await world.campaign(world.flow(100), reward_type=2), world.spend("3"))
    assert (await tier(ask, world))["earned"] == 200
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, first["id"], in_all=60, now=NOON)
    assert await tier(ask, world) is None
    assert await tier(ask, world, days=400) is None


async def test_what_is_not_named_stays(ask: Ask, world: Given) -> None:
    await ask(
        SAVE, input={"tiers": [{"name": "silver", "threshold": 100}, {"name": "gold", "threshold": 150}]}
    )
    made = (await ask(SAVE, input={"tiers": [{"name": "gold", "threshold": 50}], "remove": []}))[
        "rewardTiersSave"
    ]
    assert [(one["name"], one["threshold"]) for one in made["tiers"]] == [("gold", 50), ("silver", 100)]
    gone = (await ask(SAVE, input={"remove": ["silver"]}))["rewardTiersSave"]
    assert [one["name"] for one in gone["tiers"]] == ["gold"]
    for wrong, path in (
        ({"remove": ["silver"]}, ["remove", "0"]),
        ({"tiers": [{"name": "x", "threshold": 1}] * 2}, ["tiers", "1", "name"]),
        ({"tiers": [{"name": "x", "threshold": 1, "windowDays": 0}]}, ["tiers", "0", "windowDays"]),
        ({"tiers": [{"name": " ", "threshold": 1}]}, ["tiers", "0", "name"]),
    ):
        refused = (await ask(SAVE, input=wrong))["rewardTiersSave"]
        assert ([one["path"] for one in refused["errors"]], refused["tiers"]) == ([path], None)
