"""Making, changing and deleting stores."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.groups import closing, operations
from app.domain.groups.fields import StoreFields
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import Administration, UserError, errors_field, own_id, writes
from app.graph.types.stores import Store
from app.values.ids import show_id


@object_type
class StorePayload:
    """A store that was written."""

    store: Store | None = strawberry.field(
        default=None, description="The store as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class StoreDeletePayload:
    """A store that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="Its id; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(StoreFields, required=("name",))
class StoreCreateInput:
    """A new store."""


@input_for(StoreFields)
class StoreUpdateInput:
    """A change of a store: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID = strawberry.field(description="The store.")


@input_type
class StoreDeleteInput:
    """A store to delete."""

    id: strawberry.ID = strawberry.field(description="The store.")


@input_type
class StoreNameInput:
    """A deleted store to restore."""

    id: strawberry.ID = strawberry.field(description="The store.")


@writes(roles=WRITERS, administration=Administration("store.create", "store", "store"), shapes=WHOLE_GROUP)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[StoreCreateInput, strawberry.argument(description="The store.")],
) -> StorePayload:
    """Makes a store. A group's first one becomes its default."""
    made = await operations.create_store(tx, entry_of(StoreFields, input), now=info.context.now)
    return StorePayload(store=await shown(info, tx, "Store", made))


@writes(roles=WRITERS, administration=Administration("store.update", "store", "store"))
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[StoreUpdateInput, strawberry.argument(description="The change.")],
) -> StorePayload:
    """Changes a store."""
    ident = own_id(input.id, "store", "store", "id")
    await operations.update_store(tx, ident, entry_of(StoreFields, input), now=info.context.now)
    return StorePayload(store=await shown(info, tx, "Store", ident))


@writes(roles=WRITERS, administration=Administration("store.delete", "store", "store"), shapes=WHOLE_GROUP)
async def delete(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[StoreDeleteInput, strawberry.argument(description="Which one.")],
) -> StoreDeletePayload:
    """Deletes a store: credentials of it stop working, and nothing new can be made in it. Its campaigns, orders and
    figures of the past stay, and it can be restored. Refused while campaigns of it are not completed, projects or
    agreements of it not archived, and for the default store while there are others.
    """
    ident = own_id(input.id, "store", "store", "id")
    await closing.delete_store(tx, ident, now=info.context.now)
    return StoreDeletePayload(deleted_id=strawberry.ID(show_id("store", ident)))


@writes(roles=WRITERS, administration=Administration("store.restore", "store", "store"), shapes=WHOLE_GROUP)
async def restore(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[StoreNameInput, strawberry.argument(description="Which one.")],
) -> StorePayload:
    """Restores a deleted store: it is as it was, and its credentials work again. What was completed or archived for it
    stays so. It is the default store only where the group has no other. `stores(filter: {deleted: true})` lists those
    that can be restored.
    """
    ident = own_id(input.id, "store", "store", "id")
    await closing.restore_store(tx, ident, now=info.context.now)
    return StorePayload(store=await shown(info, tx, "Store", ident))
