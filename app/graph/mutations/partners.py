"""Making and changing partners and their agreements with stores."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups import partners
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.writing import (
    UserError,
    errors_field,
    given,
    optional,
    own_id,
    reference,
    settable,
    writes,
)
from app.graph.types.partners import Partner, Partnership
from app.values.changes import sent


@object_type
class PartnerPayload:
    """A partner that was written."""

    partner: Partner | None = strawberry.field(
        default=None, description="The partner as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class PartnershipPayload:
    """An agreement that was written."""

    partnership: Partnership | None = strawberry.field(
        default=None, description="The agreement as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class PartnerCreateInput:
    """A new partner."""

    name: str = strawberry.field(description="What the partner is called, 1 to 255 characters.")
    external_id: str | None = optional("Its id in the system it was imported from, unique in the group.")


@input_type
class PartnerUpdateInput:
    """A change of a partner: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The partner.")
    name: str | None = optional("What the partner is called, 1 to 255 characters.")
    external_id: str | None = optional("Its id in the system it was imported from, unique in the group.")


@input_type
class PartnershipCreateInput:
    """A new agreement of a partner and a store."""

    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")
    partner_id: strawberry.ID = strawberry.field(description="The partner.")
    store_id: strawberry.ID | None = optional(
        "The store; else the credential's, else the group's default store."
    )


@input_type
class PartnershipRenameInput:
    """A new name of an agreement. Its partner and store stay: campaigns rest on them."""

    id: strawberry.ID = strawberry.field(description="The agreement.")
    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnerCreateInput, strawberry.argument(description="The partner.")],
) -> PartnerPayload:
    """Makes a partner."""
    made = await partners.create_partner(
        tx, name=input.name, external_id=given(input.external_id), now=info.context.now
    )
    return PartnerPayload(partner=await shown(info, tx, "Partner", made))


@writes(roles=WRITERS)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnerUpdateInput, strawberry.argument(description="The change.")],
) -> PartnerPayload:
    """Changes a partner."""
    ident = own_id(input.id, "part", "partner", "id")
    name, external_id = settable(input.name), settable(input.external_id)
    await partners.update_partner(tx, ident, name=name, external_id=external_id)
    return PartnerPayload(partner=await shown(info, tx, "Partner", ident))


@writes(roles=WRITERS)
async def create_partnership(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnershipCreateInput, strawberry.argument(description="The agreement.")],
) -> PartnershipPayload:
    """Makes an agreement of a partner and a store."""
    partner_id = own_id(input.partner_id, "part", "partner", "partnerId")
    store_id = sent(reference(input.store_id, "store", "store", "storeId"))
    made = await partners.create_partnership(
        tx, name=input.name, partner_id=partner_id, store_id=store_id, now=info.context.now
    )
    return PartnershipPayload(partnership=await shown(info, tx, "Partnership", made))


@writes(roles=WRITERS)
async def rename_partnership(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnershipRenameInput, strawberry.argument(description="The name.")],
) -> PartnershipPayload:
    """Calls an agreement something else."""
    ident = own_id(input.id, "pship", "partnership", "id")
    await partners.rename_partnership(tx, ident, name=input.name)
    return PartnershipPayload(partnership=await shown(info, tx, "Partnership", ident))
