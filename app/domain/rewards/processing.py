"""Paying rewards, and taking them back.

Everything a call does is one transaction, and takes its locks in one order: events by reference, campaigns by id, then
balances by customer and partner. A campaign's row is held from the moment its books are read until COMMIT, so what is
decided in memory is what is written; that no limit is passed rests on the conditions of the writing statements all the
same (`_PAID`, `_TAKE`), and that nothing counts twice on unique keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.rewards.attributes import Facts
from app.domain.rewards.judging import Books, Decision, Trigger, balance_sign, due, enter, settle
from app.domain.rewards.occurrences import Occurrence, check, keep
from app.domain.rewards.programme import REDEEM, Programme
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
from app.errors import Conflict, NotFound
from app.values.ids import show_id
from app.values.json_text import write_json

_KNOWN = """
SELECT event_id, campaign_id, id FROM reward_evaluation
 WHERE group_id = $1 AND campaign_id = ANY ($2) AND event_id = ANY ($3)
"""
# Deleted ones too: what was rewarded in them stays known.
_REACHED = f"SELECT campaign.id FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4)"
_STEP = "nextval(pg_get_serial_sequence('reward_evaluation', 'id'))"
# Ids are drawn while the campaigns are held: their order is the order in which evaluations counted.
_EVALUATED = f"""
INSERT INTO reward_evaluation
  (group_id, id, campaign_id, event_id, customer_id, reference, trigger_code, custom_trigger_id, occurred_at, version,
   inputs, trace, outcome, wanted, amount, currency, created_at)
SELECT $1, {_STEP}, given.*, $2
  FROM unnest($3::bigint[], $4::uuid[], $5::bigint[], $6::text[], $7::int[], $8::bigint[], $9::timestamptz[],
              $10::int[], $11::json[], $12::json[], $13::text[], $14::bigint[], $15::bigint[], $16::text[]) AS given
RETURNING id, event_id, campaign_id
"""
_ENTRIES = """
INSERT INTO reward_entry
  (group_id, campaign_id, evaluation_id, customer_id, partner_id, kind, step, position, flow, action, amount,
   balance_change, currency, created_at)
SELECT $1, given.*, $2
  FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::int[],
              $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[]) AS given
"""
# The whole rule once more, on the row itself: the configuration that was judged, and no limit passed.
_PAID = """
UPDATE campaign
   SET total_rewards = total_rewards + $3, reward_participants = reward_participants + $4,
       reward_transactions = reward_transactions + $5, reward_revenue = reward_revenue + $6
 WHERE group_id = $1 AND id = $2 AND reward_version = $7 AND deleted_at IS NULL
   AND total_rewards + $3 <= $8 AND reward_participants + $4 <= $9
   AND reward_transactions + $5 <= $10 AND reward_revenue + $6 <= $11
"""
_PARTICIPATED = """
INSERT INTO reward_participant AS p (group_id, campaign_id, customer_id, rewarded)
SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[])
ON CONFLICT (group_id, campaign_id, customer_id) DO UPDATE SET rewarded = p.rewarded + excluded.rewarded
"""
# Accounts are locked, and made where they are missing, in one order by everybody.
_HOLD = """
INSERT INTO reward_balance AS b (group_id, customer_id, partner_id, currency, balance)
SELECT $1, given.*, 0 FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS given (customer, partner, currency)
 ORDER BY given.customer, given.partner, given.currency
ON CONFLICT (group_id, customer_id, partner_id, currency) DO UPDATE SET balance = b.balance
RETURNING customer_id, partner_id, currency, balance
"""
_GIVE = """
INSERT INTO reward_balance AS b (group_id, customer_id, partner_id, currency, balance)
SELECT $1, given.*
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[]) AS given (customer, partner, currency, amount)
 ORDER BY given.customer, given.partner, given.currency
ON CONFLICT (group_id, customer_id, partner_id, currency) DO UPDATE SET balance = b.balance + excluded.balance
"""
_TAKE = """
UPDATE reward_balance SET balance = balance - $5
 WHERE group_id = $1 AND customer_id = $2 AND partner_id = $3 AND currency = $4 AND balance >= $5
