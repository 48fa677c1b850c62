"""What a configuration would have paid: the same evaluator over stored events, without writing anything.

An existing campaign is *replayed*: every event that was evaluated in it, with the stored inputs, in the order in which
they counted, with reversals in their place. With its own configuration that gives its ledger, line by line; with
another one, the difference. A draft that never ran is judged over every event of the group, or of a store, that is
mapped to a trigger; about customers it knows what is known now.

Memory grows with customers and reversals, not with events.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from app.db.database import Transaction
from app.domain.rewards.attributes import Facts, own_values
from app.domain.rewards.judging import (
    Books,
    Decision,
    RewardLine,
    Trigger,
    balance_sign,
    due,
    enter,
    settle_due,
    shared,
    take_back,
)
from app.domain.rewards.occurrences import CODES
from app.domain.rewards.programme import REDEEM, Programme
from app.domain.rewards.reading import balances_of, revenue_of, user_facts
from app.domain.rewards.triggers import transaction_of, trigger_of
from app.domain.rewards.windows import RewardWindow, Steps, evaluations_in, steps_in, triggers_in
from app.tables.event_types import RewardTrigger
from app.tables.rewards import RewardOutcome
from app.values.numbers import MAX_SAFE_INTEGER
from app.values.slices import Slice

_trigger_of = cache(trigger_of)

MAX_DIFFERENCES = 100
_read = msgspec.json.Decoder(float_hook=Decimal).decode
"""Documents that were checked when they came in, with every digit of their numbers."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An event that would have been paid differently."""

    reference: str
    paid: int
    would_be: int


@dataclass(slots=True)
class Simulated:
    """The result so far."""

    events: int = 0
    reversals: int = 0
    wanted: int = 0
    """At most the largest amount we can store."""
    paid: int = 0
    """Less reversals."""
    was_paid: int = 0
    """What was really paid, less reversals."""
    customers: set[int] = field(default_factory=set)
    outcomes: dict[RewardOutcome, int] = field(default_factory=dict)
    reached: dict[str, datetime] = field(default_factory=dict)
    """By limit, when it was first met."""
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)


Heard = Callable[[int, int, Decision], None]
"""Called with every decision: the evaluation's id, the customer, the decision."""


async def replay_evaluations(
    tx: Transaction,
    programme: Programme,
    window: RewardWindow,
    *,
    heard: Heard | None = None,
) -> AsyncIterator[Simulated]:
    """What this configuration would have made of everything its campaign evaluated; yields after each chunk."""
    state, turn = Simulated(), Slice()
    steps = await steps_in(tx, programme.campaign_id, window)
    books = await _books_before(tx, programme, steps, turn)
    sign = balance_sign(programme)
    taken_back: dict[int, _Decided] = {}
    drift: dict[tuple[int, int], int] = {}
    async for rows in evaluations_in(tx, programme.campaign_id, steps):
        for row in rows:
            if turn.is_over:
                await turn.pass_on()
            if row["reverses"] is not None:
                decided = taken_back.get(row["reverses"])
                if decided is None and row["reverses"] < steps.first:
                    decided = taken_back[row["reverses"]] = await _before(tx, row["reverses"], steps.first)
                _reverse(
                    decided, state, books, drift, sign=sign, amount=row["amount"], is_whole=row["is_reversed"]
                )
                continue
            facts: Facts = _read(row["inputs"])
            customer, revenue = row["customer_id"], revenue_of(facts)
            trigger = Trigger(row["trigger_code"], row["custom_trigger_id"], row["occurred_at"])
            asked = due(programme, trigger, facts, traced=False)
            if asked.lines and (programme.reward_type == REDEEM or row["balances"] is not None):
                await _balances_then(tx, row, asked.lines, books, drift, currency=programme.currency)
            else:
                books.balances.clear()  # Balances were not read: there was plenty of room in them.
            decision = settle_due(programme, asked, books, customer_id=customer, revenue=revenue)
            enter(programme, decision, books, customer_id=customer, revenue=revenue)
            _note(state, decision, customer, row["created_at"], programme, books, revenue)
            state.was_paid += row["amount"]
            shift = await _shift(tx, row, programme, decision)
            for account, by in shift.items():
                drift[account] = drift.get(account, 0) + by
            if row["is_reversed"]:
                taken_back[row["id"]] = _Decided(
                    customer,
                    revenue,
                    decision.lines,
                    row["amount"],
                    row["amount"],
                    [line.amount for line in decision.lines],
                    shift=shift,
                    full_shift=dict(shift),
                )
            if decision.amount != row["amount"]:
                state.differing += 1
                if len(state.differences) < MAX_DIFFERENCES:
                    state.differences.append(Difference(row["reference"], row["amount"], decision.amount))
            if heard is not None:
                heard(row["id"], customer, decision)
        yield state
    yield state


