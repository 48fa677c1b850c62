"""Recording orders."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.scalars import DateTime, Decimal
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes
from app.graph.inputs.batches import each_read
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


@input_type
class OrderInput:
    """An order. Its customer is named in one of the three ways."""

    reference: str = strawberry.field(
        description="Its number in the system it was made in; a repeated one counts once."
    )
    amount: Decimal = strawberry.field(description="What it came to.")
    customer_id: strawberry.ID | None = optional("Who ordered.")
    customer_external_id: str | None = optional("Who ordered, by the id in your own system.")
    customer_email: str | None = optional("Who ordered, by e-mail.")
    currency: str | None = optional("ISO 4217 code; the campaign's unless given, else the group's.")
    ordered_at: DateTime | None = optional("When; now unless given.")
    store_id: strawberry.ID | None = optional(
        "Where; the credential's store unless given, else the customer's, else the group's default store."
    )
    campaign_id: strawberry.ID | None = optional("The campaign that led to it; the promo's unless given.")
    promo_code: str | None = optional("The promo it was made with, upper or lower case.")
    channel: str | None = optional(
        "The campaign's channel that led to it; its only one unless given, else `other`."
    )


@input_type
class OrdersRecordInput:
    """A report of orders."""

    orders: list[OrderInput] = strawberry.field(description="5,000 at most.")


@writes(
    roles=WRITERS,
)
async def record_many(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[OrdersRecordInput, strawberry.argument(description="The report.")],
) -> OrdersRecordPayload:
    """Records many orders, all of them or none. Each moves the facts of its customer, and a conversion and its amount
    in the metrics of its campaign.
    """
    entries = each_read(input.orders, _order)
    done = await record_orders(tx, entries, now=info.context.now)
    orders = await shown_all(info, tx, "Order", done.ids)
    return OrdersRecordPayload(orders=orders, recorded=len(done.ids), repeated=done.repeated)


def _order(sent: OrderInput, index: int) -> OrderEntry:
    def row_id(value: Any, prefix: str, kind: str, name: str) -> int | None:
        text = given(value)
        return None if text is None else own_id(text, prefix, kind, "orders", str(index), name)

    return OrderEntry(
        reference=sent.reference,
        amount=sent.amount,
        customer_id=row_id(sent.customer_id, "cust", "customer", "customerId"),
        customer_external_id=given(sent.customer_external_id),
        customer_email=given(sent.customer_email),
        currency=given(sent.currency),
        ordered_at=given(sent.ordered_at),
        store_id=row_id(sent.store_id, "store", "store", "storeId"),
        campaign_id=row_id(sent.campaign_id, "camp", "campaign", "campaignId"),
        promo_code=given(sent.promo_code),
        channel=given(sent.channel),
    )
