"""Memory of the gateway and of the database's processes: `python -m bench.memory --documents 10000 --minutes 10`.

A gateway and a database of their own, thrown away after. Three phases, one after the other: `--documents` distinct
documents of `--aliases` campaigns with their relations, each sent twice; the largest answers the gateway gives, and
larger ones that it refuses, for `--minutes`; `--streams` event streams that nobody reads. Every second the gateway's
resident memory is noted, and what the database's processes hold each for itself (without what they share). Exit status
1 where one of them passes its bound.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import psutil

from app.auth.keys import create_api_key
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from bench.data import Data, Group
from bench.report import replace_section
from bench.servers import GATEWAY, Running, started

TITLE = "Memory: wide documents, large answers, unread streams"
MAX_GATEWAY_MB = 1_200
MAX_PROCESS_MB = 500
"""Of one process of the database."""
MAX_DATABASE_MB = 2_000
"""Of all of them together, what they share left out."""
EVENTS = 600
BODY_BYTES = 60_000
ASKING = 4
ALIAS = (
    'a{0}: campaign(id: "camp_{1}") {{ id name status createdAt store {{ id name }} project {{ id name }}'
    " segment {{ id name }} }}"
)
WATCH = "subscription { campaigns(first: 1000) { nodes { id name description } } }"
_CAMPAIGNS = """
INSERT INTO campaign (group_id, store_id, name, description, status, type, objective, currency, is_explicit,
                      is_template, total_rewards)
SELECT $1, $2, n || ' campaign', repeat('x', 500), 'active', 'promotion', 'unspecified', 'EUR', true, false, 0
  FROM generate_series(1, 1000) n
"""
_EVENTS = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, updated_at, status, body)
SELECT $1, gen_random_uuid(), 'tracker', n::text, 'order', now(), now(), now(), 'processed',
       json_build_object('data', (SELECT string_agg(md5(m::text || n), '') FROM generate_series(1, $3 / 32) m))
  FROM generate_series(1, $2) n
"""


@dataclass
class Phase:
    """What was seen while something was done."""

    name: str
    seconds: float = 0.0
    did: dict[str, int] = field(default_factory=dict)
    gateway_mb: list[float] = field(default_factory=list)
    process_mb: list[float] = field(default_factory=list)
    """The largest process of the database."""
    database_mb: list[float] = field(default_factory=list)
    """All of them."""

    def count(self, what: str) -> None:
        """One more."""
        self.did[what] = self.did.get(what, 0) + 1


Work = Callable[[Phase], Awaitable[None]]


async def watched(name: str, work: Work, running: Running, data: Data) -> Phase:
    """Do the work, and look every second."""
    phase = Phase(name)
    began = time.monotonic()
    task = asyncio.ensure_future(work(phase))
    while not task.done():
        await asyncio.wait([task], timeout=1)
        phase.gateway_mb.append(running.process.memory_info().rss / 2**20)
        own = []
        for process in data.postmaster.children():
            with contextlib.suppress(psutil.Error):
                own.append(process.memory_full_info().uss / 2**20)
        phase.process_mb.append(max(own, default=0.0))
        phase.database_mb.append(sum(own))
    await task
    phase.seconds = time.monotonic() - began
    return phase


def documents(running: Running, key: str, *, count: int, aliases: int) -> Work:
    """Distinct documents, each sent twice."""

    async def work(phase: Phase) -> None:
        async with _client(running, key) as client:
            for number in range(count):
                first = number * aliases
                query = "{" + " ".join(ALIAS.format(n, first + n) for n in range(aliases)) + "}"
                for _ in range(2):
                    answer = await client.post("/graphql", json={"query": query})
                    phase.count(_outcome(answer))

    return work


