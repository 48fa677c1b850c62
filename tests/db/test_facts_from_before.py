"""Figures of before there were sources become facts, and the headlines made of them are what the rule says."""

import asyncio

import asyncpg
import pytest
from alembic import command

from app.db import migrating
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.metrics.facts import REBUILD

pytestmark = pytest.mark.slow
BEFORE = "0021"
GIVEN = """
INSERT INTO tenant DEFAULT VALUES;
INSERT INTO customer_group (id, name, currency, time_zone) SELECT id, 'g', 'EUR', 'Europe/Paris' FROM tenant;
INSERT INTO store (group_id, name, beacon_key, is_default) SELECT id, 's', 'beacon', true FROM customer_group;
INSERT INTO campaign (group_id, store_id, name, type, objective, status, channels, currency,
                      is_explicit, is_template, total_rewards, opening)
SELECT s.group_id, s.id, 'c', 'promotion', 'unspecified', 'active', '{email}', 'EUR', true, false, 0, o.opening::json
  FROM store s, (VALUES
    (1, '{"until": "2025-06-01T10:00:00Z", "told": {"sent": 100, "opened": 40, "clicks": 20, "revenue": 70, "spend": 9},
          "put": {"day": "2025-05-31", "channel": "email", "own": false, "sent": 60, "opened": 30, "clicks": 20,
                  "revenue": 70, "spend": 9}}'), (2, NULL)) AS o (n, opening) ORDER BY n;
INSERT INTO campaign_metric (group_id, campaign_id, day, channel, currency, impressions, clicks, conversions, sent,
                             delivered, opened, unsubscribed, spend, revenue, extra)
SELECT c.group_id, c.id, day::date, 'email', 'EUR', 0, clicks, 3, sent, delivered, opened, 1, spend, revenue, '{}'
  FROM campaign c
  JOIN (VALUES (true, '2025-05-31', 20, 100, 40, 40, 9.5, 75), (true, '2025-05-30', 7, 0, 0, 5, 0, 0),
               (false, '2025-05-30', 30, 9, 10, 12, 1, 4))
    AS m (has_opening, day, clicks, sent, delivered, opened, spend, revenue)
    ON m.has_opening = (c.opening IS NOT NULL);
INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
SELECT group_id, campaign_id, 'reported', campaign_id || '/' || day || '/' || channel, day, channel, spend, currency
  FROM campaign_metric WHERE spend > 0;
"""


async def test_what_was_counted_before_is_a_source_and_the_headline_is_the_rules(
    server: EmbeddedServer,
) -> None:
    url = server.dsn("before_sources")
    await create_database(url)
    await asyncio.to_thread(command.upgrade, migrating.config(url), BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute(GIVEN)
    await migrate(url)
    await owner.close()
    owner = await asyncpg.connect(url)
    facts = await owner.fetch(
        "SELECT day::text, source, sent, delivered, opened, clicked, clicks, spend, revenue FROM metric_fact"
        " WHERE campaign_id = (SELECT min(id) FROM campaign) ORDER BY day, source"
    )
    assert [tuple(fact) for fact in facts] == [
        ("2025-05-30", "reported:email", None, None, 5, None, 7, 0, None),
        ("2025-05-31", "opening", 60, None, 30, 20, 20, 9, 70),
        ("2025-05-31", "reported:email", 40, 40, 10, None, None, 0.5, 5),
    ]
    tables = ("campaign_metric", "metric_rollup", "metric_fact_rollup")
    shown = []
    for _ in range(2):
        shown.append([await _rows(owner, table) for table in tables])
        for statement in REBUILD:
            await owner.execute(statement, await owner.fetchval("SELECT id FROM customer_group"))
    assert shown[0] == shown[1]
    await asyncio.to_thread(command.downgrade, migrating.config(url), BEFORE)
    spent = await owner.fetch("SELECT source, amount FROM spend_entry ORDER BY amount")
    assert [tuple(row) for row in spent] == [("reported", 1), ("reported", 9.5)]
    await owner.close()


async def _rows(owner: asyncpg.Connection, table: str) -> list[dict[str, object]]:
    key = "campaign_id" if table == "campaign_metric" else "store_id"
    rows = [dict(row) for row in await owner.fetch(f"SELECT * FROM {table} ORDER BY {key}, day, channel")]
    return [{name: value for name, value in row.items() if name not in ("id", "created_at")} for row in rows]
