"""Recording orders, giving money of them back, calling them off."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.orders.deleting import delete_order
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.orders.refunding import cancel_order, held_order, refund_order
from app.domain.orders.states import Outcome
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown, shown_all
from app.graph.declaring.permitting import NO_PROJECTS
from app.graph.declaring.scalars import Decimal
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import (
    Administration,
    UserError,
    errors_field,
    given,
    given_id,
    optional,
    writes,
)
from app.graph.types.orders import Order
from app.values.ids import show_id


@object_type
class OrdersRecordPayload:
    """Orders that were recorded."""

    orders: list[Order] | None = strawberry.field(
        default=None,
        description="The orders that are new or corrected, in the order sent, each once; null: nothing was done.",
    )
    recorded: int = strawberry.field(default=0, description="How many are new.")
    corrected: int = strawberry.field(
        default=0,
        description="How many changed an order that was known: everything that hangs on it followed.",
    )
    repeated: int = strawberry.field(
        default=0,
        description="How many say what was known, or have a version that was: they changed nothing.",
    )
    outdated: int = strawberry.field(
        default=0, description="How many have a lower version than was known: they changed nothing."
    )
    outcomes: list[Outcome] | None = strawberry.field(
        default=None, description="What each did, in the order sent; null: nothing was done."
    )
    beyond_promo_limits: list[str] | None = strawberry.field(
        default=None,
        description="References of orders for whose use there was no place: the promo's limit, or the customer's, was"
        " used up, or the generated code was used or withdrawn. They happened, so they are recorded, and their uses are"
        " counted in `usedBeyondLimit`; null: nothing was done.",
    )
    errors: list[UserError] = errors_field()


@object_type
class OrderPayload:
    """An order that was changed."""

    order: Order | None = strawberry.field(
        default=None, description="The order as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class OrderDeletePayload:
    """An order that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(OrderEntry)
class OrderInput:
    """An order as it is now. Its customer is named in one of the three ways."""


@input_type
class OrdersRecordInput:
    """A report of orders."""

    orders: list[OrderInput] = strawberry.field(description="5,000 at most.")


@input_type
class OrderRefundInput:
    """Money given back for an order, which is named by its id or its reference."""

    order_id: strawberry.ID | None = optional("The order.")
    order_reference: str | None = optional("The order, by its number in the system it was made in.")
    amount: Decimal | None = optional("How much, in the order's currency; all that is left unless given.")
    reference: str = strawberry.field(
        description="Your own name for this refund: the same one again is the same refund, and counts once."
    )


@input_type
class OrderCancelInput:
    """An order that does not hold any more. It is named by its id or its reference."""

    order_id: strawberry.ID | None = optional("The order.")
    order_reference: str | None = optional("The order, by its number in the system it was made in.")


@input_type
class OrderDeleteInput:
    """An order that was recorded by mistake. It is named by its id or its reference."""

    order_id: strawberry.ID | None = optional("The order.")
    order_reference: str | None = optional("The order, by its number in the system it was made in.")


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def record_many(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OrdersRecordInput, strawberry.argument(description="The report.")],
) -> OrdersRecordPayload:
    """Records many orders, all of them or none. A reference that is known is a correction: of its amount, of whose
    order it is, of what was given back, of whether it holds. The facts of its customer, its campaign's metrics, the use
    of its promo and rewards that were paid for it follow, once.
    """
    entries = entries_of(OrderEntry, input.orders, ["orders"])
    done = await record_orders(tx, entries, now=info.context.now)
    orders = await shown_all(info, tx, "Order", done.ids)
    return OrdersRecordPayload(
        orders=orders,
        recorded=done.count(Outcome.RECORDED),
        corrected=done.count(Outcome.CORRECTED),
        repeated=done.repeated,
        outdated=done.count(Outcome.OUTDATED),
        outcomes=list(done.outcomes),
        beyond_promo_limits=list(done.beyond_limit),
    )


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def refund(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OrderRefundInput, strawberry.argument(description="The refund.")],
) -> OrderPayload:
    """Gives money of an order back. What customers spent, campaigns' revenue and, where all is given back, uses of
    promos and rewards follow. Where reports of the order say what was given back, too, the larger of both totals
    counts: a report's has the refunds in it.
    """
    made = await refund_order(
        tx,
        order_id=given_id(given(input.order_id), "order", "order", "orderId"),
        order=given(input.order_reference),
        amount=given(input.amount),
        reference=input.reference,
        now=info.context.now,
    )
    return OrderPayload(order=await shown(info, tx, "Order", made))


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def cancel(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OrderCancelInput, strawberry.argument(description="The order.")],
) -> OrderPayload:
    """Says that an order does not hold any more: it counts nowhere, the use of its promo is given back, and rewards
    that were paid for it are taken back. Twice is once; a later report with `isCancelled: false` says that it holds.
    """
    made = await cancel_order(
        tx,
        order_id=given_id(given(input.order_id), "order", "order", "orderId"),
        order=given(input.order_reference),
        now=info.context.now,
    )
    return OrderPayload(order=await shown(info, tx, "Order", made))


async def _meant(tx: Transaction, input: OrderDeleteInput) -> int:
    """The order that is to be deleted, held."""
    _, stored = await held_order(
        tx, given_id(given(input.order_id), "order", "order", "orderId"), given(input.order_reference)
    )
    return stored.id


@writes(
    roles=WRITERS,
    administration=Administration("order.delete", "customer_order", "order", find=_meant),
    shapes=NO_PROJECTS,
)
async def delete(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OrderDeleteInput, strawberry.argument(description="The order.")],
) -> OrderDeletePayload:
    """Deletes an order that was recorded by mistake, with its refunds: what hangs on it is taken back as if it had been
    cancelled, and no figure knows it any more. A sale that was called off is cancelled instead, and stays. The
    reference is free again: whoever reports it once more records another order.
    """
    gone = await delete_order(
        tx,
        order_id=given_id(given(input.order_id), "order", "order", "orderId"),
        order=given(input.order_reference),
        now=info.context.now,
    )
    return OrderDeletePayload(deleted_id=strawberry.ID(show_id("order", gone)))