"""


@dataclass(slots=True)
class _Judged:
    """One event in one campaign, decided."""

    running: Running
    given: Occurrence
    event_id: UUID
    facts: Facts
    decision: Decision


async def process(tx: Transaction, asked: Sequence[tuple[int, Occurrence]], *, now: datetime) -> list[int]:
    """Reward each occurrence in its campaign, `(campaign id, occurrence)`; the evaluations' ids in the same order.

    Idempotent: an occurrence that was evaluated in the campaign is not evaluated again, whatever has changed since.
    """
    for _, one in asked:
        if one.event_id is None:  # What is kept was checked when it came in.
            check(one)
    events = await keep(tx, [one for _, one in asked], now=now)
    pairs = [(event, campaign) for (campaign, _), event in zip(asked, events, strict=True)]
    known = await _known(tx, pairs)
    if known:
        await _check_reach(tx, {campaign for _, campaign in known})
    if not all(pair in known for pair in pairs):
        running = await lock_running(tx, {campaign for campaign, _ in asked})
        for campaign, _ in asked:
            only(running, campaign)
        known = await _known(tx, pairs)  # By whoever held the campaigns a moment ago.
        fresh = {
            pair: (running[campaign], one)
            for pair, (campaign, one) in zip(pairs, asked, strict=True)
            if pair not in known
        }
        known |= await _process(tx, fresh, running, now=now)
    return [known[pair] for pair in pairs]


async def dry(
    tx: Transaction, campaign_id: int, given: Occurrence, *, now: datetime
) -> tuple[Running, Decision]:
    """What would happen, without doing it."""
    check(given)
    running = await read_running(tx, [campaign_id])
    one = only(running, campaign_id)
    facts = (await _facts(tx, [(one, given)], now=now))[0]
    await fill_books(tx, running, [given.customer_id])
    asked = due(one.programme, _trigger(given), facts)
    return one, settle(
        one.programme, asked, one.books, customer_id=given.customer_id, revenue=revenue_of(facts)
    )


async def _check_reach(tx: Transaction, campaigns: set[int]) -> None:
    """Whoever repeats what is known must be who could have asked for it."""
    found = {row["id"] for row in await tx.fetch(_REACHED, *borders(tx.scope), sorted(campaigns))}
    for campaign in campaigns - found:
        raise NotFound("reward campaign", show_id("camp", campaign), path=["campaignId"])


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
    # A campaign's events in the order they were given, campaigns in the order they are held.
    work = sorted(fresh.items(), key=lambda item: item[0][1])
    facts = await _facts(tx, [pair for _, pair in work], now=now)
    await fill_books(tx, running, {given.customer_id for _, (_, given) in work})
    worth = [
        due(one.programme, _trigger(given), known)
        for (_, (one, given)), known in zip(work, facts, strict=True)
    ]
    if any(one.programme.reward_type == REDEEM for one in running.values()):
        accounts = {
            (given.customer_id, line.partner_id, one.programme.currency)
            for (_, (one, given)), asked in zip(work, worth, strict=True)
            for line in asked.lines
        }
        await _hold(tx, accounts, running)
    judged: list[_Judged] = []
    for ((event_id, _), (one, given)), asked, known in zip(work, worth, facts, strict=True):
        revenue, customer = revenue_of(known), given.customer_id
        decision = settle(one.programme, asked, one.books, customer_id=customer, revenue=revenue)
        enter(one.programme, decision, one.books, customer_id=customer, revenue=revenue)
        judged.append(_Judged(one, given, event_id, known, decision))
    return await _write(tx, judged, now=now)


async def _facts(
    tx: Transaction, work: Sequence[tuple[Running, Occurrence]], *, now: datetime
) -> list[Facts]:
    users = await user_facts(tx, {given.customer_id for _, given in work}, now=now)
    named = {given.partner_id or one.partner_id for one, given in work} - {None}
    partners = await partner_facts(tx, [ident for ident in named if ident is not None])
    found = []
    for one, given in work:
        if given.customer_id not in users:
            raise NotFound("customer", show_id("cust", given.customer_id), path=["customerId"])
        if given.partner_id is not None and given.partner_id not in partners:
            raise NotFound("partner", show_id("part", given.partner_id), path=["partnerId"])
        found.append(
            facts_for(
                one,
                user=users[given.customer_id],
                partner=partners.get(given.partner_id or one.partner_id or 0, {}),
                transaction=given.transaction,
                further=given.further,
                now=now,
            )
        )
    return found


def _trigger(given: Occurrence) -> Trigger:
    return Trigger(given.trigger_code, given.custom_trigger_id, given.occurred_at)


# ── writing ───────────────────────────────────────────────────────────────────


async def _hold(tx: Transaction, accounts: set[tuple[int, int, str]], running: Mapping[int, Running]) -> None:
    """Lock these accounts, and read what is on them now."""
    if not accounts:
        return
    customers, partners, currencies = (list(column) for column in zip(*accounts, strict=True))
    for row in await tx.fetch(_HOLD, tx.scope.group_id, customers, partners, currencies):
        for one in running.values():
            if one.programme.currency == row["currency"]:
                one.books.balances[row["customer_id"], row["partner_id"]] = row["balance"]


async def _write(tx: Transaction, judged: Sequence[_Judged], *, now: datetime) -> dict[tuple[UUID, int], int]:
    group = tx.scope.group_id
    rows = await tx.fetch(_EVALUATED, group, now, *_columns([_evaluation(one) for one in judged], 14))
    made = {(row["event_id"], row["campaign_id"]): row["id"] for row in rows}
    entries: list[tuple[Any, ...]] = []
    moved: dict[tuple[int, int, str], int] = {}
    for one in judged:
        programme, customer = one.running.programme, one.given.customer_id
        ident, sign = made[one.event_id, programme.campaign_id], balance_sign(programme)
        kind = "redemption" if sign < 0 else "payment"
        for at, line in enumerate(one.decision.lines):
            entries.append(
                (programme.campaign_id, ident, customer, line.partner_id, kind, ident, at, line.flow_id,
                 line.action_id, line.amount, sign * line.amount, programme.currency)
            )  # fmt: skip
            account = (customer, line.partner_id, programme.currency)
            moved[account] = moved.get(account, 0) + sign * line.amount
    if not entries:
        return made
    await tx.execute(_ENTRIES, group, now, *_columns(entries, 12))
    await _count(tx, judged)
    await move_balances(tx, moved)
    return made


async def _count(tx: Transaction, judged: Sequence[_Judged]) -> None:
    """Add what was paid to the campaigns' counts, and whom to their participants."""
    paid = [one for one in judged if one.decision.amount]
    by_campaign: dict[int, list[_Judged]] = {}
    for one in paid:
        by_campaign.setdefault(one.running.programme.campaign_id, []).append(one)
    took_part: dict[tuple[int, int], int] = {}
    for one in paid:
        key = (one.running.programme.campaign_id, one.given.customer_id)
        took_part[key] = took_part.get(key, 0) + 1
    for ident, some in by_campaign.items():
        running = some[0].running
        await _add(
            tx,
            running.programme,
            running.books,
            before=running.row,
            campaign_id=ident,
        )
    keys = sorted(took_part)
    await tx.execute(
        _PARTICIPATED,
        tx.scope.group_id,
        [campaign for campaign, _ in keys],
        [customer for _, customer in keys],
        [took_part[key] for key in keys],
    )


