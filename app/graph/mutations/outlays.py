"""Outlays of campaigns that integrations track."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.outlays import operations
from app.domain.outlays.fields import OutlayFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, given, given_id, optional, own_id, writes
from app.graph.types.outlays import Outlay
from app.values.ids import show_id


@object_type
class OutlayPayload:
    """An outlay that was written."""

    outlay: Outlay | None = strawberry.field(
        default=None, description="The outlay as it is now; null: errors say why nothing was done."
    )
    modified_count: int = strawberry.field(
        default=0, description="1: it was made, or is another than before. 0: it was like that already."
    )
    errors: list[UserError] = errors_field()


@object_type
class OutlayDeletePayload:
    """An outlay that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(
    OutlayFields,
    required=("campaign_id", "amount", "starts_at", "ends_at"),
    first=("campaign_id", "wmkt_id"),
)
class OutlayCreateInput:
    """A new outlay. It is spread over its days in the spend ledger."""

    wmkt_id: str | None = optional(
        "Given, the campaign is found only in the integration with this tracking id."
    )


@input_for(
    OutlayFields,
    texts={"campaign_id": "The campaign to move it to, of the same integration."},
    first=("id", "wmkt_id", "parent_campaign_id"),
)
class OutlayUpdateInput:
    """A change of an outlay: fields left out stay; country and region are cleared by null."""

    id: strawberry.ID = strawberry.field(description="The outlay.")
    wmkt_id: str | None = optional(
        "Given, the outlay is found only in the integration with this tracking id."
    )
    parent_campaign_id: strawberry.ID | None = optional("Given, the outlay is found only in this campaign.")


@input_type
class OutlayDeleteInput:
    """An outlay to delete."""

    id: strawberry.ID = strawberry.field(description="The outlay.")


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OutlayCreateInput, strawberry.argument(description="The outlay.")],
) -> OutlayPayload:
    """Makes an outlay of a campaign, and books it day by day."""
    fields = entry_of(OutlayFields, input)
    made = await operations.create_outlay(tx, fields, wmkt_id=given(input.wmkt_id), now=info.context.now)
    return OutlayPayload(outlay=await shown(info, tx, "Outlay", made), modified_count=1)


@writes(roles=WRITERS)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OutlayUpdateInput, strawberry.argument(description="The change.")],
) -> OutlayPayload:
    """Changes an outlay, or moves it to another campaign; the ledger follows."""
    ident = own_id(input.id, "outlay", "outlay", "id")
    fields = entry_of(OutlayFields, input)
    changed = await operations.update_outlay(
        tx,
        ident,
        fields,
        wmkt_id=given(input.wmkt_id),
        in_campaign=given_id(input.parent_campaign_id, "camp", "campaign", "parentCampaignId"),
        now=info.context.now,
    )
    return OutlayPayload(outlay=await shown(info, tx, "Outlay", ident), modified_count=int(changed))


@writes(roles=WRITERS)
async def delete(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OutlayDeleteInput, strawberry.argument(description="Which one.")],
) -> OutlayDeletePayload:
    """Deletes an outlay, and takes its spend out of the ledger."""
    ident = own_id(input.id, "outlay", "outlay", "id")
    await operations.delete_outlay(tx, ident, now=info.context.now)
    return OutlayDeletePayload(deleted_id=strawberry.ID(show_id("outlay", ident)))
