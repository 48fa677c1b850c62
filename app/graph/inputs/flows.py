"""What mutations and simulations take for flows and goals, and how it becomes the fields of the domain."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry

from app.domain.flows.fields import (
    ActionFields,
    ConditionFields,
    FlowFields,
    GoalFields,
    MultiplierFields,
)
from app.domain.inputs import Path
from app.errors import Invalid
from app.graph.declaring.described import input_type
from app.graph.declaring.enums import AttributeOwner, Comparison, FlowTrigger, GoalOperator, GoalType, Joiner
from app.graph.declaring.scalars import JSON, Decimal, Long
from app.graph.declaring.writing import given, optional, own_id, settable
from app.values.changes import UNSET, Settable

NEW_ID = "One that is there; 0 or left out: a new one."
CODE = "instead of the name, for codes without one."


@input_type
class FlowActionInput:
    """What a flow pays."""

    action_code: int = strawberry.field(description="1 to 4; the codes have no documented names.")
    partner_id: strawberry.ID = strawberry.field(description="The partner it pays for.")
    base_reward: Long = strawberry.field(
        description="What it pays before multipliers, in the smallest currency unit."
    )
    id: strawberry.ID | None = optional(NEW_ID)
    extra_data: JSON | None = optional("Further data: an object, kept as it is.")


@input_type
class FlowConditionInput:
    """Something that must hold for a flow to pay."""

    partner_id: strawberry.ID = strawberry.field(description="The partner it is about.")
    attribute: Long = strawberry.field(
        description="Which attribute of its owner, by number; see `rewardAttributes`."
    )
    id: strawberry.ID | None = optional(NEW_ID)
    type: AttributeOwner | None = optional("Whose attribute is compared.")
    type_code: int | None = optional(f"The same as a code, 1 to 9, {CODE}")
    operator: Comparison | None = optional("How it is compared; EQUALS unless said.")
    operator_code: int | None = optional(f"The same as a code, 1 to 5, {CODE}")
    joiner: Joiner | None = optional("How it is tied to the next condition; AND unless said.")
    joiner_code: int | None = optional("The same as a code, 1 or 2, instead of the name.")
    value: JSON | None = optional("What it is compared with; null: having the attribute is enough.")


@input_type
class FlowMultiplierInput:
    """Something that raises what a flow pays."""

    partner_id: strawberry.ID = strawberry.field(description="The partner it is about.")
    attribute: Long = strawberry.field(
        description="Which attribute of its owner, by number; see `rewardAttributes`."
    )
    amount: Decimal = strawberry.field(description="The factor: 1.5 is half again as much.")
    id: strawberry.ID | None = optional(NEW_ID)
    type: AttributeOwner | None = optional("Whose attribute triggers it.")
    type_code: int | None = optional(f"The same as a code, 1 to 9, {CODE}")
    value: JSON | None = optional("The value the attribute must have; null: having it is enough.")


@input_type
class FlowInput:
    """A flow as it shall be. Fields left out stay; a list that is given is the whole list: what is not in it goes."""

    id: strawberry.ID | None = optional(NEW_ID)
    trigger: FlowTrigger | None = optional("What sets it off; a new flow needs one.")
    trigger_code: int | None = optional(f"The same as a code, 1 to 5, {CODE}")
    custom_trigger_id: Long | None = optional("Which custom trigger; with the trigger CUSTOM, and only then.")
    is_active: bool | None = optional("Inactive flows pay nothing; a new one is active unless said.")
    is_deleted: bool | None = optional("True deletes it, false brings it back.")
    actions: list[FlowActionInput] | None = optional("What it pays, in order.")
    conditions: list[FlowConditionInput] | None = optional("What must hold, in order.")
    multipliers: list[FlowMultiplierInput] | None = optional("What raises the reward, in order.")


@input_type
class GoalInput:
    """A target or a limit of a reward campaign."""

    partner_id: strawberry.ID = strawberry.field(description="The partner it is about.")
    value: Long = strawberry.field(description="Users, transactions, or the smallest currency unit, by type.")
    id: strawberry.ID | None = optional(NEW_ID)
    type: GoalType | None = optional("What it counts.")
    type_code: int | None = optional(f"The same as a code, 1 to 4, {CODE}")
    operator: GoalOperator | None = optional("Whether it is a target, a limit or a threshold.")
    operator_code: int | None = optional(f"The same as a code, 1 to 4, {CODE}")


def flows_of(flows: Sequence[FlowInput], *path: str | int) -> list[FlowFields]:
    """The same in the domain's words. Ids are read here: an unreadable one is not found."""
    return [_flow(flow, [*path, "flows", at]) for at, flow in enumerate(flows)]