async def draft(
    tx: Transaction,
    programme: Programme,
    window: RewardWindow,
    *,
    campaign: Mapping[str, Any],
    partner: Mapping[str, Any],
    store_id: int | None,
) -> AsyncIterator[Simulated]:
    """What a configuration that never ran would have paid; yields after each chunk. `campaign`, `partner`: facts.

    Redemptions take from what customers have now.
    """
    state, turn, books = Simulated(), Slice(), Books()
    users: dict[int, dict[str, Any]] = {}
    async for rows in triggers_in(tx, window, store_id=store_id):
        fresh = {row["customer_id"] for row in rows} - users.keys()
        if fresh:
            users |= {ident: {} for ident in fresh} | await user_facts(tx, fresh, now=window.until)
            if programme.reward_type == REDEEM:
                books.balances |= (await balances_of(tx, fresh)).get(programme.currency, {})
        for row in rows:
            if turn.is_over:
                await turn.pass_on()
            trigger, transaction, further = _told(row, programme.currency)
            facts: Facts = {
                "user": users[row["customer_id"]],
                "transaction": {**own_values("transaction", further.get("transaction", {})), **transaction},
                "partner": partner,
                "campaign": campaign,
            }
            customer, revenue = row["customer_id"], revenue_of(facts)
            asked = due(programme, trigger, facts, traced=False)
            decision = settle_due(programme, asked, books, customer_id=customer, revenue=revenue)
            enter(programme, decision, books, customer_id=customer, revenue=revenue)
            _note(state, decision, customer, row["received_at"], programme, books, revenue)
        yield state
    yield state


def _told(row: Any, currency: str) -> tuple[Trigger, dict[str, Any], Mapping[str, Any]]:
    """An event as a trigger, its transaction, and further values by owner."""
    if row["trigger"] is None:
        # Of whom was erased nothing is left of it.
        body = _read(row["body"]) if row["body"] else {}
        code, custom = CODES[RewardTrigger(row["event_type"])], body.get("customTriggerId")
        transaction, further = dict(body.get("transaction", {})), body.get("attributes", {})
    else:
        data = _read(row["data"]) if row["data"] else {}
        code, custom = _trigger_of(row["trigger"], row["event_type_id"])
        transaction, further = transaction_of(data, currency=currency), {"transaction": data}
    if transaction.get("currency") not in (None, currency):
        transaction["amount"] = None
    return Trigger(code, custom, row["occurred_at"]), transaction, further


def _note(
    state: Simulated,
    decision: Decision,
    customer: int,
    at: datetime,
    programme: Programme,
    books: Books,
    revenue: int,
) -> None:
    amount = decision.amount
    state.events += 1
    state.wanted = min(state.wanted + decision.wanted, MAX_SAFE_INTEGER)
    state.outcomes[decision.outcome] = state.outcomes.get(decision.outcome, 0) + 1
    if amount:
        state.paid += amount
        state.customers.add(customer)
    limits = programme.limits
    if limits.rewards < MAX_SAFE_INTEGER and books.paid >= limits.rewards:
        state.reached.setdefault("rewards", at)
    if decision.outcome is RewardOutcome.LIMIT_REACHED:
        known = books.rewarded.get(customer, 0) > 0
        if not known and books.participants >= limits.participants:
            state.reached.setdefault("participants", at)
        if books.transactions >= limits.transactions:
            state.reached.setdefault("transactions", at)
        if books.revenue + revenue > limits.revenue:
            state.reached.setdefault("revenue", at)


@dataclass(slots=True)
class _Decided:
    """What was decided about an evaluation that is taken back later."""

    customer: int
    revenue: int
    lines: list[RewardLine]
    was: int
    """What was really paid, less what was taken back so far."""
    really: int
    """What was really paid."""
    parts: list[int]
    """What the lines would have paid before anything was taken back."""
    is_over: bool = False
    """It does not count any more."""
    shift: dict[tuple[int, int], int] = field(default_factory=dict)
    """By how much the customer's balances differed from the real ones then."""
    full_shift: dict[tuple[int, int], int] = field(default_factory=dict)
    """The same before anything was taken back."""


