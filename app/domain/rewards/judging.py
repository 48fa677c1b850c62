"""What a trigger is worth in a campaign, and what of it may be paid. Pure: facts in, a decision and its trace out.

    due      flows whose trigger and conditions hold, each action's base and its share of the transaction times its
             multipliers, rounded once to the smallest unit: as a share says, else half to even
    settle   what of it the campaign's limits and the customer's balance allow; the last payment under the limit on
             rewards is trimmed, and so is one that would make a balance too large to store

The trace names every input that was read, with its value: changing one of them changes the trace, and what it does
not name has no influence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.rewards.attributes import Facts
from app.domain.rewards.programme import (
    OR,
    REDEEM,
    SCALE,
    Action,
    Condition,
    Flow,
    Multiplier,
    Programme,
    triggered,
)
from app.domain.segments.predicates import evaluate
from app.tables.flows import RewardPer, RewardRounding
from app.tables.rewards import RewardOutcome
from app.values.money import digits_of, show_decimal
from app.values.numbers import MAX_SAFE_INTEGER

Trace = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What happened."""

    code: int
    custom_id: int | None
    occurred_at: datetime


@dataclass(slots=True)
class RewardLine:
    """What an action pays."""

    flow_id: int
    action_id: int
    partner_id: int
    amount: int


@dataclass(slots=True)
class Due:
    """What would be paid without limits. `outcome` is None where something is due."""

    outcome: RewardOutcome | None
    lines: list[RewardLine]
    trace: Trace | None

    @property
    def wanted(self) -> int:
        """All lines together; at most the largest amount we can store."""
        return min(sum(line.amount for line in self.lines), MAX_SAFE_INTEGER)


@dataclass(slots=True)
class Books:
    """What a campaign has rewarded so far, by customer, and what customers have, by customer and partner."""

    paid: int = 0
    participants: int = 0
    transactions: int = 0
    revenue: int = 0
    rewarded: dict[int, int] = field(default_factory=dict)
    balances: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass(slots=True)
class Decision:
    """What is paid, and why."""

    outcome: RewardOutcome
    wanted: int
    lines: list[RewardLine]
    trace: Trace | None

    @property
    def amount(self) -> int:
        """What is paid in all."""
        return sum(line.amount for line in self.lines)


def due(programme: Programme, trigger: Trigger, facts: Facts, *, traced: bool = True) -> Due:
    """What the trigger is worth without limits."""
    never = programme.why_never
    closed = facts["campaign"].get("closed") if never is None else None
    trace: Trace | None = {"rewardType": programme.reward_type} if traced else None
    if trace is not None:
        trace["trigger"] = {"code": trigger.code, "customId": trigger.custom_id}
        if never is None:
            trace["closed"] = closed
        else:
            trace["never"] = never
    if never is not None or closed is not None:
        return Due(RewardOutcome.NOT_LIVE, [], trace)
    lines: list[RewardLine] = []
    met = heard = False
    looked: list[Trace] = []
    for flow in programme.flows:
        if not flow.is_active or not triggered(flow, trigger.code, trigger.custom_id):
            if traced:
                looked.append(_passed_over(flow))
            continue
        heard = True
        holds = evaluate(flow.predicate, facts, now=trigger.occurred_at)
        seen: Trace | None = _flow_trace(flow, facts, trigger.occurred_at, holds=holds) if traced else None
        if seen is not None:
            looked.append(seen)
        if not holds:
            continue
        met = True
        lines += _pays(flow, facts, trigger.occurred_at, seen, currency=programme.currency)
    if trace is not None:
        trace["flows"] = looked
    if not heard:
        return Due(RewardOutcome.NO_FLOW, [], trace)
    if not met:
        return Due(RewardOutcome.NOT_MET, [], trace)
    return Due(None if lines else RewardOutcome.NOTHING_DUE, lines, trace)


