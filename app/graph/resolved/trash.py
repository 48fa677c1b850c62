"""The trash by reason, and what of it would pass."""

from dataclasses import replace
from typing import Annotated, Any

import strawberry

from app.domain.event_types.fields import FieldEntry, checked_fields
from app.domain.event_types.schemas import FieldSchema, load_schema
from app.domain.events.trash import MAX_JUDGED, Reason, events_would_pass, trash_reasons
from app.domain.groups.projects import slug_of
from app.errors import NotFound
from app.graph.declaring.described import object_type
from app.graph.declaring.fields import priced
from app.graph.declaring.scalars import DateTime, Long
from app.graph.declaring.settable import entry_of
from app.graph.inputs.event_types import EventFieldInput


@object_type
class TrashReason:
    """Why events are in the trash, and how many."""

    code: str = strawberry.field(description="The reason, such as field_required.")
    field: str | None = strawberry.field(
        description="The storage key it is about, or the part of the event; null: all of it."
    )
    count: Long = strawberry.field(description="How many events have it.")


@object_type
class EventsWouldPass:
    """What of the trash an event type would take."""

    passing: Long = strawberry.field(description="How many events would be processed.")
    failing: Long = strawberry.field(description="How many would stay.")
    reasons: list[TrashReason] = strawberry.field(description="Why, the most frequent first.")


_Project = Annotated[str, strawberry.argument(description="The project: its slug or its id.")]


async def _reasons(
    info: strawberry.Info,
    project: _Project,
    since: Annotated[
        DateTime | None,
        strawberry.argument(
            description="Of events received at this instant or later; of a day alone, in the group."
        ),
    ] = None,
    until: Annotated[
        DateTime | None,
        strawberry.argument(
            description="Of events received at this instant or before; of a day alone, until its end."
        ),
    ] = None,
) -> list[TrashReason]:
    context: Any = info.context
    project_id = await _project(context, project)
    async with context.transaction(writes=False) as tx:
        found = await trash_reasons(tx, project_id, since=since, until=until)
    return [_shown(one) for one in found]


async def _would_pass(
    info: strawberry.Info,
    project: _Project,
    event_type: Annotated[str, strawberry.argument(description="The event type's reference.")],
    fields: Annotated[
        list[EventFieldInput] | None,
        strawberry.argument(description="As if it had these fields; its own unless given."),
    ] = None,
) -> EventsWouldPass:
    context: Any = info.context
    project_id = await _project(context, project)
    async with context.transaction(writes=False) as tx:
        schema = await load_schema(tx, project_id, event_type)
        if schema is None:
            raise NotFound("event type", event_type, path=["eventType"])
        if fields:
            entries = [entry_of(FieldEntry, one, ["fields", at]) for at, one in enumerate(fields)]
            schema = replace(
                schema,
                fields=tuple(
                    FieldSchema(
                        row.kind,
                        row.storage_key,
                        row.ingestion_key,
                        row.data_type,
                        row.is_required,
                        row.identity,
                    )
                    for row in checked_fields(entries)
                ),
            )
        passing = await events_would_pass(tx, project_id, schema)
    return EventsWouldPass(
        passing=Long(passing.passing),
        failing=Long(passing.failing),
        reasons=[_shown(one) for one in passing.reasons],
    )


trash_by_reason: Any = strawberry.field(
    resolver=_reasons,
    metadata=priced(20_000),
    description="Why events of a project are in the trash, the most frequent reason first. An event counts for each of"
    " its reasons.",
)
would_pass: Any = strawberry.field(
    resolver=_would_pass,
    metadata=priced(50_000),
    description="How many events of the trash would pass under their event type as it is now, or with other fields:"
    f" the latest {MAX_JUDGED} are looked at, and nothing is changed.",
)


async def _project(context: Any, named: str) -> int:
    async with context.transaction(writes=False) as tx:
        slug = await slug_of(tx, named)
    narrowed = await context.services.projects.inside(context.principal, slug, now=context.now)
    return int(narrowed.scope.project_ids[0])


def _shown(one: Reason) -> TrashReason:
    return TrashReason(code=one.code, field=one.field, count=Long(one.count))
