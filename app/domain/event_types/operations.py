"""Making, changing and archiving event types.

A change of fields is a new version; events keep the one they came under.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import PROJECT_BORDERS, borders
from app.domain.event_types.fields import (
    FieldEntry,
    FieldRow,
    check_kinds,
    checked_fields,
    document,
    name_of,
    reference_of,
)
from app.domain.rows import insert_row, update_row
from app.domain.settable import settable, written
from app.errors import Invalid, NotFound
from app.tables.event_types import EventDataType, EventFieldKind, RewardTrigger
from app.tables.funnels import FunnelStage
from app.values.changes import Settable, Unset, sent


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTypeFields:
    """Every settable part of an event type; UNSET was not sent. Its reference cannot change."""

    name: Settable[str | None] = settable(
        "What people call it, 1 to 255 characters; the reference unless said.", check=name_of
    )
    fields: Settable[Sequence[FieldEntry] | None] = settable(
        "All its fields, states and statistics, in their order, 200 at most. Others than before: a new version.",
        kept=False,
    )
    """Null as none."""
    details: Settable[Any] = settable("Whatever else is to be kept about it.", check=document, kept=False)
    expiration_policy: Settable[Any] = settable("How long its events are of use.", check=document, kept=False)
    phone_parsing: Settable[Any] = settable(
        "How phone numbers in its events are read.", check=document, kept=False
    )
    funnel_stage: Settable[FunnelStage | None] = settable("The stage a customer reaches by such an event.")
    trigger: Settable[RewardTrigger | None] = settable("What such an event is to flows of reward campaigns.")
    trigger_by_strangers: Settable[bool] = settable(
        "Whether events sent without a credential trigger as well, though anybody can make them up. They do not unless"
        " this says so.",
        by_admins=True,
    )


# Two changes at once queue at the project's row: a key's kind is the same all over the project.
_LOCK_PROJECT = (
    f"SELECT project.id FROM project WHERE {PROJECT_BORDERS} AND project.id = $4 FOR NO KEY UPDATE"
)
_OF_BORDERS = f"""
event_type.id = $4 AND event_type.group_id = $1
   AND EXISTS (SELECT 1 FROM project WHERE {PROJECT_BORDERS} AND project.id = event_type.project_id)
"""
_PROJECT_OF = f"SELECT event_type.project_id FROM event_type WHERE {_OF_BORDERS}"
_NAMED = "SELECT id FROM event_type WHERE group_id = $1 AND project_id = $2 AND reference = $3"
_STORED = """
SELECT name, version, funnel_stage, trigger, trigger_by_strangers, details::text AS details,
       expiration_policy::text AS expiration_policy, phone_parsing::text AS phone_parsing
  FROM event_type WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE
"""
_FIELDS = """
SELECT kind, storage_key, ingestion_key, name, data_type, is_required, identity, sent::text AS sent
  FROM event_field WHERE group_id = $1 AND event_type_id = $2 AND is_current ORDER BY position
"""
_KINDS = """
SELECT DISTINCT f.storage_key, f.kind
  FROM event_type t JOIN event_field f ON f.group_id = t.group_id AND f.event_type_id = t.id
 WHERE t.group_id = $1 AND t.project_id = $2 AND f.kind <> 'field' AND f.storage_key = ANY ($3)
"""
_OLD_FIELDS = (
    "UPDATE event_field SET is_current = false WHERE group_id = $1 AND event_type_id = $2 AND is_current"
)
_NEW_FIELDS = """
INSERT INTO event_field (group_id, event_type_id, version, is_current, created_at, position, kind, storage_key,
                         ingestion_key, name, data_type, is_required, identity, sent)
SELECT $1, $2, $3, true, $4, given.position - 1, given.kind, given.storage_key, given.ingestion_key, given.name,
       given.data_type, given.is_required, given.identity, given.sent::json
  FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::boolean[], $11::text[], $12::text[])
       WITH ORDINALITY
       AS given (kind, storage_key, ingestion_key, name, data_type, is_required, identity, sent, position)
"""
_ARCHIVE = f"""
UPDATE event_type SET archived_at = $5, updated_at = $6
 WHERE {_OF_BORDERS} AND (archived_at IS NULL) = ($5::timestamptz IS NOT NULL)
