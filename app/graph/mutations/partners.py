"""Making, changing and archiving partners and their agreements with stores."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups import closing, partners
from app.domain.groups.fields import PartnerFields, PartnershipFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, own_id, writes
from app.graph.types.partners import Partner, Partnership


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


@input_for(PartnerFields, required=("name",))
class PartnerCreateInput:
    """A new partner."""


@input_for(PartnerFields, first=("id",))
class PartnerUpdateInput:
    """A change of a partner: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The partner.")


@input_for(PartnershipFields, required=("name", "partner_id"))
class PartnershipCreateInput:
    """A new agreement of a partner and a store."""


@input_for(PartnershipFields, only=("name",), required=("name",), first=("id",))
class PartnershipRenameInput:
    """A new name of an agreement. Its partner and store stay: campaigns rest on them."""

    id: strawberry.ID = strawberry.field(description="The agreement.")


@input_type
class PartnerNameInput:
    """A partner to archive or to restore."""

    id: strawberry.ID = strawberry.field(description="The partner.")


@input_type
class PartnershipNameInput:
    """An agreement to archive or to restore."""

    id: strawberry.ID = strawberry.field(description="The agreement.")


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnerCreateInput, strawberry.argument(description="The partner.")],
) -> PartnerPayload:
    """Makes a partner."""
    made = await partners.create_partner(tx, entry_of(PartnerFields, input), now=info.context.now)
    return PartnerPayload(partner=await shown(info, tx, "Partner", made))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnerUpdateInput, strawberry.argument(description="The change.")],
) -> PartnerPayload:
    """Changes a partner."""
    ident = own_id(input.id, "part", "partner", "id")
    await partners.update_partner(tx, ident, entry_of(PartnerFields, input))
    return PartnerPayload(partner=await shown(info, tx, "Partner", ident))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def archive(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnerNameInput, strawberry.argument(description="Which one.")],
) -> PartnerPayload:
    """Archives a partner: no campaign, flow or agreement can name it any more; balances and the ledger stay. Refused
    while campaigns that pay with it are not completed, or agreements with it not archived.
    """
    ident = own_id(input.id, "part", "partner", "id")
    await closing.archive_partner(tx, ident, now=info.context.now)
    return PartnerPayload(partner=await shown(info, tx, "Partner", ident))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def restore(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnerNameInput, strawberry.argument(description="Which one.")],
) -> PartnerPayload:
    """Takes an archived partner again."""
    ident = own_id(input.id, "part", "partner", "id")
    await closing.restore_partner(tx, ident)
    return PartnerPayload(partner=await shown(info, tx, "Partner", ident))


@writes(roles=WRITERS)
async def create_partnership(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnershipCreateInput, strawberry.argument(description="The agreement.")],
) -> PartnershipPayload:
    """Makes an agreement of a partner and a store."""
    made = await partners.create_partnership(tx, entry_of(PartnershipFields, input), now=info.context.now)
    return PartnershipPayload(partnership=await shown(info, tx, "Partnership", made))


@writes(roles=WRITERS)
async def rename_partnership(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnershipRenameInput, strawberry.argument(description="The name.")],
) -> PartnershipPayload:
    """Calls an agreement something else."""
    ident = own_id(input.id, "pship", "partnership", "id")
    await partners.rename_partnership(tx, ident, entry_of(PartnershipFields, input))
    return PartnershipPayload(partnership=await shown(info, tx, "Partnership", ident))


@writes(roles=WRITERS)
async def archive_partnership(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnershipNameInput, strawberry.argument(description="Which one.")],
) -> PartnershipPayload:
    """Archives an agreement: no campaign can be made under it any more. Refused while campaigns under it are not
    completed.
    """
    ident = own_id(input.id, "pship", "partnership", "id")
    await closing.archive_partnership(tx, ident, now=info.context.now)
    return PartnershipPayload(partnership=await shown(info, tx, "Partnership", ident))


@writes(roles=WRITERS)
async def restore_partnership(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[PartnershipNameInput, strawberry.argument(description="Which one.")],
) -> PartnershipPayload:
    """Takes an archived agreement again, where its partner and its store are still there."""
    ident = own_id(input.id, "pship", "partnership", "id")
    await closing.restore_partnership(tx, ident)
    return PartnershipPayload(partnership=await shown(info, tx, "Partnership", ident))
