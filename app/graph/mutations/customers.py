"""Bringing customers in."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.scalars import JSON, DateTime, Decimal, Long
from app.graph.declaring.writing import UserError, errors_field, optional, reference, settable, writes
from app.graph.inputs.batches import each_read
from app.graph.types.customers import Customer


@object_type
class CustomersUpsertPayload:
    """Customers that were made or changed."""

    customers: list[Customer] | None = strawberry.field(
        default=None, description="The customers as they are now, in the order sent; null: nothing was done."
    )
    created: int = strawberry.field(default=0, description="How many were not known before.")
    updated: int = strawberry.field(default=0, description="How many were known.")
    errors: list[UserError] = errors_field()


@input_type
class CustomerInput:
    """A customer, known by external id, else by e-mail. Fields left out stay, fields that are null are cleared."""

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


@input_type
class CustomersUpsertInput:
    """Customers to make or change."""

    customers: list[CustomerInput] = strawberry.field(description="5,000 at most; each customer once.")


@writes(roles=WRITERS)
async def upsert(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomersUpsertInput, strawberry.argument(description="The customers.")],
) -> CustomersUpsertPayload:
    """Makes or changes many customers: all of them or none."""
    entries = each_read(input.customers, _customer)
    done = await upsert_customers(tx, entries, now=info.context.now)
    customers = await shown_all(info, tx, "Customer", done.ids)
    return CustomersUpsertPayload(customers=customers, created=done.created, updated=done.updated)


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
