"""A group of three years for `bench.figures`, made set-wise in SQL.

20 stores in three zones and currencies, campaigns of 75 days in two channels each, what platforms report of every day,
orders, events, customers, promos, segments, touches. What the writes would have kept (ledger, facts, headline, sums) is
there as they keep it.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg

from app.domain.metrics.facts import REBUILD
from app.domain.orders.sums import REBUILD_SUMS
from app.tables.metrics import COUNTS, PAIRED


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    campaigns: int = 10_000
    orders: int = 2_500_000
    events: int = 2_500_000
    customers: int = 60_000
    touches: int = 1_000_000

    @property
    def name(self) -> str:
        """Of its database."""
        return f"figures_{self.campaigns}_{self.orders}_{self.events}_{self.customers}_{self.touches}"

    def __str__(self) -> str:
        return (
            f"{self.campaigns:,} campaigns of 20 stores, {self.campaigns * 150:,} rows of metrics,"
            f" {self.orders:,} orders, {self.events:,} events, {self.customers:,} customers,"
            f" {self.touches:,} touches, over three years"
        )


FIRST, DAYS = "2023-06-02", 1095
"""The last day is 2026-05-31."""
CHANNELS = "ARRAY['google_ads', 'meta', 'email', 'sms', 'tiktok', 'display', 'affiliate', 'print']"
TABLES = (
    "store", "campaign", "customer", "segment", "segment_member", "segment_size", "promo", "promo_redemption",
    "customer_order", "order_rollup", "metric_fact", "campaign_metric", "metric_rollup", "metric_fact_rollup",
    "spend_entry", "event", "event_metric", "event_rollup", "event_type", "interaction", "exchange_rate",
)  # fmt: skip
# Built when all rows are there, which is many times quicker.
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
 WHERE tablename = ANY ($1) AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)
"""
_GROUP = """
WITH made AS (INSERT INTO tenant DEFAULT VALUES RETURNING id)
INSERT INTO customer_group (id, name, currency, time_zone) SELECT id, 'bench', 'EUR', 'Europe/Paris' FROM made
RETURNING id
"""
_BASICS = (
    """
    INSERT INTO store (group_id, name, beacon_key, is_default, time_zone)
    SELECT $1, 'Store ' || n, 's' || n, n = 0, (ARRAY[NULL, 'America/New_York', 'Asia/Tokyo'])[1 + n % 3]
      FROM generate_series(0, 19) n
    """,
    "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, 'b', 'bench', false)",
    """
    INSERT INTO event_type (group_id, project_id, reference, name)
    SELECT $1, p.id, (ARRAY['visit', 'product', 'cart', 'checkout', 'sale', 'signup', 'search', 'share'])[n], 'A type'
      FROM project p, generate_series(1, 8) n WHERE p.group_id = $1
    """,
    """
    INSERT INTO exchange_rate (group_id, from_currency, to_currency, day, rate)
    SELECT $1, x.code, 'EUR', day, round((0.8 + random() * 0.2)::numeric, 4)
      FROM (VALUES ('USD'), ('GBP')) x (code), generate_series('2023-06-01'::date, '2026-05-31', '1 month') day
    """,
    """
    INSERT INTO segment (group_id, name, type, size)
    SELECT $1, 'Segment ' || n, 'static', 0 FROM generate_series(1, 10) n
    """,
    f"""
    INSERT INTO segment_size (group_id, segment_id, day, size)
    SELECT $1, s.id, '{FIRST}'::date + n, n * 5 + (random() * 100)::int
      FROM segment s, generate_series(0, {DAYS - 1}) n WHERE s.group_id = $1
    """,
    """
    INSERT INTO promo (group_id, code, code_key, type, value, currency, used)
    SELECT $1, 'P' || n, 'P' || n, 'percentage', 10, 'EUR', 0 FROM generate_series(1, 200) n
    """,
)
# Ids of a kind are in a row, from the first one on: so a place in it says which one.
_FIRST_ID = "(SELECT min(id) FROM {0} WHERE group_id = $1)"
_CAMPAIGNS = f"""
INSERT INTO campaign (group_id, store_id, name, status, type, objective, currency, channels, is_explicit, is_template,
                      total_rewards, created_at, starts_at)
SELECT $1, {_FIRST_ID.format("store")} + n % 20, 'Campaign ' || n, 'active', 'promotion', 'unspecified',
       (ARRAY['EUR', 'USD', 'GBP'])[1 + n % 20 % 3],
       ARRAY[({CHANNELS})[1 + n % 8], ({CHANNELS})[1 + (n + 1 + n / 8 % 7) % 8]], true, false, 0,
       '{FIRST}'::date + n * 7919 % {DAYS - 74}, '{FIRST}'::date + n * 7919 % {DAYS - 74}
  FROM generate_series(0, $2::int - 1) n
"""
_CUSTOMERS = f"""
INSERT INTO customer (group_id, name, email, email_key, store_id, loyalty_tier, created_at)
SELECT $1, 'C' || n, 'c' || n || '@example.com', 'c' || n || '@example.com', {_FIRST_ID.format("store")} + n % 20,
       (ARRAY['gold', 'silver', NULL])[1 + n % 3], '{FIRST}'::timestamptz + random() * interval '{DAYS} days'
  FROM generate_series(0, $2::int - 1) n
"""
_MEMBERS = """
INSERT INTO segment_member (group_id, segment_id, customer_id)
SELECT $1, s.id, c.id FROM segment s JOIN customer c ON c.group_id = $1 AND (c.id + s.id) % 7 = 0 WHERE s.group_id = $1
"""
_REPORTS = """
INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, impressions, clicks, conversions, spend,
                         sent, delivered, opened, clicked, unsubscribed)
SELECT $1, c.id, c.starts_at::date + d, channel, 'reported:' || channel, c.currency,
       500 + (random() * 5000)::int, 10 + (random() * 200)::int, round((random() * 9)::numeric, 1),
       round((random() * 300)::numeric, 2),
       CASE WHEN mails THEN 900 END, CASE WHEN mails THEN 800 + (random() * 90)::int END,
       CASE WHEN mails THEN 100 + (random() * 300)::int END, CASE WHEN mails THEN (random() * 90)::int END,
       CASE WHEN mails THEN (random() * 5)::int END
  FROM campaign c, generate_series(0, 74) d, unnest(c.channels) channel,
       LATERAL (SELECT channel IN ('email', 'sms')) m (mails)
 WHERE c.group_id = $1
 ORDER BY 3, 2
"""
# Three of five carry a campaign, on one of its days, in one of its channels.
_ORDERS = f"""
INSERT INTO customer_order (group_id, reference, customer_id, store_id, campaign_id, promo_id, channel, amount,
                            currency, ordered_at, ordered_on, counted_on, cancelled_at, refunded, told_refunded)
SELECT $1, 'o' || n, {_FIRST_ID.format("customer")} + floor($4 * random_person ^ 1.5)::int,
       coalesce(c.store_id, o.store_id), c.id,
       CASE WHEN n % 7 = 0 THEN {_FIRST_ID.format("promo")} + n % 200 END, c.channels[1 + n % 2], o.amount,
       coalesce(c.currency, (ARRAY['EUR', 'USD', 'GBP'])[1 + o.place % 3]),
       (coalesce(c.starts_at::date + (random_day * 75)::int % 75, o.day) + random_time * interval '1 day')
         AT TIME ZONE coalesce(s.time_zone, 'Europe/Paris'),
       coalesce(c.starts_at::date + (random_day * 75)::int % 75, o.day),
       CASE WHEN c.id IS NOT NULL THEN c.starts_at::date + (random_day * 75)::int % 75 END,
       CASE WHEN n % 50 = 0 THEN '2026-05-31'::timestamptz END,
       CASE WHEN n % 33 = 0 THEN round(o.amount / 2, 2) ELSE 0 END,
       CASE WHEN n % 33 = 0 THEN round(o.amount / 2, 2) ELSE 0 END
  FROM (SELECT n, random() AS random_person, random() AS random_day, random() AS random_time, place,
               {_FIRST_ID.format("store")} + place AS store_id, '{FIRST}'::date + (random() * {DAYS - 1})::int AS day,
               CASE WHEN n % 5 < 3 THEN {_FIRST_ID.format("campaign")} + floor(random() * $3)::int END AS campaign_id,
               round((5 + random() * 200)::numeric, 2) AS amount
          FROM (SELECT n, floor(random() * 20)::int AS place FROM generate_series(1, $2::int) n) p) o
  LEFT JOIN campaign c ON c.group_id = $1 AND c.id = o.campaign_id
  JOIN store s ON s.group_id = $1 AND s.id = coalesce(c.store_id, o.store_id)
 ORDER BY 10
"""
_BUYERS = """
UPDATE customer c SET order_count = o.n, total_spent = o.spent, last_order_at = o.last
  FROM (SELECT customer_id, count(*) AS n, sum(worth) AS spent, max(ordered_at) AS last
          FROM customer_order WHERE group_id = $1 AND cancelled_at IS NULL GROUP BY 1) o
 WHERE c.group_id = $1 AND c.id = o.customer_id
"""
_USES = """
INSERT INTO promo_redemption (group_id, promo_id, customer_id, store_id, key, basket_total, discount, currency,
                              redeemed_at, released_at)
SELECT $1, promo_id, customer_id, store_id, reference, amount * 1.1, round(amount / 10, 2), currency, ordered_at,
       cancelled_at
  FROM customer_order WHERE group_id = $1 AND promo_id IS NOT NULL ORDER BY ordered_at
"""
_CARRIED = """
INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, conversions, revenue)
SELECT $1, campaign_id, counted_on, channel, 'orders', currency, count(*) FILTER (WHERE worth > 0), sum(worth)
  FROM customer_order WHERE group_id = $1 AND campaign_id IS NOT NULL GROUP BY 2, 3, 4, 6
 ORDER BY 3
"""
_SPEND = """
INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
SELECT $1, campaign_id, source, campaign_id || '/' || day || '/' || channel, day, channel, spend, currency
  FROM metric_fact WHERE group_id = $1 AND source LIKE 'reported:%' ORDER BY day
"""
_SAID = [name for name in COUNTS if name != "conversions"]
# One report of each key, and what orders carry beside it.
_HEADLINES = f"""
INSERT INTO campaign_metric (group_id, campaign_id, day, channel, currency, {", ".join(_SAID)}, conversions, spend,
                             revenue, {", ".join(PAIRED)}, extra)
SELECT $1, campaign_id, day, channel, currency, {", ".join(f"coalesce({name}, 0)" for name in _SAID)}, conversions,
       spend, revenue, least(clicks, impressions), least(conversions, clicks),
       CASE WHEN delivered > 0 THEN least(conversions, delivered) ELSE 0 END, spend, '{{}}'
  FROM (SELECT f.campaign_id, f.day, f.channel, f.currency, {", ".join(f"f.{name}" for name in _SAID)}, f.conversions,
               f.spend, coalesce(o.revenue, 0) AS revenue
          FROM metric_fact f
          LEFT JOIN metric_fact o ON o.group_id = $1 AND o.campaign_id = f.campaign_id AND o.day = f.day
           AND o.channel = f.channel AND o.currency = f.currency AND o.source = 'orders'
         WHERE f.group_id = $1 AND f.source LIKE 'reported:%') m
 ORDER BY day, campaign_id
"""
_EVENTS = f"""
INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at, status,
                   event_type_id, type_version, customer_id, campaign_id, is_attributable)
SELECT $1, uuidv7(made.at - now()), t.project_id, 'tracker', n::text, t.reference, made.at, made.at,
       'processed', t.id, 1,
       {_FIRST_ID.format("customer")} + floor($4 * random())::int,
       CASE WHEN n % 3 = 0 THEN {_FIRST_ID.format("campaign")} + floor(random() * $3)::int END, true
  FROM (SELECT n, '{FIRST}'::timestamptz + random() * interval '{DAYS} days' AS at,
               1 + floor(8 * random() ^ 2)::int AS place
          FROM generate_series(1, $2::int) n) made
  JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM event_type WHERE group_id = $1) t
    ON t.place = made.place
 ORDER BY made.at
"""
_TURNOVER = """
INSERT INTO event_metric (group_id, event_id, project_id, customer_id, occurred_at, kind, storage_key, value,
                          metric_date)
SELECT $1, id, project_id, customer_id, occurred_at, 'statistic', 'turnover', round((random() * 500)::numeric, 2),
       occurred_at
  FROM event WHERE group_id = $1 AND event_type = 'sale'
"""
_HOURS = """
INSERT INTO event_rollup (group_id, project_id, event_type_id, hour, key, value)
SELECT $1, project_id, event_type_id, date_trunc('hour', occurred_at), 'event-count', count(*)
  FROM event WHERE group_id = $1 GROUP BY 2, 3, 4
UNION ALL
SELECT $1, e.project_id, e.event_type_id, date_trunc('hour', e.occurred_at), 'turnover', sum(m.value)
  FROM event e JOIN event_metric m ON m.group_id = $1 AND m.event_id = e.id WHERE e.group_id = $1 GROUP BY 2, 3, 4
"""
# Half of them in the last 90 days, a fifth direct.
_TOUCHES = f"""
INSERT INTO interaction (group_id, project_id, kind, customer_id, campaign_id, channel, occurred_at, dedup_key)
SELECT $1, p.id, 'online', {_FIRST_ID.format("customer")} + floor($4 * random())::int,
       CASE WHEN n % 5 > 0 THEN {_FIRST_ID.format("campaign")} + floor(random() * $3)::int END,
       CASE WHEN n % 5 > 0 THEN ({CHANNELS})[1 + n % 8] END,
       '2026-05-31 19:00+00'::timestamptz
         - random() * CASE WHEN n % 2 = 0 THEN interval '90 days' ELSE interval '{DAYS} days' END AS occurred_at,
       n::text
  FROM project p, generate_series(1, $2::int) n WHERE p.group_id = $1
 ORDER BY occurred_at
"""


