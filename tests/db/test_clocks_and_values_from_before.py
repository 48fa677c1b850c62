"""Events and values of before are marked by the rules of today: whose clock is doubted, and which values were told."""

import asyncio

import asyncpg
import pytest
from alembic import command

from app.db import migrating
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate

pytestmark = pytest.mark.slow
BEFORE = "0030"
GIVEN = """
INSERT INTO tenant DEFAULT VALUES;
INSERT INTO customer_group (id, name, currency, time_zone) SELECT id, 'g', 'EUR', 'Europe/Paris' FROM tenant;
INSERT INTO project (group_id, name, slug, is_internal) SELECT id, 'p', 'shop', false FROM customer_group;
INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at, is_vouched,
                   written_by)
SELECT p.group_id, uuidv7(), p.id, 'tracker', e.name, 'order', '2026-03-01T12:00:00Z', e.at::timestamptz, e.vouched,
       e.written_by
  FROM project p, (VALUES ('ahead', '2999-01-01', false, 7), ('ahead, vouched', '2026-03-01T14:00Z', true, 7),
                          ('behind', '1970-01-01', false, 7), ('behind, vouched', '1970-01-01', true, 7),
                          ('behind, brought in', '1970-01-01', false, NULL), ('near', '2026-02-28', false, 7))
    AS e (name, at, vouched, written_by);
INSERT INTO event_metric (group_id, event_id, project_id, occurred_at, kind, storage_key, value, metric_date)
SELECT e.group_id, e.id, e.project_id, e.occurred_at, 'state', k.key, 1, e.occurred_at
  FROM event e, (VALUES ('told'), ('came')) AS k (key) WHERE e.dedup_key = 'near';
INSERT INTO event_metric_change (group_id, metric_id, value, metric_date, actor)
SELECT group_id, id, 1, metric_date, CASE WHEN storage_key = 'told' THEN 'user:1' END FROM event_metric;
"""


async def test_rows_of_before_are_marked(server: EmbeddedServer) -> None:
    url = server.dsn("before_clocks")
    await create_database(url)
    await asyncio.to_thread(command.upgrade, migrating.config(url), BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute(GIVEN)
    await owner.close()
    await migrate(url)
    owner = await asyncpg.connect(url)
    marked = await owner.fetch("SELECT dedup_key FROM event WHERE is_clock_doubtful ORDER BY dedup_key")
    assert [row[0] for row in marked] == ["ahead", "ahead, vouched", "behind"]
    told = await owner.fetch("SELECT storage_key, is_told, decided_at FROM event_metric ORDER BY storage_key")
    assert [tuple(row) for row in told] == [("came", False, None), ("told", True, None)]
    await owner.close()
    await asyncio.to_thread(command.downgrade, migrating.config(url), BEFORE)
