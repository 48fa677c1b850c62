"""Funnels over 1,000,000 touches: `python -m bench.funnels`, on a database of its own that is thrown away.

Once with visits of three touches on a day, once with every touch on a day of its own, where the paths of days save
nothing. Bars: a documented funnel in 500 ms, one of a client's own in 3 s; exit status 1 over either.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from app.auth.principal import Principal, Role
from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.assets.storage import AssetStorage
from app.domain.funnels.touches import PATHS
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope

TOUCHES, CUSTOMERS, DAYS = 1_000_000, 200_000, 90
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ASKED = 7
BARS_MS = {"documented": 500.0, "own": 3000.0}
# Early stages are frequent, late ones rare; a customer's visits lie on random days, its touches a minute apart.
_TOUCHES = """
INSERT INTO funnel_touch (group_id, customer_id, stage, occurred_at, channel, source, source_ref)
SELECT $1, $2 + n % $3, (enum_range)[1 + floor(10 * random() ^ 2)::int],
       '2026-01-01 08:00+00'::timestamptz
         + make_interval(days => (hashint8(n % $3 * 1000 + n / $3 / $4) & 1023) % $5, mins => (n / $3)::int),
       (ARRAY['email', 'sms', 'push'])[1 + n % 3], 'bench', n::text
  FROM generate_series(0, $6::bigint - 1) n,
       (SELECT ARRAY['awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase', 'onboarding',
                     'activation', 'retention', 'advocacy'] AS enum_range) stages
"""
_CUSTOMERS = """
WITH made AS (INSERT INTO customer (group_id, name) SELECT $1, 'c' || n FROM generate_series(1, $2::int) n RETURNING id)
SELECT min(id) FROM made
"""
_DAYS = """
SELECT array_agg(customer_id) AS customers, array_agg(day) AS days
  FROM (SELECT DISTINCT customer_id, (occurred_at AT TIME ZONE 'UTC')::date AS day
          FROM funnel_touch WHERE group_id = $1) AS touched
"""
WINDOW = 'since: "2026-01-01", until: "2026-03-31"'
STEPS = "stages { stage count percentage dropOff } overallConversion"
OWN = "stages: [AWARENESS, INTEREST, CONSIDERATION, PURCHASE, ACTIVATION]"
QUERIES = {
    "documented: onboarding, 90 days": f"{{ funnel(type: ONBOARDING, {WINDOW}) {{ {STEPS} }} }}",
    "documented: purchase, 90 days": f"{{ funnel(type: PURCHASE, {WINDOW}) {{ {STEPS} }} }}",
    "documented: onboarding, 7 days": (
        f'{{ funnel(type: ONBOARDING, since: "2026-02-01", until: "2026-02-07") {{ {STEPS} }} }}'
    ),
    "own: five stages, median times": (
        f"{{ funnelCustom({OWN}, {WINDOW}) {{ stages {{ count medianSeconds }} overallConversion }} }}"
    ),
    "own: within 72 hours": f"{{ funnelCustom({OWN}, {WINDOW}, withinHours: 72) {{ {STEPS} }} }}",
    "own: by channel": f"{{ funnelCustom({OWN}, {WINDOW}, by: CHANNEL) {{ channel {STEPS} }} }}",
}


def main() -> None:
    """Measure and say it."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / "pg")
        try:
            slow = asyncio.run(_measure(server, Path(folder)))
        finally:
            server.stop()
    raise SystemExit(slow)


async def _measure(server: EmbeddedServer, folder: Path) -> bool:
    url = server.dsn("funnels")
    await create_database(url)
    await migrate(url)
    settings = read_settings({"DATA_DIR": str(folder / "data")})
    db = await connect(url, readers=1, writers=1)
    services = Services(settings, db, AssetStorage(settings))
    slow = False
    try:
        for per_day in (3, 1):
            group_id, paths = await _fill(db, url, per_day)
            print(f"\n{TOUCHES:,} touches of {CUSTOMERS:,} customers, {per_day} a visit: {paths:,} paths")
            for name, query in QUERIES.items():
                took_ms = await _ask(services, Scope(group_id), query)
                over = took_ms > BARS_MS[name.partition(":")[0]]
                slow |= over
                print(f"  {name:34} {took_ms:7.0f} ms{'  OVER THE BAR' if over else ''}")
    finally:
        await db.close()
    return slow


async def _ask(services: Services, scope: Scope, query: str) -> float:
    """The median of several times, after one that is not counted."""
    times = []
    for _ in range(ASKED + 1):
        principal = Principal("bench", scope, frozenset({Role.READ}))
        started = time.perf_counter()
        made = await answer(Operation(query), Context(services, principal, now=NOW))
        times.append((time.perf_counter() - started) * 1000)
        if made.execution != "planned":
            raise SystemExit(f"not planned: {made}")
    return statistics.median(times[1:])


async def _fill(db: Database, url: str, per_day: int) -> tuple[int, int]:
    """A group with its touches and paths; its id and how many paths there are."""
    async with db.directory() as directory:
        group_id = int(await directory.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id"))
    owner: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        await owner.execute(
            "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, 'bench', 'EUR', 'UTC')",
            group_id,
        )
        first = await owner.fetchval(_CUSTOMERS, group_id, CUSTOMERS)
        await owner.execute(_TOUCHES, group_id, first, CUSTOMERS, per_day, DAYS, TOUCHES)
        await owner.execute("ANALYZE funnel_touch")
        days = await owner.fetchrow(_DAYS, group_id)
        assert days is not None
        await owner.execute(PATHS, group_id, NOW, days["customers"], days["days"])
        for table in ("customer", "funnel_touch", "funnel_day"):
            await owner.execute(f"VACUUM ANALYZE {table}")
        return group_id, len(days["days"])
    finally:
        await owner.close()


if __name__ == "__main__":
    main()
