"""Paying rewards, and taking them back.

Everything a call does is one transaction, and takes its locks in one order: customers (so that they stay who they
are), events by reference, the sales they tell, campaigns by id, then balances by customer and partner. A campaign's row
is held from the moment its books are read until COMMIT, so what is decided in memory is what is written; nevertheless,
that no limit is exceeded is guaranteed by the conditions of the writing statements (`booking.py`), and that nothing
counts twice by unique keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.heirs import heir_of, heirs_of
from app.domain.rewards.attributes import Facts
from app.domain.rewards.booking import Judged, hold, write_judged
from app.domain.rewards.judging import Decision, Trigger, due, enter, settle_due
from app.domain.rewards.lots import book_due
from app.domain.rewards.occurrences import CODES, Occurrence, check, event_id_of, keep
from app.domain.rewards.of_sales import follow_sales
from app.domain.rewards.programme import REDEEM
from app.domain.rewards.reading import (
    Running,
    facts_for,
    fill_books,
    lock_running,
    only,
    partner_facts,
    read_running,
    revenue_of,
    user_facts,
)
from app.domain.sales.references import hold_sales
from app.errors import NotFound
from app.tables.event_types import RewardTrigger
from app.values.ids import show_id
from app.values.numbers import MAX_SAFE_INTEGER

SPEND = CODES[RewardTrigger.SPEND]
AMPLE = MAX_SAFE_INTEGER // 8
"""Below this a balance is added to without being locked: not even several requests at once can fill it."""

_KNOWN = """
SELECT event_id, campaign_id, id FROM reward_evaluation
 WHERE group_id = $1 AND campaign_id = ANY ($2) AND event_id = ANY ($3) AND replaced_by_id IS NULL
