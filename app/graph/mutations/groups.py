"""Changing the customer group."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups import operations
from app.domain.groups.operations import GroupFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.writing import UserError, errors_field, optional, settable, writes
from app.graph.types.groups import CustomerGroup


@object_type
class GroupPayload:
    """The group that was changed."""

    group: CustomerGroup | None = strawberry.field(
        default=None, description="The group as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class GroupUpdateInput:
    """A change of the group you act in: fields left out stay."""

    name: str | None = optional("What the group is called, 1 to 255 characters.")
    time_zone: str | None = optional("Its time zone (IANA). Days of campaigns still to run move with it.")


@writes(roles=WRITERS)
async def update_group(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[GroupUpdateInput, strawberry.argument(description="The change.")],
) -> GroupPayload:
    """Changes the group you act in."""
    fields = GroupFields(name=settable(input.name), time_zone=settable(input.time_zone))
    changed = await operations.update_group(tx, fields, now=info.context.now)
    return GroupPayload(group=await shown(info, tx, "CustomerGroup", changed))
