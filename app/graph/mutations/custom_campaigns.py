"""Campaigns of custom integrations."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.campaigns.finding import campaign_named
from app.domain.integrations import custom_campaigns
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.writing import UserError, errors_field, given, optional, settable, writes
from app.graph.types.campaigns import Campaign
from app.values.changes import UNSET, Settable


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


@input_type
class CustomCampaignCreateInput:
    """A new campaign of a custom integration. It is explicit: somebody made it."""

    wmkt_id: str = strawberry.field(description="The integration's id in tracking links.")
    slug: str = strawberry.field(
        description="Its name in landing page addresses, 1 to 64 characters, unique in the integration."
    )
    name: str = strawberry.field(description="What people call it, 1 to 255 characters.")
    active: bool = strawberry.field(
        default=True, description="Whether it runs from now on; else it is a draft."
    )


@input_type
class CustomCampaignUpdateInput:
    """A change of a campaign of an integration: fields left out stay."""

    id: strawberry.ID = strawberry.field(description="The campaign: its id, or the id it was imported with.")
    wmkt_id: str | None = optional(
        "Given, the campaign is found only in the integration with this tracking id."
    )
    name: str | None = optional("What people call it, 1 to 255 characters.")
    active: bool | None = optional("True: it runs, whatever it was before. False: it is paused, if it runs.")


@writes(roles=WRITERS)
async def create_campaign(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomCampaignCreateInput, strawberry.argument(description="The campaign.")],
) -> CustomCampaignPayload:
    """Makes a campaign that a custom integration tracks."""
    made = await custom_campaigns.create_custom_campaign(
        tx,
        wmkt_id=input.wmkt_id,
        slug=input.slug,
        name=input.name,
        active=input.active,
        now=info.context.now,
    )
    return CustomCampaignPayload(campaign=await shown(info, tx, "Campaign", made), modified_count=1)


@writes(roles=WRITERS)
async def update_campaign(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomCampaignUpdateInput, strawberry.argument(description="The change.")],
) -> CustomCampaignPayload:
    """Changes name and activity of a campaign that an integration tracks."""
    name: Settable[str | None] = settable(input.name)
    active: Settable[bool | None] = settable(input.active)
    ident = await campaign_named(tx, input.id, "id")
    changed = await custom_campaigns.update_custom_campaign(
        tx,
        ident,
        name=UNSET if name is None else name,
        active=UNSET if active is None else active,
        wmkt_id=given(input.wmkt_id),
        now=info.context.now,
    )
    campaign = await shown(info, tx, "Campaign", ident)
    return CustomCampaignPayload(campaign=campaign, modified_count=int(changed))
