"""Making, changing, deleting, cloning and moving campaigns, and ordering media campaigns."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.assets.operations import add_assets, keep_files
from app.domain.assets.storage import shelf
from app.domain.campaigns import changing, cloning, operations
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.lifecycle import Move
from app.domain.campaigns.media import MediaCampaign, create_media_campaign
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import Upload
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, given_id, optional, own_id, writes
from app.graph.inputs.campaigns import CODES, FORMS, OBJECTS, CampaignMove, campaign_fields
from app.graph.inputs.flows import require_to_ask_as
from app.graph.mutations.assets import files_of
from app.graph.types.campaigns import Campaign
from app.values.ids import show_id


@object_type
class CampaignPayload:
    """A campaign that was written."""

    campaign: Campaign | None = strawberry.field(
        default=None,
        description="The campaign as it is now; null: errors say why nothing was done, or nothing was to be done.",
    )
    errors: list[UserError] = errors_field()


@object_type
class CampaignDeletePayload:
    """A campaign that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(CampaignFields, required=("name",), objects=OBJECTS, codes=CODES, forms=FORMS)
class CampaignCreateInput:
    """A new campaign."""

    store_id: strawberry.ID | None = optional(
        "The store it belongs to; else the credential's, else the group's default store."
    )
    draft: bool = strawberry.field(
        default=False, description="Keep it a draft, also where its dates would schedule or start it."
    )


@input_for(CampaignFields, objects=OBJECTS, codes=CODES, forms=FORMS)
class CampaignUpdateInput:
    """A change of a campaign: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The campaign.")


@input_type
class CampaignDeleteInput:
    """A campaign to delete."""

    id: strawberry.ID = strawberry.field(description="The campaign.")


@input_for(CampaignFields, objects=OBJECTS, codes=CODES, forms=FORMS)
class CampaignCloneInput:
    """A campaign to make from another one. Fields that are given replace those copied; without dates the copy has
    none and stays a draft.
    """

    source_id: strawberry.ID = strawberry.field(description="The campaign to copy, usually a template.")
    store_id: strawberry.ID | None = optional("The copy's store; the original's unless given.")
    draft: bool = strawberry.field(
        default=False, description="Keep it a draft, also where its dates would schedule or start it."
    )


@input_type
class CampaignMoveInput:
    """A move in a campaign's life."""

    id: strawberry.ID = strawberry.field(description="The campaign.")
    move: CampaignMove = strawberry.field(description="What to do with it.")


@input_for(MediaCampaign)
class MediaCampaignCreateInput:
    """A media campaign, as client extranets order it. Its internal project is made too."""


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CampaignCreateInput, strawberry.argument(description="The campaign.")],
) -> CampaignPayload:
    """Makes a campaign. Its dates say whether it is scheduled, active or already over."""
    fields = await campaign_fields(tx, input)
    store_id = given_id(input.store_id, "store", "store", "storeId")
    made = await operations.create_campaign(
        tx, fields, store_id=store_id, draft=input.draft, now=info.context.now
    )
    return await _payload(info, tx, made)


@writes(roles=WRITERS)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CampaignUpdateInput, strawberry.argument(description="The change.")],
) -> CampaignPayload:
    """Changes fields of a campaign. Its store and its status stay; see campaignMove."""
    ident = own_id(input.id, "camp", "campaign", "id")
    fields = await campaign_fields(tx, input)
    await changing.update_campaign(tx, ident, fields, now=info.context.now)
    return await _payload(info, tx, ident)


@writes(roles=WRITERS)
async def delete(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CampaignDeleteInput, strawberry.argument(description="Which one.")],
) -> CampaignDeletePayload:
    """Deletes a campaign. Its metrics and spend stay in the sums."""
    ident = own_id(input.id, "camp", "campaign", "id")
    await operations.delete_campaign(tx, ident, now=info.context.now)
    return CampaignDeletePayload(deleted_id=strawberry.ID(show_id("camp", ident)))


@writes(roles=WRITERS)
async def clone(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CampaignCloneInput, strawberry.argument(description="What to copy, and how.")],
) -> CampaignPayload:
    """Makes a campaign from another one, with its flows, goals and spend limit."""
    source = own_id(input.source_id, "camp", "campaign", "sourceId")
    await require_to_ask_as(info.context.principal, tx, source)
    fields = await campaign_fields(tx, input)
    store_id = given_id(input.store_id, "store", "store", "storeId")
    made = await cloning.clone_campaign(
        tx, source, fields, store_id=store_id, draft=input.draft, now=info.context.now
    )
    return await _payload(info, tx, made)


@writes(roles=WRITERS)
async def move(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CampaignMoveInput, strawberry.argument(description="Which one, and how.")],
) -> CampaignPayload:
    """Moves a campaign through its life."""
    ident = own_id(input.id, "camp", "campaign", "id")
    await operations.move_campaign(tx, ident, Move(str(input.move.value)), now=info.context.now)
    return await _payload(info, tx, ident)


@writes(roles=WRITERS)
async def create_media(
    info: strawberry.Info,
    input: Annotated[MediaCampaignCreateInput, strawberry.argument(description="The order.")],
    files: Annotated[
        list[Upload] | None, strawberry.argument(description="Its files: 20 at most, 25 MiB each.")
    ] = None,
) -> CampaignPayload:
    """Makes a media campaign, its internal project and its files: all of it or nothing."""
    order = entry_of(MediaCampaign, input)
    context: Any = info.context
    async with shelf(context.services.assets) as kept_objects:
        kept = await keep_files(kept_objects, files_of(files or ()), group_id=context.scope.group_id)
        async with context.transaction() as tx:
            made = await create_media_campaign(tx, order, now=context.now)
            if kept:
                await add_assets(
                    tx,
                    kept,
                    campaign_id=made.campaign_id,
                    quota=context.services.settings.file_quota,
                    now=context.now,
                )
            return await _payload(info, tx, made.campaign_id)


async def _payload(info: strawberry.Info, tx: Transaction, ident: int) -> CampaignPayload:
    return CampaignPayload(campaign=await shown(info, tx, "Campaign", ident))
