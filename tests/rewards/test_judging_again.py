"""What was decided is judged again: seen before it is done, done once, and the older decision stays visible."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.domain.campaigns.lifecycle import Move
from app.domain.campaigns.operations import advance_due_campaigns
from app.domain.rewards.reevaluating import AT_ONCE, MOST_PREVIEWED, PAGE, go_on
from app.domain.rewards.reevaluating import ask as ask_again
from app.domain.rewards.reversing import reverse
from app.domain.rewards.triggers import process_event_triggers
from app.tables.rewards import Reconsidered
from app.values.ids import show_id
from app.worker.reevaluations import Reevaluations
from tests.given.campaigns import NOON
from tests.given.rewards import CAP, Given
from tests.rewards.conftest import Ask
from tests.rewards.test_by_its_date import HOUR, move, tell
from tests.rewards.test_events_reward import event

AGAIN = """
mutation($input: RewardsReevaluateInput!) {
  rewardsReevaluate(input: $input) {
    errors { code path message }
    reevaluations {
      id state preview what looked differing skipped paidBefore paidAfter differences
      evaluations { nodes { id revision outcome amount } }
    }
  }
}
"""
SEEN = """
{ rewardEvaluations(orderBy: {field: CREATED_AT}) { nodes {
    reference outcome amount revision counts replacedBy { revision outcome amount reevaluation { what } } } } }
"""
READ_AGAIN = "query($id: ID!) { rewardReevaluation(id: $id) { state looked differing paidAfter } }"
HOLD = "SELECT id FROM reward_balance WHERE group_id = $1 AND customer_id = $2 FOR UPDATE"
WAITING = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database OR l.database IS NULL
 WHERE NOT l.granted AND d.datname = current_database()
"""
DAY = timedelta(days=1)


async def again(ask: Ask, campaign: int, *what: str, preview: bool = False, **more: Any) -> dict[str, Any]:
    given = {
        "campaignId": f"camp_{campaign}", "since": NOON.isoformat(), "until": (NOON + 30 * DAY).isoformat(),
        "what": what, "preview": preview, **more,
    }  # fmt: skip
    made = (await ask(AGAIN, now=NOON + DAY, input={k: v for k, v in given.items() if v is not None}))[
        "rewardsReevaluate"
    ]
    assert made["errors"] == []
    (one,) = made["reevaluations"]
    found: dict[str, Any] = one
    return found


async def paused(ask: Ask, world: Given) -> int:
    """A campaign, and a purchase that happened while it was paused by mistake."""
    campaign = await world.campaign()
    await move(world, campaign, Move.PAUSE, now=NOON + HOUR)
    made = await tell(
        ask, world, campaign, "refused", happened=NOON + 2 * HOUR, told=NOON + 2 * HOUR + timedelta(seconds=1)
    )
    assert made["outcome"] == "NOT_LIVE"
    await move(world, campaign, Move.RESUME, now=NOON + 3 * HOUR)
    return campaign


async def test_what_a_pause_refused_is_paid_once_after_a_look(ask: Ask, world: Given) -> None:
    campaign = await paused(ask, world)
    # By the clock alone, a pause is a pause.
    assert (await again(ask, campaign, "CLOCK"))["differing"] == 0
    seen = await again(ask, campaign, "PAUSE", preview=True)
    assert (seen["state"], seen["looked"], seen["differing"]) == ("DONE", 1, 1)
    assert (seen["paidBefore"], seen["paidAfter"]) == (0, 100)
    (difference,) = seen["differences"]
    assert (difference["reference"], difference["outcomeBefore"], difference["outcomeAfter"]) == (
        "refused", "NOT_LIVE", "PAID",
    )  # fmt: skip
    assert difference["occurredAt"] == "2025-06-15T14:00:00Z"
    assert await world.total(campaign) == 0
    for differing in (1, 0):
        done = await again(ask, campaign, "PAUSE")
        assert done["differing"] == differing
        assert await world.total(campaign) == 100
    # What was lifted stays lifted, whatever else is judged again.
    assert (await again(ask, campaign, "ALL"))["differing"] == 0
    nodes = (await ask(SEEN))["rewardEvaluations"]["nodes"]
    assert [(one["outcome"], one["revision"], one["counts"]) for one in nodes] == [
        ("NOT_LIVE", 1, False),
        ("PAID", 2, True),
    ]
    assert nodes[0]["replacedBy"] == {
        "revision": 2, "outcome": "PAID", "amount": 100, "reevaluation": {"what": ["pause"]},
    }  # fmt: skip
    # Telling the same again is the same still.
    told = await tell(
        ask, world, campaign, "refused", happened=NOON + 2 * HOUR, told=NOON + 2 * HOUR + timedelta(seconds=1)
    )
    assert told["outcome"] == "PAID"
    assert await world.total(campaign) == 100


