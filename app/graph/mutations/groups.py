"""Making customer groups, and changing one."""

from typing import Annotated

import strawberry

from app.auth.principal import PLATFORM_ROLES, WRITERS
from app.db.auditing import Actor
from app.db.database import Transaction
from app.domain.groups import operations
from app.domain.groups.fields import GroupFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, writes
from app.graph.types.groups import CustomerGroup
from app.values.ids import show_id


@object_type
class GroupPayload:
    """The group that was changed."""

    group: CustomerGroup | None = strawberry.field(
        default=None, description="The group as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class GroupCreatePayload:
    """The group that was made."""

    group_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Its id; null: errors say why nothing was done. Act in it by its number in `X-Group-Id`.",
    )
    errors: list[UserError] = errors_field()


@input_for(GroupFields)
class GroupUpdateInput:
    """A change of the group you act in: fields left out stay."""


@input_type
class GroupCreateInput:
    """A new customer group."""

    name: str = strawberry.field(description="What it is called, 1 to 255 characters.")
    currency: str = strawberry.field(
        description="The currency of its campaigns (ISO 4217). It cannot change: amounts are counted in it."
    )
    time_zone: str = strawberry.field(description="Its time zone (IANA), like Europe/Paris.")
    country: str | None = strawberry.field(
        default=None,
        description="The country (ISO 3166, like FR) of telephone numbers that say none; else its zone's.",
    )


@writes(roles=PLATFORM_ROLES, administration=Administration("group.create", "", "group"), shapes=WHOLE_GROUP)
async def create_group(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[GroupCreateInput, strawberry.argument(description="The group.")],
) -> GroupCreatePayload:
    """Makes a customer group, a tenant without stores or credentials yet. It is written down in its own audit trail and
    in that of the group you act in.
    """
    context = info.context
    made = await operations.found_group(
        tx,
        Actor(context.principal.name, context.address),
        name=input.name,
        currency=input.currency,
        time_zone=input.time_zone,
        country=input.country,
        now=context.now,
    )
    context.changed = show_id("group", made)
    return GroupCreatePayload(group_id=strawberry.ID(context.changed))


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