def answers(running: Running, key: str, *, seconds: float) -> Work:
    """The largest answers there are, by several clients at once."""

    async def ask(phase: Phase, until: float, first: int) -> None:
        query = f"{{ events(first: {first}) {{ nodes {{ id body }} }} }}"
        async with _client(running, key) as client:
            while time.monotonic() < until:
                answer = await client.post("/graphql", json={"query": query})
                phase.count(_outcome(answer))

    async def work(phase: Phase) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(ask(phase, until, first) for first in (500, EVENTS) * (ASKING // 2)))

    return work


def streams(
    running: Running, key: str, owner: "asyncpg.Connection[asyncpg.Record]", *, count: int, seconds: float
) -> Work:
    """Event streams whose clients read nothing, while what they watch changes every second."""
    host, port = running.url.removeprefix("http://").split(":")
    body = json.dumps({"query": WATCH}).encode()
    request = (
        f"POST /graphql HTTP/1.1\r\nHost: bench\r\nX-API-KEY: {key}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def open_one() -> "tuple[asyncio.StreamReader, asyncio.StreamWriter]":
        reader, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(request)
        await writer.drain()
        return reader, writer

    async def work(phase: Phase) -> None:
        opened = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                opened.append(await open_one())
                phase.count("opened")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await owner.execute("UPDATE campaign SET name = $1 WHERE name LIKE '1 %'", f"1 {time.time():.6f}")
            await asyncio.sleep(1)
        # As the gateway sees it: a client that reads nothing does not notice that it was cut off.
        there = running.process.net_connections("tcp")
        phase.did["still open at the end"] = sum(one.status == psutil.CONN_ESTABLISHED for one in there)
        for _, writer in opened:
            writer.transport.abort()

    return work


async def measure(running: Running, data: Data, given: argparse.Namespace) -> list[Phase]:
    """The three phases."""
    key = data.groups[0].key
    owner = await asyncpg.connect(data.url)
    try:
        works = {
            f"{given.documents:,} distinct documents of {given.aliases} aliases, twice": documents(
                running, key, count=given.documents, aliases=given.aliases
            ),
            f"{ASKING} clients, {given.minutes:g} minutes of the largest answers": answers(
                running, key, seconds=given.minutes * 60
            ),
            f"{given.streams:,} streams that nobody reads, {given.seconds} s": streams(
                running, key, owner, count=given.streams, seconds=given.seconds
            ),
        }
        return [await watched(name, work, running, data) for name, work in works.items()]
    finally:
        await owner.close()


def report(found: list[Phase], *, at_start_mb: float) -> tuple[str, bool]:
    """The figures as a table, and whether everything was held."""
    lines = [
        "| phase | seconds | what was done | gateway, a third in / two thirds / highest / end, MB"
        " | largest process of the database, the same | all of them, the same |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for phase in found:
        did = ", ".join(f"{count:,} {what}" for what, count in phase.did.items())
        shown = (_course(one) for one in (phase.gateway_mb, phase.process_mb, phase.database_mb))
        lines.append(f"| {phase.name} | {phase.seconds:.0f} | {did} | " + " | ".join(shown) + " |")
    most = [
        max(max(getattr(one, name)) for one in found) for name in ("gateway_mb", "process_mb", "database_mb")
    ]
    bounds = (MAX_GATEWAY_MB, MAX_PROCESS_MB, MAX_DATABASE_MB)
    lines += [
        "",
        f"The gateway had {at_start_mb:.0f} MB at the start. Highest: gateway {most[0]:.0f} MB ({bounds[0]:,} are"
        f" allowed), one process of the database {most[1]:.0f} MB ({bounds[1]:,}), all of them {most[2]:.0f} MB"
        f" ({bounds[2]:,}).",
    ]
    return "\n".join(lines), all(value <= bound for value, bound in zip(most, bounds, strict=True))


def _outcome(answer: httpx.Response) -> str:
    """What an answer was; SystemExit where it is neither what was asked for nor too large, and so measures nothing."""
    if b'"TOO_LARGE"' in answer.content[-2_000:]:
        return "refused as too large"
    if answer.status_code != 200 or b'"errors":' in answer.content[:200]:
        raise SystemExit(f"answered {answer.status_code}: {answer.text:.500}")
    return "answered in full"


def _course(values: list[float]) -> str:
    third = len(values) // 3
    return f"{values[third]:.0f} / {values[2 * third]:.0f} / {max(values):.0f} / {values[-1]:.0f}"


def _client(running: Running, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=running.url, headers={"X-API-KEY": key}, timeout=120)


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[Data]:
    folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
    server = EmbeddedServer(folder / "pg")
    try:
        yield asyncio.run(_fill(server))
    finally:
        server.stop()


async def _fill(server: EmbeddedServer) -> Data:
    url = server.dsn("memory")
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
    await owner.execute(_CAMPAIGNS, group_id, store_id)
    await owner.execute(_EVENTS, group_id, EVENTS, BODY_BYTES)
    await owner.execute("ANALYZE")
    version = await owner.fetchval("SHOW server_version")
    postmaster = psutil.Process(await owner.fetchval("SELECT pg_backend_pid()")).parent()
    assert postmaster is not None
    await owner.close()
    db = await connect(url, readers=1, writers=1)
    key = await create_api_key(db, group_id=group_id, name="bench", now=datetime.now(UTC), personal_data=True)
    await db.close()
    return Data(url, postmaster, (Group(group_id, key.secret, ()),), str(version))


def main() -> bool:
    """Read the options and run; whether everything was held."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--aliases", type=int, default=160)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=60, help="how long the streams are left unread")
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder, _database(Path(folder)) as data:
        with started(GATEWAY, data, Path(folder) / "keys.json") as running:
            at_start_mb = running.process.memory_info().rss / 2**20
            found = asyncio.run(measure(running, data, given))
    table, held = report(found, at_start_mb=at_start_mb)
    print(table)
    if given.write:
        command = (
            f"python -m bench.memory --documents {given.documents} --aliases {given.aliases}"
            f" --minutes {given.minutes:g} --streams {given.streams} --seconds {given.seconds}"
        )
        replace_section(TITLE, f"`{command}`, on the machine below:\n\n{table}")
    return held


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
