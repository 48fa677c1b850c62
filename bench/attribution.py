"""Attribution over 100,000 journeys: `python -m bench.attribution`, on a database of its own that is thrown away.

A journey is a sale and the four interactions of its customer in the month before; a fifth of them are direct. 200
campaigns with spend on every day. Bar: return on ad spend by campaign within 1 s (median), whatever the model; exit
status 1 over it.
"""

from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench.asking import Asking

JOURNEYS, TOUCHES, CAMPAIGNS = 100_000, 4, 200
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BAR_MS = 1000.0
_GROUP = """
WITH made AS (INSERT INTO tenant DEFAULT VALUES RETURNING id),
     named AS (INSERT INTO customer_group (id, name, currency, time_zone) SELECT id, 'bench', 'EUR', 'UTC' FROM made)
SELECT id FROM made
"""
_STORE = "INSERT INTO store (group_id, name, beacon_key, is_default) VALUES ($1, 's', 's', true) RETURNING id"
_PROJECT = (
    "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, 'b', 'bench', false) RETURNING id"
)
_TYPE = """
INSERT INTO event_type (group_id, project_id, reference, name) VALUES ($1, $2, 'sale', 'Sale') RETURNING id
"""
_CAMPAIGNS = """
WITH made AS (
    INSERT INTO campaign (group_id, store_id, project_id, name, status, type, objective, currency, channels,
                          is_explicit, is_template, total_rewards)
    SELECT $1, $2, $3, 'c' || n, 'active', 'promotion', 'unspecified', 'EUR', '{email}', true, false, 0
      FROM generate_series(1, $4::int) n RETURNING id)
SELECT min(id) FROM made
"""
_CUSTOMERS = """
WITH made AS (INSERT INTO customer (group_id, name) SELECT $1, 'c' || n FROM generate_series(1, $2::int) n RETURNING id)
SELECT min(id) FROM made
"""
_EVENTS = """
INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at, status,
                   event_type_id, type_version, customer_id, is_attributable)
SELECT $1, uuidv7(), $2, 'tracker', n::text, 'sale', made.at, made.at, 'processed', $3, 1, $4 + n, true
  FROM (SELECT n, '2026-03-01 00:00+00'::timestamptz + random() * interval '90 days' AS at
          FROM generate_series(0, $5::bigint - 1) n) made
"""
_METRICS = """
INSERT INTO event_metric (group_id, event_id, project_id, customer_id, occurred_at, kind, storage_key, value,
                          metric_date)
SELECT group_id, id, project_id, customer_id, occurred_at, 'statistic', 'turnover',
       round((random() * 500)::numeric, 2), occurred_at
  FROM event WHERE group_id = $1
"""
_INTERACTIONS = """
INSERT INTO interaction (group_id, project_id, kind, customer_id, campaign_id, occurred_at, dedup_key)
SELECT $1, e.project_id, 'online', e.customer_id, CASE WHEN random() < 0.8 THEN $2 + floor(random() * $3)::int END,
       e.occurred_at - random() * interval '29 days', e.customer_id || '/' || n
  FROM event e CROSS JOIN generate_series(1, $4::int) n WHERE e.group_id = $1
"""
_SPEND = """
INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
SELECT $1, c.id, 'bench', c.id || '/' || day, day, 'email', round((random() * 500)::numeric, 2), 'EUR'
  FROM campaign c, generate_series('2026-03-01'::date, '2026-05-29', '1 day') day WHERE c.group_id = $1
"""
MODELS = ("CARRIED", "FIRST_TOUCH", "LAST_TOUCH", "LAST_NON_DIRECT", "LINEAR", "POSITION_BASED", "TIME_DECAY")
ROAS = "{ %s { id } currency revenue { amount } cost { amount } roas }"


def _query(model: str, *, by: str = "campaign", more: str = "") -> str:
    return f"{{ attribution(by: {by.upper()}, model: {model}{more}) {ROAS % by} }}"


QUERIES = {
    "by campaign, as the group chose": f"{{ attribution(by: CAMPAIGN) {ROAS % 'campaign'} }}",
    **{f"by campaign, {model}": _query(model) for model in MODELS},
    "by campaign, one day of events, LINEAR": _query(
        "LINEAR", more=', since: "2026-04-01", until: "2026-04-01"'
    ),
    "by store, LINEAR": _query("LINEAR", by="store"),
}


def main() -> None:
    """Measure and say it."""
    Asking(
        name="attribution",
        doc=__doc__,
        queries=QUERIES,
        now=NOW,
        fill=fill,
        about=f"{JOURNEYS:,} journeys of {TOUCHES} interactions, {CAMPAIGNS} campaigns; the bar is {BAR_MS:g} ms.",
        bar_ms=BAR_MS,
    ).main()


async def fill(url: str, *, journeys: int = JOURNEYS) -> int:
    """A group with its journeys; its id."""
    owner: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        group_id = int(await owner.fetchval(_GROUP))
        store_id = await owner.fetchval(_STORE, group_id)
        project_id = await owner.fetchval(_PROJECT, group_id)
        type_id = await owner.fetchval(_TYPE, group_id, project_id)
        first = await owner.fetchval(_CAMPAIGNS, group_id, store_id, project_id, CAMPAIGNS)
        person = await owner.fetchval(_CUSTOMERS, group_id, journeys)
        await owner.execute(_EVENTS, group_id, project_id, type_id, person, journeys)
        await owner.execute(_METRICS, group_id)
        await owner.execute(_INTERACTIONS, group_id, first, CAMPAIGNS, TOUCHES)
        await owner.execute(_SPEND, group_id)
        for table in ("campaign", "customer", "event", "event_metric", "interaction", "spend_entry"):
            await owner.execute(f"VACUUM ANALYZE {table}")
        return group_id
    finally:
        await owner.close()


if __name__ == "__main__":
    main()
