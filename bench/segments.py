"""A dynamic segment over 1,000,000 customers: `python -m bench.segments`, on a database of its own, thrown away after.

Three criteria each. Bars: 5 % matching in 300 ms, 50 % in 1.5 s; exit status 1 over either.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.segments.attributes import customer_criteria
from app.domain.segments.counting import IdPage, count_customers, find_customers
from app.values.scope import Scope

CUSTOMERS = 1_000_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ASKED = 7
_MAKE = """
INSERT INTO customer (group_id, name, email, email_key, external_id, loyalty_tier, order_count, total_spent,
                      last_order_at, email_consent, sms_consent, tags, attributes)
SELECT $1, 'Customer ' || n, 'c' || n || '@example.org', 'c' || n || '@example.org', 'c' || n,
       (ARRAY['gold', 'silver', 'bronze', NULL])[1 + floor(random() * 4)::int],
       floor(random() * 40)::int, round((random() * 1000)::numeric, 2),
       $2::timestamptz - make_interval(secs => random() * 365 * 86400), random() < 0.6, random() < 0.3,
       CASE WHEN random() < 0.05 THEN '{vip,early}' WHEN random() < 0.5 THEN '{new}' ELSE '{}' END::text[],
       json_build_object('city', 'city ' || floor(random() * 200)::int)
  FROM generate_series(1, $3::int) n
"""
CASES: dict[str, tuple[dict[str, object], float]] = {
    "5 %: tier, spent, orders": (
        {"loyalty_tier": {"in": ["gold"]}, "total_spent": {"gte": 500}, "order_count": {"gte": 24}}, 300.0,
    ),
    "5 %: tag, consent, days ago": (
        {"tags": "vip", "email_consent": {"exists": True}, "last_order_days_ago": {"gte": 3}}, 300.0,
    ),
    "50 %: orders, spent, days ago": (
        {"order_count": {"gte": 8}, "total_spent": {"gte": 200}, "last_order_days_ago": {"gte": 80}}, 1500.0,
    ),
    "50 %: any of tier, tag, city; not inactive": (
        {"any": [{"loyalty_tier": "gold"}, {"tags": "new"}, {"attributes.city": "city 7"}],
         "not": {"last_order_days_ago": {"gte": 340}}, "email_consent": {"exists": True}}, 1500.0,
    ),
}  # fmt: skip


async def main() -> bool:
    """Fill, ask, print; whether every bar was held."""
    with tempfile.TemporaryDirectory(prefix="bench-segments-") as folder:
        server = _server(Path(folder))
        try:
            url = server.dsn("segments")
            await create_database(url)
            await migrate(url)
            scope = await _fill(url)
            db = await connect(url, readers=2, writers=2)
            try:
                held = [await _ask(db, scope, name, *case) for name, case in CASES.items()]
            finally:
                await db.close()
        finally:
            server.stop()
    return all(held)


def _server(folder: Path) -> EmbeddedServer:
    folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
    return EmbeddedServer(folder / "pg")


async def _fill(url: str) -> Scope:
    owner = await asyncpg.connect(url)
    started = time.perf_counter()
    group_id = await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    await owner.execute(
        "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, 'bench', 'EUR', 'UTC')",
        group_id,
    )
    await owner.execute(_MAKE, group_id, NOW, CUSTOMERS)
    await owner.execute("VACUUM (ANALYZE) customer")
    await owner.close()
    print(f"{CUSTOMERS:,} customers in {time.perf_counter() - started:.0f} s")
    return Scope(group_id)


async def _ask(db: Database, scope: Scope, name: str, criteria: dict[str, object], bar_ms: float) -> bool:
    predicate = customer_criteria(criteria)
    taken: list[float] = []
    for _ in range(ASKED):
        started = time.perf_counter()
        size = await count_customers(db, scope, predicate, now=NOW)
        taken.append((time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    await find_customers(db, scope, predicate, IdPage(50), now=NOW)
    page_ms = (time.perf_counter() - started) * 1000
    median = statistics.median(taken)
    print(
        f"{name:<44} {size:>8,} of {CUSTOMERS:,}: counted in {median:6.0f} ms ({max(taken):.0f} at most,"
        f" bar {bar_ms:.0f}); first page {page_ms:.0f} ms"
    )
    return median <= bar_ms


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