def settle_due(programme: Programme, asked: Due, books: Books, *, customer_id: int, revenue: int) -> Decision:
    """How much of it is paid. The books are not changed, see `enter`. `revenue` is the transaction's amount."""
    trace = asked.trace
    wanted = asked.wanted
    if asked.outcome is not None:
        return _decided(asked.outcome, wanted, [], trace)
    limits = programme.limits
    known = books.rewarded.get(customer_id, 0) > 0
    checks = (
        ("participants", limits.participants, books.participants, 0 if known else 1),
        ("transactions", limits.transactions, books.transactions, 1),
        ("revenue", limits.revenue, books.revenue, revenue),
    )
    full = [name for name, limit, so_far, more in checks if so_far + more > limit]
    room = max(0, limits.rewards - books.paid)
    if trace is not None:
        trace["limits"] = [
            {"of": name, "limit": limit, "soFar": so_far, "thisOne": more, "reached": so_far + more > limit}
            for name, limit, so_far, more in checks
            if limit < MAX_SAFE_INTEGER
        ]
        if limits.rewards < MAX_SAFE_INTEGER or room < wanted:
            trace["limits"].append(
                {
                    "of": "rewards", "limit": limits.rewards, "soFar": books.paid, "thisOne": wanted,
                    "reached": room < wanted,
                }
            )  # fmt: skip
    if full or room == 0:
        return _decided(RewardOutcome.LIMIT_REACHED, wanted, [], trace)
    lines = _trimmed(asked.lines, room)
    if programme.reward_type == REDEEM and not _affordable(lines, books, customer_id, trace):
        return _decided(RewardOutcome.NO_BALANCE, wanted, [], trace)
    if programme.reward_type != REDEEM:
        lines = _countable(lines, books, customer_id, trace)
        if not lines:
            return _decided(RewardOutcome.LIMIT_REACHED, wanted, [], trace)
    amount = sum(line.amount for line in lines)
    outcome = RewardOutcome.PAID if amount == wanted else RewardOutcome.TRIMMED
    return _decided(outcome, wanted, lines, trace)


def enter(programme: Programme, decision: Decision, books: Books, *, customer_id: int, revenue: int) -> None:
    """Write a decision into the books."""
    amount = decision.amount
    if amount == 0:
        return
    before = books.rewarded.get(customer_id, 0)
    books.rewarded[customer_id] = before + 1
    books.participants += before == 0
    books.transactions += 1
    books.revenue += revenue
    books.paid += amount
    sign = balance_sign(programme)
    for line in decision.lines:
        account = (customer_id, line.partner_id)
        books.balances[account] = books.balances.get(account, 0) + sign * line.amount


def take_back(
    lines: Sequence[RewardLine],
    books: Books,
    *,
    customer_id: int,
    revenue: int,
    sign: int,
    is_whole: bool = True,
) -> None:
    """Write a reversal of these lines into the books. `is_whole`: nothing is left, and it does not count any more."""
    if is_whole:
        left = books.rewarded.get(customer_id, 0) - 1
        books.rewarded[customer_id] = left
        books.participants -= left == 0
        books.transactions -= 1
        books.revenue -= revenue
    for line in lines:
        books.paid -= line.amount
        account = (customer_id, line.partner_id)
        books.balances[account] = books.balances.get(account, 0) - sign * line.amount


def balance_sign(programme: Programme) -> int:
    """The sign of a payment in the customer's balance: earning adds, redeeming subtracts."""
    return -1 if programme.reward_type == REDEEM else 1


