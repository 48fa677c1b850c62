"""Recording customers and their orders in bulk."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import strawberry

from app.auth.principal import WRITERS
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.domain.metrics.entries import MAX_TOLD, Several
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.errors import Failure
from app.graph.audience import Customer
from app.graph.mutations.campaign_inputs import optional
from app.graph.mutations.writing import (
    UserError,
    errors_field,
    given,
    own_id,
    reference,
    settable,
    writes,
)
from app.graph.orders import Order
from app.graph.payloads import shown_all
from app.graph.scalars import JSON, DateTime, Decimal, Long

Sent = TypeVar("Sent")
Entry = TypeVar("Entry")


@strawberry.type(description="Customers that were made or changed.")
class CustomersUpsertPayload:
    """Customers that were made or changed."""

    customers: list[Customer] | None = strawberry.field(
        default=None, description="The customers as they are now, in the order sent; null: nothing was done."
    )
    created: int = strawberry.field(default=0, description="How many were not known before.")
    updated: int = strawberry.field(default=0, description="How many were known.")
    errors: list[UserError] = errors_field()


@strawberry.type(description="Orders that were recorded.")
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


@strawberry.input(
    description="A customer, known by external id, else by e-mail. Fields left out stay, fields that are null are"
    " cleared."
)
class CustomerInput:
    """A customer."""

    external_id: str | None = optional("Its id in your own system, unique in the group.")
    email: str | None = optional("The e-mail address, unique in the group, upper or lower case.")
    name: str | None = optional("The name; the e-mail or id of a new customer unless given.")
    phone: str | None = optional("The phone number.")
    store_id: strawberry.ID | None = optional("The store it belongs to; the credential's for a new one.")
    loyalty_tier: str | None = optional("The loyalty tier, such as gold.")
    email_consent: bool | None = optional("Whether e-mail may be sent; null means no.")
    sms_consent: bool | None = optional("Whether text messages may be sent; null means no.")
    tags: list[str] | None = optional("All its tags, 100 at most.")
    attributes: JSON | None = optional("An object of whatever else is known; it replaces the one there.")
    order_count: Long | None = optional("How many orders there were, where another system counted them.")
    total_spent: Decimal | None = optional("What they came to, in the group's currency.")
    last_order_at: DateTime | None = optional("When the last one was.")


@strawberry.input(description="Customers to make or change.")
class CustomersUpsertInput:
    """Customers to make or change."""

    customers: list[CustomerInput] = strawberry.field(description="5,000 at most; each customer once.")


@strawberry.input(description="An order. Its customer is named in one of the three ways.")
class OrderInput:
    """An order."""

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


@strawberry.input(description="A report of orders.")
class OrdersRecordInput:
    """A report of orders."""

    orders: list[OrderInput] = strawberry.field(description="5,000 at most.")


@writes("Makes or changes many customers: all of them or none.", roles=WRITERS)
async def upsert(
    info: strawberry.Info,
    input: Annotated[CustomersUpsertInput, strawberry.argument(description="The customers.")],
) -> CustomersUpsertPayload:
    """`customersUpsert`."""
    entries = _each(input.customers, _customer)
    async with info.context.db.transaction(info.context.scope) as tx:
        done = await upsert_customers(tx, entries, now=info.context.now)
        customers = await shown_all(info, tx, "Customer", done.ids)
    return CustomersUpsertPayload(customers=customers, created=done.created, updated=done.updated)


@writes(
    "Records many orders, all of them or none. Each moves the facts of its customer, and a conversion and its amount"
    " in the metrics of its campaign.",
    roles=WRITERS,
)
async def record_many(
    info: strawberry.Info,
    input: Annotated[OrdersRecordInput, strawberry.argument(description="The report.")],
) -> OrdersRecordPayload:
    """`ordersRecord`."""
    entries = _each(input.orders, _order)
    async with info.context.db.transaction(info.context.scope) as tx:
        done = await record_orders(tx, entries, now=info.context.now)
        orders = await shown_all(info, tx, "Order", done.ids)
    return OrdersRecordPayload(orders=orders, recorded=len(done.ids), repeated=done.repeated)


def _each(sent: Sequence[Sent], read: Callable[[Sent, int], Entry]) -> list[Entry]:
    found: list[Entry] = []
    failures: list[Failure] = []
    for index, one in enumerate(sent):
        try:
            found.append(read(one, index))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:MAX_TOLD])
    return found


def _customer(sent: CustomerInput, index: int) -> CustomerEntry:
    attributes: Any = settable(sent.attributes)
    return CustomerEntry(
        external_id=settable(sent.external_id),
        email=settable(sent.email),
        name=settable(sent.name),
        phone=settable(sent.phone),
        store_id=reference(sent.store_id, "store", "store", "customers", str(index), "storeId"),
        loyalty_tier=settable(sent.loyalty_tier),
        email_consent=settable(sent.email_consent),
        sms_consent=settable(sent.sms_consent),
        tags=settable(sent.tags),
        attributes=attributes,
        order_count=settable(sent.order_count),
        total_spent=settable(sent.total_spent),
        last_order_at=settable(sent.last_order_at),
    )


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
