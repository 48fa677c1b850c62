"""Making, changing and archiving event types."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.event_types import operations
from app.domain.event_types.operations import EventTypeFields
from app.domain.groups.projects import open_project_named, project_named
from app.errors import Invalid
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import (
    Administration,
    UserError,
    errors_field,
    given,
    optional,
    own_id,
    writes,
)
from app.graph.inputs.event_types import EventFieldInput
from app.graph.types.event_types import EventType


@object_type
class EventTypePayload:
    """An event type that was written."""

    event_type: EventType | None = strawberry.field(
        default=None, description="The event type as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(EventTypeFields, entries={"fields": EventFieldInput})
class EventTypeCreateInput:
    """A new event type."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    reference: str = strawberry.field(
        description="What events name it by: 1 to 64 letters, digits, `_`, `-` and `.`, unique in the project."
    )


@input_for(EventTypeFields, entries={"fields": EventFieldInput})
class EventTypeUpdateInput:
    """A change of an event type: fields left out stay, fields that are null are cleared."""

    id: strawberry.ID | None = optional("The event type; in place of project and reference.")
    project: str | None = optional("Its project, by slug or id; with reference, in place of id.")
    reference: str | None = optional("Its reference; with project, in place of id.")


@input_type
class EventTypeNameInput:
    """An event type to archive or to restore."""

    id: strawberry.ID | None = optional("The event type; in place of project and reference.")
    project: str | None = optional("Its project, by slug or id; with reference, in place of id.")
    reference: str | None = optional("Its reference; with project, in place of id.")


async def _named(tx: Transaction, input: EventTypeUpdateInput | EventTypeNameInput) -> int:
    ident, project, reference = given(input.id), given(input.project), given(input.reference)
    if ident is not None and project is None and reference is None:
        return own_id(ident, "evtype", "event type", "id")
    if ident is not None or project is None or reference is None:
        raise Invalid("Name the event type by `id`, or by `project` and `reference`.", path=["id"])
    return await operations.event_type_named(tx, await project_named(tx, project), reference)


@writes(roles=WRITERS, administration=Administration("event_type.create", "event_type", "evtype"))
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[EventTypeCreateInput, strawberry.argument(description="The event type.")],
) -> EventTypePayload:
    """Makes an event type."""
    project_id = await open_project_named(tx, input.project)
    fields = entry_of(EventTypeFields, input)
    made = await operations.create_event_type(
        tx, project_id, fields, reference=input.reference, now=info.context.now
    )
    return EventTypePayload(event_type=await shown(info, tx, "EventType", made))


@writes(roles=WRITERS, administration=Administration("event_type.update", "event_type", "evtype", _named))
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[EventTypeUpdateInput, strawberry.argument(description="The change.")],
) -> EventTypePayload:
    """Changes an event type. Events that came before keep the version they came under."""
    ident = await _named(tx, input)
    fields = entry_of(EventTypeFields, input)
    await operations.update_event_type(tx, ident, fields, now=info.context.now)
    return EventTypePayload(event_type=await shown(info, tx, "EventType", ident))


@writes(roles=WRITERS, administration=Administration("event_type.archive", "event_type", "evtype", _named))
async def archive(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[EventTypeNameInput, strawberry.argument(description="Which one.")],
) -> EventTypePayload:
    """Archives an event type: its events are taken no more, those there are stay."""
    ident = await _named(tx, input)
    await operations.archive_event_type(tx, ident, now=info.context.now)
    return EventTypePayload(event_type=await shown(info, tx, "EventType", ident))


@writes(roles=WRITERS, administration=Administration("event_type.restore", "event_type", "evtype", _named))
async def restore(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[EventTypeNameInput, strawberry.argument(description="Which one.")],
) -> EventTypePayload:
    """Takes events of an archived event type again."""
    ident = await _named(tx, input)
    await operations.restore_event_type(tx, ident, now=info.context.now)
    return EventTypePayload(event_type=await shown(info, tx, "EventType", ident))