async def test_an_event_is_judged_again_alone(ask: Ask, world: Given) -> None:
    campaign = await paused(ask, world)
    await world.pay(campaign, world.spend("other", occurred_at=NOON))
    row = await world.row("SELECT id FROM event WHERE group_id = $1 AND dedup_key = 'refused'")
    given: dict[str, Any] = {
        "campaignId": None,
        "since": None,
        "until": None,
        "eventId": f"event_{row['id']}",
    }
    done = await again(ask, campaign, "ALL", "PAUSE", **given)
    assert (done["looked"], done["differing"], await world.total(campaign)) == (1, 1, 200)


async def test_a_mistake_in_the_flows_is_made_good(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(world.flow(conditions=[world.condition(1, 1, "platinum")]))
    await world.pay(campaign, world.spend("1"), world.spend("2", 1))
    saved = """
    mutation($input: FlowsSaveInput!) { flowsSave(input: $input) { errors { message } campaign { flows { id } } } }
    """
    (flow,) = (await ask(f'{{ campaign(id: "camp_{campaign}") {{ flows {{ id }} }} }}'))["campaign"]["flows"]
    await ask(
        saved, input={"campaignId": f"camp_{campaign}", "flows": [{"id": flow["id"], "conditions": []}]}
    )
    done = await again(ask, campaign, "CONFIGURATION")
    assert (done["looked"], done["differing"], done["paidAfter"]) == (2, 2, 200)
    assert [one["revision"] for one in done["evaluations"]["nodes"]] == [2, 2]
    assert await world.total(campaign) == 200


@pytest.mark.parametrize(("base", "total"), [(70, 70), (150, 150)])
async def test_what_was_paid_is_corrected_both_ways(ask: Ask, world: Given, base: int, total: int) -> None:
    campaign = await world.campaign(goals=[(*CAP, 160)])
    await world.pay(campaign, world.spend("1"))
    await world.row("UPDATE flow_action SET base_reward = $2 WHERE group_id = $1 RETURNING 1", base)
    for preview in (True, False):
        done = await again(ask, campaign, "ALL", preview=preview)
        assert (done["paidBefore"], done["paidAfter"], done["differing"]) == (100, total, 1)
    assert (await world.total(campaign), await world.balance()) == (total, total)
    kinds = await world.row(
        "SELECT array_agg(kind || ' ' || amount ORDER BY id) FROM reward_entry WHERE group_id = $1"
    )
    assert kinds[0] == ["payment 100", "reversal -100", f"payment {base}"]


async def test_less_than_is_spent_is_left_as_it_was(ask: Ask, world: Given) -> None:
    campaign, redeeming = await world.campaign(), await world.campaign(world.flow(90), reward_type=2)
    await world.pay(campaign, world.spend("1"))
    await world.pay(redeeming, world.spend("2"))
    (back,) = await world.pay(campaign, world.spend("3", 1))
    async with world.db.transaction(world.scope) as tx:
        await reverse(tx, back["id"], in_all=10, now=NOON)
    await world.row(
        "UPDATE flow_action SET base_reward = 50 WHERE group_id = $1 AND base_reward = 100 RETURNING 1"
    )
    done = await again(ask, campaign, "ALL")
    assert (done["looked"], done["differing"], done["skipped"]) == (2, 0, 2)
    assert done["paidBefore"] == done["paidAfter"] == 190
    assert (await world.total(campaign), await world.balance()) == (190, 10)


async def test_two_at_once_pay_once(ask: Ask, world: Given) -> None:
    campaign = await paused(ask, world)

    async def one() -> None:
        async with world.db.transaction(world.scope) as tx:
            await ask_again(
                tx, campaign_id=campaign, since=NOON, until=NOON + DAY, what=[Reconsidered.PAUSE],
                is_preview=False, now=NOON + DAY,
            )  # fmt: skip

    await asyncio.gather(*(one() for _ in range(6)))
    assert await world.total(campaign) == 100


async def test_whoever_did_not_wait_for_the_campaign_is_stopped_by_the_key(ask: Ask, world: Given) -> None:
    await paused(ask, world)
    naive = """
    INSERT INTO reward_evaluation (group_id, campaign_id, event_id, customer_id, reference, trigger_code, occurred_at,
           version, inputs, trace, outcome, wanted, amount, currency, revision)
    SELECT group_id, campaign_id, event_id, customer_id, reference, trigger_code, occurred_at, version, inputs, trace,
           'paid', 100, 100, currency, revision + 1
      FROM reward_evaluation WHERE group_id = $1 AND outcome = 'not_live' AND replaced_by_id IS NULL
    """

    async def one() -> None:
        async with world.db.transaction(world.scope) as tx:
            await tx.execute(naive, world.group_id)

    outcomes = await asyncio.gather(*(one() for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(one, asyncpg.UniqueViolationError) for one in outcomes) == 2


async def many(ask: Ask, world: Given, number: int) -> int:
    """A campaign with so many purchases that a pause refused."""
    campaign = await world.campaign()
    await move(world, campaign, Move.PAUSE, now=NOON)
    refused = await world.pay(campaign, *(world.spend(f"{n}", n % 3) for n in range(number)))
    assert {one["outcome"] for one in refused} == {"not_live"}
    await move(world, campaign, Move.RESUME, now=NOON + HOUR)
    return campaign


async def test_many_are_the_workers_and_it_goes_on_where_it_was(ask: Ask, world: Given) -> None:
    number = AT_ONCE + PAGE + 1
    campaign = await many(ask, world, number)
    waiting = await again(ask, campaign, "PAUSE")
    assert (waiting["state"], waiting["looked"]) == ("WAITING", 0)
    ident = int(waiting["id"].removeprefix("reeval_"))
    # One worker does a page, another dies within its own, a third one does the rest.
    async with world.db.transaction(world.scope) as tx:
        assert await go_on(tx, ident, now=NOON + DAY)

    async def dies() -> None:
        async with world.db.transaction(world.scope) as tx:
            await go_on(tx, ident, now=NOON + DAY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await dies()
    assert await world.total(campaign) == 100 * PAGE
    assert (await Reevaluations().run(world.db, NOON + DAY)).errors == []
    shown = await ask(
        READ_AGAIN,
        id=waiting["id"],
    )
    assert shown["rewardReevaluation"] == {
        "state": "DONE", "looked": number, "differing": number, "paidAfter": number * 100,
    }  # fmt: skip
    assert await world.total(campaign) == number * 100
    assert (await Reevaluations().run(world.db, NOON + DAY)).errors == []
    assert await world.total(campaign) == number * 100


async def test_a_look_at_more_than_can_wait_is_refused(ask: Ask, world: Given) -> None:
    campaign = await many(ask, world, MOST_PREVIEWED + 1)
    said = {
        "campaignId": f"camp_{campaign}", "since": NOON.isoformat(), "until": (NOON + DAY).isoformat(),
        "what": ["PAUSE"], "preview": True,
    }  # fmt: skip
    made = (await ask(AGAIN, input=said))["rewardsReevaluate"]
    assert [(one["code"], one["path"]) for one in made["errors"]] == [("TOO_MUCH", ["until"])]


async def test_campaigns_with_the_same_customers_do_not_wait_for_one_another(world: Given) -> None:
    # Judged in the opposite order of their customers, and each is to pay all of them.
    campaigns = [await world.campaign() for _ in range(2)]
    for at, campaign in enumerate(campaigns):
        await move(world, campaign, Move.PAUSE, now=NOON)
        order = (0, 1, 2) if at else (2, 1, 0)
        await world.pay(campaign, *(world.spend(f"{at}-{n}", n) for n in order))
        await move(world, campaign, Move.RESUME, now=NOON + HOUR)
    await world.pay(await world.campaign(), *(world.spend(f"before-{n}", n) for n in range(3)))

    async def one(campaign: int) -> None:
        async with world.db.transaction(world.scope) as tx:
            await ask_again(
                tx, campaign_id=campaign, since=NOON, until=NOON + DAY, what=[Reconsidered.PAUSE],
                is_preview=False, now=NOON + DAY,
            )  # fmt: skip

    # Both stop at the second customer: each would have one of the other two.
    async with world.db.transaction(world.scope) as tx:
        await tx.fetch(HOLD, world.group_id, world.customers[1])
        both = [asyncio.create_task(one(campaign)) for campaign in campaigns]
        for _ in range(200):
            await asyncio.sleep(0.01)
            if await tx.fetchval(WAITING) >= 2:
                break
    await asyncio.gather(*both)
    assert [await world.total(campaign) for campaign in campaigns] == [300, 300]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"campaignId": "camp_999999"}, ["campaignId"]),
        ({"campaignId": None}, ["campaignId"]),
        ({"since": (NOON + DAY).isoformat(), "until": NOON.isoformat()}, ["until"]),
        ({"campaignId": None, "eventId": "event_1"}, ["eventId"]),
        ({"what": []}, ["what"]),
    ],
)
async def test_what_cannot_be_meant_is_said(
    ask: Ask, world: Given, given: dict[str, Any], path: list[str]
) -> None:
    campaign = await world.campaign()
    said: dict[str, Any] = {
        "campaignId": f"camp_{campaign}", "since": NOON.isoformat(), "until": (NOON + DAY).isoformat(),
        "what": ["ALL"], "preview": False, **given,
    }  # fmt: skip
    made = (await ask(AGAIN, input={k: v for k, v in said.items() if v is not None}))["rewardsReevaluate"]
    assert ([one["path"] for one in made["errors"]], made["reevaluations"]) == ([path], [])


