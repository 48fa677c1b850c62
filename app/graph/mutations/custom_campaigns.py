"""Campaigns of custom integrations."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.integrations import custom_campaigns
from app.domain.integrations.fields import CustomCampaign, CustomCampaignChange
from app.graph.declaring.described import object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes
from app.graph.types.campaigns import Campaign


@object_type
class CustomCampaignPayload:
    """A campaign of an integration that was written."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="The campaign as it is now; null: errors say why nothing was done."
    )
    modified_count: int = strawberry.field(
        default=0, description="1: it was made, or is another than before. 0: it was like that already."
    )
    errors: list[UserError] = errors_field()


@input_for(CustomCampaign)
class CustomCampaignCreateInput:
    """A new campaign of a custom integration. It is explicit: somebody made it."""


@input_for(CustomCampaignChange, first=("id", "wmkt_id"))
class CustomCampaignUpdateInput:
    """A change of a campaign of an integration: fields left out stay."""

    id: strawberry.ID = strawberry.field(description="The campaign.")
    wmkt_id: str | None = optional(
        "Given, the campaign is found only in the integration with this tracking id."
    )


@writes(roles=WRITERS)
async def create_campaign(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomCampaignCreateInput, strawberry.argument(description="The campaign.")],
) -> CustomCampaignPayload:
    """Makes a campaign that a custom integration tracks."""
    made = await custom_campaigns.create_custom_campaign(
        tx, entry_of(CustomCampaign, input), now=info.context.now
    )
    return CustomCampaignPayload(campaign=await shown(info, tx, "Campaign", made), modified_count=1)


@writes(roles=WRITERS)
async def update_campaign(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomCampaignUpdateInput, strawberry.argument(description="The change.")],
) -> CustomCampaignPayload:
    """Changes name and activity of a campaign that an integration tracks."""
    ident = own_id(input.id, "camp", "campaign", "id")
    changed = await custom_campaigns.update_custom_campaign(
        tx,
        ident,
        entry_of(CustomCampaignChange, input),
        wmkt_id=given(input.wmkt_id),
        now=info.context.now,
    )
    campaign = await shown(info, tx, "Campaign", ident)
    return CustomCampaignPayload(campaign=campaign, modified_count=int(changed))
