"""Making and changing stores."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups import operations
from app.domain.groups.operations import StoreFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import StoreFeature
from app.graph.declaring.payloads import shown
from app.graph.declaring.writing import UserError, errors_field, optional, own_id, settable, writes
from app.graph.types.stores import Store


@object_type
class StorePayload:
    """A store that was written."""

    store: Store | None = strawberry.field(
        default=None, description="The store as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_type
class StoreFieldsInput:
    """Fields of a store.

    What every input about a store has; the schema shows those inputs, not this one.
    """

    name: str | None = optional("What the store is called, 1 to 255 characters.")
    beacon_key: str | None = optional(
        "Names the store inside its group, 64 characters at most; a random one for a new store."
    )
    time_zone: str | None = optional("Its own time zone (IANA); null: the group's.")
    is_default: bool | None = optional("True: campaigns that name no store go here from now on.")
    external_id: str | None = optional("Its id in the system it was imported from, unique in the group.")
    unavailable_features: list[StoreFeature] | None = optional("All that it is to be without; [] is nothing.")


@input_type
class StoreCreateInput(StoreFieldsInput):
    """A new store."""

    name: str = strawberry.field(description="What the store is called, 1 to 255 characters.")


@input_type
class StoreUpdateInput(StoreFieldsInput):
    """A change of a store: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The store.")


@writes(roles=WRITERS)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[StoreCreateInput, strawberry.argument(description="The store.")],
) -> StorePayload:
    """Makes a store. A group's first one becomes its default."""
    made = await operations.create_store(tx, _fields(input), now=info.context.now)
    return StorePayload(store=await shown(info, tx, "Store", made))


@writes(roles=WRITERS)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[StoreUpdateInput, strawberry.argument(description="The change.")],
) -> StorePayload:
    """Changes a store."""
    ident = own_id(input.id, "store", "store", "id")
    await operations.update_store(tx, ident, _fields(input), now=info.context.now)
    return StorePayload(store=await shown(info, tx, "Store", ident))


def _fields(given: StoreFieldsInput) -> StoreFields:
    return StoreFields(
        name=settable(given.name),
        beacon_key=settable(given.beacon_key),
        time_zone=settable(given.time_zone),
        is_default=settable(given.is_default),
        external_id=settable(given.external_id),
        unavailable_features=settable(given.unavailable_features),
    )
