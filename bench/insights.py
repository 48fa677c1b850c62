"""Insights over 5,000,000 events of a year: `python -m bench.insights`, on a database of its own that is thrown away.

Events, every fifth with a turnover, and their hourly sums are made set-wise in SQL. Bar: a year by day and event type
within 200 ms (median), where zone and window let it read whole hours; exit status 1 over it. `INSIGHT_EVENTS` changes
how many.
"""

import os
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench.asking import Asking

EVENTS = int(os.environ.get("INSIGHT_EVENTS", "5000000"))
TYPES = 8
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BAR_MS = 200.0
_GROUP = """
WITH made AS (INSERT INTO tenant DEFAULT VALUES RETURNING id),
     named AS (INSERT INTO customer_group (id, name, currency, time_zone) SELECT id, 'bench', 'EUR', 'UTC' FROM made)
SELECT id FROM made
"""
_PROJECT = (
    "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, 'b', 'bench', false) RETURNING id"
)
_TYPES = """
INSERT INTO event_type (group_id, project_id, reference, name)
SELECT $1, $2, 'type-' || n, 'A type' FROM generate_series(1, $3::int) n
"""
_EVENTS = """
INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at, status,
                   event_type_id, type_version)
SELECT $1, uuidv7(), $2, 'tracker', n::text, t.reference, made.at, made.at, 'processed', t.id, 1
  FROM (SELECT n, '2025-01-01 00:00+00'::timestamptz + random() * interval '365 days' AS at,
               1 + floor($4 * random() ^ 2)::int AS place
          FROM generate_series(1, $3::bigint) n) made
  JOIN (SELECT id, reference, row_number() OVER (ORDER BY id) AS place FROM event_type WHERE group_id = $1) t
    ON t.place = made.place
"""
_METRICS = """
INSERT INTO event_metric (group_id, event_id, project_id, occurred_at, kind, storage_key, value, metric_date)
SELECT group_id, id, project_id, occurred_at, 'statistic', 'turnover', round((random() * 500)::numeric, 2), occurred_at
  FROM event WHERE group_id = $1 AND dedup_key::bigint % 5 = 0
"""
_ROLLUP = """
INSERT INTO event_rollup (group_id, project_id, event_type_id, hour, key, value)
SELECT $1::bigint, $2::bigint, event_type_id, date_trunc('hour', occurred_at), 'event-count', count(*)
  FROM event WHERE group_id = $1 GROUP BY 3, 4
UNION ALL
SELECT $1::bigint, $2::bigint, e.event_type_id, date_trunc('hour', e.occurred_at), m.storage_key, sum(m.value)
  FROM event e JOIN event_metric m ON m.group_id = $1 AND m.event_id = e.id
 WHERE e.group_id = $1 GROUP BY 3, 4, 5
"""
# What no insight reads only makes filling slow.
_LEFT_OUT = """
SELECT indexname FROM pg_indexes
 WHERE tablename IN ('event', 'event_metric') AND indexname NOT LIKE 'pk_%'
   AND indexname NOT IN ('ix_event_group_id_event_type_id_occurred_at_id',
                         'ix_event_metric_group_id_project_id_storage_key_occurred_at_id')
   AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)
"""
YEAR = 'since: "2025-01-01T00:00:00Z", until: "2025-12-31T23:59:59.999Z"'
RAGGED = 'since: "2025-01-01T00:20:00Z", until: "2025-12-31T22:40:00Z"'
VALUES = "{ period eventType values { metric value } }"
BARRED = "by day and event type"


def _query(rest: str, *, window: str = YEAR, metrics: str = '["event-count"]') -> str:
    return f'{{ insights(project: "bench", metrics: {metrics}, {window}, {rest}) {VALUES} }}'


QUERIES = {
    f"{BARRED}": _query("interval: DAY, by: EVENT_TYPE"),
    f"{BARRED}, ragged ends": _query("interval: DAY, by: EVENT_TYPE", window=RAGGED),
    f"{BARRED}, two metrics": _query("interval: DAY, by: EVENT_TYPE", metrics='["event-count", "turnover"]'),
    f"{BARRED}, Paris": _query('interval: DAY, by: EVENT_TYPE, timeZone: "Europe/Paris"'),
    "by month": _query("interval: MONTH"),
    "by day of the week": _query("interval: DAY_OF_WEEK"),
    "by day, Kolkata, where days begin at 18:30": _query('interval: DAY, timeZone: "Asia/Kolkata"'),
}


def main() -> None:
    """Measure and say it."""
    Asking(
        name="insights",
        doc=__doc__,
        queries=QUERIES,
        now=NOW,
        fill=_fill,
        about=f"{EVENTS:,} events of {TYPES} types over a year; the bar of {BAR_MS:g} ms is for days by event type.",
        bar_ms=BAR_MS,
        barred=BARRED,
        times=7,
        statement_timeout_ms=120_000,
    ).main()


async def _fill(url: str) -> int:
    """A group with its events and their sums; its id."""
    owner: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        group_id = int(await owner.fetchval(_GROUP))
        project_id = await owner.fetchval(_PROJECT, group_id)
        await owner.execute(_TYPES, group_id, project_id, TYPES)
        for row in await owner.fetch(_LEFT_OUT):
            await owner.execute(f"DROP INDEX {row['indexname']}")
        # References are right by the way rows are made here; checking five million of them takes minutes.
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(_EVENTS, group_id, project_id, EVENTS, TYPES)
        await owner.execute("ANALYZE event")
        await owner.execute(_METRICS, group_id)
        await owner.execute(_ROLLUP, group_id, project_id)
        for table in ("event", "event_metric", "event_rollup", "event_type"):
            await owner.execute(f"VACUUM ANALYZE {table}")
        return group_id
    finally:
        await owner.close()


if __name__ == "__main__":
    main()
