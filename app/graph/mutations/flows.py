"""Saving the flows and the goals of a campaign."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.flows import saving
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
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


@input_type
class FlowsSaveInput:
    """Flows of a campaign to save, with their children. Flows that are not named stay."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    flows: list[FlowInput] = strawberry.field(description="The flows, 100 at most.")


@input_type
class GoalsSaveInput:
    """The goals of a campaign, all of them: those left out go."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    goals: list[GoalInput] = strawberry.field(description="The goals in their order, 100 at most.")


@writes(roles=WRITERS)
async def save(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[FlowsSaveInput, strawberry.argument(description="The flows.")],
) -> CampaignFlowsPayload:
    """Saves flows with their actions, conditions and multipliers as a tree, all or nothing. An id of 0, or none, is a
    new one; an id that is not there is an error.
    """
    ident, flows = own_id(input.campaign_id, "camp", "campaign", "campaignId"), flows_of(input.flows)
    require_to_ask(info.context.principal, flows)
    await saving.save_flows(tx, ident, flows, now=info.context.now)
    return CampaignFlowsPayload(campaign=await shown(info, tx, "Campaign", ident))


@writes(roles=WRITERS)
async def save_goals(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[GoalsSaveInput, strawberry.argument(description="The goals.")],
) -> CampaignFlowsPayload:
    """Saves the goals of a campaign, all or nothing. Ids as in `flowsSave`."""
    ident, goals = own_id(input.campaign_id, "camp", "campaign", "campaignId"), goals_of(input.goals)
    await saving.save_goals(tx, ident, goals, now=info.context.now)
    return CampaignFlowsPayload(campaign=await shown(info, tx, "Campaign", ident))
