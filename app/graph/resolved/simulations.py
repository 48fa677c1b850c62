"""What a reward configuration would have paid. Resolvers in Python: they run the domain's evaluator.

A query answers once; a subscription takes any window, reports its progress, and ends with the result.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry

from app.auth.principal import Principal
from app.db.database import Transaction
from app.domain.days import settle_days
from app.domain.groups.finding import store_to_write
from app.domain.rewards.drafting import Draft, drafted
from app.domain.rewards.programme import Limits, Programme
from app.domain.rewards.reading import Running, only, partner_facts, read_running
from app.domain.rewards.simulating import Simulated, draft, replay_evaluations
from app.domain.rewards.windows import RewardWindow, count_evaluations, count_triggers, take_time
from app.errors import Invalid, NotFound
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import RewardOutcome, RewardType
from app.graph.declaring.fields import priced
from app.graph.declaring.references import find_references
from app.graph.declaring.scalars import DateTime, Long
from app.graph.declaring.settable import code_of
from app.graph.declaring.writing import own_id
from app.graph.inputs.flows import FlowInput, GoalInput, flows_of, goals_of, require_to_ask, require_to_ask_as
from app.values.instants import show_instant

MAX_EVENTS = 200_000
"""The most for a query: what fits into a request's time."""
TOLD_EVERY_S = 0.4


@input_type
class RewardDraftInput:
    """A configuration of rewards that is not saved."""

    type: RewardType | None = strawberry.field(
        default=None, description="What it does; EARN, or as the campaign, unless said."
    )
    flows: list[FlowInput] | None = strawberry.field(
        default=None, description="All of its flows, each complete; null: those of the campaign."
    )
    goals: list[GoalInput] | None = strawberry.field(
        default=None, description="All of its goals; null: those of the campaign."
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Without a campaign: whose events; else the default store's."
    )
    partner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Without a campaign: the partner conditions ask about."
    )


@input_type
class CampaignSimulateInput:
    """What to simulate: a campaign, a campaign with another configuration, or a draft."""

    since: DateTime = strawberry.field(description="From when; a day alone is its first moment.")
    until: DateTime = strawberry.field(
        description="Until when, exclusive; a day alone is that whole day. Days are the store's."
    )
    campaign_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The campaign whose evaluated events are judged again; null: a draft of its own.",
    )
    draft: RewardDraftInput | None = strawberry.field(
        default=None, description="What differs from the campaign; without one, everything."
    )


@object_type
class SimulatedOutcome:
    """How often an outcome would have come about."""

    outcome: RewardOutcome = strawberry.field(description="The outcome.")
    count: Long = strawberry.field(description="How often.")


@object_type
class SimulatedLimit:
    """A limit that would have been met."""

    of: str = strawberry.field(description="rewards, participants, transactions or revenue.")
    reached_at: DateTime = strawberry.field(description="When it was first met.")


@object_type
class SimulatedDifference:
    """An event that would have been paid otherwise than it was."""

    reference: str = strawberry.field(description="The event's reference.")
    paid: Long = strawberry.field(description="What it was paid.")
    would_be: Long = strawberry.field(description="What it would have been paid.")


@object_type
class CampaignSimulation:
    """What a configuration would have paid. Nothing was written."""

    events: Long = strawberry.field(description="How many events were judged.")
    wanted: Long = strawberry.field(
        description="What they would have been paid without limits; 2^53 - 1 at most."
    )
    paid: Long = strawberry.field(
        description="What they would have been paid, reversals taken off, in the smallest currency unit."
    )
    was_paid: Long = strawberry.field(description="What they were paid; 0 for a draft of its own.")
    currency: str = strawberry.field(description="The currency.")
    customers: Long = strawberry.field(description="How many customers it would have reached.")
    outcomes: list[SimulatedOutcome] = strawberry.field(description="What evaluations would have come to.")
    limits: list[SimulatedLimit] = strawberry.field(description="Limits that would have been met, and when.")
    differing: Long = strawberry.field(description="How many events would have been paid otherwise.")
    differences: list[SimulatedDifference] = strawberry.field(description="The first hundred of them.")


@object_type
class SimulationProgress:
    """How far a simulation is."""

    done: Long = strawberry.field(description="How many events were judged so far.")
    total: Long = strawberry.field(
        description="How many lie in the window; at the end, how many were judged."
    )
    simulation: CampaignSimulation = strawberry.field(
        description="What those judged so far came to; in the last message, the result."
    )


Asked = Annotated[CampaignSimulateInput, strawberry.argument(description="What, and from when to when.")]


async def _simulate(info: strawberry.Info, input: Asked) -> CampaignSimulation:
    context: Any = info.context
    async with context.transaction(writes=False) as tx:
        run = await _begun(tx, input, context.principal)
        size = await run.size()
        if size > MAX_EVENTS:
            raise Invalid(
                f"{size} events lie in this window, {MAX_EVENTS} are the most of a query; take a shorter one, or ask"
                " with the subscription campaignSimulate, which takes any.",
                path=["until"],
                code="TOO_MUCH",
            )
        last = Simulated()
        async for state in run.states:
            last = state
    return _shown(last, run.currency)


