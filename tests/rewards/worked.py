"""Configurations and facts for judging without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.domain.rewards import programme as rules
from app.domain.rewards.attributes import ConditionAttributes, condition_attributes
from app.domain.rewards.judging import Books, Decision, Trigger, due, settle_due
from app.domain.rewards.reading import revenue_of
from app.values.json_text import write_json

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
KNOWN: ConditionAttributes = condition_attributes(
    [(1, 1000, "shoe", "number"), (2, 1001, "gift", "flag"), (3, 1002, "rank", "text")]
)
FACTS: dict[str, dict[str, Any]] = {
    "user": {"loyalty_tier": "gold", "order_count": 3, "tags": ["vip", "new"], "shoe": Decimal("42.5")},
    "transaction": {"amount": 1000, "currency": "EUR", "items": ["A1"], "gift": True},
    "partner": {"id": 7, "name": "Bank", "rank": "high"},
    "campaign": {"id": 1, "type": "loyalty", "closed": None},
}


def text(value: Any) -> str | None:
    """A value as it is kept."""
    return None if value is None else write_json(value).decode()


def condition(
    type_code: int, attribute: int, value: Any = None, *, operator: int = 1, joiner: int = 1, ident: int = 1
) -> rules.Condition:
    """A condition."""
    return rules.condition(KNOWN, ident, type_code, attribute, operator, joiner, text(value))


def multiplier(
    type_code: int, attribute: int, amount: str, value: Any = None, *, ident: int = 1
) -> rules.Multiplier:
    """A multiplier."""
    return rules.multiplier(KNOWN, ident, type_code, attribute, Decimal(amount), text(value))


def flow(
    *bases: int,
    trigger: int = 1,
    custom: int | None = None,
    active: bool = True,
    conditions: Sequence[rules.Condition] = (),
    multipliers: Sequence[rules.Multiplier] = (),
    ident: int = 1,
) -> rules.Flow:
    """A flow with an action per base reward (one of 100 unless said)."""
    actions = [rules.Action(at + 1, 7, base) for at, base in enumerate(bases or (100,))]
    return rules.flow(
        ident, trigger, custom, is_active=active, conditions=conditions, multipliers=multipliers, actions=actions
    )  # fmt: skip


def programme(
    *flows: rules.Flow, goals: Sequence[tuple[int, int, int]] = (), reward_type: int = 1
) -> rules.Programme:
    """A configuration; goals are `(type, operator, value)`."""
    found = tuple(rules.Goal(at + 1, *goal) for at, goal in enumerate(goals))
    return rules.Programme(1, 1, reward_type, "EUR", flows or (flow(),), found, rules.limits_of(found))


def decide(
    configured: rules.Programme,
    facts: dict[str, dict[str, Any]] | None = None,
    books: Books | None = None,
    *,
    trigger: int = 1,
    custom: int | None = None,
    traced: bool = True,
) -> Decision:
    """What is paid to customer 5."""
    known = FACTS if facts is None else facts
    asked = due(configured, Trigger(trigger, custom, NOON), known, traced=traced)
    return settle_due(configured, asked, books or Books(), customer_id=5, revenue=revenue_of(known))
