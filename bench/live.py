"""Many subscribers on one topic: `python -m bench.live --subscribers 1000 --seconds 300`.

A gateway and a database of their own, thrown away after. A campaign is renamed every second with the moment it is
done, all subscribers watch the first twenty campaigns with their metrics. Exit status 1 where a subscriber missed a
message, the database was asked more than once per tick, or the gateway's memory grew by more than `MAX_GROWTH_MB`.
"""

import argparse
import asyncio
import contextlib
import json
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import IO

import asyncpg
import psutil
from websockets import ConnectionClosed, Subprotocol
from websockets.asyncio.client import ClientConnection, connect

from app.auth.keys import create_api_key
from app.db.database import connect as connect_database
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.seeding.progress import progress_bar
from bench.data import Data, Group
from bench.report import replace_section
from bench.servers import GATEWAY, Running, started

TITLE = "Live: many subscribers, one topic"
CAMPAIGNS = 20
DAYS = 60
MAX_GROWTH_MB = 8
OPENED_AT_ONCE = 50
SETTLED_AFTER_S = 5
WATCH = """
subscription { watched: campaigns(orderBy: [{field: NAME}], first: 20) { nodes {
  id name status metrics { impressions clicks conversions clickThroughRate spend { amount currency } }
} } }
"""
_ASKED = re.compile(r"LOG:  execute [^:]*: SELECT [^\n]*watched")
_STAMP = re.compile(r'"name":"0 ([0-9.]+)"')
_MAKE = """
WITH made AS (
  INSERT INTO campaign (group_id, store_id, name, status, type, objective, currency, is_explicit, is_template,
                        total_rewards)
  SELECT $1, $2, n || ' campaign', 'active', 'promotion', 'unspecified', 'EUR', true, false, 0
    FROM generate_series(0, $3::int - 1) n
  RETURNING id
)
INSERT INTO campaign_metric (group_id, campaign_id, day, channel, currency, impressions, clicks, conversions,
                             spend, revenue)
SELECT $1, id, date '2026-01-01' + d, 'email', 'EUR', 1000 + d, 100 + d, d, 1.5 * d, 9 * d
  FROM made, generate_series(1, $4::int) d
"""