async def test_where_nothing_changed_nothing_differs(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(
        world.flow(70, multipliers=[world.multiplier(2, 1, "1.5", 700)]),
        world.flow(30, conditions=[world.condition(1, 2, 0)]),
        goals=[(*CAP, 1_000), (1, 2, 2)],
    )
    for n in range(12):
        await world.pay(campaign, world.spend(f"{n}", n % 3, amount=[500, 700][n % 2]))
    before = await world.total(campaign)
    # The books are full: with one decision taken out, and in again, each comes to what it came to.
    done = await again(ask, campaign, "CLOCK", "PAUSE", "CONFIGURATION")
    assert done["differing"] == 0
    assert await world.total(campaign) == before


MOVED = """
mutation($input: CampaignUpdateInput!) { campaignUpdate(input: $input) { errors { code message } } }
"""


async def window(ask: Ask, campaign: int, *, now: Any, **edges: Any) -> None:
    given = {"id": f"camp_{campaign}", **{name: at.isoformat() for name, at in edges.items()}}
    assert (await ask(MOVED, now=now, input=given))["campaignUpdate"]["errors"] == []


async def outcome(ask: Ask, world: Given, campaign: int, reference: str, *, happened: Any) -> str:
    made = await tell(ask, world, campaign, reference, happened=happened, told=NOON + 20 * HOUR)
    return str(made["outcome"])


@pytest.mark.parametrize("start", [NOON - DAY, NOON + 2 * DAY])
async def test_a_start_that_is_moved_back_pays_from_there(ask: Ask, world: Given, start: Any) -> None:
    campaign = await world.campaign(starts_at=start)
    happened = NOON - 2 * DAY
    assert await outcome(ask, world, campaign, "before", happened=happened) == "NOT_LIVE"
    await window(ask, campaign, now=NOON, startsAt=NOON - 5 * DAY)
    stretch: dict[str, Any] = {"since": (NOON - 3 * DAY).isoformat()}
    # What is told anew and what is judged again agree, whether or not a worker has been there.
    assert await outcome(ask, world, campaign, "anew", happened=happened) == "PAID"
    assert (await again(ask, campaign, "CLOCK", preview=True, **stretch))["differing"] == 1
    async with world.db.transaction(world.scope) as tx:
        await advance_due_campaigns(tx, NOON)
    for what in ("PAUSE", "ALL"):
        assert (await again(ask, campaign, what, preview=True, **stretch))["differing"] == 1
    assert (await again(ask, campaign, "CLOCK", **stretch))["differing"] == 1
    assert await outcome(ask, world, campaign, "noticed", happened=happened) == "PAID"
    assert await world.total(campaign) == 300


@pytest.mark.parametrize("by_hand", [False, True])
async def test_a_gap_is_paid_where_only_the_clock_had_made_it(ask: Ask, world: Given, by_hand: bool) -> None:
    campaign = await world.campaign(ends_at=NOON + (DAY if by_hand else HOUR))
    if by_hand:
        await move(world, campaign, Move.COMPLETE, now=NOON + HOUR)
    async with world.db.transaction(world.scope) as tx:
        await advance_due_campaigns(tx, NOON + 2 * HOUR)
    gap, reopened = NOON + 3 * HOUR, NOON + 5 * HOUR
    assert await outcome(ask, world, campaign, "gap", happened=gap) == "NOT_LIVE"
    await window(ask, campaign, now=NOON + 4 * HOUR, endsAt=NOON + 9 * DAY)
    # As long as nobody lets it run again, it is completed.
    assert (await again(ask, campaign, "CLOCK"))["differing"] == 0
    await move(world, campaign, Move.REOPEN, now=reopened)
    assert (await again(ask, campaign, "ALL"))["differing"] == 0
    await move(world, campaign, Move.ACTIVATE, now=reopened + 2 * HOUR)
    for what in ("CLOCK", "PAUSE", "ALL"):
        assert (await again(ask, campaign, what, preview=True))["differing"] == (0 if by_hand else 1)
    for reference, happened in (("anew", gap), ("between", reopened + HOUR)):
        made = await outcome(ask, world, campaign, reference, happened=happened)
        assert made == ("NOT_LIVE" if by_hand else "PAID")


async def test_people_count_by_their_date_wherever_the_window_goes(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(draft=True, starts_at=NOON - DAY, ends_at=NOON + 4 * HOUR)
    await move(world, campaign, Move.ACTIVATE, now=NOON + HOUR)
    await move(world, campaign, Move.PAUSE, now=NOON + 2 * HOUR)
    async with world.db.transaction(world.scope) as tx:
        await advance_due_campaigns(tx, NOON + 4 * HOUR)
    await window(ask, campaign, now=NOON, startsAt=NOON - 5 * DAY, endsAt=NOON + 9 * DAY)
    await move(world, campaign, Move.REOPEN, now=NOON + 6 * HOUR)
    await move(world, campaign, Move.ACTIVATE, now=NOON + 7 * HOUR)
    told = [
        await outcome(ask, world, campaign, f"{hours}", happened=NOON + hours * HOUR)
        for hours in (-48, 0.5, 1.5, 3, 5, 8)
    ]
    # A draft, until it was activated; then paused, also past the old end, until it was activated again.
    assert told == ["NOT_LIVE", "NOT_LIVE", "PAID", "NOT_LIVE", "NOT_LIVE", "PAID"]
    assert (await again(ask, campaign, "CLOCK"))["differing"] == 0
    assert (await again(ask, campaign, "PAUSE", preview=True))["differing"] == 2


@pytest.mark.parametrize("by_event", [True, False])
async def test_an_event_outside_the_window_is_judged_again(ask: Ask, world: Given, by_event: bool) -> None:
    campaign = await world.campaign()
    one = replace(await event(world, 1), occurred_at=NOON - DAY)
    async with world.db.transaction(world.scope) as tx:
        assert await process_event_triggers(tx, [one], now=NOON + HOUR) == 1
    assert await world.total(campaign) == 0
    await window(ask, campaign, now=NOON + HOUR, startsAt=NOON - 5 * DAY)
    which: dict[str, Any] = {"since": (NOON - 2 * DAY).isoformat()}
    if by_event:
        which = {"since": None, "until": None, "eventId": show_id("event", one.id)}
    done = await again(ask, campaign, "CLOCK", **which)
    assert (done["looked"], done["differing"]) == (1, 1)
    assert await world.total(campaign) == 100
