"""The questions a dashboard asks, of three years: `python -m bench.figures`.

One group with 10,000 campaigns of 20 stores in three zones, 1,500,000 rows of metrics, 5,000,000 orders and events
(`--campaigns`, `--orders`, `--events`, `--customers`, `--touches`; filled in a few minutes, kept under
`.data/bench/figures` for the next run of that size). Each question is asked through the gateway's planned way in. Bars,
for medians: 100 ms for a question, 150 ms for a screen, which asks several at once; exit status 1 over one.
"""

import argparse
import asyncio
import math
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import asyncpg
import psutil

from app.auth.principal import Principal, Role
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from bench.data import FOLDER
from bench.figures_data import Size, fill
from bench.ingest import cpu_of
from bench.report import replace_section

NOW = datetime(2026, 5, 31, 20, tzinfo=UTC)
QUESTION_MS, SCREEN_MS = 100.0, 150.0
RATE = "spend { amount } revenue { amount } roas impressions clicks conversions"
QUESTIONS = {
    "totals of 30 days": f'{{ figures(last: "P30D") {{ currency {RATE} clickThroughRate }} }}',
    "totals by channel over a year": f'{{ figures(by: CHANNEL, last: "P365D") {{ channel {RATE} }} }}',
    "by channel over a year, in EUR": '{ figures(by: CHANNEL, last: "P365D", currency: "EUR")'
    f" {{ channel {RATE} unconverted {{ currency spend }} }} }}",
    "by month over three years": f"{{ figures(interval: MONTH) {{ period currency {RATE} }} }}",
    "top ten campaigns by spend, 90 days": '{ figures(by: CAMPAIGN, last: "P90D",'
    f" orderBy: [{{field: SPEND, direction: DESC}}], first: 10) {{ campaign {{ id name }} {RATE} }} }}",
    "top ten campaigns by ROAS, 90 days": '{ figures(by: CAMPAIGN, last: "P90D",'
    f" orderBy: [{{field: ROAS, direction: DESC}}], first: 10) {{ campaign {{ id name }} {RATE} }} }}",
    "stores compared with the former 30 days": '{ figures(by: STORE, last: "P30D", compare: PREVIOUS_PERIOD)'
    f" {{ store {{ id name }} {RATE} previous {{ {RATE} }} change {{ spend revenue roas }} }} }}",
    "a campaign by day and channel, each source": '{ campaign(id: "$campaign") { figures(interval: DAY, by: CHANNEL)'
    f" {{ period channel {RATE} reported {{ clicks conversions }} measured {{ conversions revenue {{ amount }} }}"
    " bySource { source conversions revenue } } } }",
    "orders by store and month, a year": '{ orderFigures(interval: MONTH, by: STORE, last: "P365D")'
    " { period store { id } currency orders revenue { amount } } }",
    "orders by store and month, a year, with averages": '{ orderFigures(interval: MONTH, by: STORE, last: "P365D")'
    " { period store { id } currency orders revenue { amount } average { amount } refunded { amount } cancelled } }",
    "orders by promo, 90 days": '{ orderFigures(by: PROMO, last: "P90D")'
    " { promo { id code } orders revenue { amount } } }",
    "orders by campaign, 90 days, top ten": '{ orderFigures(by: CAMPAIGN, last: "P90D",'
    " orderBy: [{field: REVENUE, direction: DESC}], first: 10) { campaign { id } orders revenue { amount } } }",
    "orders of 30 days, in EUR, with the former": "{ orderFigures("
    'last: "P30D", compare: PREVIOUS_PERIOD, currency: "EUR")'
    " { orders revenue { amount } previous { orders revenue { amount } } change { revenue } } }",
    "orders of 30 days, smallest and largest": '{ orderFigures(last: "P30D")'
    " { customers smallest { amount } largest { amount } } }",
    "new customers by week, a year": '{ customerFigures(interval: WEEK, last: "P365D") { period customers buyers } }',
    "customers by tier": "{ customerFigures(by: TIER) { tier customers spent { amount } averageSpent { amount } } }",
    "uses of promos by week, 90 days": '{ redemptionFigures(interval: WEEK, last: "P90D")'
    " { period currency redemptions discount { amount } } }",
    "events by type and day, 30 days": '{ eventFigures(interval: DAY, by: TYPE, last: "P30D") { period type events } }',
    "growth of a segment, a year": '{ segment(id: "$segment") { growth(last: "P365D") { period size change } } }',
    "attribution by channel, 30 days": '{ attribution(by: CHANNEL, since: "2026-05-02", until: "2026-05-31")'
    " { channel currency revenue { amount } conversions cost { amount } roas } }",
    "attribution by channel, 30 days, LAST_NON_DIRECT": "{ attribution(by: CHANNEL, model: LAST_NON_DIRECT,"
    ' since: "2026-05-02", until: "2026-05-31")'
    " { channel currency revenue { amount } conversions cost { amount } roas } }",
}  # fmt: skip
LONGER = {
    "top ten campaigns by spend, a year": '{ figures(by: CAMPAIGN, last: "P365D",'
    f" orderBy: [{{field: SPEND, direction: DESC}}], first: 10) {{ campaign {{ id name }} {RATE} }} }}",
    "top ten campaigns by spend, all time": "{ figures(by: CAMPAIGN,"
    f" orderBy: [{{field: SPEND, direction: DESC}}], first: 10) {{ campaign {{ id name }} {RATE} }} }}",
    "orders by promo, all time": "{ orderFigures(by: PROMO) { promo { id code } orders revenue { amount } } }",
    "orders of 30 days, with new customers": '{ orderFigures(last: "P30D") { orders customers newCustomers } }',
    "uses of promos by week, a year": '{ redemptionFigures(interval: WEEK, last: "P365D")'
    " { period currency redemptions discount { amount } } }",
    "events by type and day, 90 days": '{ eventFigures(interval: DAY, by: TYPE, last: "P90D") { period type events } }',
    "events by type and month, three years": "{ eventFigures(interval: MONTH, by: TYPE) { period type events } }",
}  # fmt: skip
"""What is read of millions of rows, not of sums: shown without a bar."""
SCREENS = {
    "overview": '{ now: figures(by: CHANNEL, last: "P30D", compare: PREVIOUS_PERIOD)'
    f" {{ channel {RATE} previous {{ {RATE} }} change {{ spend revenue roas }} }}"
    ' days: figures(interval: DAY, last: "P30D", compare: PREVIOUS_PERIOD, fill: true)'
    f" {{ period {RATE} previous {{ {RATE} }} }}"
    ' orders: orderFigures(last: "P30D", compare: PREVIOUS_PERIOD)'
    " { currency orders revenue { amount } previous { orders } } }",
    "a campaign": '{ campaign(id: "$campaign") { name status store { name }'
    f" metrics {{ {RATE} reported {{ clicks }} measured {{ conversions }} bySource {{ source spend }} }}"
    f" figures(interval: DAY, by: CHANNEL) {{ period channel {RATE} }}"
    " orderFigures(interval: DAY) { period orders revenue { amount } } attribution { revenue { amount } roas } } }",
    "stores compared": f'{{ figures(by: STORE, last: "P30D", compare: PREVIOUS_PERIOD) {{ store {{ id name }} {RATE}'
    f" previous {{ {RATE} }} change {{ spend revenue roas }} }}"
    ' orderFigures(by: STORE, last: "P30D", compare: PREVIOUS_PERIOD) { store { id } orders revenue { amount }'
    " previous { orders } change { orders revenue } }"
    ' customerFigures(by: STORE, last: "P30D") { store { id } customers } }',
    "segments and promos": '{ segments(first: 10) { nodes { id name size growth(last: "P90D") { period size } } }'
    ' redemptionFigures(by: PROMO, last: "P30D", orderBy: [{field: REDEMPTIONS, direction: DESC}], first: 10)'
    " { promo { id code } redemptions discount { amount } }"
    ' orderFigures(by: PROMO, last: "P30D", orderBy: [{field: REVENUE, direction: DESC}], first: 10)'
    " { promo { id code } orders revenue { amount } } }",
    "live feed": "{ events(first: 50) { nodes { id eventType receivedAt } }"
    ' eventFigures(by: TYPE, last: "P1D") { type events }'
    ' orderFigures(interval: HOUR, last: "P1D") { period hour orders revenue { amount } } }',
}  # fmt: skip
_KNOWN = """
SELECT (SELECT id FROM customer_group) AS group_id, (SELECT min(id) + 500 FROM campaign) AS campaign_id,
       (SELECT min(id) FROM segment) AS segment_id
"""


