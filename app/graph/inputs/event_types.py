"""What mutations take for the fields of event types."""

from collections.abc import Sequence

import strawberry

from app.domain.event_types.fields import FieldEntry
from app.graph.declaring.described import input_type
from app.graph.declaring.enums import EventDataType, EventFieldKind
from app.graph.declaring.scalars import JSON
from app.graph.declaring.writing import given, optional
from app.values.changes import UNSET, Settable


@input_type
class EventFieldInput:
    """A field, state or statistic of an event type."""

    storage_key: str = strawberry.field(
        description="What its value is kept under: 1 to 64 letters, digits, `_`, `-` and `.`, unique in the event type."
    )
    kind: EventFieldKind | None = optional(
        "What it is for; FIELD unless said. The same all over the project."
    )
    ingestion_key: str | None = optional(
        "What its value is called in the data of an event; the storage key unless said."
    )
    name: str | None = optional("What people call it; the storage key unless said.")
    data_type: EventDataType | None = optional(
        "What values it takes; STRING unless said. States are BOOLEAN, statistics NUMBER or INTEGER."
    )
    is_required: bool | None = optional("Whether an event without it is refused; it is not unless said.")
    identity: str | None = optional(
        "Which of the user's attributes the value is: email, phone, name, or one of the project's own."
    )
    sent: JSON | None = optional("Its declaration in another interface's words, kept beside it.")


def field_entries(
    inputs: Settable[Sequence[EventFieldInput] | None],
) -> Settable[Sequence[FieldEntry] | None]:
    if inputs is None or inputs is UNSET:
        return inputs
    return [
        FieldEntry(
            storage_key=one.storage_key,
            kind=given(one.kind) or EventFieldKind.FIELD,
            ingestion_key=given(one.ingestion_key),
            name=given(one.name),
            data_type=given(one.data_type),
            is_required=bool(given(one.is_required)),
            identity=given(one.identity),
            sent=given(one.sent),
        )
        for one in inputs
    ]
