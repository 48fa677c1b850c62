"""The trash by reason, and what would pass if judged again. Source: Webmarketer API 1.0.0, "Get Trashed events"."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.days import zone_where
from app.domain.event_types.schemas import EventSchema
from app.domain.events.validating import judge_event
from app.values.instants import DayAlone, last_moment, starting
from app.values.json_text import read_object

MAX_JUDGED = 10_000
"""How many events are judged, the latest first."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why events are in the trash, or would be, and how many."""

    code: str
    field: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Passing:
    """How many events a type would take now."""

    passing: int
    failing: int
    reasons: Sequence[Reason]
    """Of the failing ones, the most frequent first."""


# An event counts once for each reason it has.
_REASONS = """
SELECT f.code, f.field, count(DISTINCT f.event_id) AS count
  FROM event e JOIN event_fault f ON f.group_id = e.group_id AND f.event_id = e.id
 WHERE e.group_id = $1 AND e.project_id = $2 AND e.status = 'trashed'
   AND ($3::timestamptz IS NULL OR e.received_at >= $3) AND ($4::timestamptz IS NULL OR e.received_at <= $4)
 GROUP BY f.code, f.field ORDER BY count DESC, f.code, f.field
"""


async def trash_reasons(
    tx: Transaction, project_id: int, *, since: datetime | None, until: datetime | None
) -> list[Reason]:
    """The reasons in a project's trash, the most frequent first, of events received in this period, ends included.

    Days alone are the group's, and an end the whole of its day.
    """
    if isinstance(since, DayAlone) or isinstance(until, DayAlone):
        zone = await zone_where(tx)
        since = None if since is None else starting(since, zone)
        until = None if until is None else last_moment(until, zone)
    rows = await tx.fetch(_REASONS, tx.scope.group_id, project_id, since, until)
    return [Reason(row["code"], row["field"], row["count"]) for row in rows]


_TRASHED = """
SELECT event_type, body::text AS body FROM event
 WHERE group_id = $1 AND project_id = $2 AND status = 'trashed' AND event_type = $3
 ORDER BY received_at DESC, id DESC LIMIT $4
"""


async def events_would_pass(tx: Transaction, project_id: int, schema: EventSchema) -> Passing:
    """How many events in the trash that name this type's reference the schema would take."""
    rows = await tx.fetch(_TRASHED, tx.scope.group_id, project_id, schema.reference, MAX_JUDGED)
    counted: Counter[tuple[str, str | None]] = Counter()
    failing = 0
    for row in rows:
        body = read_object(row["body"].encode(), long_numbers=True)
        verdict = judge_event(schema, body, event_type=row["event_type"])
        failing += bool(verdict.faults)
        counted.update({(str(fault.code), fault.field) for fault in verdict.faults})
    reasons = sorted(
        (Reason(code, field, count) for (code, field), count in counted.items()),
        key=lambda one: (-one.count, one.code, one.field or ""),
    )
    return Passing(len(rows) - failing, failing, reasons)


__all__ = ["MAX_JUDGED", "Passing", "Reason", "events_would_pass", "trash_reasons"]