async def _simulate_on(info: strawberry.Info, input: Asked) -> AsyncGenerator[SimulationProgress]:
    context: Any = info.context
    clock = asyncio.get_running_loop().time
    async with context.transaction(writes=False) as tx:
        await take_time(tx)
        run = await _begun(tx, input, context.principal)
        total, last, told_at = await run.size(), Simulated(), clock()
        yield _progress(last, total, run.currency)
        async for state in run.states:
            last = state
            if clock() - told_at >= TOLD_EVERY_S:
                # Some events may have come in after they were counted.
                yield _progress(state, max(total, state.events), run.currency)
                told_at = clock()
    yield _progress(last, last.events, run.currency)


_WHAT = "What rewards a configuration would have paid, judged by the same rules as payments, without writing anything"
campaign_simulate: Any = strawberry.field(
    resolver=_simulate,
    metadata=priced(250_000),
    description=f"{_WHAT}; {MAX_EVENTS} events at most, the subscription of this name takes more."
    " A campaign with its own configuration gives its ledger.",
)
campaign_simulate_on: Any = strawberry.subscription(
    resolver=_simulate_on,
    description=f"{_WHAT}, over a window of any length. Tells how far it is, about twice a second; the last message"
    " is the result. It stops when its subscriber leaves.",
)


@dataclass(frozen=True, slots=True)
class _Run:
    """A simulation that can begin."""

    currency: str
    states: AsyncIterator[Simulated]
    size: Callable[[], Awaitable[int]]
    """How many events it will judge."""


async def _begun(tx: Transaction, asked: CampaignSimulateInput, principal: Principal) -> _Run:
    await find_references(lambda: nullcontext(tx), {"input": asked})
    if asked.campaign_id is None and asked.draft is None:
        raise Invalid("Name a campaign, or give a draft.", path=["campaignId"])
    said = _draft(asked.draft)
    require_to_ask(principal, said.flows or ())
    if asked.campaign_id is not None:
        ident = own_id(asked.campaign_id, "camp", "campaign", "campaignId")
        window = await _window(tx, asked, campaign_id=ident)
        if said.flows is None:
            await require_to_ask_as(principal, tx, ident)
        running: Running = only(await read_running(tx, [ident]), ident)
        programme = await drafted(tx, running.programme, said)
        return _Run(
            programme.currency,
            replay_evaluations(tx, programme, window),
            partial(count_evaluations, tx, ident, window),
        )
    given = asked.draft
    assert given is not None
    store_id = (
        None if given.store_id is None else own_id(given.store_id, "store", "store", "draft", "storeId")
    )
    store = await store_to_write(tx, store_id, path=["draft", "storeId"], holds=False)
    window = await _window(tx, asked, store_id=store.id)
    partner = {}
    if given.partner_id is not None:
        partner_id = own_id(given.partner_id, "part", "partner", "draft", "partnerId")
        partner = (await partner_facts(tx, [partner_id])).get(partner_id, {})
        if not partner:
            raise NotFound("partner", given.partner_id, path=["draft", "partnerId"])
    base = Programme(0, 1, 1, store.currency, (), (), Limits())
    programme = await drafted(tx, base, said)
    facts = {"closed": None, "store": store.id}
    return _Run(
        programme.currency,
        draft(tx, programme, window, campaign=facts, partner=partner, store_id=store.id),
        partial(count_triggers, tx, window, store_id=store.id),
    )


async def _window(
    tx: Transaction,
    asked: CampaignSimulateInput,
    *,
    campaign_id: int | None = None,
    store_id: int | None = None,
) -> RewardWindow:
    edges = {"since": asked.since, "until": asked.until}
    await settle_days(
        tx, edges, starts=("since",), ends=("until",), campaign_id=campaign_id, store_id=store_id
    )
    if edges["until"] <= edges["since"]:
        raise Invalid("`until` lies after `since`.", path=["until"])
    return RewardWindow(edges["since"], edges["until"])


def _draft(given: RewardDraftInput | None) -> Draft:
    if given is None:
        return Draft()
    return Draft(
        flows=None if given.flows is None else flows_of(given.flows, "draft"),
        goals=None if given.goals is None else goals_of(given.goals, "draft"),
        reward_type=None if given.type is None else code_of(given.type, ["draft", "type"], name="type"),
    )


def _shown(state: Simulated, currency: str) -> CampaignSimulation:
    return CampaignSimulation(
        events=Long(state.events),
        wanted=Long(state.wanted),
        paid=Long(state.paid),
        was_paid=Long(state.was_paid),
        currency=currency,
        customers=Long(len(state.customers)),
        outcomes=[
            SimulatedOutcome(outcome=one, count=Long(count)) for one, count in sorted(state.outcomes.items())
        ],
        limits=[
            SimulatedLimit(of=name, reached_at=_instant(at)) for name, at in sorted(state.reached.items())
        ],
        differing=Long(state.differing),
        differences=[
            SimulatedDifference(reference=one.reference, paid=Long(one.paid), would_be=Long(one.would_be))
            for one in state.differences
        ],
    )


def _progress(state: Simulated, total: int, currency: str) -> SimulationProgress:
    return SimulationProgress(done=Long(state.events), total=Long(total), simulation=_shown(state, currency))


def _instant(at: datetime) -> Any:
    # Printed here: scalars from resolvers in Python are passed on as they are.
    return show_instant(at)
