"""Taking events out of the trash: they are judged again, by their type as it is now.

Idempotent: only what is in the trash is replayed, each event in a transaction that holds its row, and what was taken
is no longer there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db.database import Database
from app.domain.events.processing import MAX_BATCH, process_these
from app.tables.events import EventStatus
from app.values.scope import Scope

MAX_REPLAYED = 10_000
"""The most per call, those that have waited longest first."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    replayed: int
    """Processed now."""
    still_failing: int
    """In the trash again, with today's reasons."""


_TRASHED = """
SELECT e.id FROM event e
 WHERE e.group_id = $1 AND e.project_id = $2 AND e.status = 'trashed' AND ($3::uuid[] IS NULL OR e.id = ANY ($3))
   AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM event_fault f
                                     WHERE f.group_id = e.group_id AND f.event_id = e.id AND f.code = $4))
   AND ($5::text IS NULL OR EXISTS (SELECT 1 FROM event_fault f
                                     WHERE f.group_id = e.group_id AND f.event_id = e.id AND f.field = $5))
 ORDER BY e.received_at, e.id LIMIT $6
"""


async def replay_events(
    db: Database,
    group_id: int,
    project_id: int,
    *,
    ids: Sequence[UUID] | None = None,
    code: str | None = None,
    field: str | None = None,
    now: datetime,
) -> Replayed:
    """Replay what is in the project's trash: all of it, these events, or those with this reason."""
    asked = None if ids is None else list(ids)
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_TRASHED, group_id, project_id, asked, code, field, MAX_REPLAYED)
    trashed = [row["id"] for row in rows]
    replayed = failing = 0
    for at in range(0, len(trashed), MAX_BATCH):
        done = await process_these(
            db, group_id, trashed[at : at + MAX_BATCH], status=EventStatus.TRASHED, now=now
        )
        failing += done.trashed
        replayed += len(done.faults) - done.trashed
    return Replayed(replayed, failing)


__all__ = ["MAX_REPLAYED", "Replayed", "replay_events"]