def _reverse(
    decided: _Decided | None,
    state: Simulated,
    books: Books,
    drift: dict[tuple[int, int], int],
    *,
    sign: int,
    amount: int,
    is_whole: bool,
) -> None:
    """Take back the part that was really taken back, of what would have been paid here. `amount` is the real one's."""
    state.reversals += 1
    if decided is None:
        return
    if amount < 0:
        _give_again(decided, state, books, drift, sign=sign, amount=-amount)
        return
    state.was_paid -= amount
    for account, by in decided.shift.items():
        part = by * amount // decided.was
        drift[account] -= part
        decided.shift[account] = by - part
    if decided.lines:
        parts = [line.amount for line in decided.lines]
        shares = shared(sum(parts) * amount // decided.was, parts)
        is_whole = is_whole and not decided.is_over
        decided.is_over |= is_whole
        took = [replace(line, amount=share) for line, share in zip(decided.lines, shares, strict=True)]
        take_back(
            took, books, customer_id=decided.customer, revenue=decided.revenue, sign=sign, is_whole=is_whole
        )
        state.paid -= sum(shares)
        for line, share in zip(decided.lines, shares, strict=True):
            line.amount -= share
    decided.was -= amount


def _give_again(
    decided: _Decided,
    state: Simulated,
    books: Books,
    drift: dict[tuple[int, int], int],
    *,
    sign: int,
    amount: int,
) -> None:
    """Give again the part that was really given again."""
    state.was_paid += amount
    decided.was += amount
    is_all = decided.was == decided.really
    for account, full in decided.full_shift.items():
        missing = full - decided.shift[account]
        part = missing if is_all else full * amount // decided.really
        drift[account] += part
        decided.shift[account] += part
    missing_parts = [part - line.amount for part, line in zip(decided.parts, decided.lines, strict=True)]
    wanted = sum(missing_parts) if is_all else sum(decided.parts) * amount // decided.really
    shares = shared(wanted, missing_parts)
    gave = [replace(line, amount=-share) for line, share in zip(decided.lines, shares, strict=True)]
    take_back(gave, books, customer_id=decided.customer, revenue=decided.revenue, sign=sign, is_whole=False)
    state.paid += sum(shares)
    for line, share in zip(decided.lines, shares, strict=True):
        line.amount += share


_EARLIER = "SELECT customer_id, inputs::text AS inputs FROM reward_evaluation WHERE group_id = $1 AND id = $2"
_LEFT = """
SELECT min(flow) AS flow, min(action) AS action, min(partner_id) AS partner_id,
       sum(amount) FILTER (WHERE step = evaluation_id)::bigint AS amount,
       coalesce(sum(amount) FILTER (WHERE step < $3), 0)::bigint AS remaining
  FROM reward_entry WHERE group_id = $1 AND evaluation_id = $2 GROUP BY position ORDER BY position
"""
_PAID = """
SELECT min(flow) AS flow, min(action) AS action, min(partner_id) AS partner_id, sum(amount)::bigint AS amount
  FROM reward_entry
 WHERE group_id = $1 AND evaluation_id = $2 AND step = evaluation_id GROUP BY position ORDER BY position
"""


async def _before(tx: Transaction, evaluation_id: int, step: int) -> _Decided:
    """What was paid before the window and not taken back before it, which stays as it was."""
    row = await tx.fetchrow(_EARLIER, tx.scope.group_id, evaluation_id)
    assert row is not None, "what was taken back was evaluated"
    left = await tx.fetch(_LEFT, tx.scope.group_id, evaluation_id, step)
    lines = [RewardLine(one["flow"], one["action"], one["partner_id"], one["remaining"]) for one in left]
    parts = [one["amount"] for one in left]
    return _Decided(
        row["customer_id"],
        revenue_of(_read(row["inputs"])),
        lines,
        sum(line.amount for line in lines),
        sum(parts),
        parts,
    )


async def _paid(tx: Transaction, evaluation_id: int) -> list[RewardLine]:
    """What it paid."""
    rows = await tx.fetch(_PAID, tx.scope.group_id, evaluation_id)
    return [RewardLine(row["flow"], row["action"], row["partner_id"], row["amount"]) for row in rows]


async def _shift(
    tx: Transaction, row: Any, programme: Programme, decision: Decision
) -> dict[tuple[int, int], int]:
    """By partner, how much more this decision leaves the customer with than the real one did."""
    customer, sign = row["customer_id"], balance_sign(programme)
    if programme.reward_type != REDEEM:
        # Earning reads balances only where they are nearly full: which partner it went to is not worth a statement.
        differs = decision.amount - row["amount"]
        return {(customer, line.partner_id): differs for line in decision.lines[:1]} if differs else {}
    really = await _paid(tx, row["id"]) if row["amount"] else []
    shift: dict[tuple[int, int], int] = {}
    for lines, way in ((decision.lines, sign), (really, -sign)):
        for line in lines:
            account = (customer, line.partner_id)
            shift[account] = shift.get(account, 0) + way * line.amount
    return {account: by for account, by in shift.items() if by}


# What counted before the window, by the ledger: how often for each customer, and how much.
_BEFORE = """
SELECT v.customer_id, sum(e.paid)::bigint AS paid, count(*) FILTER (WHERE counts)::bigint AS rewarded,
       sum(CASE WHEN v.inputs #>> '{transaction,amount}' ~ '^[0-9]{1,16}$'
                THEN (v.inputs #>> '{transaction,amount}')::bigint ELSE 0 END) FILTER (WHERE counts)::bigint AS revenue
  FROM reward_evaluation v
 CROSS JOIN LATERAL (
   SELECT sum(e.amount) AS paid, max(e.created_at) FILTER (WHERE e.amount <> 0) AS latest FROM reward_entry e
    WHERE e.group_id = $1 AND e.evaluation_id = v.id AND e.step < $3) e
 CROSS JOIN LATERAL (SELECT NOT coalesce(v.reversed_at <= e.latest, false) AS counts) c
 WHERE v.group_id = $1 AND v.campaign_id = $2 AND v.id < $3 AND v.amount > 0
 GROUP BY v.customer_id
"""
# What another system says came before it.
_BEFORE_THAT = """
SELECT NULL::bigint AS customer_id, coalesce(sum(amount), 0)::bigint AS number
  FROM reward_entry WHERE group_id = $1 AND campaign_id = $2 AND evaluation_id IS NULL
UNION ALL
SELECT customer_id, rewarded_before FROM reward_participant
 WHERE group_id = $1 AND campaign_id = $2 AND rewarded_before > 0
"""


async def _books_before(tx: Transaction, programme: Programme, steps: Steps, turn: Slice) -> Books:
    books = Books()
    for row in await tx.fetch(_BEFORE, tx.scope.group_id, programme.campaign_id, steps.first):
        if turn.is_over:
            await turn.pass_on()
        books.paid += row["paid"]
        books.rewarded[row["customer_id"]] = row["rewarded"] or 0
        books.transactions += row["rewarded"] or 0
        books.participants += (row["rewarded"] or 0) > 0
        books.revenue += row["revenue"] or 0
    for row in await tx.fetch(_BEFORE_THAT, tx.scope.group_id, programme.campaign_id):
        customer, number = row["customer_id"], row["number"]
        if customer is None:
            books.paid += number
            continue
        before = books.rewarded.get(customer, 0)
        books.rewarded[customer] = before + number
        books.participants += before == 0
        books.transactions += number
    return books


_BALANCE_THEN = """
SELECT coalesce(sum(balance_change), 0)::bigint FROM reward_entry
 WHERE group_id = $1 AND customer_id = $2 AND partner_id = $3 AND currency = $5 AND step < $4
"""


async def _balances_then(
    tx: Transaction,
    row: Any,
    lines: Sequence[RewardLine],
    books: Books,
    drift: Mapping[tuple[int, int], int],
    *,
    currency: str,
) -> None:
    """What the customer had at that moment: as read then, else by the ledger; corrected by what differs here."""
    seen = {} if row["balances"] is None else {one["partner"]: one["has"] for one in _read(row["balances"])}
    for partner in {line.partner_id for line in lines}:
        account = (row["customer_id"], partner)
        has = seen.get(partner)
        if has is None:
            has = await tx.fetchval(_BALANCE_THEN, tx.scope.group_id, *account, row["id"], currency)
        books.balances[account] = has + drift.get(account, 0)