@dataclass
class Subscriber:
    """One socket and what it got."""

    socket: ClientConnection
    stamps: list[str] = field(default_factory=list)

    async def listen(self, late_ms: dict[str, list[float]]) -> None:
        """Note every change, and how long after it was committed it arrived."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                text = await self.socket.recv()
                found = _STAMP.search(str(text))
                if found is not None:
                    self.stamps.append(found[1])
                    late_ms.setdefault(found[1], []).append((time.time() - float(found[1])) * 1000)


@dataclass
class Found:
    """What came of it."""

    subscribers: int
    seconds: float
    messages: int
    missed: int
    looks: int
    late_ms: dict[str, list[float]]
    """By message, from the change to each of its subscribers."""
    rss_mb: list[float]
    cpu_s: float


async def measure(running: Running, data: Data, log: IO[str], *, subscribers: int, seconds: int) -> Found:
    """Subscribe, change, listen, count."""
    url = running.url.replace("http", "ws") + "/graphql"
    key = data.groups[0].key
    late_ms: dict[str, list[float]] = {}
    owner = await asyncpg.connect(data.url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(owner.close)
        with progress_bar() as show:
            everybody: list[Subscriber] = []
            while len(everybody) < subscribers:
                some = range(min(OPENED_AT_ONCE, subscribers - len(everybody)))
                opened = await asyncio.gather(*(_subscribed(url, key) for _ in some))
                everybody += [Subscriber(socket) for socket in opened]
                show("sockets", len(everybody), subscribers)
            listening = [asyncio.create_task(one.listen(late_ms)) for one in everybody]
            for _ in range(SETTLED_AFTER_S):
                await _rename(owner)
                await asyncio.sleep(1)
            late_ms.clear()
            for one in everybody:
                one.stamps.clear()
            _looks(log)
            cpu_before = _cpu_s(running.process)
            rss_mb, started_at = [], time.monotonic()
            for second in range(seconds):
                await _rename(owner)
                await asyncio.sleep(max(0.0, started_at + second + 1 - time.monotonic()))
                rss_mb.append(running.process.memory_info().rss / 2**20)
                show("seconds", second + 1, seconds)
            took_s = time.monotonic() - started_at
            cpu_s = _cpu_s(running.process) - cpu_before
            looks = _looks(log)
            await asyncio.sleep(2)
        for task in listening:
            task.cancel()
        await asyncio.gather(*(one.socket.close() for one in everybody))
    # A message in flight at the beginning or at the end reached some before the count and some after it.
    all_stamps = sorted({stamp for one in everybody for stamp in one.stamps})[1:-1]
    missed = sum(len(set(all_stamps) - set(one.stamps)) for one in everybody)
    messages = sum(len(one.stamps) for one in everybody)
    return Found(subscribers, took_s, messages, missed, looks, late_ms, rss_mb, cpu_s)


def report(found: Found) -> tuple[str, bool]:
    """The figures as a table, and whether everything was held."""
    settled = found.rss_mb[len(found.rss_mb) // 10 :]
    part = max(1, len(settled) // 5)
    growth_mb = sum(settled[-part:]) / part - sum(settled[:part]) / part
    spread_ms = sorted(max(late) - min(late) for late in found.late_ms.values())
    late_ms = [one for late in found.late_ms.values() for one in late]
    rows = {
        "subscribers": f"{found.subscribers:,}",
        "seconds": f"{found.seconds:.0f}",
        "statements for the topic, by PostgreSQL's log": f"{found.looks} ({found.looks / found.seconds:.2f} a second)",
        "messages": f"{found.messages:,} ({found.messages / found.seconds:,.0f} a second)",
        "messages that a subscriber missed": str(found.missed),
        "from the change to the subscriber, median / longest": (
            f"{median(late_ms):.0f} / {max(late_ms):.0f} ms (a tick is 1,000 ms)"
        ),
        "from the first subscriber to the last, median / longest": (
            f"{median(spread_ms):.0f} / {spread_ms[-1]:.0f} ms"
        ),
        "gateway's CPU": f"{found.cpu_s / found.seconds * 100:.0f} % of a core",
        "gateway's memory, lowest–highest": f"{min(settled):.1f}–{max(settled):.1f} MB",
        "its growth, last fifth against first": f"{growth_mb:+.2f} MB",
    }
    table = "\n".join(["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows.items())])
    held = not found.missed and found.looks <= found.seconds + 1 and growth_mb <= MAX_GROWTH_MB
    return table, held


async def _subscribed(url: str, key: str) -> ClientConnection:
    socket = await connect(
        url,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=None,
        proxy=None,
        ping_interval=None,
    )
    await socket.send(json.dumps({"type": "connection_init", "payload": {"X-API-KEY": key}}))
    await socket.recv()
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": WATCH}}))
    await socket.recv()
    return socket


async def _rename(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    await owner.execute("UPDATE campaign SET name = $1 WHERE name LIKE '0 %'", f"0 {time.time():.6f}")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _looks(log: IO[str]) -> int:
    """How often the topic was asked for since the last time this was called."""
    return len(_ASKED.findall(log.read()))


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[tuple[Data, IO[str]]]:
    """A fresh database that writes down every statement, a group and its key."""
    folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
    server = EmbeddedServer(folder / "pg")
    try:
        data = asyncio.run(_fill(server.dsn("live")))
        with (server.folder / "log").open(encoding="utf-8", errors="replace") as log:
            yield data, log
    finally:
        server.stop()


async def _fill(url: str) -> Data:
    await create_database(url)
    await migrate(url)
    owner = await asyncpg.connect(url)
    group_id = await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    await owner.execute(
        "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, 'bench', 'EUR', 'UTC')",
        group_id,
    )
    store_id = await owner.fetchval(
        "INSERT INTO store (group_id, name, beacon_key, is_default) VALUES ($1, 'bench', 'bench', true) RETURNING id",
        group_id,
    )
    await owner.execute(_MAKE, group_id, store_id, CAMPAIGNS, DAYS)
    await owner.execute("ALTER DATABASE live SET log_statement = 'all'")
    version = await owner.fetchval("SHOW server_version")
    await owner.close()
    db = await connect_database(url, readers=1, writers=1)
    key = await create_api_key(db, group_id=group_id, name="bench", now=datetime.now(UTC))
    await db.close()
    return Data(url, psutil.Process(), (Group(group_id, key.secret, ()),), str(version))


def main() -> bool:
    """Read the options and run; whether everything was held."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="bench-live-") as folder, _database(Path(folder)) as (data, log):
        with started(GATEWAY, data, Path(folder) / "keys.json") as running:
            found = asyncio.run(
                measure(running, data, log, subscribers=given.subscribers, seconds=given.seconds)
            )
    table, held = report(found)
    print(table)
    if given.write:
        command = f"python -m bench.live --subscribers {given.subscribers} --seconds {given.seconds}"
        replace_section(TITLE, f"`{command}`, on the machine below:\n\n{table}")
    return held


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