def round_half_even(numerator: int, denominator: int) -> int:
    """The nearest whole number; of two equally near, the even one. Neither argument is negative."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def shared(amount: int, parts: Sequence[int]) -> list[int]:
    """An amount shared over parts in proportion, none above its part; what does not divide goes to later ones.

    The shares add up to the amount, or to all parts together where that is less.
    """
    whole = sum(parts)
    amount = min(amount, whole)
    shares: list[int] = []
    so_far = given = 0
    for part in parts:
        so_far += part
        upto = amount * so_far // whole if whole else 0
        shares.append(upto - given)
        given = upto
    return shares


# ── what is due ───────────────────────────────────────────────────────────────


def _pays(flow: Flow, facts: Facts, at: datetime, seen: Trace | None, *, currency: str) -> list[RewardLine]:
    product, scale = 1, 1
    for one in flow.multipliers:
        applies = one.test is not None and evaluate(one.test, facts, now=at)
        if applies:
            product, scale = product * one.factor, scale * SCALE
        if seen is not None:
            seen["multipliers"].append(_multiplier_trace(one, facts, applies=applies))
    lines = []
    for action in flow.actions:
        of = _units(action, facts) if action.rate is not None else 0
        amount = min(_worth(action, of, product, scale, currency), MAX_SAFE_INTEGER)
        if seen is not None:
            said: Trace = {"action": action.id, "partner": action.partner_id, "base": action.base}
            if action.rate is not None:
                said |= {
                    "rate": show_decimal(Decimal(action.rate) / SCALE), "per": action.per.value, "of": of,
                    "rounding": action.rounding.value,
                }  # fmt: skip
            seen["actions"].append({**said, "rounded": amount})
        if amount:
            lines.append(RewardLine(flow.id, action.id, action.partner_id, amount))
    return lines


def _worth(action: Action, of: int, product: int, scale: int, currency: str) -> int:
    """The fixed amount and the share, times the multipliers, rounded once. `product` over `scale`: the multipliers."""
    if action.rate is None:
        return round_half_even(action.base * product, scale)
    # Amounts come in the smallest unit, and the share is of whole ones.
    units = 10 ** digits_of(currency) if action.per is RewardPer.AMOUNT else 1
    whole, rest = divmod((action.base * SCALE * units + action.rate * of) * product, SCALE * units * scale)
    if action.rounding is RewardRounding.UP:
        return whole + (rest > 0)
    return whole + (action.rounding is RewardRounding.HALF_UP and 2 * rest >= SCALE * units * scale)


def _units(action: Action, facts: Facts) -> int:
    """How much there is of what the share is of: the amount in the smallest unit, or articles; 0 where nobody said."""
    transaction = facts["transaction"]
    said = transaction.get("amount" if action.per is RewardPer.AMOUNT else "quantity")
    if said is None and action.per is RewardPer.QUANTITY and isinstance(transaction.get("items"), list):
        said = len(transaction["items"])
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= MAX_SAFE_INTEGER:
        return said
    return 0


def _passed_over(flow: Flow) -> Trace:
    why = "it has another trigger" if flow.is_active else "it is inactive"
    return {
        "flow": flow.id,
        "passedOver": why,
        "trigger": flow.trigger_code,
        "customId": flow.custom_trigger_id,
    }


def _flow_trace(flow: Flow, facts: Facts, at: datetime, *, holds: bool) -> Trace:
    return {
        "flow": flow.id,
        "conditions": [_condition_trace(one, facts, at) for one in flow.conditions],
        "holds": holds,
        "multipliers": [],
        "actions": [],
    }


def _condition_trace(one: Condition, facts: Facts, at: datetime) -> Trace:
    found: Trace = {"condition": one.id, "expected": one.expected, "tie": "OR" if one.joiner == OR else "AND"}
    if one.test is None:
        return {**found, "holds": False, "why": one.why}
    holds = evaluate(one.test, facts, now=at)
    found |= {"input": one.test.attribute.name, "operator": one.test.operator}
    return {**found, "value": one.test.attribute.read(facts), "holds": holds}


def _multiplier_trace(one: Multiplier, facts: Facts, *, applies: bool) -> Trace:
    trace: Trace = {
        "multiplier": one.id,
        "expected": one.expected,
        "factor": show_decimal(Decimal(one.factor) / SCALE),
    }
    if one.test is None:
        return {**trace, "applies": False, "why": one.why}
    return {
        **trace,
        "input": one.test.attribute.name,
        "value": one.test.attribute.read(facts),
        "applies": applies,
    }


# ── what is paid ──────────────────────────────────────────────────────────────


def _trimmed(lines: list[RewardLine], room: int) -> list[RewardLine]:
    """Lines in their order, as far as there is room; the one that reaches the limit is cut."""
    kept: list[RewardLine] = []
    for line in lines:
        amount = min(line.amount, room)
        if amount == 0:
            break
        kept.append(RewardLine(line.flow_id, line.action_id, line.partner_id, amount))
        room -= amount
    return kept


def _affordable(lines: list[RewardLine], books: Books, customer_id: int, trace: Trace | None) -> bool:
    """Whether the customer has enough with each partner."""
    needed: dict[int, int] = {}
    for line in lines:
        needed[line.partner_id] = needed.get(line.partner_id, 0) + line.amount
    balances = {partner: books.balances.get((customer_id, partner), 0) for partner in needed}
    if trace is not None:
        trace["balances"] = [
            {"partner": partner, "has": balances[partner], "takes": amount}
            for partner, amount in needed.items()
        ]
    return all(balances[partner] >= amount for partner, amount in needed.items())


def _countable(
    lines: list[RewardLine], books: Books, customer_id: int, trace: Trace | None
) -> list[RewardLine]:
    """Lines in their order, as far as the customer's balance with each partner can hold them."""
    adds: dict[int, int] = {}
    for line in lines:
        adds[line.partner_id] = adds.get(line.partner_id, 0) + line.amount
    has = {partner: books.balances.get((customer_id, partner), 0) for partner in adds}
    room = {
        partner: max(0, MAX_SAFE_INTEGER - has[partner])
        for partner, amount in adds.items()
        if has[partner] + amount > MAX_SAFE_INTEGER
    }
    if not room:
        return lines
    if trace is not None:
        trace["balances"] = [
            {"partner": partner, "has": has[partner], "adds": adds[partner], "most": MAX_SAFE_INTEGER}
            for partner in room
        ]
    kept: list[RewardLine] = []
    for line in lines:
        amount = min(line.amount, room.get(line.partner_id, line.amount))
        if line.partner_id in room:
            room[line.partner_id] -= amount
        if amount:
            kept.append(RewardLine(line.flow_id, line.action_id, line.partner_id, amount))
    return kept


def _decided(outcome: RewardOutcome, wanted: int, lines: list[RewardLine], trace: Trace | None) -> Decision:
    if trace is not None:
        trace["outcome"] = outcome.value
        trace["wanted"] = wanted
        trace["paid"] = [
            {
                "flow": line.flow_id,
                "action": line.action_id,
                "partner": line.partner_id,
                "amount": line.amount,
            }
            for line in lines
        ]
    return Decision(outcome, wanted, lines, trace)