"""
_TOLD = (
    "SELECT sale_reference FROM event WHERE group_id = $1 AND id = ANY ($2) AND sale_reference IS NOT NULL"
)
# Deleted campaigns too: their past rewards stay known.
_REACHED = f"SELECT campaign.id FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4)"


async def process(tx: Transaction, asked: Sequence[tuple[int, Occurrence]], *, now: datetime) -> list[int]:
    """Reward each occurrence in its campaign, `(campaign id, occurrence)`; the evaluations' ids in the same order.

    Idempotent: an occurrence evaluated in the campaign before is not evaluated again, whatever has changed since.
    """
    for _, one in asked:
        if one.event_id is None:  # Stored events were checked when they came in.
            check(one, now=now)
    heirs = await heirs_of(tx, {one.customer_id for _, one in asked}, holds=True)
    asked = [(campaign, replace(one, customer_id=heirs[one.customer_id])) for campaign, one in asked]
    events = await keep(tx, [one for _, one in asked], now=now)
    pairs = [(event, campaign) for (campaign, _), event in zip(asked, events, strict=True)]
    known = await _known(tx, pairs)
    if known:
        await _check_reach(tx, {campaign for _, campaign in known})
    if not all(pair in known for pair in pairs):
        sales = await _sales(tx, [one for _, one in asked])
        await hold_sales(tx, sales)
        running = await lock_running(tx, {campaign for campaign, _ in asked})
        for campaign, _ in asked:
            only(running, campaign)
        known = await _known(tx, pairs)  # Evaluated by whoever held the campaigns a moment ago.
        fresh = {
            pair: (running[campaign], one)
            for pair, (campaign, one) in zip(pairs, asked, strict=True)
            if pair not in known
        }
        made = await _process(tx, fresh, running, now=now)
        # The order may have been cancelled, or given back in part, before.
        await follow_sales(tx, sales, running.keys(), evaluations=made.values(), now=now)
        known |= made
    return [known[pair] for pair in pairs]


async def dry(
    tx: Transaction, campaign_id: int, given: Occurrence, *, now: datetime
) -> tuple[Running, Decision]:
    """What processing would do, without doing it."""
    check(given, now=now)
    given = replace(given, customer_id=await heir_of(tx, given.customer_id))
    running = await read_running(tx, [campaign_id])
    one = only(running, campaign_id)
    facts = (await _facts(tx, [(one, given)], now=now))[0]
    await fill_books(tx, running, [given.customer_id])
    asked = due(one.programme, _trigger(given), facts)
    return one, settle_due(
        one.programme, asked, one.books, customer_id=given.customer_id, revenue=revenue_of(facts)
    )


async def _check_reach(tx: Transaction, campaigns: set[int]) -> None:
    """Only those who could have asked for it may repeat an occurrence that is known."""
    found = {row["id"] for row in await tx.fetch(_REACHED, *borders(tx.scope), sorted(campaigns))}
    for campaign in campaigns - found:
        raise NotFound("reward campaign", show_id("camp", campaign), path=["campaignId"])


async def _sales(tx: Transaction, asked: Sequence[Occurrence]) -> set[str]:
    """The sales these tell. Of stored events from the pipeline, which holds them itself, none."""
    spent = {one.reference for one in asked if one.event_id is None and one.trigger_code == SPEND}
    named = [ident for reference in spent if (ident := event_id_of(reference)) is not None]
    rows = await tx.fetch(_TOLD, tx.scope.group_id, named) if named else ()
    return spent | {row["sale_reference"] for row in rows}


async def _known(tx: Transaction, pairs: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], int]:
    rows = await tx.fetch(
        _KNOWN, tx.scope.group_id, sorted({c for _, c in pairs}), list({e for e, _ in pairs})
    )
    return {(row["event_id"], row["campaign_id"]): row["id"] for row in rows}


async def _process(
    tx: Transaction,
    fresh: Mapping[tuple[UUID, int], tuple[Running, Occurrence]],
    running: Mapping[int, Running],
    *,
    now: datetime,
) -> dict[tuple[UUID, int], int]:
    # A campaign's events in the order given, campaigns in the order they are locked.
    work = sorted(fresh.items(), key=lambda item: item[0][1])
    facts = await _facts(tx, [pair for _, pair in work], now=now)
    await fill_books(tx, running, {given.customer_id for _, (_, given) in work})
    worth = [
        due(one.programme, _trigger(given), known)
        for (_, (one, given)), known in zip(work, facts, strict=True)
    ]
    accounts: dict[tuple[int, int, str], int] = {}
    for (_, (one, given)), asked in zip(work, worth, strict=True):
        for line in asked.lines:
            account = (given.customer_id, line.partner_id, one.programme.currency)
            has = one.books.balances.get(account[:2], 0)
            accounts[account] = accounts.get(account, has) + line.amount
    redeems = any(one.programme.reward_type == REDEEM for one in running.values())
    if redeems:
        # What has become usable, or has expired, counts also where no worker has booked it yet.
        await book_due(tx, now=now, customers={given.customer_id for _, (_, given) in work})
    if redeems or any(would_be > AMPLE for would_be in accounts.values()):
        await hold(tx, set(accounts), running)
    judged: list[Judged] = []
    for ((event_id, _), (one, given)), asked, known in zip(work, worth, facts, strict=True):
        revenue, customer = revenue_of(known), given.customer_id
        decision = settle_due(one.programme, asked, one.books, customer_id=customer, revenue=revenue)
        enter(one.programme, decision, one.books, customer_id=customer, revenue=revenue)
        judged.append(Judged(one, given, event_id, known, decision))
    return await write_judged(tx, judged, now=now)


async def _facts(
    tx: Transaction, work: Sequence[tuple[Running, Occurrence]], *, now: datetime
) -> list[Facts]:
    users = await user_facts(tx, {given.customer_id for _, given in work}, now=now)
    named = {given.partner_id or one.partner_id for one, given in work} - {None}
    partners = await partner_facts(tx, [ident for ident in named if ident is not None])
    facts = []
    for one, given in work:
        if given.customer_id not in users:
            raise NotFound("customer", show_id("cust", given.customer_id), path=["customerId"])
        if given.partner_id is not None and given.partner_id not in partners:
            raise NotFound("partner", show_id("part", given.partner_id), path=["partnerId"])
        facts.append(
            facts_for(
                one,
                user=users[given.customer_id],
                partner=partners.get(given.partner_id or one.partner_id or 0, {}),
                transaction=given.transaction,
                further=given.further,
                occurred_at=given.occurred_at,
                told_at=now,
            )
        )
    return facts


def _trigger(given: Occurrence) -> Trigger:
    return Trigger(given.trigger_code, given.custom_trigger_id, given.occurred_at)
