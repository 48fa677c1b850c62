"""Inputs for flows and goals, of mutations and simulations."""

from collections.abc import Sequence

from app.auth.principal import PERSONAL_READERS, Principal
from app.db.database import Transaction
from app.domain.flows.fields import (
    ActionFields,
    ConditionFields,
    FlowFields,
    GoalFields,
    MultiplierFields,
)
from app.domain.rewards.attributes import asks_freely
from app.domain.rewards.reading import campaign_asks_freely
from app.graph.declaring.enums import AttributeOwner, Comparison, FlowTrigger, GoalOperator, GoalType, Joiner
from app.graph.declaring.references import numbered_by
from app.graph.declaring.settable import Coded, entry_of, input_for
from app.values.changes import sent

CODE = "instead of the name, for codes without one."


@numbered_by("benji")
@input_for(ActionFields)
class FlowActionInput:
    """What a flow pays."""


@numbered_by("benji")
@input_for(
    ConditionFields,
    codes={
        "type_code": Coded(AttributeOwner, f"The same as a code, 1 to 9, {CODE}"),
        "operator_code": Coded(Comparison, f"The same as a code, 1 to 5, {CODE}"),
        "joiner_code": Coded(Joiner, "The same as a code, 1 or 2, instead of the name."),
    },
)
class FlowConditionInput:
    """Something that must hold for a flow to pay."""


@numbered_by("benji")
@input_for(
    MultiplierFields, codes={"type_code": Coded(AttributeOwner, f"The same as a code, 1 to 9, {CODE}")}
)
class FlowMultiplierInput:
    """Something that raises what a flow pays."""


@numbered_by("benji")
@input_for(
    FlowFields,
    codes={"trigger_code": Coded(FlowTrigger, f"The same as a code, 1 to 5, {CODE}")},
    entries={
        "actions": FlowActionInput,
        "conditions": FlowConditionInput,
        "multipliers": FlowMultiplierInput,
    },
)
class FlowInput:
    """A flow as it shall be. Fields left out stay; a list that is given is the whole list: what is not in it goes."""


@numbered_by("benji")
@input_for(
    GoalFields,
    codes={
        "type_code": Coded(GoalType, f"The same as a code, 1 to 4, {CODE}"),
        "operator_code": Coded(GoalOperator, f"The same as a code, 1 to 4, {CODE}"),
    },
)
class GoalInput:
    """A target or a limit of a reward campaign."""


def flows_of(flows: Sequence[FlowInput], *path: str | int) -> list[FlowFields]:
    """The same as the domain's values. Ids are read here: an unreadable one is not found."""
    return [entry_of(FlowFields, flow, [*path, "flows", at]) for at, flow in enumerate(flows)]


def require_to_ask(principal: Principal, flows: Sequence[FlowFields]) -> None:
    """A group's own attributes of its users are personal data, and what is paid tells of whom they are true."""
    asked: list[ConditionFields | MultiplierFields] = []
    for flow in flows:
        asked += [*(sent(flow.conditions) or ()), *(sent(flow.multipliers) or ())]
    if any(asks_freely(one.type_code, one.attribute) for one in asked):
        principal.require(PERSONAL_READERS)


async def require_to_ask_as(principal: Principal, tx: Transaction, campaign_id: int) -> None:
    """The same for the flows that a campaign has: whoever copies or tries them learns of whom they are true."""
    if not principal.may(PERSONAL_READERS) and await campaign_asks_freely(tx, campaign_id):
        principal.require(PERSONAL_READERS)


def goals_of(goals: Sequence[GoalInput], *path: str | int) -> list[GoalFields]:
    """The same as the domain's values."""
    return [entry_of(GoalFields, goal, [*path, "goals", at]) for at, goal in enumerate(goals)]
