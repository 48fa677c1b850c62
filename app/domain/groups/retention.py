"""How long a group keeps things, kept: old texts go a few rows at a time, and what was read from them stays.

Rows are found by when they are from, in that order, and a mark says how far a kind has come, so that rows that are done
are not read again and again. What came to be due behind the mark (an event taken out of the trash later) is found when
the job starts over, once a week.

Sums, metrics, ledgers, balances and decisions are never touched, and no event that still has to be processed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.database import Database, Transaction
from app.values.scope import Scope

BATCH = 1_000
"""Rows looked at in one transaction: some milliseconds, so that nobody waits for their locks."""
COUNT_BATCH = 50_000
SETTLED_AFTER = timedelta(minutes=1)
"""Events are counted when they are this old: those whose COMMIT comes later than that are not."""
BEGINNING = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is dropped when it is so many days old."""

    name: str
    column: str
    """Of `customer_group`: after how many days."""
    sql: str
    """Drops some of what is due between two moments, the oldest first: how many rows, the latest of their moments, and
    what that was of the group's events and bytes."""


# Dropping the body of an event leaves all that was read from it; locked rows are passed over until the next round.
_BODIES = """
WITH due AS (
  SELECT id, received_at AS at FROM event
   WHERE group_id = $1 AND received_at >= $2 AND received_at < $3
     AND body IS NOT NULL AND status = 'processed' AND {source}
   ORDER BY received_at, id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED),
done AS (
  UPDATE event SET body = NULL FROM due WHERE event.group_id = $1 AND event.id = due.id
  RETURNING pg_column_size(old.body) AS size)
SELECT (SELECT count(*) FROM due) AS dropped, (SELECT max(at) FROM due) AS latest,
       0 AS events, (SELECT coalesce(sum(size), 0) FROM done) AS bytes
"""
_TRASH = """
WITH due AS (
  SELECT id, received_at AS at FROM event
   WHERE group_id = $1 AND status = 'trashed' AND received_at >= $2 AND received_at < $3
   ORDER BY received_at, id LIMIT $4 FOR UPDATE SKIP LOCKED),
done AS (
  DELETE FROM event USING due WHERE event.group_id = $1 AND event.id = due.id
  RETURNING coalesce(pg_column_size(body), 0) + coalesce(pg_column_size(data), 0)
            + coalesce(pg_column_size(user_data), 0) AS size)
SELECT (SELECT count(*) FROM due) AS dropped, (SELECT max(at) FROM due) AS latest,
       (SELECT count(*) FROM done) AS events, (SELECT coalesce(sum(size), 0) FROM done) AS bytes
"""
_REFUSALS = """
WITH due AS (
  SELECT id, received_at AS at FROM webhook_refusal
   WHERE group_id = $1 AND received_at >= $2 AND received_at < $3
   ORDER BY received_at, id LIMIT $4 FOR UPDATE SKIP LOCKED),
done AS (
  DELETE FROM webhook_refusal r USING due WHERE r.group_id = $1 AND r.id = due.id RETURNING r.id)
SELECT (SELECT count(*) FROM due) AS dropped, (SELECT max(at) FROM due) AS latest,
       (SELECT 0 * count(*) FROM done) AS events, 0 AS bytes
"""
# Simulations read the balances, which were held by nothing else; all other steps are told again by the inputs.
_TRACES = """
WITH due AS (
  SELECT id, created_at AS at FROM reward_evaluation
   WHERE group_id = $1 AND created_at >= $2 AND created_at < $3
     AND EXISTS (SELECT FROM json_object_keys(trace) AS key WHERE key <> 'balances')
   ORDER BY created_at, id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED),
done AS (
  UPDATE reward_evaluation e
     SET trace = CASE WHEN e.trace -> 'balances' IS NULL THEN '{}'::json
                      ELSE json_build_object('balances', e.trace -> 'balances') END
    FROM due WHERE e.group_id = $1 AND e.id = due.id
  RETURNING e.id)
SELECT (SELECT count(*) FROM due) AS dropped, (SELECT max(at) FROM due) AS latest, 0 AS events, 0 AS bytes
"""
KINDS: Sequence[Kind] = (
    Kind("bodies", "keep_bodies_days", _BODIES.format(source="event.source = 'tracker'")),
    Kind("deliveries", "keep_deliveries_days", _BODIES.format(source="event.source LIKE 'webhook.%'")),
    Kind("trash", "keep_trash_days", _TRASH),
    Kind("refusals", "keep_trash_days", _REFUSALS),
    Kind("traces", "keep_traces_days", _TRACES),
)
_DAYS = "SELECT {columns} FROM customer_group WHERE id = $1"
_MARK = "SELECT until FROM retention_mark WHERE group_id = $1 AND key = $2"
_SET_MARK = """
INSERT INTO retention_mark (group_id, key, until) VALUES ($1, $2, $3)
ON CONFLICT (group_id, key) DO UPDATE SET until = excluded.until
"""
_START_OVER = "DELETE FROM retention_mark WHERE group_id = $1 AND key <> 'usage'"
_MOVE = """
UPDATE customer_group SET events = greatest(0, events + $2), event_bytes = greatest(0, event_bytes + $3) WHERE id = $1
"""
# Up to the moment of the last row of a batch, all rows of that moment among them.
_COUNT = """
WITH edge AS (
  SELECT received_at FROM event WHERE group_id = $1 AND received_at > $2 AND received_at <= $3
   ORDER BY received_at, id OFFSET $4 LIMIT 1)
SELECT count(*) AS events, max(received_at) AS latest,
       coalesce(sum(coalesce(pg_column_size(body), 0) + coalesce(pg_column_size(data), 0)
                    + coalesce(pg_column_size(user_data), 0)), 0)::bigint AS bytes
  FROM event
 WHERE group_id = $1 AND received_at > $2 AND received_at <= coalesce((SELECT received_at FROM edge), $3)
"""


