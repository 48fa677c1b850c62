"""Rewards are paid once, within their limits, into a ledger that always adds up."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.lifecycle import Move
from app.domain.campaigns.operations import move_campaign
from app.domain.rewards.processing import dry, process
from app.domain.rewards.reversing import reverse
from app.domain.rewards.wording import reasons
from app.errors import Conflict, Invalid, NotFound
from app.seeding.demo import seed_demo
from app.values.scope import Scope
from tests.given import groups
from tests.given.campaigns import NOON
from tests.given.rewards import CAP, Given, broken, given


async def test_a_purchase_earns_the_base_reward(world: Given) -> None:
    campaign = await world.campaign()
    (made,) = await world.pay(campaign, world.spend("order-1"))
    assert (made["outcome"], made["wanted"], made["amount"], made["version"]) == ("paid", 100, 100, 2)
    assert await world.total(campaign) == 100
    assert await world.balance() == 100


async def test_the_same_reference_is_the_same_reward(world: Given) -> None:
    campaign = await world.campaign()
    first, again = [(await world.pay(campaign, world.spend("order-1")))[0]["id"] for _ in range(2)]
    assert first == again
    assert await world.total(campaign) == 100
    with pytest.raises(Conflict) as refused:
        await world.pay(campaign, world.spend("order-1", amount=7))
    assert refused.value.reason == "REFERENCE_REUSED"
    # In another campaign the same purchase counts as well.
    other = await world.campaign()
    await world.pay(other, world.spend("order-1"))
    assert (await world.total(campaign), await world.total(other)) == (100, 100)


async def test_many_at_once_with_one_reference_are_one(world: Given) -> None:
    campaign = await world.campaign()
    made = await asyncio.gather(*(world.pay(campaign, world.spend("order-1")) for _ in range(8)))
    assert len({rows[0]["id"] for rows in made}) == 1
    assert await world.total(campaign) == 100


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"reward_type": 3}, "not_live"),
        ({"reward_type": 4}, "not_live"),
        ({"reward_type": 9}, "not_live"),
        ({"is_template": True}, "not_live"),
        ({"draft": True}, "not_live"),
        ({"flow": {"is_active": False}}, "no_flow"),
        ({"flow": {"is_deleted": True}}, "no_flow"),
        ({"flow": {"trigger": 2}}, "no_flow"),
        ({"flow": {"trigger": 5}}, "no_flow"),
        ({"flow": {"base": 0}}, "nothing_due"),
        ({"flow": {"actions": []}}, "nothing_due"),
    ],
)
async def test_what_is_not_live_never_pays(world: Given, change: dict[str, Any], outcome: str) -> None:
    flow = world.flow(**change.pop("flow", {}))
    campaign = await world.campaign(flow, **change)
    (made,) = await world.pay(campaign, world.spend("order-1"))
    assert (made["outcome"], made["amount"]) == (outcome, 0)
    assert await world.total(campaign) == 0


async def test_a_paused_campaign_pays_nothing_and_a_resumed_one_does(world: Given) -> None:
    campaign = await world.campaign()
    for move, outcome in ((Move.PAUSE, "not_live"), (Move.RESUME, "paid"), (Move.COMPLETE, "not_live")):
        async with world.db.transaction(world.scope) as tx:
            await move_campaign(tx, campaign, move, now=NOON)
        (made,) = await world.pay(campaign, world.spend(f"order-{move}"))
        assert made["outcome"] == outcome, move
    # What was refused stays refused: the reference was judged.
    (again,) = await world.pay(campaign, world.spend(f"order-{Move.PAUSE}"))
    assert again["outcome"] == "not_live"


async def test_a_deleted_campaign_is_not_there(world: Given) -> None:
    campaign = await world.campaign()
    await world.row("UPDATE campaign SET deleted_at = now() WHERE group_id = $1 AND id = $2", campaign)
    with pytest.raises(NotFound):
        await world.pay(campaign, world.spend("order-1"))
    row = await world.row("SELECT count(*) FROM event WHERE group_id = $1")
    assert row[0] == 0


async def test_every_flow_and_action_pays_its_own(world: Given) -> None:
    both = world.flow(actions=[world.action(100), world.action(7, action_code=4)])
    campaign = await world.campaign(both, world.flow(30), world.flow(9, trigger=2))
    (made,) = await world.pay(campaign, world.spend("order-1"))
    assert made["amount"] == 137
    assert await world.total(campaign) == 137


async def test_the_last_payment_under_the_limit_is_trimmed(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250), (*CAP, 10**9)])
    made = await world.pay(campaign, *(world.spend(f"order-{n}") for n in range(4)))
    assert [(one["outcome"], one["amount"]) for one in made] == [
        ("paid", 100), ("paid", 100), ("trimmed", 50), ("limit_reached", 0),
    ]  # fmt: skip
    assert await world.total(campaign) == 250


@pytest.mark.parametrize("goal", [(2, 1), (2, 3), (2, 4)])
async def test_targets_stop_nothing(world: Given, goal: tuple[int, int]) -> None:
    campaign = await world.campaign(goals=[(*goal, 50)])
    (made,) = await world.pay(campaign, world.spend("order-1"))
    assert made["amount"] == 100


async def test_participants_transactions_and_revenue_are_limits_too(world: Given) -> None:
    people = await world.campaign(goals=[(1, 2, 2)])
    made = await world.pay(people, *(world.spend(f"p{n}", n) for n in (0, 1, 2)), world.spend("p3", 1))
    assert [one["outcome"] for one in made] == ["paid", "paid", "limit_reached", "paid"]
    times = await world.campaign(goals=[(3, 2, 2)])
    made = await world.pay(times, *(world.spend(f"t{n}") for n in range(3)))
    assert [one["outcome"] for one in made] == ["paid", "paid", "limit_reached"]
    revenue = await world.campaign(goals=[(4, 2, 2500)])
    made = await world.pay(revenue, *(world.spend(f"r{n}") for n in range(3)), world.spend("r3", amount=500))
    assert [one["outcome"] for one in made] == ["paid", "paid", "limit_reached", "paid"]
    await world.check()


async def test_redeeming_takes_from_a_balance_that_never_goes_below_zero(world: Given) -> None:
    earn = await world.campaign()
    redeem = await world.campaign(world.flow(150, trigger=4, custom_trigger_id=5), reward_type=2)

    def taking(reference: str) -> Any:
        return world.spend(reference, trigger_code=4, custom_trigger_id=5)

    (nothing,) = await world.pay(redeem, taking("a"))
    assert (nothing["outcome"], nothing["amount"]) == ("no_balance", 0)
    await world.pay(earn, world.spend("1"), world.spend("2"))
    made = await world.pay(redeem, taking("b"), taking("c"))
    assert [one["outcome"] for one in made] == ["paid", "no_balance"]
    assert await world.balance() == 50
    assert (await world.total(earn), await world.total(redeem)) == (200, 150)


async def test_a_reversal_takes_back_once_and_frees_the_limit(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 100), (1, 2, 1)])
    (made,) = await world.pay(campaign, world.spend("1"))
    for _ in range(2):
        async with world.db.transaction(world.scope) as tx:
            assert await reverse(tx, made["id"], now=NOON) == made["id"]
    assert (await world.total(campaign), await world.balance()) == (0, 0)
    row = await world.row("SELECT count(*), sum(amount) FROM reward_entry WHERE group_id = $1")
    assert tuple(row) == (2, 0)
    (again,) = await world.pay(campaign, world.spend("2", 1))
    assert again["outcome"] == "paid"
    assert await world.total(campaign) == 100


async def test_what_was_redeemed_is_taken_back_when_it_is_there_again(world: Given) -> None:
    earn = await world.campaign()
    redeem = await world.campaign(world.flow(60), reward_type=2)
    (earned,) = await world.pay(earn, world.spend("1"))
    (taken,) = await world.pay(redeem, world.spend("2"))
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, earned["id"], now=NOON)
    assert (await world.total(earn), await world.balance()) == (60, 0)
    for one in (taken, earned):
        async with world.db.transaction(world.scope) as tx:
            await reverse(tx, one["id"], now=NOON)
    assert (await world.total(earn), await world.total(redeem), await world.balance()) == (0, 0, 0)


async def test_a_dry_evaluation_writes_nothing(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 40)])
    async with world.db.transaction(world.scope) as tx:
        _, decision = await dry(tx, campaign, world.spend("1"), now=NOON)
    assert (decision.outcome, decision.wanted, decision.amount) == ("trimmed", 100, 40)
    for table in ("event", "reward_evaluation", "reward_entry", "reward_balance"):
        assert (await world.row(f"SELECT count(*) FROM {table} WHERE group_id = $1"))[0] == 0


async def test_another_currency_s_amount_is_no_amount(world: Given) -> None:
    campaign = await world.campaign(world.flow(conditions=[world.condition(2, 1, 500, operator=3)]))
    same = world.spend("1", transaction={"amount": 1000, "currency": "EUR"})
    other = world.spend("2", transaction={"amount": 1000, "currency": "USD"})
    made = await world.pay(campaign, same, other)
    assert [one["outcome"] for one in made] == ["paid", "not_met"]
    assert (await world.row("SELECT reward_revenue FROM campaign WHERE group_id = $1"))[0] == 1000
    await world.check()


@pytest.mark.parametrize("currency", ["eur", "", "EURO", "€"])
async def test_what_is_no_currency_is_not_taken_for_another_one(world: Given, currency: str) -> None:
    campaign = await world.campaign()
    with pytest.raises(Invalid) as refused:
        await world.pay(campaign, world.spend("1", transaction={"amount": 1000, "currency": currency}))
    assert list(refused.value.path) == ["transaction", "currency"]


async def test_others_campaigns_and_customers_are_not_there(world: Given) -> None:
    other = await given(world.db)
    ours, theirs = await world.campaign(), await other.campaign()
    with pytest.raises(NotFound):
        await world.pay(theirs, world.spend("1"))
    with pytest.raises(NotFound):
        await world.pay(ours, other.spend("1"))
    store = await groups.store(world.db, world.group_id)
    for _ in range(2):  # Also where it is known already.
        with pytest.raises(NotFound):
            async with world.db.transaction(Scope(world.group_id, store_id=store.store_id)) as tx:
                await process(tx, [(ours, world.spend("1"))], now=NOON)
        await world.pay(ours, world.spend("1"))


async def test_the_demonstration_s_totals_are_its_ledger_s(db: Database) -> None:
    demo = await seed_demo(db, now=datetime.now(UTC))
    for group in demo.groups:
        async with db.transaction(Scope(group.group_id)) as tx:
            assert await broken(tx) == []
            kinds = await tx.fetchval(
                "SELECT count(DISTINCT outcome) FROM reward_evaluation WHERE group_id = $1", group.group_id
            )
            paid = await tx.fetchval(
                "SELECT sum(total_rewards) FROM campaign WHERE group_id = $1", group.group_id
            )
        assert kinds > 1
        assert paid > 0


async def test_what_a_balance_cannot_count_is_not_paid(world: Given) -> None:
    first, second = [await world.campaign(world.flow(2**53 - 101)) for _ in range(2)]
    small = await world.campaign()
    await world.pay(first, world.spend("1"))
    (trimmed,) = await world.pay(second, world.spend("1"))
    assert (trimmed["outcome"], trimmed["amount"]) == ("trimmed", 100)
    async with world.db.transaction(world.scope) as tx:
        _, asked = await dry(tx, small, world.spend("1"), now=NOON)
    (refused,) = await world.pay(small, world.spend("1"))
    trace = json.loads(refused["trace_text"])
    assert trace == asked.trace
    assert (refused["outcome"], refused["amount"], trace["paid"]) == ("limit_reached", 0, [])
    (why,) = reasons(trace)
    assert f"has {2**53 - 1} with part_{world.partner_id}; it adds 100, and a balance holds" in why
    (other,) = await world.pay(small, world.spend("2", 1))
    assert (other["outcome"], "balances" in json.loads(other["trace_text"])) == ("paid", False)
    await world.check()


async def test_a_balance_is_filled_by_several_at_once_and_no_further(world: Given) -> None:
    # Were the accounts not held first, each would see room, and the last would fail at the bound of the column.
    many = [await world.campaign(world.flow(2**51)) for _ in range(6)]
    made = await asyncio.gather(*(world.pay(campaign, world.spend(f"{campaign}")) for campaign in many))
    outcomes = sorted(one["outcome"] for (one,) in made)
    assert outcomes == ["limit_reached"] * 2 + ["paid"] * 3 + ["trimmed"]
    assert await world.balance() == 2**53 - 1
    await world.check()
