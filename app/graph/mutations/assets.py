"""Adding and removing client files."""

import logging
from collections.abc import Iterable
from typing import Annotated, Any

import strawberry

from app.auth.principal import WRITERS
from app.domain.assets import operations
from app.domain.assets.operations import NewFile
from app.domain.assets.storage import shelf
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.scalars import Upload
from app.graph.declaring.writing import UserError, errors_field, given_id, optional, own_id, writes
from app.graph.types.assets import Asset
from app.values.ids import show_id

log = logging.getLogger(__name__)


@object_type
class AssetsAddPayload:
    """Files that were added."""

    assets: list[Asset] | None = strawberry.field(
        default=None, description="The files in the order they were sent; null: errors say why none was kept."
    )
    errors: list[UserError] = errors_field()


@object_type
class AssetRemovePayload:
    """A file that was removed."""

    removed_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class AssetsAddInput:
    """Files of a campaign, or of a store."""

    files: list[Upload] = strawberry.field(description="The files: 20 at most, 25 MiB each.")
    campaign_id: strawberry.ID | None = optional("The campaign they belong to.")
    store_id: strawberry.ID | None = optional(
        "Without a campaign: their store; else the credential's, else the group's default store."
    )


@input_type
class AssetRemoveInput:
    """A file to remove."""

    id: strawberry.ID = strawberry.field(description="The file.")


@writes(roles=WRITERS)
async def add(
    info: strawberry.Info, input: Annotated[AssetsAddInput, strawberry.argument(description="The files.")]
) -> AssetsAddPayload:
    """Adds files, all or none (multipart request)."""
    campaign_id = given_id(input.campaign_id, "camp", "campaign", "campaignId")
    store_id = given_id(input.store_id, "store", "store", "storeId")
    context: Any = info.context
    async with shelf(context.services.assets) as kept_objects:
        kept = await operations.keep_files(
            kept_objects, files_of(input.files), group_id=context.scope.group_id
        )
        async with context.transaction() as tx:
            made = await operations.add_assets(
                tx,
                kept,
                campaign_id=campaign_id,
                store_id=store_id,
                quota=context.services.settings.file_quota,
                now=context.now,
            )
            return AssetsAddPayload(assets=await shown_all(info, tx, "Asset", made))


@writes(roles=WRITERS)
async def remove(
    info: strawberry.Info, input: Annotated[AssetRemoveInput, strawberry.argument(description="Which one.")]
) -> AssetRemovePayload:
    """Removes a file, its bytes too; links to it stop working at once."""
    ident = own_id(input.id, "asset", "asset", "id")
    context: Any = info.context
    async with context.transaction() as tx:
        await operations.remove_asset(tx, ident, now=context.now)
    try:
        await operations.purge(
            context.db, context.services.assets, context.scope.group_id, only=ident, now=context.now
        )
    except Exception as problem:
        # It is removed; the worker tries again.
        log.warning("the bytes of asset %s are still there: %s", ident, problem)
    return AssetRemovePayload(removed_id=strawberry.ID(show_id("asset", ident)))


def files_of(uploads: Iterable[Any]) -> list[NewFile]:
    """Uploaded files, in the form the domain takes."""
    return [NewFile(upload.filename or "", upload.file, upload.content_type) for upload in uploads]