@dataclass(frozen=True)
class Asked:
    """How long a question took: the first time on this connection, and the median of the others.

    `cpu_ms` is the database's processor time for one, which hardly depends on what else the machine does.
    """

    name: str
    first_ms: float
    ms: float
    cpu_ms: float
    bar_ms: float

    @property
    def is_over(self) -> bool:
        """Whether that is too long."""
        return self.ms > self.bar_ms


def main() -> None:
    """Measure and say it. Exit status 1 over a bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.figures", description=__doc__)
    for one in fields(Size):
        parser.add_argument(f"--{one.name}", type=int, default=one.default)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--only", default="", help="what names of questions contain")
    parser.add_argument("--write", action="store_true", help="write it into bench/RESULTS.md")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    size = Size(**{one.name: getattr(given, one.name) for one in fields(Size)})
    folder = FOLDER / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
    server = EmbeddedServer(folder / "pg")
    try:
        asked = asyncio.run(_measure(server, size, given.times, given.only))
    finally:
        server.stop()
    if given.write:
        rows = [
            f"| {one.name} | {one.ms:,.0f}{' (over the bar)' if one.is_over else ''} | {one.cpu_ms:,.0f}"
            f" | {one.first_ms:,.0f} |"
            for one in asked
        ]
        table = "\n".join(
            ["| asked | median ms | CPU ms of the database | the first time |", "|---|---:|---:|---:|", *rows]
        )
        about = (
            f"`python -m bench.figures`: {size}. The bar is {QUESTION_MS:g} ms, of screens {SCREEN_MS:g} ms;"
            f" the last {len(LONGER)} have none. Load of the machine at the start: {load:.1f}."
        )
        replace_section("Figures", f"{about}\n\n{table}")
    raise SystemExit(any(one.is_over for one in asked))


async def _filled(url: str, size: Size) -> None:
    """Fill it unless it is; what was begun and not ended is begun anew."""
    owner = await asyncpg.connect(url.replace(f"/{size.name}", "/postgres"))
    try:
        if await owner.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", size.name):
            return
        # Its name comes last, so that what is half full is not taken for full.
        await owner.execute(f"DROP DATABASE IF EXISTS filling_{size.name} WITH (FORCE)")
        filling = url.replace(size.name, f"filling_{size.name}")
        await create_database(filling)
        await migrate(filling)
        started = time.perf_counter()
        await fill(filling, size)
        await owner.execute(f"ALTER DATABASE filling_{size.name} RENAME TO {size.name}")
        print(f"Filled in {time.perf_counter() - started:.0f} s.")
    finally:
        await owner.close()


async def _measure(server: EmbeddedServer, size: Size, times: int, only: str) -> list[Asked]:
    url = server.dsn(size.name)
    await _filled(url, size)
    await migrate(url)
    owner = await asyncpg.connect(url)
    known = await owner.fetchrow(_KNOWN)
    await owner.close()
    assert known is not None
    db = await connect(url, readers=1, writers=1)
    out = []
    with tempfile.TemporaryDirectory(prefix="bench-figures-") as name:
        settings = read_settings({"DATA_DIR": name})
        services = Services(settings, db, AssetStorage(settings))
        try:
            async with db.reader.connection() as connection:
                backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
            for bar_ms, asked in ((QUESTION_MS, QUESTIONS), (SCREEN_MS, SCREENS), (math.inf, LONGER)):
                for about, query in asked.items():
                    if only not in about:
                        continue
                    query = query.replace("$campaign", f"camp_{known['campaign_id']}")
                    query = query.replace("$segment", f"seg_{known['segment_id']}")
                    took = await _ask(services, Scope(known["group_id"]), query, times, backend)
                    out.append(Asked(about, *took, bar_ms))
                    over = "  OVER THE BAR" if out[-1].is_over else ""
                    print(
                        f"  {about:50} {took[1]:7.1f} ms, CPU {took[2]:7.1f}, first {took[0]:6.0f}{over}",
                        flush=True,
                    )
        finally:
            await db.close()
    return out


async def _ask(
    services: Services, scope: Scope, query: str, times: int, backend: psutil.Process
) -> tuple[float, float, float]:
    """What the first time took, the median without the first two (the second prepares), and the CPU of one."""
    took = []
    for n in range(times + 2):
        if n == 2:
            before = cpu_of(backend)
        principal = Principal("bench", scope, frozenset(Role))
        started = time.perf_counter()
        made = await answer(Operation(query), Context(services, principal, now=NOW))
        took.append((time.perf_counter() - started) * 1000)
        if made.execution != "planned" or made.errors:
            raise SystemExit(f"not planned: {query}\n{made}")
    return took[0], statistics.median(took[2:]), (cpu_of(backend) - before) / times * 1000


if __name__ == "__main__":
    main()
