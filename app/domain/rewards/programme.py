"""A campaign's configuration as rewards read it: flows ready to be judged, goals as limits. Pure.

Source: Benji, flows and goals; choices BJ-C1, BJ-C6, BJ-C7, BJ-80.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from app.domain.rewards.attributes import ConditionAttributes
from app.domain.segments.predicates import Every, Predicate, Some, Test
from app.tables.flows import RewardPer, RewardRounding
from app.values.json_text import read_json
from app.values.numbers import MAX_SAFE_INTEGER

AND, OR = 1, 2
EARN, REDEEM = 1, 2
LESS_THAN = 2
SCALE = 10_000
"""Multipliers have four decimals; they are kept in whole ten-thousandths."""
NEVER = Some(())

WHY_TYPE = {3: "CONNECT_ONLY connects partners and pays nothing", 4: "TRANSFER is described, not evaluated"}


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold. `test` is None where it never can; `why` says why."""

    id: int
    joiner: int
    test: Test | None
    why: str
    expected: Any


@dataclass(frozen=True, slots=True)
class Multiplier:
    """What raises the reward; `factor` in ten-thousandths."""

    id: int
    factor: int
    test: Test | None
    why: str
    expected: Any


@dataclass(frozen=True, slots=True)
class Action:
    """What is paid, in the smallest currency unit, and with which partner: `base`, and a share of the transaction."""

    id: int
    partner_id: int
    base: int
    rate: int | None = None
    """For each unit of what `per` says, in ten-thousandths; None: no share."""
    rounding: RewardRounding = RewardRounding.DOWN
    per: RewardPer = RewardPer.AMOUNT


@dataclass(frozen=True, slots=True)
class Flow:
    """A trigger and what it pays. `predicate` combines the conditions: AND binds tighter than OR."""

    id: int
    trigger_code: int
    custom_trigger_id: int | None
    is_active: bool
    conditions: tuple[Condition, ...]
    predicate: Predicate
    multipliers: tuple[Multiplier, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """A target or a limit, with its codes."""

    id: int
    type_code: int
    operator_code: int
    value: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What must not be exceeded: LESS_THAN goals, by type. Other goals are targets and stop nothing."""

    participants: int = MAX_SAFE_INTEGER
    rewards: int = MAX_SAFE_INTEGER
    transactions: int = MAX_SAFE_INTEGER
    revenue: int = MAX_SAFE_INTEGER


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of a campaign's configuration."""

    campaign_id: int
    version: int
    reward_type: int
    currency: str
    flows: tuple[Flow, ...]
    goals: tuple[Goal, ...]
    limits: Limits

    @property
    def why_never(self) -> str | None:
        """Why campaigns of this type pay nothing, whatever happens."""
        if self.reward_type in (EARN, REDEEM):
            return None
        return WHY_TYPE.get(self.reward_type, f"reward type {self.reward_type} has no documented meaning")


def triggered(flow: Flow, trigger_code: int, custom_trigger_id: int | None) -> bool:
    """Whether the flow has this trigger. A code without a documented name triggers nothing."""
    return (
        flow.trigger_code == trigger_code
        and 1 <= trigger_code <= 4
        and (trigger_code != 4 or flow.custom_trigger_id == custom_trigger_id)
    )


def condition(
    known: ConditionAttributes,
    ident: int,
    type_code: int,
    attribute: int,
    operator: int,
    joiner: int,
    value: str | None,
) -> Condition:
    """A condition ready to be judged."""
    test = known.test(type_code, attribute, operator, value)
    why = test if isinstance(test, str) else ""
    return Condition(ident, joiner, None if isinstance(test, str) else test, why, _json(value))


def multiplier(
    known: ConditionAttributes,
    ident: int,
    type_code: int,
    attribute: int,
    amount: Decimal,
    value: str | None,
) -> Multiplier:
    """A multiplier ready to be judged: it applies where the attribute equals the value or, without a value, exists."""
    test = known.test(type_code, attribute, 1, value)
    why = test if isinstance(test, str) else ""
    return Multiplier(ident, int(amount * SCALE), None if isinstance(test, str) else test, why, _json(value))


def action(
    ident: int,
    partner_id: int,
    base: int,
    rate: str | Decimal | None = None,
    rounding: str = RewardRounding.DOWN,
    per: str = RewardPer.AMOUNT,
) -> Action:
    """An action ready to be judged."""
    share = None if rate is None else int(Decimal(rate) * SCALE)
    return Action(ident, partner_id, base, share, RewardRounding(rounding), RewardPer(per))


def flow(
    ident: int,
    trigger_code: int,
    custom_trigger_id: int | None,
    *,
    is_active: bool,
    conditions: Sequence[Condition],
    multipliers: Sequence[Multiplier],
    actions: Sequence[Action],
) -> Flow:
    """A flow with its conditions combined."""
    joined = tuple(_with_joiner(one, last=at == len(conditions) - 1) for at, one in enumerate(conditions))
    return Flow(
        ident, trigger_code, custom_trigger_id, is_active, joined, _combined(joined), tuple(multipliers), tuple(actions)
    )  # fmt: skip


def limits_of(goals: Sequence[Goal]) -> Limits:
    """The tightest limit of each type."""
    found = {1: MAX_SAFE_INTEGER, 2: MAX_SAFE_INTEGER, 3: MAX_SAFE_INTEGER, 4: MAX_SAFE_INTEGER}
    for goal in goals:
        if goal.operator_code == LESS_THAN and goal.type_code in found:
            found[goal.type_code] = min(found[goal.type_code], goal.value)
    return Limits(found[1], found[2], found[3], found[4])


def _with_joiner(one: Condition, *, last: bool) -> Condition:
    """A joiner without a documented meaning turns the condition into one that is not met, joined by AND."""
    if last or one.joiner in (AND, OR):
        return one
    return Condition(one.id, AND, None, f"the tie {one.joiner} has no documented meaning", one.expected)


def _combined(conditions: Sequence[Condition]) -> Predicate:
    if not conditions:
        return Every(())
    groups: list[list[Predicate]] = [[conditions[0].test or NEVER]]
    for before, one in pairwise(conditions):
        if before.joiner == OR:
            groups.append([])
        groups[-1].append(one.test or NEVER)
    return Some(tuple(Every(tuple(group)) for group in groups))


def _json(value: str | None) -> Any:
    return None if value is None else read_json(value.encode())