async def fill(url: str, size: Size) -> int:
    """The group; its id."""
    owner: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        group_id = int(await owner.fetchval(_GROUP))
        indexes = await owner.fetch(_INDEXES, TABLES)
        for row in indexes:
            await owner.execute(f"DROP INDEX {row['indexname']}")
        # References are right by the way rows are made here; checking millions of them takes minutes.
        for setting in ("session_replication_role = replica", "synchronous_commit = off", "work_mem = '256MB'",
                        "maintenance_work_mem = '512MB'"):  # fmt: skip
            await owner.execute(f"SET {setting}")
        for statement in _BASICS:
            await owner.execute(statement, group_id)
        c, p = size.campaigns, size.customers
        steps: tuple[tuple[Any, ...], ...] = (
            ("campaigns", _CAMPAIGNS, c),
            ("customers", _CUSTOMERS, p),
            ("members", _MEMBERS),
            ("reports", _REPORTS),
            ("orders", _ORDERS, size.orders, c, p),
            ("buyers", _BUYERS),
            ("sums", REBUILD_SUMS[1]),
            ("uses", _USES),
            ("orders' facts", _CARRIED),
            ("ledger", _SPEND),
            ("headlines", _HEADLINES),
            *(("sums", statement) for statement in REBUILD if "_rollup" in statement and "INSERT" in statement),
            ("events", _EVENTS, size.events, c, p),
            ("turnover", _TURNOVER),
            ("hours", _HOURS),
            ("touches", _TOUCHES, size.touches, c, p),
        )  # fmt: skip
        for about, statement, *values in steps:
            print(f"  {about}", flush=True)
            await owner.execute(statement, group_id, *values)
            if about in ("reports", "orders", "orders' facts"):
                await owner.execute("ANALYZE metric_fact, customer_order, campaign, customer")
        print("  indexes", flush=True)
        for row in indexes:
            await owner.execute(row["indexdef"])
        for table in TABLES:
            await owner.execute(f"VACUUM ANALYZE {table}")
        return group_id
    finally:
        await owner.close()
