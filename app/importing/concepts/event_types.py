"""Event types: a row makes one, or changes the one that has its id or its reference.

`fields` are declarations as `FieldEntry` has them (`storage_key`, `kind`, `ingestion_key`, `name`, `data_type`,
`is_required`, `identity`, `sent`), in their order. Other fields than before are a new version.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.event_types.bringing_in import EventTypePast, bring_in_event_type
from app.domain.event_types.fields import FieldEntry
from app.domain.event_types.operations import EventTypeFields
from app.errors import Invalid
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.tracking import project_of
from app.importing.knowing import before_made, give_ids, known_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, document, flag, instant, one_of, text
from app.tables.event_types import EventDataType, EventFieldKind, RewardTrigger
from app.tables.funnels import FunnelStage
from app.values.changes import UNSET

_STATE = """
SELECT md5(to_jsonb(t)::text || coalesce((SELECT jsonb_agg(to_jsonb(f) ORDER BY f.position)::text FROM event_field f
                                           WHERE f.group_id = $1 AND f.event_type_id = t.id AND f.is_current), ''))
  FROM event_type t WHERE t.group_id = $1 AND t.id = $2
"""
_DOCUMENTS = ("details", "expiration_policy", "phone_parsing")


class EventTypeWriter:
    """Makes or changes event types, one by one."""

    columns = Columns(
        known=(
            "external_id", "project", "reference", "name", "fields", "details", "expiration_policy", "phone_parsing",
            "funnel_stage", "trigger", "trigger_by_strangers", "archived_at", "created_at", "updated_at",
        ),
        also={
            "id": "external_id", "project_id": "project", "metadata": "details",
            "phone_parsing_config": "phone_parsing",
        },
        moments=frozenset({"archived_at", "created_at", "updated_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    project, reference = row.take("project", text), row.take("reference", text)
    if not project or not reference:
        raise Invalid("An event type has a `project` and a `reference`.", path=["reference"])
    past = EventTypePast(
        created_at=row.take("created_at", instant), updated_at=row.take("updated_at", instant),
        archived_at=row.take("archived_at", instant),
    )  # fmt: skip
    values: dict[str, Any] = {"name": row.take("name", text), "fields": row.take("fields", _fields)}
    for name in _DOCUMENTS:
        values[name] = row.take(name, document)
    values["funnel_stage"] = row.take("funnel_stage", one_of(FunnelStage))
    values["trigger"] = row.take("trigger", one_of(RewardTrigger))
    values["trigger_by_strangers"] = row.take("trigger_by_strangers", flag)
    row.nothing_left(EventTypeWriter.columns.known)
    given = EventTypeFields(**{name: UNSET if value is None else value for name, value in values.items()})
    project_id = await project_of(tx, project, now=now)
    known = await known_row(tx, "evtype", ids) if ids else None
    there = (
        known if known is not None else await tx.fetchval(_NAMED, tx.scope.group_id, project_id, reference)
    )
    before = None if there is None else await tx.fetchval(_STATE, tx.scope.group_id, there)
    if ids:
        await before_made(tx, "evtype", ids)
    ident = await bring_in_event_type(
        tx,
        None if there is None else int(there),
        given,
        past,
        project_id=project_id,
        reference=reference,
        now=now,
    )
    if ids:
        await give_ids(tx, "evtype", ident, ids)
    if before is None:
        return Verdict.MADE
    return Verdict.SAME if before == await tx.fetchval(_STATE, tx.scope.group_id, ident) else Verdict.CHANGED


_NAMED = "SELECT id FROM event_type WHERE group_id = $1 AND project_id = $2 AND reference = $3"


def _fields(value: Any, name: str) -> list[FieldEntry]:
    told = document(value, name)
    if not isinstance(told, list):
        raise Invalid("`fields` is a list of declarations.", path=["fields"])
    return [_field(one, at) for at, one in enumerate(told)]


def _field(told: Any, at: int) -> FieldEntry:
    if not isinstance(told, Mapping):
        raise Invalid(f"`fields.{at}` is an object.", path=["fields", at])
    values: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    try:
        if "kind" in values:
            values["kind"] = EventFieldKind(str(values["kind"]).lower())
        if "data_type" in values:
            values["data_type"] = EventDataType(str(values["data_type"]).lower())
        return FieldEntry(**values)
    except (TypeError, ValueError) as why:
        raise Invalid(f"`fields.{at}`: {why}.", path=["fields", at]) from None
