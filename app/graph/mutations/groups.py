"""Changing the customer group."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups import operations
from app.domain.groups.fields import GroupFields
from app.graph.declaring.described import object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, writes
from app.graph.types.groups import CustomerGroup


@object_type
class GroupPayload:
    """The group that was changed."""

    group: CustomerGroup | None = strawberry.field(
        default=None, description="The group as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(GroupFields)
class GroupUpdateInput:
    """A change of the group you act in: fields left out stay."""


@writes(
    roles=WRITERS,
    administration=Administration("group.update", "customer_group", "group"),
    shapes=WHOLE_GROUP,
)
async def update_group(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[GroupUpdateInput, strawberry.argument(description="The change.")],
) -> GroupPayload:
    """Changes the group you act in."""
    changed = await operations.update_group(tx, entry_of(GroupFields, input), now=info.context.now)
    return GroupPayload(group=await shown(info, tx, "CustomerGroup", changed))