async def _add(tx: Transaction, programme: Programme, books: Books, *, before: Any, campaign_id: int) -> None:
    limits = programme.limits
    done = await tx.execute(
        _PAID,
        tx.scope.group_id,
        campaign_id,
        books.paid - before["total_rewards"],
        books.participants - before["reward_participants"],
        books.transactions - before["reward_transactions"],
        books.revenue - before["reward_revenue"],
        programme.version,
        limits.rewards,
        limits.participants,
        limits.transactions,
        limits.revenue,
    )
    if not done:
        raise Conflict(
            "The campaign changed at the same moment; try again.",
            path=["campaignId"],
            code="CAMPAIGN_CHANGED",
        )


async def move_balances(tx: Transaction, moved: Mapping[tuple[int, int, str], int]) -> None:
    """Add these amounts to accounts `(customer, partner, currency)`; Conflict where one would fall below zero."""
    for (customer, partner, currency), amount in sorted(moved.items()):
        if amount < 0 and not await tx.execute(
            _TAKE, tx.scope.group_id, customer, partner, currency, -amount
        ):
            raise Conflict(
                "The customer has less than this would take back; part of it was redeemed.",
                code="BALANCE_SPENT",
            )
    given = sorted((account, amount) for account, amount in moved.items() if amount > 0)
    if given:
        with refusals():
            await tx.execute(
                _GIVE,
                tx.scope.group_id,
                [account[0] for account, _ in given],
                [account[1] for account, _ in given],
                [account[2] for account, _ in given],
                [amount for _, amount in given],
            )


def _evaluation(one: _Judged) -> tuple[Any, ...]:
    programme, given, decision = one.running.programme, one.given, one.decision
    return (
        programme.campaign_id, one.event_id, given.customer_id, given.reference, given.trigger_code,
        given.custom_trigger_id, given.occurred_at, programme.version, write_json(one.facts).decode(),
        write_json(decision.trace).decode(), decision.outcome.value, decision.wanted, decision.amount,
        programme.currency,
    )  # fmt: skip


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in range(width)]
