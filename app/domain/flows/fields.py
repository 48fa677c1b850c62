"""What a flow tree and goals may hold. Source: Benji, "GET /campaigns", child attributes and their ranges.

Codes are accepted in the wider of the two ranges the document gives (choice BJ-C1); one without a name is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.inputs import Path
from app.errors import Invalid
from app.values.changes import UNSET, Settable
from app.values.json_text import kind_of, write_json
from app.values.texts import read_text

MAX_FLOWS = 100
MAX_CHILDREN = 100
MAX_DOCUMENT = 65_536
CUSTOM = 4
"""The trigger that has an id of its own."""

TRIGGERS = range(1, 6)
ACTIONS = range(1, 5)
OWNERS = range(1, 10)
"""Of conditions and multipliers: whose attribute it is."""
OPERATORS = range(1, 6)
JOINERS = range(1, 3)
GOAL_TYPES = range(1, 5)
GOAL_OPERATORS = range(1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFields:
    """What a flow pays. `id` None is a new one."""

    id: int | None = None
    action_code: int
    partner_id: int
    base_reward: int
    """In the smallest currency unit."""
    extra_data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFields:
    """What must hold."""

    id: int | None = None
    partner_id: int
    type_code: int
    operator_code: int
    joiner_code: int
    attribute: int
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplierFields:
    """What raises the reward."""

    id: int | None = None
    partner_id: int
    type_code: int
    attribute: int
    amount: Decimal
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFields:
    """A flow as it shall be: fields that are UNSET stay; a list that is given is the whole list."""

    id: int | None = None
    trigger_code: Settable[int] = UNSET
    custom_trigger_id: Settable[int | None] = UNSET
    is_active: Settable[bool] = UNSET
    is_deleted: Settable[bool] = UNSET
    actions: Settable[Sequence[ActionFields]] = UNSET
    conditions: Settable[Sequence[ConditionFields]] = UNSET
    multipliers: Settable[Sequence[MultiplierFields]] = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalFields:
    """A target or a limit."""

    id: int | None = None
    partner_id: int
    type_code: int
    value: int
    operator_code: int


def action_row(given: ActionFields, path: Path) -> dict[str, Any]:
    """The columns of an action, within their bounds. Its extra data are an object, as in Benji's sample."""
    extra, at = given.extra_data, [*path, "extraData"]
    if extra is not None and not isinstance(extra, dict):
        raise Invalid(f"`{'.'.join(map(str, at))}` must be an object, not {kind_of(extra)}.", path=at)
    return {
        "action_code": code(given.action_code, ACTIONS, [*path, "actionCode"]),
        "partner_id": given.partner_id,
        "base_reward": inputs.count(given.base_reward, [*path, "baseReward"]),
        "extra_data": document(extra, at),
    }


def condition_row(given: ConditionFields, path: Path) -> dict[str, Any]:
    """The columns of a condition, within their bounds."""
    return {
        "partner_id": given.partner_id,
        "type_code": code(given.type_code, OWNERS, [*path, "typeCode"]),
        "operator_code": code(given.operator_code, OPERATORS, [*path, "operatorCode"]),
        "joiner_code": code(given.joiner_code, JOINERS, [*path, "joinerCode"]),
        "attribute": inputs.count(given.attribute, [*path, "attribute"]),
        "value": document(given.value, [*path, "value"]),
    }


def multiplier_row(given: MultiplierFields, path: Path) -> dict[str, Any]:
    """The columns of a multiplier, within their bounds."""
    return {
        "partner_id": given.partner_id,
        "type_code": code(given.type_code, OWNERS, [*path, "typeCode"]),
        "attribute": inputs.count(given.attribute, [*path, "attribute"]),
        "amount": inputs.amount(given.amount, [*path, "amount"]),
        "value": document(given.value, [*path, "value"]),
    }


def goal_row(given: GoalFields, path: Path) -> dict[str, Any]:
    """The columns of a goal, within their bounds."""
    return {
        "partner_id": given.partner_id,
        "type_code": code(given.type_code, GOAL_TYPES, [*path, "typeCode"]),
        "value": inputs.count(given.value, [*path, "value"]),
        "operator_code": code(given.operator_code, GOAL_OPERATORS, [*path, "operatorCode"]),
    }


def code(value: int, known: range, path: Path) -> int:
    """A code of the documented range."""
    if value not in known:
        name = ".".join(map(str, path))
        raise Invalid(f"`{name}` lies between {known[0]} and {known[-1]}, not {value}.", path=path)
    return value


def document(value: Any, path: Path) -> str | None:
    """Any JSON, as the text that is kept; None stays NULL."""
    if value is None:
        return None
    try:
        text = write_json(value).decode()
        if "\\u0000" in text:
            raise ValueError("holds the character NUL (U+0000), which cannot be stored")
        return read_text(text, longest=MAX_DOCUMENT)
    except (UnicodeEncodeError, TypeError, RecursionError, ValueError) as why:
        raise Invalid(f"`{'.'.join(map(str, path))}` cannot be kept: {why}.", path=path) from None
