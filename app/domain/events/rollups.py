"""The hourly sums behind insights: whoever changes what they count updates them in the same transaction.

Only processed events of an event type count. A statistic's key holds the sum of its values, a state's key how often it
is 1, `event-count` how many events there are.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from app.db.constraints import refusals
from app.db.database import Transaction
from app.tables.event_metrics import EVENT_COUNT

RollupKey = tuple[int, datetime, str]
"""Event type, hour and storage key; the hour as `hour_of` the event's `occurred_at`."""


def hour_of(occurred_at: datetime) -> datetime:
    """The start of its hour, in UTC."""
    return occurred_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


_ADD = """
INSERT INTO event_rollup (group_id, project_id, event_type_id, hour, key, value)
SELECT $1, $2, given.*
  FROM unnest($3::bigint[], $4::timestamptz[], $5::text[], $6::numeric[]) AS given
ON CONFLICT (group_id, project_id, hour, event_type_id, key)
DO UPDATE SET value = event_rollup.value + excluded.value
"""


async def add_to_sums(tx: Transaction, project_id: int, deltas: Mapping[RollupKey, Decimal]) -> None:
    """Add these differences to the sums; they may be negative, and those of 0 cost nothing.

    Rows are locked in the order of their keys until the transaction ends. So call it once, after everything else
    that locks; for several projects in the order of their ids.
    """
    moved = sorted((key, delta) for key, delta in deltas.items() if delta)
    if not moved:
        return
    with refusals():
        await tx.execute(
            _ADD,
            tx.scope.group_id,
            project_id,
            [event_type_id for (event_type_id, _, _), _ in moved],
            [hour for (_, hour, _), _ in moved],
            [key for (_, _, key), _ in moved],
            [delta for _, delta in moved],
        )


__all__ = ["EVENT_COUNT", "RollupKey", "add_to_sums", "hour_of"]