"""


async def create_event_type(
    tx: Transaction, project_id: int, given: EventTypeFields, *, reference: str, now: datetime
) -> int:
    """A new event type, version 1; its id. Its name defaults to its reference."""
    reference = reference_of(reference)
    rows = checked_fields(sent(given.fields) or ())
    values = written(given, without=("fields",))
    await _lock_project(tx, project_id)
    await _check_kinds(tx, project_id, rows)
    row = {
        **values,
        "name": values.get("name") or reference,
        "reference": reference,
        "project_id": project_id,
    }
    made = await insert_row(tx, "event_type", {**row, "created_at": now, "updated_at": now})
    await _write_fields(tx, made, 1, rows, now=now)
    return made


async def event_type_named(tx: Transaction, project_id: int, reference: str) -> int:
    """The id of the project's event type with this reference, archived or not."""
    found = None
    if reference.isprintable():  # NUL and lone surrogates cannot be searched for
        found = await tx.fetchval(_NAMED, tx.scope.group_id, project_id, reference)
    if found is None:
        raise NotFound("event type", reference, path=["reference"])
    return int(found)


async def update_event_type(tx: Transaction, ident: int, given: EventTypeFields, *, now: datetime) -> int:
    """Change what was sent; the id. Fields that differ from the current ones make a new version."""
    rows = None if isinstance(given.fields, Unset) else checked_fields(given.fields or ())
    values = written(given, without=("fields",))
    if "name" in values and values["name"] is None:
        raise Invalid("`name` cannot be null; leave it out instead.", path=["name"])
    project_id = await _project_of(tx, ident)
    stored = await tx.fetchrow(_STORED, tx.scope.group_id, ident)
    if stored is None:
        raise NotFound("event type", ident, path=["id"])
    before = dict(stored)
    after = {**before, **values}
    if rows is not None and rows != await _present(tx, ident):
        await _check_kinds(tx, project_id, rows)
        after["version"] += 1
        await tx.execute(_OLD_FIELDS, tx.scope.group_id, ident)
        await _write_fields(tx, ident, after["version"], rows, now=now)
    if after != before:
        await update_row(tx, "event_type", ident, {**after, "updated_at": now})
    return ident


async def archive_event_type(tx: Transaction, ident: int, *, now: datetime) -> int:
    """Take no more events of this type; the id. Doing it twice changes nothing more."""
    await _project_of(tx, ident)
    await tx.execute(_ARCHIVE, *borders(tx.scope), ident, now, now)
    return ident


async def restore_event_type(tx: Transaction, ident: int, *, now: datetime) -> int:
    """Take events of this type again; the id."""
    await _project_of(tx, ident)
    await tx.execute(_ARCHIVE, *borders(tx.scope), ident, None, now)
    return ident


async def _lock_project(tx: Transaction, project_id: int) -> None:
    if await tx.fetchval(_LOCK_PROJECT, *borders(tx.scope), project_id) is None:
        raise NotFound("project", project_id, path=["project"])


async def _project_of(tx: Transaction, ident: int) -> int:
    """Lock the type's project; its id."""
    project_id = await tx.fetchval(_PROJECT_OF, *borders(tx.scope), ident)
    if project_id is None:
        raise NotFound("event type", ident, path=["id"])
    await _lock_project(tx, project_id)
    return int(project_id)


async def _check_kinds(tx: Transaction, project_id: int, rows: Sequence[FieldRow]) -> None:
    keys = [row.storage_key for row in rows]
    found = await tx.fetch(_KINDS, tx.scope.group_id, project_id, keys)
    check_kinds(rows, {row["storage_key"]: row["kind"] for row in found})


async def _present(tx: Transaction, ident: int) -> list[FieldRow]:
    return [
        FieldRow(
            **{
                **row,
                "kind": EventFieldKind(row["kind"]),
                "data_type": EventDataType(row["data_type"]),
            }
        )
        for row in await tx.fetch(_FIELDS, tx.scope.group_id, ident)
    ]


async def _write_fields(
    tx: Transaction, ident: int, version: int, rows: Sequence[FieldRow], *, now: datetime
) -> None:
    columns = list(zip(*map(astuple, rows), strict=True)) or [()] * len(fields(FieldRow))
    await tx.execute(_NEW_FIELDS, tx.scope.group_id, ident, version, now, *map(list, columns))


__all__ = [
    "EventTypeFields",
    "archive_event_type",
    "create_event_type",
    "restore_event_type",
    "update_event_type",
]
