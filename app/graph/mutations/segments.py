"""Making, changing and deleting segments, and changing their lists."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from app.auth.principal import PERSONAL_READERS, WRITERS
from app.db.database import Transaction
from app.domain.segments import operations
from app.domain.segments.attributes import customer_criteria
from app.domain.segments.fields import SegmentFields
from app.domain.segments.predicates import asks_freely
from app.errors import MAX_TOLD, Failure, Invalid, Several
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import SegmentType
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, own_id, writes
from app.graph.types.segments import Segment
from app.values.ids import show_id


@object_type
class SegmentPayload:
    """A segment that was written."""

    segment: Segment | None = strawberry.field(
        default=None, description="The segment as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class SegmentDeletePayload:
    """A segment that was deleted."""

    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id it had; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@object_type
class SegmentMembersPayload:
    """A segment whose list was changed."""

    segment: Segment | None = strawberry.field(
        default=None, description="The segment as it is now; null: errors say why nothing was done."
    )
    changed: int = strawberry.field(
        default=0, description="How many customers were added or removed; the others were there, or not."
    )
    errors: list[UserError] = errors_field()


@input_for(SegmentFields, required=("name",), first=("name", "type"))
class SegmentCreateInput:
    """A new segment."""

    type: SegmentType = strawberry.field(description="How it gets its customers.")


@input_for(SegmentFields, first=("id",))
class SegmentUpdateInput:
    """A change of a segment: fields left out stay, fields that are null are cleared. Its type stays."""

    id: strawberry.ID = strawberry.field(description="The segment.")


@input_type
class SegmentDeleteInput:
    """A segment to delete."""

    id: strawberry.ID = strawberry.field(description="The segment.")


@input_type
class SegmentMembersInput:
    """Customers to add to or remove from a segment's list."""

    id: strawberry.ID = strawberry.field(description="The segment, static or imported.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="The customers, 5,000 at most.")


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[SegmentCreateInput, strawberry.argument(description="The segment.")],
) -> SegmentPayload:
    """Makes a segment. A dynamic one is counted at once."""
    fields = entry_of(SegmentFields, input)
    _require_to_ask(info, fields)
    made = await operations.create_segment(tx, input.type, fields, now=info.context.now)
    return SegmentPayload(segment=await shown(info, tx, "Segment", made))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[SegmentUpdateInput, strawberry.argument(description="The change.")],
) -> SegmentPayload:
    """Changes a segment. New criteria are counted at once."""
    ident = own_id(input.id, "seg", "segment", "id")
    fields = entry_of(SegmentFields, input)
    _require_to_ask(info, fields)
    await operations.update_segment(tx, ident, fields, now=info.context.now)
    return SegmentPayload(segment=await shown(info, tx, "Segment", ident))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def delete(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[SegmentDeleteInput, strawberry.argument(description="Which one.")],
) -> SegmentDeletePayload:
    """Deletes a segment that no scheduled or active campaign speaks to."""
    ident = own_id(input.id, "seg", "segment", "id")
    await operations.delete_segment(tx, ident, now=info.context.now)
    return SegmentDeletePayload(deleted_id=strawberry.ID(show_id("seg", ident)))


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def add_members(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[SegmentMembersInput, strawberry.argument(description="Whom, and where.")],
) -> SegmentMembersPayload:
    """Puts customers on the list of a static or imported segment: all of them or none."""
    return await _members(info, tx, input, operations.add_members)


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def remove_members(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[SegmentMembersInput, strawberry.argument(description="Whom, and where.")],
) -> SegmentMembersPayload:
    """Takes customers off the list of a static or imported segment."""
    return await _members(info, tx, input, operations.remove_members)


def _require_to_ask(info: strawberry.Info, fields: SegmentFields) -> None:
    """Free attributes are personal data, and a segment's size tells of whom they are true, as its preview's does."""
    try:
        asks = fields.criteria is not None and asks_freely(customer_criteria(fields.criteria))
    except Invalid:
        return  # Said where all that is wrong with the segment is.
    if asks:
        info.context.principal.require(PERSONAL_READERS)


async def _members(
    info: strawberry.Info, tx: Transaction, input: SegmentMembersInput, change: Callable[..., Awaitable[int]]
) -> SegmentMembersPayload:
    ident = own_id(input.id, "seg", "segment", "id")
    changed = await change(tx, ident, _customer_ids(input.customer_ids), now=info.context.now)
    return SegmentMembersPayload(segment=await shown(info, tx, "Segment", ident), changed=changed)


def _customer_ids(sent: list[strawberry.ID]) -> list[int]:
    found: list[int] = []
    failures: list[Failure] = []
    for index, text in enumerate(sent):
        try:
            found.append(own_id(text, "cust", "customer", "customerIds", index))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:MAX_TOLD])
    return found
