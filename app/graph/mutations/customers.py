"""Making and changing customers in bulk."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.customers.entries import CustomerEntry
from app.domain.groups.projects import open_project_named
from app.domain.identities.joining import merge_customers, undo_merge
from app.domain.identities.splitting import KeyNamed, split_key
from app.domain.identities.telling import tell_customers
from app.errors import Invalid
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown, shown_all
from app.graph.declaring.permitting import NO_PROJECTS
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import UserError, errors_field, given, given_id, optional, own_id, writes
from app.graph.types.customers import Customer
from app.graph.types.people import CustomerMerge


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


@input_type
class CustomerMergeInput:
    """Two customers who are one."""

    from_id: strawberry.ID = strawberry.field(description="Who turned out to be the other one.")
    into_id: strawberry.ID = strawberry.field(description="Who goes on.")


@object_type
class CustomerMergePayload:
    """Two customers who are one now."""

    customer: Customer | None = strawberry.field(
        default=None, description="Who goes on, as it is now; null: errors say why nothing was done."
    )
    merge: CustomerMerge | None = strawberry.field(
        default=None, description="What was written down about it, by whose id it is undone."
    )
    errors: list[UserError] = errors_field()


@input_type
class CustomerKeyInput:
    """Something a customer is known by in a project."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    kind: str = strawberry.field(
        description="tracker, email, phone, or an identity field of the project's own."
    )
    value: str = strawberry.field(description="Its value; addresses and numbers in any form.")


@input_type
class CustomerSplitInput:
    """What to take apart, in one of the three ways."""

    merge_id: strawberry.ID | None = optional("A merge, which is undone to the row.")
    identity_id: strawberry.ID | None = optional(
        "What a customer is known by: it goes to somebody of its own, with what came with it."
    )
    key: CustomerKeyInput | None = optional("The same, by what it says.")


@object_type
class CustomerSplitPayload:
    """One customer who is two now."""

    customers: list[Customer] | None = strawberry.field(
        default=None,
        description="Who goes on, then who is somebody else now, or is there again; null: errors say why nothing was"
        " done.",
    )
    errors: list[UserError] = errors_field()


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def merge(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomerMergeInput, strawberry.argument(description="The customers.")],
) -> CustomerMergePayload:
    """Makes two customers one: events, orders, rewards, uses of promos, places on lists and all else of one go over to
    the other, who keeps what it says of itself and takes over what it lacks; of consent the latest saying counts.
    The first one is deleted, and whoever names it by address or external id means the other. customerSplit undoes it.
    """
    gone = own_id(input.from_id, "cust", "customer", "fromId")
    into = own_id(input.into_id, "cust", "customer", "intoId")
    noted = await merge_customers(
        tx, gone=gone, into=into, actor=info.context.principal.name, now=info.context.now
    )
    return CustomerMergePayload(
        customer=await shown(info, tx, "Customer", into),
        merge=await shown(info, tx, "CustomerMerge", noted),
    )


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def split(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomerSplitInput, strawberry.argument(description="What to take apart.")],
) -> CustomerSplitPayload:
    """Takes a customer apart: undoes a merge, or gives a key somebody of its own. With a key go the events and
    interactions that were known by it and what hangs on them, rewards too; orders, uses of promos and places on lists
    stay. What was taken apart stays so, whatever is said later, until it is merged by hand.
    """
    now = info.context.now
    merge_id = given_id(input.merge_id, "merge", "merge", "mergeId")
    identity_id = given_id(input.identity_id, "identity", "identity", "identityId")
    key = given(input.key)
    said = None if key is None else (key.project, key.kind, key.value)
    if [merge_id, identity_id, said].count(None) != 2:
        raise Invalid("Name one of `mergeId`, `identityId` and `key`.", path=[])
    if merge_id is not None:
        made, rest = await undo_merge(tx, merge_id, actor=info.context.principal.name, now=now)
    elif said is not None:
        project = await open_project_named(tx, said[0], path=("key", "project"))
        made, rest = await split_key(tx, KeyNamed(project, *said[1:]), path=["key"], now=now)
    else:
        assert identity_id is not None, "one of the three is given"
        made, rest = await split_key(tx, identity_id, path=["identityId"], now=now)
    return CustomerSplitPayload(customers=await shown_all(info, tx, "Customer", [rest, made]))


@writes(roles=WRITERS, shapes=NO_PROJECTS)
async def upsert(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[CustomersUpsertInput, strawberry.argument(description="The customers.")],
) -> CustomersUpsertPayload:
    """Makes or changes many customers: all of them or none."""
    entries = entries_of(CustomerEntry, input.customers, ["customers"])
    done = await tell_customers(tx, entries, now=info.context.now)
    customers = await shown_all(info, tx, "Customer", done.ids)
    return CustomersUpsertPayload(customers=customers, created=done.created, updated=done.updated)
