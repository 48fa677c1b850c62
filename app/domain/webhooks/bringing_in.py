"""How many events of a provider another system received."""

from datetime import datetime

from app.db.database import Transaction
from app.tables.webhooks import Provider

# What was received here since is kept apart from what is told, so that telling it again changes nothing.
_TELL = """
INSERT INTO webhook_provider AS p (group_id, provider, created_at, events_received, events_before, last_event_at)
VALUES ($1, $2, $3, $4, $4, $5)
ON CONFLICT (group_id, provider) DO UPDATE
   SET events_received = p.events_received - p.events_before + excluded.events_before,
       events_before = excluded.events_before,
       last_event_at = greatest(p.last_event_at, excluded.last_event_at)
 WHERE p.events_before <> excluded.events_before
    OR p.last_event_at IS DISTINCT FROM greatest(p.last_event_at, excluded.last_event_at)
"""


async def bring_in_counts(
    tx: Transaction, provider: Provider, events: int, *, last_event_at: datetime | None, now: datetime
) -> bool:
    """Count the events that another system received before those received here; whether that is news."""
    return bool(await tx.execute(_TELL, tx.scope.group_id, provider, now, events, last_event_at))