def goals_of(goals: Sequence[GoalInput], *path: str | int) -> list[GoalFields]:
    """The same in the domain's words."""
    return [_goal(goal, [*path, "goals", at]) for at, goal in enumerate(goals)]


def code_of(named: Enum | None, code: Any, path: Path, name: str, *, default: int | None = None) -> int:
    """The code that was said, by name or by number; Invalid unless it was said once."""
    number = given(code)
    if given(named) is None:
        found: int | None = default if number is None else number
        if found is None:
            raise Invalid(f"`{name}` is needed.", path=[*path, name])
        return found
    assert named is not None
    if number is not None:
        raise Invalid(f"Say `{name}` or `{name}Code`, not both.", path=[*path, f"{name}Code"])
    if named.value == 0:
        raise Invalid(
            f"`{name}` cannot be UNRECOGNIZED; that only describes. Say `{name}Code`.", path=[*path, name]
        )
    return int(named.value)


def _flow(flow: FlowInput, path: Path) -> FlowFields:
    trigger: Settable[int] = UNSET
    if given(flow.trigger) is not None or given(flow.trigger_code) is not None:
        trigger = code_of(flow.trigger, flow.trigger_code, path, "trigger")
    return FlowFields(
        id=_ident(flow.id, "flow", "flow", path),
        trigger_code=trigger,
        custom_trigger_id=settable(flow.custom_trigger_id),
        is_active=_flag(flow.is_active),
        is_deleted=_flag(flow.is_deleted),
        actions=_each(flow.actions, _action, [*path, "actions"]),
        conditions=_each(flow.conditions, _condition, [*path, "conditions"]),
        multipliers=_each(flow.multipliers, _multiplier, [*path, "multipliers"]),
    )


def _action(action: FlowActionInput, path: Path) -> ActionFields:
    return ActionFields(
        id=_ident(action.id, "act", "action", path),
        action_code=action.action_code,
        partner_id=_partner(action.partner_id, path),
        base_reward=action.base_reward,
        extra_data=given(action.extra_data),
    )


def _condition(condition: FlowConditionInput, path: Path) -> ConditionFields:
    return ConditionFields(
        id=_ident(condition.id, "cond", "condition", path),
        partner_id=_partner(condition.partner_id, path),
        type_code=code_of(condition.type, condition.type_code, path, "type"),
        operator_code=code_of(condition.operator, condition.operator_code, path, "operator", default=1),
        joiner_code=code_of(condition.joiner, condition.joiner_code, path, "joiner", default=1),
        attribute=condition.attribute,
        value=given(condition.value),
    )


def _multiplier(multiplier: FlowMultiplierInput, path: Path) -> MultiplierFields:
    return MultiplierFields(
        id=_ident(multiplier.id, "mult", "multiplier", path),
        partner_id=_partner(multiplier.partner_id, path),
        type_code=code_of(multiplier.type, multiplier.type_code, path, "type"),
        attribute=multiplier.attribute,
        amount=multiplier.amount,
        value=given(multiplier.value),
    )


def _goal(goal: GoalInput, path: Path) -> GoalFields:
    return GoalFields(
        id=_ident(goal.id, "goal", "goal", path),
        partner_id=_partner(goal.partner_id, path),
        type_code=code_of(goal.type, goal.type_code, path, "type"),
        value=goal.value,
        operator_code=code_of(goal.operator, goal.operator_code, path, "operator"),
    )


def _each(values: Any, read: Any, path: Path) -> Any:
    found = given(values)
    return UNSET if found is None else [read(one, [*path, at]) for at, one in enumerate(found)]


def _flag(value: bool | None) -> Settable[bool]:
    found = given(value)
    return UNSET if found is None else bool(found)


def _ident(value: Any, prefix: str, kind: str, path: Path) -> int | None:
    text = given(value)
    if text is None or text in ("", "0"):
        return None
    return own_id(text, prefix, kind, *map(str, path), "id")


def _partner(text: str, path: Path) -> int:
    return own_id(text, "part", "partner", *map(str, path), "partnerId")
