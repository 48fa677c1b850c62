"""Events whose type is mapped to a trigger reward their customers, once per event and campaign."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.domain.rewards.triggers import TriggeringEvent, process_event_triggers, transaction_of
from app.errors import Conflict
from tests.given import campaigns, groups
from tests.given.campaigns import NOON
from tests.given.rewards import Given


async def event(world: Given, number: int, *, customer: int | None = 0, **more: Any) -> TriggeringEvent:
    """A kept event of a project of the group."""
    ident = UUID(int=world.group_id * 1000 + number)
    project = more.pop("project_id", None) or await campaigns.project(world.db, world.group_id)
    said = {
        "trigger": "spend",
        "event_type_id": 5,
        "data": {"amount": Decimal("12.34"), "items": ["A1"]},
        **more,
    }
    who = None if customer is None else world.customers[customer]
    await world.row(
        "INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, project_id)"
        " VALUES ($1, $2, 'tracker', $3, 'x', $4, $4, $5) RETURNING id",
        ident, str(ident), NOON, project,
    )  # fmt: skip
    return TriggeringEvent(id=ident, project_id=project, customer_id=who, occurred_at=NOON, **said)


async def run(world: Given, *events: TriggeringEvent) -> int:
    async with world.db.transaction(world.scope) as tx:
        return await process_event_triggers(tx, events, now=NOON)


async def test_an_event_rewards_once_in_each_campaign_that_listens(world: Given) -> None:
    first = await world.campaign(
        world.flow(conditions=[world.condition(2, 1, 1234), world.condition(2, 4, "A1")])
    )
    second = await world.campaign(world.flow(7))
    await world.campaign(world.flow(9, trigger=2))
    paused = await world.campaign(draft=True)
    one = await event(world, 1)
    assert await run(world, one) == 2
    assert await run(world, one, one) == 2
    assert [await world.total(c) for c in (first, second, paused)] == [100, 7, 0]
    row = await world.row("SELECT count(*) FROM reward_evaluation WHERE group_id = $1")
    assert row[0] == 2
    assert await world.balance() == 107


async def test_an_event_that_is_named_by_its_id_is_that_event(world: Given) -> None:
    campaign = await world.campaign()
    first, second = await event(world, 1), await event(world, 2)
    assert await run(world, first) == 1
    (again,) = await world.pay(campaign, world.spend(str(first.id)))
    assert (again["outcome"], again["reference"]) == ("paid", str(first.id))
    # Named before the pipeline came to it.
    (early,) = await world.pay(campaign, world.spend(str(second.id)))
    assert await run(world, second) == 1
    row = await world.row(
        "SELECT count(*), count(DISTINCT reference) FROM reward_evaluation WHERE group_id = $1"
    )
    assert tuple(row) == (2, 2)
    assert await world.total(campaign) == 200
    assert early["id"] != again["id"]


async def test_an_event_of_somebody_else_is_something_else(world: Given) -> None:
    campaign = await world.campaign()
    one = await event(world, 1)
    await world.row("UPDATE event SET customer_id = $2 WHERE group_id = $1 RETURNING 1", world.customers[1])
    with pytest.raises(Conflict) as refused:
        await world.pay(campaign, world.spend(str(one.id)))
    assert refused.value.reason == "REFERENCE_REUSED"
    # What is no event's id is a reference like any other.
    unknown = "01a22251-0864-7000-8000-000000000000"
    assert (await world.pay(campaign, world.spend(unknown)))[0]["outcome"] == "paid"


async def test_a_custom_trigger_is_the_event_type(world: Given) -> None:
    campaign = await world.campaign(world.flow(trigger=4, custom_trigger_id=77))
    other = await event(world, 1, trigger="custom", event_type_id=78)
    named = await event(world, 2, trigger="custom", event_type_id=77)
    assert await run(world, other, named) == 1
    assert await world.total(campaign) == 100


async def test_events_of_nobody_and_of_other_stores_reward_nobody(world: Given) -> None:
    campaign = await world.campaign()
    store = await groups.store(world.db, world.group_id)
    project = await campaigns.project(world.db, world.group_id, store_id=store.store_id)
    assert (
        await run(world, await event(world, 1, customer=None), await event(world, 2, project_id=project)) == 0
    )
    gone = await event(world, 3, customer=2)
    await world.row(
        "UPDATE customer SET deleted_at = now() WHERE group_id = $1 AND id = $2", world.customers[2]
    )
    assert await run(world, gone) == 0
    assert await world.total(campaign) == 0


@pytest.mark.parametrize(
    ("data", "currency", "amount"),
    [
        ({"amount": Decimal("12.345")}, "EUR", 1234),
        ({"turnover": 12}, "EUR", 1200),
        ({"amount": 12}, "JPY", 12),
        ({"amount": "12"}, "EUR", None),
        ({"amount": True}, "EUR", None),
        ({"amount": -1}, "EUR", None),
        ({"amount": 10**20}, "EUR", None),
        ({}, "EUR", None),
    ],
)
def test_amounts_are_read_in_whole_units(data: dict[str, Any], currency: str, amount: int | None) -> None:
    assert transaction_of(data, currency=currency).get("amount") == amount


async def test_an_event_beyond_what_a_balance_counts_is_processed(world: Given) -> None:
    campaigns_ = [await world.campaign(world.flow(2**53 - 1)), await world.campaign()]
    assert await run(world, await event(world, 1)) == 2
    assert [await world.total(campaign) for campaign in campaigns_] == [2**53 - 1, 0]
    assert await world.balance() == 2**53 - 1


async def test_what_is_no_amount_does_not_pass_for_one(world: Given) -> None:
    campaign = await world.campaign(world.flow(conditions=[world.condition(2, 1)]))
    assert await run(world, await event(world, 1, data={"amount": -5, "loyalty_tier": "gold"})) == 1
    assert await world.total(campaign) == 0
