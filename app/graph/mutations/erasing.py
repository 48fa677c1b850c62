"""Erasing customers."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import ADMIN_ROLES
from app.db.auditing import Actor
from app.domain.erasing.erasing import erase
from app.domain.erasing.operations import Erased
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.scalars import DateTime
from app.graph.declaring.writing import UserError, errors_field, own_id, writes
from app.values.ids import show_id
from app.values.instants import show_instant


@object_type
class ErasedRows:
    """What erasing a customer did to the rows of one table."""

    table: str = strawberry.field(description="The table, by its name in the database.")
    emptied: int = strawberry.field(description="Rows of the customer that stay, with nothing of them in it.")
    deleted: int = strawberry.field(description="Rows of the customer that are gone.")
    cut: int = strawberry.field(description="Rows of others, or of nobody, that lost the customer's texts.")


@object_type
class CustomerErasePayload:
    """A customer that was erased, and what that came to."""

    erased_id: strawberry.ID | None = strawberry.field(
        default=None, description="The customer's id, which stays; null: errors say why nothing was done."
    )
    erased_at: DateTime | None = strawberry.field(
        default=None, description="When it was erased: the first time, if it was before."
    )
    rows: list[ErasedRows] | None = strawberry.field(default=None, description="What was done, by table.")
    files_rewritten: int | None = strawberry.field(
        default=None, description="Files of imports that were written anew without the customer's rows."
    )
    files_removed: int | None = strawberry.field(
        default=None,
        description="Files of imports that held the customer and were deleted, since they cannot be taken apart.",
    )
    errors: list[UserError] = errors_field()


@input_type
class CustomerEraseInput:
    """A customer to erase."""

    id: strawberry.ID = strawberry.field(description="Which one.")


@writes(roles=ADMIN_ROLES, shapes=WHOLE_GROUP)
async def erase_one(
    info: strawberry.Info,
    input: Annotated[CustomerEraseInput, strawberry.argument(description="Which one.")],
) -> CustomerErasePayload:
    """Erases who a customer is, for good: names, addresses, numbers, ids, trackers and whatever was sent about them go
    from every table, from events that wait or lie in the trash, from answers and files that are kept. Orders, figures,
    ledgers and balances stay as they are, and point at a customer of whom nothing is known. Twice is once. What is sent
    about the same person afterwards is about somebody new.
    """
    context: Any = info.context
    done = await erase(
        context.db,
        context.services.assets,
        context.scope.group_id,
        own_id(input.id, "cust", "customer", "id"),
        by=Actor(context.principal.name, context.address),
        now=context.now,
    )
    return shown_report(done)


def shown_report(done: Erased) -> CustomerErasePayload:
    """What was done, as the graph shows it."""
    at: Any = show_instant(done.erased_at)
    tables = sorted({*done.emptied, *done.deleted, *done.cut})
    return CustomerErasePayload(
        erased_id=strawberry.ID(show_id("cust", done.customer_id)),
        erased_at=at,
        rows=[
            ErasedRows(
                table=name,
                emptied=done.emptied.get(name, 0),
                deleted=done.deleted.get(name, 0),
                cut=done.cut.get(name, 0),
            )
            for name in tables
        ],
        files_rewritten=done.files_rewritten,
        files_removed=done.files_removed,
    )
