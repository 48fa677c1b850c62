"""Integrations of projects, and the campaigns people make for them."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.domain.campaigns.finding import campaign_named
from app.domain.integrations import custom_campaigns, operations
from app.graph.campaigns import Campaign
from app.graph.groups import Integration
from app.graph.mutations.campaign_inputs import optional
from app.graph.mutations.writing import UserError, errors_field, given, own_id, settable, writes
from app.graph.payloads import shown
from app.values.changes import UNSET, Settable


@strawberry.type(description="An integration that was written.")
class IntegrationPayload:
    """An integration that was written."""

    integration: Integration | None = strawberry.field(
        default=None, description="The integration as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@strawberry.type(description="A campaign of an integration that was written.")
class CustomCampaignPayload:
    """A campaign of an integration that was written."""

    campaign: Campaign | None = strawberry.field(
        default=None, description="The campaign as it is now; null: errors say why nothing was done."
    )
    modified_count: int = strawberry.field(
        default=0, description="1: it was made, or is another than before. 0: it was like that already."
    )
    errors: list[UserError] = errors_field()


@strawberry.input(description="A new integration.")
class IntegrationCreateInput:
    """A new integration."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")
    kind: str | None = optional(
        "Which kind of tool it connects; custom_ads unless said. Kinds that begin with custom_ are one's own to fill."
    )
    wmkt_id: str | None = optional(
        "Its id in tracking links, unique in the group, 64 characters at most; made up unless given."
    )
    currency: str | None = optional(
        "The currency of its outlays (ISO 4217); the group's unless given. It stays what it is."
    )


@strawberry.input(description="A change of an integration.")
class IntegrationUpdateInput:
    """A change of an integration."""

    id: strawberry.ID = strawberry.field(description="The integration.")
    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")


@strawberry.input(description="A new campaign of a custom integration. It is explicit: somebody made it.")
class CustomCampaignCreateInput:
    """A new campaign of a custom integration."""

    wmkt_id: str = strawberry.field(description="The integration's id in tracking links.")
    slug: str = strawberry.field(
        description="Its name in landing page addresses, 1 to 64 characters, unique in the integration."
    )
    name: str = strawberry.field(description="What people call it, 1 to 255 characters.")
    active: bool = strawberry.field(
        default=True, description="Whether it runs from now on; else it is a draft."
    )


@strawberry.input(description="A change of a campaign of an integration: fields left out stay.")
class CustomCampaignUpdateInput:
    """A change of a campaign of an integration."""

    id: strawberry.ID = strawberry.field(description="The campaign: its id, or the id it was imported with.")
    wmkt_id: str | None = optional(
        "Given, the campaign is found only in the integration with this tracking id."
    )
    name: str | None = optional("What people call it, 1 to 255 characters.")
    active: bool | None = optional("True: it runs, whatever it was before. False: it is paused, if it runs.")


@writes("Makes an integration of a project.", roles=WRITERS)
async def create_integration(
    info: strawberry.Info,
    input: Annotated[IntegrationCreateInput, strawberry.argument(description="The integration.")],
) -> IntegrationPayload:
    """`integrationCreate`."""
    async with info.context.db.transaction(info.context.scope) as tx:
        made = await operations.create_integration(
            tx,
            project=input.project,
            name=input.name,
            kind=given(input.kind) or operations.CUSTOM_ADS,
            wmkt_id=given(input.wmkt_id),
            currency=given(input.currency),
            now=info.context.now,
        )
        return IntegrationPayload(integration=await shown(info, tx, "Integration", made))


@writes("Calls an integration otherwise. Its currency and its tracking id stay.", roles=WRITERS)
async def update_integration(
    info: strawberry.Info,
    input: Annotated[IntegrationUpdateInput, strawberry.argument(description="The change.")],
) -> IntegrationPayload:
    """`integrationUpdate`."""
    ident = own_id(input.id, "intg", "integration", "id")
    async with info.context.db.transaction(info.context.scope) as tx:
        await operations.update_integration(tx, ident, name=input.name)
        return IntegrationPayload(integration=await shown(info, tx, "Integration", ident))


@writes("Makes a campaign that a custom integration tracks.", roles=WRITERS)
async def create_campaign(
    info: strawberry.Info,
    input: Annotated[CustomCampaignCreateInput, strawberry.argument(description="The campaign.")],
) -> CustomCampaignPayload:
    """`customCampaignCreate`."""
    async with info.context.db.transaction(info.context.scope) as tx:
        made = await custom_campaigns.create_custom_campaign(
            tx,
            wmkt_id=input.wmkt_id,
            slug=input.slug,
            name=input.name,
            active=input.active,
            now=info.context.now,
        )
        return CustomCampaignPayload(campaign=await shown(info, tx, "Campaign", made), modified_count=1)


@writes("Changes name and activity of a campaign that an integration tracks.", roles=WRITERS)
async def update_campaign(
    info: strawberry.Info,
    input: Annotated[CustomCampaignUpdateInput, strawberry.argument(description="The change.")],
) -> CustomCampaignPayload:
    """`customCampaignUpdate`."""
    name: Settable[str | None] = settable(input.name)
    active: Settable[bool | None] = settable(input.active)
    async with info.context.db.transaction(info.context.scope) as tx:
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
