"""Writing states and statistics of events that are brought in, in sets, and the values that came too late to stand."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.events.currencies import currency_of
from app.domain.events.past import PastMetric
from app.domain.events.past_rows import Write
from app.domain.external_ids.finding import rows_known_as
from app.domain.external_ids.giving import note_ids, set_ids
from app.domain.external_ids.room import make_room

_NEW_METRICS = """
INSERT INTO event_metric (group_id, created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind,
                               storage_key, value, metric_date, known_as_system, known_as_id, currency, decided_at,
                               is_told)
SELECT $1, given.created_at, given.updated_at, given.event_id, given.project_id, given.customer_id, given.occurred_at,
       given.kind, given.key, given.value, given.metric_date,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.system] END,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.ident] END,
       CASE given.kind WHEN 'statistic' THEN given.currency END, given.decided_at, given.is_told
  FROM unnest($2::timestamptz[], $3::timestamptz[], $4::uuid[], $5::bigint[], $6::bigint[], $7::timestamptz[],
              $8::text[], $9::text[], $10::numeric[], $11::timestamptz[], $12::text[], $13::text[], $14::text[],
              $15::timestamptz[], $16::boolean[])
    WITH ORDINALITY AS given (created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind, key, value,
                              metric_date, system, ident, currency, decided_at, is_told, place)
 ORDER BY place
RETURNING id, event_id, storage_key
"""
# Of new events nothing can be there; being ready for it costs each row a further look into an index.
_STORE_METRICS = _NEW_METRICS.replace(
    "RETURNING",
    """ON CONFLICT (group_id, event_id, storage_key) DO UPDATE
   SET value = excluded.value, metric_date = excluded.metric_date, decided_at = excluded.decided_at,
       is_told = excluded.is_told, created_at = excluded.created_at,
       updated_at = excluded.updated_at, customer_id = excluded.customer_id, occurred_at = excluded.occurred_at,
       currency = coalesce(excluded.currency, event_metric.currency)
RETURNING""",
)
_REMEMBER = """
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date)
SELECT $1, given.* FROM unnest($2::timestamptz[], $3::bigint[], $4::numeric[], $5::timestamptz[]) AS given
"""


async def store_metrics(tx: Transaction, rows: Sequence[Write]) -> dict[UUID, int]:
    """Store what events are worth, where it stands; by event, how many metrics could not keep the id they had there."""
    # In the order of their ids there: where lists of a user's metrics are ordered by nothing else, it is by ids.
    told = sorted(((row, one) for row in rows for one in row.standing), key=lambda pair: _age(pair[1]))
    if not told:
        return {}
    free = await _free(tx, told)
    stored = {(row.id, one.storage_key): row.stored(one) for row, one in told}
    written: list[tuple[object, ...]] = []
    for row, one in told:
        system, ident = next(iter(one.ids.items()), (None, None))
        is_new = ident is not None and (system, ident) in free and stored[row.id, one.storage_key] is None
        written.append((
            one.created_at, one.updated_at, row.id, row.event.project_id, row.customer_id, row.event.occurred_at,
            one.kind.value, one.storage_key, one.value, one.metric_date, *((system, ident) if is_new else (None, None)),
            currency_of(row.told.data or (None if row.known is None else row.known.data)), one.decided_at, one.is_told,
        ))  # fmt: skip
    are_new = all(row.known is None for row, _ in told)
    with refusals():
        made = await tx.fetch(
            _NEW_METRICS if are_new else _STORE_METRICS,
            tx.scope.group_id,
            *map(list, zip(*written, strict=True)),
        )
    ids = {(row["event_id"], row["storage_key"]): row["id"] for row in made}
    changed = [
        (one.updated_at, ids[row.id, one.storage_key], one.value, one.metric_date)
        for row, one in told
        if (before := stored[row.id, one.storage_key]) is None
        or (before.value, before.metric_date) != (one.value, one.metric_date)
    ]
    if changed:
        await tx.execute(_REMEMBER, tx.scope.group_id, *map(list, zip(*changed, strict=True)))
    await note_ids(
        tx, "metric", [(str(line[10]), str(line[11]), ids[line[2], line[7]]) for line in written if line[10]]
    )
    late = {
        ids[row.id, one.storage_key]: dict(one.ids)
        for row, one in told
        if (before := stored[row.id, one.storage_key]) is not None
        and any(pair in free and before.ids.get(pair[0]) != pair[1] for pair in one.ids.items())
    }
    if late:
        await set_ids(tx, "metric", late)
    lost: dict[UUID, int] = {}
    for row, one in told:
        if any(pair not in free for pair in one.ids.items()):
            lost[row.id] = lost.get(row.id, 0) + 1
    return lost


def _age(metric: PastMetric) -> tuple[int, str]:
    ident = next(iter(metric.ids.values()), "")
    return len(ident), ident


async def _free(tx: Transaction, told: Sequence[tuple[Write, PastMetric]]) -> set[tuple[str, str]]:
    """Of the metrics' ids there, those that no other metric has, or is shown by; our numbers go on after them."""
    mine: dict[tuple[str, str], int | None] = {}
    for row, one in told:
        stored = row.stored(one)
        for pair in one.ids.items():
            mine.setdefault(pair, None if stored is None else stored.id)
    free: set[tuple[str, str]] = set()
    for system in {system for system, _ in mine}:
        ids = [ident for other, ident in mine if other == system]
        there = await rows_known_as(tx, "metric", system, ids)
        free |= {(system, ident) for ident in ids if there.get(ident) in (None, mine[system, ident])}
        await make_room(tx, "metric", system, [ident for ident in ids if (system, ident) in free])
    return free


# Each once, however often it is brought in.
_REMEMBER_LATE = """
WITH made AS (
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date)
SELECT DISTINCT ON (m.id, given.value, given.metric_date) $1, given.at, m.id, given.value, given.metric_date
  FROM unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::numeric[], $6::timestamptz[])
    AS given (at, event_id, key, value, metric_date)
  JOIN event_metric m ON m.group_id = $1 AND m.event_id = given.event_id AND m.storage_key = given.key
 WHERE NOT EXISTS (SELECT 1 FROM event_metric_change c
                    WHERE c.group_id = $1 AND c.metric_id = m.id AND c.value = given.value
                      AND c.metric_date = given.metric_date)
RETURNING metric_id, value, metric_date)
SELECT m.event_id, m.storage_key, made.value, made.metric_date
  FROM made JOIN event_metric m ON m.group_id = $1 AND m.id = made.metric_id
"""


async def remember_late(
    tx: Transaction, told: Sequence[tuple[UUID, PastMetric]]
) -> set[tuple[UUID, str, Decimal, datetime]]:
    """Keep values of metrics that are there and that a later one stands over; those nobody knew of yet."""
    if not told:
        return set()
    rows = [(one.updated_at, ident, one.storage_key, one.value, one.metric_date) for ident, one in told]
    made = await tx.fetch(_REMEMBER_LATE, tx.scope.group_id, *map(list, zip(*rows, strict=True)))
    return {(row["event_id"], row["storage_key"], row["value"], row["metric_date"]) for row in made}


__all__ = ["remember_late", "store_metrics"]
