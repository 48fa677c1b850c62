"""Configurations that are not saved: a draft by itself, or another configuration for an existing campaign."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.db.database import Transaction
from app.domain import inputs
from app.domain.flows.fields import (
    CUSTOM,
    MAX_CHILDREN,
    MAX_FLOWS,
    TRIGGERS,
    FlowFields,
    GoalFields,
    code,
    row_of,
)
from app.domain.flows.saving import check_goal_partners, check_partners
from app.domain.inputs import Path
from app.domain.rewards import programme as rules
from app.domain.rewards.attributes import ConditionAttributes
from app.domain.rewards.programme import Programme
from app.domain.rewards.reading import read_attributes
from app.errors import Invalid
from app.values.changes import Unset, sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What to judge by. None: as in the campaign; in a draft by itself, nothing at all."""

    flows: Sequence[FlowFields] | None = None
    goals: Sequence[GoalFields] | None = None
    reward_type: int | None = None


async def drafted(tx: Transaction, base: Programme, given: Draft) -> Programme:
    """The configuration, with the draft's parts in place of its own. Rows without an id are numbered from 1.

    What could not be saved is refused here too.
    """
    made, known = base, await read_attributes(tx)
    if given.reward_type is not None:
        made = replace(made, reward_type=given.reward_type)
    if given.flows is not None:
        if len(given.flows) > MAX_FLOWS:
            raise Invalid(f"At most {MAX_FLOWS} flows.", path=["draft", "flows"])
        flows = [
            _flow(one, at, known, ["draft", "flows", at])
            for at, one in enumerate(given.flows)
            if not sent(one.is_deleted)
        ]
        await check_partners(tx, given.flows, ["draft", "flows"], holds=False)
        made = replace(made, flows=tuple(flows))
    if given.goals is not None:
        if len(given.goals) > MAX_CHILDREN:
            raise Invalid(f"At most {MAX_CHILDREN} goals.", path=["draft", "goals"])
        goals = tuple(_goal(one, at, ["draft", "goals", at]) for at, one in enumerate(given.goals))
        await check_goal_partners(tx, given.goals, ["draft", "goals"], holds=False)
        made = replace(made, goals=goals, limits=rules.limits_of(goals))
    return made


def _goal(one: GoalFields, at: int, path: Path) -> rules.Goal:
    row = row_of(one, path)
    return rules.Goal(one.id or at + 1, row["type_code"], row["operator_code"], row["value"])


def _flow(one: FlowFields, at: int, known: ConditionAttributes, path: Path) -> rules.Flow:
    if isinstance(one.trigger_code, Unset):
        raise Invalid("A flow of a draft needs a trigger.", path=[*path, "triggerCode"])
    trigger = code(one.trigger_code, TRIGGERS, [*path, "triggerCode"])
    custom = sent(one.custom_trigger_id)
    if (trigger == CUSTOM) != (custom is not None):
        raise Invalid(
            "`customTriggerId` goes with the trigger CUSTOM (4), and with no other.",
            path=[*path, "customTriggerId"],
        )
    actions, conditions = sent(one.actions) or (), sent(one.conditions) or ()
    multipliers = sent(one.multipliers) or ()
    if max(len(actions), len(conditions), len(multipliers)) > MAX_CHILDREN:
        raise Invalid(f"At most {MAX_CHILDREN} children of a kind in a flow.", path=path)
    paid = [row_of(child, [*path, "actions", n]) for n, child in enumerate(actions)]
    asked = [row_of(child, [*path, "conditions", n]) for n, child in enumerate(conditions)]
    raised = [row_of(child, [*path, "multipliers", n]) for n, child in enumerate(multipliers)]
    return rules.flow(
        one.id or at + 1,
        trigger,
        None if custom is None else inputs.count(custom, [*path, "customTriggerId"]),
        is_active=sent(one.is_active) is not False,
        actions=[
            rules.action(
                child.id or n + 1, row["partner_id"], row["base_reward"], row.get("rate"), row["rounding"], row["per"]
            )
            for n, (child, row) in enumerate(zip(actions, paid, strict=True))
        ],
        conditions=[
            rules.condition(
                known, child.id or n + 1, row["type_code"], row["attribute"], row["operator_code"],
                row["joiner_code"], row["value"],
            )
            for n, (child, row) in enumerate(zip(conditions, asked, strict=True))
        ],
        multipliers=[
            rules.multiplier(
                known, child.id or n + 1, row["type_code"], row["attribute"], row["amount"], row["value"]
            )
            for n, (child, row) in enumerate(zip(multipliers, raised, strict=True))
        ],
    )  # fmt: skip
