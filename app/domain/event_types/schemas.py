"""Event types, as needed to judge events by them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from app.db.database import Transaction
from app.tables.event_types import EventDataType, EventFieldKind


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """A field, state or statistic."""

    kind: EventFieldKind
    storage_key: str
    ingestion_key: str
    """Its key in the data of an event as sent."""
    data_type: EventDataType
    is_required: bool
    identity: str | None
    """Set: the value is one of the user's attributes."""


@dataclass(frozen=True, slots=True)
class EventSchema:
    """An event type in its latest version. Plain values: it may be kept as long as that version is current."""

    id: int
    project_id: int
    reference: str
    version: int
    is_archived: bool
    """Events of this type are no longer taken."""
    fields: tuple[FieldSchema, ...]
    """In their order."""
    funnel_stage: str | None
    trigger: str | None
    trigger_by_strangers: bool
    """Whether events that nobody vouches for trigger as well."""
    phone_parsing: Any
    """The document's `phoneParsingConfig`, decoded; None: nothing was configured."""


# One statement, so that nobody sees half of a change.
_SCHEMAS = """
SELECT t.id, t.project_id, t.reference, t.version, t.archived_at IS NOT NULL AS is_archived, t.funnel_stage, t.trigger,
       t.trigger_by_strangers, t.phone_parsing::text AS phone_parsing,
       f.kind, f.storage_key, f.ingestion_key, f.data_type, f.is_required, f.identity
  FROM unnest($2::bigint[], $3::text[]) AS asked (project_id, reference)
  JOIN event_type t ON t.group_id = $1 AND t.project_id = asked.project_id AND t.reference = asked.reference
  LEFT JOIN event_field f ON f.group_id = t.group_id AND f.event_type_id = t.id AND f.is_current
 ORDER BY t.id, f.position
"""


async def load_schemas(
    tx: Transaction, asked: Collection[tuple[int, str]]
) -> dict[tuple[int, str], EventSchema]:
    """By project and reference, archived or not. Those that do not exist are left out."""
    pairs = sorted(asked)
    rows = await tx.fetch(
        _SCHEMAS, tx.scope.group_id, [project for project, _ in pairs], [reference for _, reference in pairs]
    )
    return {
        (schema.project_id, schema.reference): schema
        for schema in (_schema(list(some)) for _, some in groupby(rows, itemgetter("id")))
    }


async def load_schema(tx: Transaction, project_id: int, reference: str) -> EventSchema | None:
    """The project's event type of this reference, archived or not; None where there is none."""
    asked = (project_id, reference)
    return (await load_schemas(tx, [asked])).get(asked)


def _schema(rows: Sequence[Mapping[str, Any]]) -> EventSchema:
    first = rows[0]
    phones = first["phone_parsing"]
    return EventSchema(
        id=first["id"],
        project_id=first["project_id"],
        reference=first["reference"],
        version=first["version"],
        is_archived=first["is_archived"],
        fields=tuple(
            FieldSchema(
                EventFieldKind(row["kind"]),
                row["storage_key"],
                row["ingestion_key"],
                EventDataType(row["data_type"]),
                row["is_required"],
                row["identity"],
            )
            for row in rows
            if row["storage_key"] is not None
        ),
        funnel_stage=first["funnel_stage"],
        trigger=first["trigger"],
        trigger_by_strangers=first["trigger_by_strangers"],
        phone_parsing=msgspec.json.decode(phones) if phones else None,
    )


__all__ = ["EventSchema", "FieldSchema", "load_schema", "load_schemas"]
