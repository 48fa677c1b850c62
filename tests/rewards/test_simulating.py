"""Simulating pays what the ledger paid, tells what another configuration would have paid, and writes nothing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import asyncpg

from app.domain.rewards.judging import Decision
from app.domain.rewards.programme import Goal, Programme, limits_of
from app.domain.rewards.reading import read_running
from app.domain.rewards.reversing import reverse
from app.domain.rewards.simulating import Simulated, draft, replay_evaluations
from app.domain.rewards.windows import RewardWindow
from app.errors import Conflict
from tests.given.campaigns import NOON
from tests.given.rewards import CAP, Given

ALWAYS = RewardWindow(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


async def configured(world: Given, campaign: int) -> Programme:
    """The campaign's own configuration."""
    async with world.db.transaction(world.scope) as tx:
        return (await read_running(tx, [campaign]))[campaign].programme


async def replayed(
    world: Given, programme: Programme, window: RewardWindow = ALWAYS
) -> tuple[Simulated, list[tuple[Any, ...]]]:
    """The result, and the lines that would be in the ledger."""
    lines: list[tuple[Any, ...]] = []

    def heard(step: int, customer: int, decision: Decision) -> None:
        lines.extend(
            (step, at, customer, line.partner_id, line.flow_id, line.action_id, line.amount)
            for at, line in enumerate(decision.lines)
        )

    async with world.db.transaction(world.scope) as tx:
        last = Simulated()
        async for state in replay_evaluations(tx, programme, window, heard=heard):
            last = state
    return last, lines


async def ledger(world: Given, campaign: int) -> list[tuple[Any, ...]]:
    """The lines that are in the ledger, without reversals."""
    async with world.db.transaction(world.scope) as tx:
        rows = await tx.fetch(
            "SELECT step, position, customer_id, partner_id, flow, action, amount FROM reward_entry"
            " WHERE group_id = $1 AND campaign_id = $2 AND amount > 0 ORDER BY 1, 2",
            world.group_id, campaign,
        )  # fmt: skip
    return [tuple(row) for row in rows]


async def history(world: Given) -> tuple[int, int]:
    """A busy earning and a redeeming campaign, with limits met, reversals, and many clients at once."""
    gold = world.condition(2, 1, 600, operator=5)
    earn = await world.campaign(
        world.flow(70, conditions=[gold], multipliers=[world.multiplier(2, 5, "1.5", 2)]),
        world.flow(30),
        goals=[(*CAP, 3000), (1, 2, 2)],
    )
    take = await world.campaign(world.flow(90), reward_type=2)
    # Earned, redeemed, and both taken back: however the clients' turns fall, both books have reversals.
    earned = await world.pay(earn, *(world.spend(f"first/{n}") for n in range(5)))
    redeemed = await world.pay(take, world.spend("first"))
    for evaluation in (*redeemed, earned[0]):
        async with world.db.transaction(world.scope) as tx:
            await reverse(tx, evaluation["id"], now=NOON)
    done: list[int] = []

    async def client(at: int) -> None:
        chance = Random(at)
        for n in range(25):
            try:
                if done and chance.random() < 0.25:
                    async with world.db.transaction(world.scope) as tx:
                        await reverse(tx, chance.choice(done), now=NOON)
                    continue
                spent = {"amount": chance.choice([500, 700]), "quantity": chance.choice([1, 2])}
                one = world.spend(f"{at}/{n}", chance.randrange(3), transaction=spent)
                done.append((await world.pay(chance.choice([earn, earn, take]), one))[0]["id"])
            except Conflict as conflict:
                assert conflict.reason == "BALANCE_SPENT"  # noqa: PT017 - others must surface

    await asyncio.gather(*(client(at) for at in range(6)))
    await world.check()
    return earn, take


async def test_the_real_configuration_gives_the_ledger_line_by_line(world: Given) -> None:
    for campaign in await history(world):
        result, lines = await replayed(world, await configured(world, campaign))
        assert lines == await ledger(world, campaign)
        assert lines
        assert (result.differing, result.differences) == (0, [])
        assert result.paid == result.was_paid == await world.total(campaign)
        assert result.reversals > 0


