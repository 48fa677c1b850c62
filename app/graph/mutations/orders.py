"""Recording orders."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.permitting import NO_PROJECTS
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import UserError, errors_field, writes
from app.graph.types.orders import Order


@object_type
class OrdersRecordPayload:
    """Orders that were recorded."""

    orders: list[Order] | None = strawberry.field(
        default=None, description="The orders that are new, in the order sent; null: nothing was done."
    )
    recorded: int = strawberry.field(default=0, description="How many are new.")
    repeated: int = strawberry.field(
        default=0, description="How many have a reference that was recorded before: they changed nothing."
    )
    errors: list[UserError] = errors_field()


@input_for(OrderEntry)
class OrderInput:
    """An order. Its customer is named in one of the three ways."""


@input_type
class OrdersRecordInput:
    """A report of orders."""

    orders: list[OrderInput] = strawberry.field(description="5,000 at most.")


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def record_many(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OrdersRecordInput, strawberry.argument(description="The report.")],
) -> OrdersRecordPayload:
    """Records many orders, all of them or none. Each moves the facts of its customer, and a conversion and its amount
    in the metrics of its campaign.
    """
    entries = entries_of(OrderEntry, input.orders, ["orders"])
    done = await record_orders(tx, entries, now=info.context.now)
    orders = await shown_all(info, tx, "Order", done.ids)
    return OrdersRecordPayload(orders=orders, recorded=len(done.ids), repeated=done.repeated)
