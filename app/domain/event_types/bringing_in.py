"""Event types of another system, with the past they had there."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.event_types.operations import EventTypeFields, create_event_type, update_event_type
from app.domain.rows import update_row
from app.errors import Conflict

_NAMED = "SELECT id FROM event_type WHERE group_id = $1 AND project_id = $2 AND reference = $3"
_OF = "SELECT project_id, reference FROM event_type WHERE group_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTypePast:
    """When it was made, changed and archived. None: not known, or of `archived_at`: it lives."""

    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived_at: datetime | None = None


async def bring_in_event_type(
    tx: Transaction,
    known: int | None,
    given: EventTypeFields,
    past: EventTypePast,
    *,
    project_id: int,
    reference: str,
    now: datetime,
) -> int:
    """Make it, or let the one that is there (by its reference, if not by its id) be like it; the id."""
    if known is None:
        known = await tx.fetchval(_NAMED, tx.scope.group_id, project_id, reference)
    made = past.created_at or now
    if known is None:
        known = await create_event_type(tx, project_id, given, reference=reference, now=made)
    else:
        there = await tx.fetchrow(_OF, tx.scope.group_id, known)
        assert there is not None
        if (there["project_id"], there["reference"]) != (project_id, reference):
            raise Conflict(
                f"This event type is {there['reference']} of its project; neither can change.",
                path=["reference"],
            )
        await update_event_type(tx, known, given, now=now)
    told = {"created_at": past.created_at, "updated_at": past.updated_at}
    kept = {name: value for name, value in told.items() if value is not None}
    await update_row(tx, "event_type", known, {**kept, "archived_at": past.archived_at})
    return known