async def test_a_window_starts_with_the_books_of_its_beginning(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250), (1, 2, 1)])
    await world.pay(campaign, *(world.spend(f"{n}") for n in range(2)))
    await world.row("UPDATE reward_evaluation SET created_at = '2025-03-01' WHERE group_id = $1")
    await world.row("UPDATE reward_entry SET created_at = '2025-03-01' WHERE group_id = $1")
    await world.pay(campaign, world.spend("x"), world.spend("y", 1), world.spend("z"))
    since = replace(ALWAYS, since=datetime(2025, 6, 1, tzinfo=UTC))
    result, lines = await replayed(world, await configured(world, campaign), since)
    assert lines == (await ledger(world, campaign))[2:]
    assert (result.events, result.paid, result.differing) == (3, 50, 0)
    assert set(result.reached) == {"rewards", "participants"}


async def moved_to(world: Given, day: str, *evaluations: int) -> None:
    """As if these had been paid on that day."""
    for table, column in (("reward_evaluation", "id"), ("reward_entry", "evaluation_id")):
        await world.row(
            f"UPDATE {table} SET created_at = '{day}' WHERE group_id = $1 AND {column} = ANY ($2)",
            list(evaluations),
        )


async def undone(world: Given, evaluation: int) -> None:
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, evaluation, now=NOON)


async def test_what_was_paid_before_a_window_can_be_taken_back_in_it(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250), (1, 2, 1)])
    early = [one["id"] for one in await world.pay(campaign, *(world.spend(f"{n}") for n in range(3)))]
    await moved_to(world, "2025-03-01", *early)
    for evaluation in early[:2]:
        await undone(world, evaluation)
    await world.pay(campaign, world.spend("x"), world.spend("y"))
    since = replace(ALWAYS, since=datetime(2025, 6, 1, tzinfo=UTC))
    result, lines = await replayed(world, await configured(world, campaign), since)
    assert lines == (await ledger(world, campaign))[3:]
    assert (result.events, result.reversals, result.differing) == (2, 2, 0)
    assert result.paid == result.was_paid == 200 - 200
    # The one participant left, and another one came.
    await undone(world, early[2])
    for evaluation in [row[0] for row in await ledger(world, campaign)][3:]:
        await undone(world, evaluation)
    await world.pay(campaign, world.spend("z", 1))
    result, lines = await replayed(world, await configured(world, campaign), since)
    assert (lines[-1][2], result.differing) == (world.customers[1], 0)


async def test_a_window_is_cut_where_things_counted_and_not_by_the_clock(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250)])
    made = [(await world.pay(campaign, world.spend(f"{n}")))[0]["id"] for n in range(4)]
    # The second and the third were under way at once.
    for evaluation, day in zip(made, ("01", "03", "02", "04"), strict=True):
        await moved_to(world, f"2025-03-{day}", evaluation)
    real, whole = await configured(world, campaign), await ledger(world, campaign)
    border = datetime(2025, 3, 2, 12, tzinfo=UTC)
    before, first = await replayed(world, real, replace(ALWAYS, until=border))
    after, second = await replayed(world, real, replace(ALWAYS, since=border))
    assert first + second == whole
    assert (before.events, after.events, before.differing, after.differing) == (1, 3, 0, 0)


async def test_a_draft_that_redeems_takes_from_what_there_is_and_gets_back_what_was_taken_back(
    world: Given,
) -> None:
    await world.pay(await world.campaign(world.flow(50)), world.spend("earned"))
    take = await world.campaign(world.flow(50), reward_type=2)
    first = (await world.pay(take, world.spend("0")))[0]["id"]
    await undone(world, first)
    made = await world.pay(take, *(world.spend(f"{n}") for n in range(1, 7)))
    assert [one["outcome"] for one in made] == ["paid", *["no_balance"] * 5]
    real = await configured(world, take)
    (flow,) = real.flows
    (action,) = flow.actions
    smaller = replace(real, flows=(replace(flow, actions=(replace(action, base=20),)),))
    result, _ = await replayed(world, smaller)
    assert (result.paid, result.was_paid) == (40, 50)