async def keep_retention(db: Database, group_id: int, *, now: datetime) -> dict[str, int]:
    """Drop all that is due in the group, in small transactions; how much of each kind that was."""
    scope, dropped = Scope(group_id), {}
    async with db.transaction(scope) as tx:
        days = await tx.fetchrow(_DAYS.format(columns=", ".join(kind.column for kind in KINDS)), group_id)
    for kind in KINDS:
        keeps = None if days is None else days[kind.column]
        if keeps is None:
            continue
        total = 0
        while True:
            async with db.transaction(scope) as tx:
                count = await _drop(tx, kind, now - timedelta(days=keeps))
            total += count
            if count < BATCH:
                break
        if total:
            dropped[kind.name] = total
    return dropped


async def start_over(db: Database, group_id: int) -> None:
    """Look at everything again in the next round."""
    async with db.transaction(Scope(group_id)) as tx:
        await tx.execute(_START_OVER, group_id)


async def count_events(db: Database, group_id: int, *, now: datetime) -> None:
    """Add what came in since the last time to what the group takes."""
    looked = COUNT_BATCH
    while looked >= COUNT_BATCH:
        async with db.transaction(Scope(group_id)) as tx:
            since = await tx.fetchval(_MARK, group_id, "usage") or BEGINNING
            row = await tx.fetchrow(_COUNT, group_id, since, now - SETTLED_AFTER, COUNT_BATCH - 1)
            assert row is not None
            looked = row["events"]
            if looked:
                await tx.execute(_SET_MARK, group_id, "usage", row["latest"])
                await tx.execute(_MOVE, group_id, looked, row["bytes"])


async def _drop(tx: Transaction, kind: Kind, before: datetime) -> int:
    group_id = tx.scope.group_id
    since = await tx.fetchval(_MARK, group_id, kind.name) or BEGINNING
    if since >= before:  # It keeps them longer now than it did.
        return 0
    row = await tx.fetchrow(kind.sql, group_id, since, before, BATCH)
    assert row is not None
    dropped = int(row["dropped"])
    await tx.execute(_SET_MARK, group_id, kind.name, row["latest"] if dropped == BATCH else before)
    if row["events"] or row["bytes"]:
        await tx.execute(_MOVE, group_id, -row["events"], -row["bytes"])
    return dropped


__all__ = ["KINDS", "count_events", "keep_retention", "start_over"]
