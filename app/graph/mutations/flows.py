"""Saving the flows and the goals of a campaign."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.flows import saving
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.references import numbered_by
from app.graph.declaring.writing import UserError, errors_field, own_id, writes
from app.graph.inputs.flows import FlowInput, GoalInput, flows_of, goals_of, require_to_ask
from app.graph.types.campaigns import Campaign


@object_type
class CampaignFlowsPayload:
    """A campaign whose flows or goals were saved."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="The campaign as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@numbered_by("benji")
@input_type
class FlowsSaveInput:
    """Flows of a campaign to save, with their children, and flows to remove. Flows that are not named stay as they
    are; the same rule holds for goals. A list inside a flow is one of its values: it is the whole list. An id may be a
    bare number, as Benji's document prints it.
    """

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    flows: list[FlowInput] = strawberry.field(
        default_factory=list, description="The flows to make or to change, 100 at most."
    )
    remove: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The flows to delete; `isDeleted: false` brings one back."
    )


@numbered_by("benji")
@input_type
class GoalsSaveInput:
    """Goals of a campaign to save, and goals to remove. Goals that are not named stay as they are; the same rule holds
    for flows. An id may be a bare number, as Benji's document prints it.
    """

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    goals: list[GoalInput] = strawberry.field(
        default_factory=list, description="The goals to make or to change; a campaign has 100 at most."
    )
    remove: list[strawberry.ID] = strawberry.field(default_factory=list, description="The goals to remove.")


@writes(roles=WRITERS)
async def save(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[FlowsSaveInput, strawberry.argument(description="The flows.")],
) -> CampaignFlowsPayload:
    """Saves flows with their actions, conditions and multipliers as a tree, all or nothing. An id of 0, or none, is a
    new one; an id that is not there is an error. Flows that are not named stay.
    """
    ident, flows = own_id(input.campaign_id, "camp", "campaign", "campaignId"), flows_of(input.flows)
    require_to_ask(info.context.principal, flows)
    await saving.save_flows(
        tx, ident, flows, remove=_removed(input.remove, "flow", "flow"), now=info.context.now
    )
    return CampaignFlowsPayload(campaign=await shown(info, tx, "Campaign", ident))


@writes(roles=WRITERS)
async def save_goals(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[GoalsSaveInput, strawberry.argument(description="The goals.")],
) -> CampaignFlowsPayload:
    """Saves and removes goals of a campaign, all or nothing. Ids as in `flowsSave`; goals that are not named stay."""
    ident, goals = own_id(input.campaign_id, "camp", "campaign", "campaignId"), goals_of(input.goals)
    await saving.save_goals(
        tx, ident, goals, remove=_removed(input.remove, "goal", "goal"), now=info.context.now
    )
    return CampaignFlowsPayload(campaign=await shown(info, tx, "Campaign", ident))


def _removed(ids: Sequence[str], prefix: str, kind: str) -> list[int]:
    return [own_id(text, prefix, kind, "remove", at) for at, text in enumerate(ids)]