async def test_a_draft_redeems_what_customers_have(world: Given) -> None:
    earn = await world.campaign()
    await world.pay(earn, *(world.spend(f"order-{n}", n % 2) for n in range(5)))
    real = await configured(world, await world.campaign(world.flow(90), reward_type=2))
    last = Simulated()
    async with world.db.transaction(world.scope) as tx:
        async for state in draft(tx, real, ALWAYS, campaign={"closed": None}, partner={}, store_id=None):
            last = state
    # Three hundred and two hundred.
    assert (last.events, last.wanted, last.paid) == (5, 450, 450)
    await world.pay(await world.campaign(world.flow(250), reward_type=2), world.spend("spent"))
    last = Simulated()
    async with world.db.transaction(world.scope) as tx:
        async for state in draft(tx, real, ALWAYS, campaign={"closed": None}, partner={}, store_id=None):
            last = state
    assert last.paid < 450


async def test_another_configuration_shows_the_difference(world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250)])
    await world.pay(campaign, *(world.spend(f"order-{n}", n % 3) for n in range(5)))
    real = await configured(world, campaign)
    goals = (Goal(1, 2, 2, 120),)
    result, _ = await replayed(world, replace(real, goals=goals, limits=limits_of(goals)))
    assert (result.paid, result.was_paid, result.wanted, result.customers) == (
        120,
        250,
        500,
        set(world.customers[:2]),
    )
    assert [(one.reference, one.paid, one.would_be) for one in result.differences] == [
        ("order-1", 100, 20),
        ("order-2", 50, 0),
    ]
    assert result.reached == {"rewards": NOON}
    free = replace(real, goals=(), limits=limits_of(()))
    assert (await replayed(world, free))[0].paid == 500


async def test_balances_that_were_full_are_full_again(world: Given) -> None:
    large, small = await world.campaign(world.flow(2**53 - 51)), await world.campaign()
    take = await world.campaign(world.flow(30), reward_type=2)
    turns = (small, large, small, take, small, take, take, take, take, small)
    made = [
        (await world.pay(campaign, world.spend(f"{n}")))[0]["outcome"] for n, campaign in enumerate(turns)
    ]
    assert made == [
        "paid", "trimmed", "limit_reached", "paid", "trimmed", "paid", "paid", "paid", "paid", "paid"
    ]  # fmt: skip
    for campaign in (large, small, take):
        result, lines = await replayed(world, await configured(world, campaign))
        assert (lines, result.differing) == (await ledger(world, campaign), 0)


async def test_what_is_wanted_ends_where_counting_does(world: Given) -> None:
    campaign = await world.campaign(world.flow(2**53 - 1))
    await world.pay(campaign, *(world.spend(f"order-{n}") for n in range(3)))
    result, _ = await replayed(world, await configured(world, campaign))
    assert (result.wanted, result.paid, result.events) == (2**53 - 1, 2**53 - 1, 3)


async def test_a_draft_is_judged_over_every_trigger_of_the_group(world: Given) -> None:
    other = await world.campaign()
    await world.pay(other, *(world.spend(f"order-{n}", n % 3, amount=500 + n) for n in range(6)))
    real = await configured(
        world, await world.campaign(world.flow(conditions=[world.condition(2, 1, 502, operator=5)]))
    )
    last = Simulated()
    async with world.db.transaction(world.scope) as tx:
        async for state in draft(tx, real, ALWAYS, campaign={"closed": None}, partner={}, store_id=None):
            last = state
    assert (last.events, last.paid, len(last.customers)) == (6, 400, 3)


async def test_nothing_is_written(world: Given, database_url: str) -> None:
    earn, _ = await history(world)
    owner = await asyncpg.connect(database_url)

    async def everything() -> list[Any]:
        tables = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        counts = {t[0]: await owner.fetchval(f"SELECT count(*) FROM {t[0]}") for t in tables}
        sequences = await owner.fetch("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        totals = await owner.fetch("SELECT id, total_rewards, xmin::text FROM campaign ORDER BY 1")
        return [counts, [tuple(row) for row in sequences], [tuple(row) for row in totals]]

    before = await everything()
    real = await configured(world, earn)
    await replayed(world, real)
    async with world.db.transaction(world.scope) as tx:
        async for _ in draft(tx, real, ALWAYS, campaign={"closed": None}, partner={}, store_id=None):
            pass
    assert await everything() == before
    await owner.close()
