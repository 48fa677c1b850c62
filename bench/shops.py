"""Groups to write to, and the requests that do it: what `python -m bench.writes` measures."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from app.auth.keys import create_api_key
from app.db.database import connect
from app.db.migrating import create_database, migrate

GROUPS = 8
CAMPAIGNS, CUSTOMERS, PROMOS = 50, 500, 20
ENTRIES = 100
HERE = Path(__file__).parent / "mutations"
# Far apart, so that an id that was drawn in a transaction is recognized among its values.
_APART = """
SELECT format('ALTER SEQUENCE %s RESTART WITH %s', oid::regclass, 1000000000 * row_number() OVER (ORDER BY oid))
  FROM pg_class WHERE relkind = 'S' AND relname <> 'tenant_id_seq'
"""
_GROUP = "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, 'bench', 'EUR', 'UTC')"
_FILL = (
    "INSERT INTO store (group_id, name, beacon_key, is_default) VALUES ($1, 'S', 'bench', true)",
    "INSERT INTO partner (group_id, name) VALUES ($1, 'Bank')",
    f"""
    INSERT INTO customer (group_id, name, loyalty_tier, order_count, total_spent, email_consent, sms_consent, tags)
    SELECT $1, 'C' || n, (ARRAY['gold', 'silver', NULL])[1 + n % 3], n % 40, 0, true, false, '{{}}'
      FROM generate_series(1, {CUSTOMERS}) n
    """,
    f"""
    INSERT INTO campaign (group_id, name, store_id, currency, status, reward_type, partner_id, starts_at, type,
                          objective, is_explicit, is_template, total_rewards)
    SELECT $1, 'Points ' || n, s.id, 'EUR', 'active', 1, p.id, '2025-01-01', 'loyalty', 'unspecified', true, false, 0
      FROM generate_series(1, {CAMPAIGNS}) n, store s, partner p WHERE s.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO flow (group_id, campaign_id, position, trigger_code, is_active)
    SELECT $1, c.id, n, n + 1, true FROM campaign c, generate_series(0, 1) n WHERE c.group_id = $1
    """,
    """
    INSERT INTO flow_action (group_id, flow_id, position, action_code, partner_id, base_reward)
    SELECT $1, f.id, 0, 1, p.id, 100 FROM flow f, partner p WHERE f.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO flow_condition (group_id, flow_id, position, partner_id, type_code, operator_code, joiner_code,
                                attribute, value)
    SELECT $1, f.id, 0, p.id, 2, 5, 1, 1, '500' FROM flow f, partner p WHERE f.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO flow_multiplier (group_id, flow_id, position, partner_id, type_code, attribute, amount, value)
    SELECT $1, f.id, 0, p.id, 1, 1, 1.5, '"gold"' FROM flow f, partner p WHERE f.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO goal (group_id, campaign_id, position, partner_id, type_code, value, operator_code)
    SELECT $1, c.id, 0, p.id, 2, 100000000, 2 FROM campaign c, partner p WHERE c.group_id = $1 AND p.group_id = $1
    """,
    f"""
    INSERT INTO promo (group_id, code, code_key, type, value, currency, used, min_order_amount)
    SELECT $1, 'P' || n, 'P' || n, 'percentage', 10, 'EUR', 0, 5 FROM generate_series(1, {PROMOS}) n
    """,
)


@dataclass(frozen=True)
class Shop:
    """A group that is written to."""

    group_id: int
    key: str
    beacon_key: str
    campaigns: tuple[int, ...]
    customers: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """A request: a mutation with its variables, or a legacy body."""

    shop: Shop
    path: str
    body: Any

    def http(self) -> bytes:
        """Its bytes."""
        body = json.dumps(self.body, separators=(",", ":")).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: bench\r\nX-API-KEY: {self.shop.key}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def fill(url: str) -> list[Shop]:
    """Make the groups, and keys that may write."""
    await create_database(url)
    await migrate(url)
    owner: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url)
    for (statement,) in await owner.fetch(_APART):
        await owner.execute(statement)
    db = await connect(url, readers=1, writers=1)
    shops = []
    for _ in range(GROUPS):
        group_id = await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
        await owner.execute(_GROUP, group_id)
        for statement in _FILL:
            await owner.execute(statement, group_id)
        made = await create_api_key(
            db, group_id=group_id, name="bench", now=datetime.now(UTC), access="write"
        )
        ids = [
            tuple(
                row[0] for row in await owner.fetch(f"SELECT id FROM {table} WHERE group_id = $1", group_id)
            )
            for table in ("campaign", "customer")
        ]
        shops.append(Shop(group_id, made.secret, "bench", *ids))
    await owner.execute("VACUUM ANALYZE")
    await db.close()
    await owner.close()
    return shops


def campaign_update(shop: Shop, n: int) -> Asked:
    """A new name, description and budget."""
    given = {
        "id": f"camp_{shop.campaigns[n % CAMPAIGNS]}", "name": f"Spring {n}", "description": f"Said {n}",
        "budgetTotal": f"{n}.50", "channels": ["google_ads", "meta"],
    }  # fmt: skip
    return _graphql("campaignUpdate", shop, given)


def promo_redeem(shop: Shop, n: int) -> Asked:
    """A use by a customer, of a basket of two lines."""
    lines = [{"unitPrice": "12.50", "quantity": 2}, {"unitPrice": "3.20", "quantity": 1}]
    given = {
        "key": f"order-{n}", "code": f"P{1 + n % PROMOS}", "basket": {"lines": lines},
        "customerId": f"cust_{shop.customers[n % CUSTOMERS]}",
    }  # fmt: skip
    return _graphql("promoRedeem", shop, given)


def reward_process(shop: Shop, n: int) -> Asked:
    """A purchase that is paid."""
    given = {
        "campaignId": f"camp_{shop.campaigns[n % CAMPAIGNS]}", "reference": f"order-{n}", "trigger": "SPEND",
        "customerId": f"cust_{shop.customers[n * 7 % CUSTOMERS]}", "transaction": {"amount": 1000 + n % 900},
    }  # fmt: skip
    return _graphql("rewardProcess", shop, given)


def metrics_record(shop: Shop, n: int) -> Asked:
    """A hundred entries: ten campaigns' ten channels on a day."""
    day = (date(2025, 1, 1) + timedelta(days=n % 300)).isoformat()
    entries = [
        {
            "campaignId": f"camp_{shop.campaigns[(n + at // 10) % CAMPAIGNS]}", "day": day, "channel": f"c{at % 10}",
            "impressions": 1000 + n + at, "clicks": 10 + at, "conversions": at, "spend": f"{n % 90}.25",
        }
        for at in range(ENTRIES)
    ]  # fmt: skip
    return _graphql("metricsRecord", shop, {"entries": entries, "mode": "SET"})


def lagriffe_create(shop: Shop, n: int) -> Asked:
    """An order of the La Griffe API, as JSON."""
    return Asked(
        shop,
        "/api/campaigns",
        {
            "label": f"Spring {n}", "channels": ["google_ads"], "external_beacon_key": shop.beacon_key,
            "start_date": "2030-01-01", "end_date": "2030-02-01", "budget_total": "1200",
        },
    )  # fmt: skip


KINDS = {
    "campaignUpdate": campaign_update,
    "promoRedeem": promo_redeem,
    "rewardProcess": reward_process,
    "metricsRecord of 100": metrics_record,
    "POST /api/campaigns": lagriffe_create,
}


def document(name: str) -> str:
    """A mutation's text."""
    return (HERE / f"{name}.graphql").read_text()


def _graphql(name: str, shop: Shop, given: dict[str, Any]) -> Asked:
    return Asked(shop, "/graphql", {"query": document(name), "variables": {"input": given}})
