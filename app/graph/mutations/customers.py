"""Making and changing customers in bulk."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.permitting import NO_PROJECTS
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import UserError, errors_field, writes
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


@input_for(CustomerEntry)
class CustomerInput:
    """A customer, known by external id, else by e-mail. Fields left out stay, fields that are null are cleared."""


@input_type
class CustomersUpsertInput:
    """Customers to make or change."""

    customers: list[CustomerInput] = strawberry.field(description="5,000 at most; each customer once.")


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def upsert(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomersUpsertInput, strawberry.argument(description="The customers.")],
) -> CustomersUpsertPayload:
    """Makes or changes many customers: all of them or none."""
    entries = entries_of(CustomerEntry, input.customers, ["customers"])
    done = await upsert_customers(tx, entries, now=info.context.now)
    customers = await shown_all(info, tx, "Customer", done.ids)
    return CustomersUpsertPayload(customers=customers, created=done.created, updated=done.updated)
