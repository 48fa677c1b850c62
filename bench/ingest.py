"""Events in, over HTTP, from 20 groups mixed: `python -m bench.ingest`, on a database of its own that is thrown away.

One gateway process as `gateway serve` starts it (its pipeline inline), beside the database, with the trackers in a
process of their own (`bench/flood.py`). Bars: 4,000 single-event POSTs/s acknowledged after COMMIT, p99 under 50 ms at
half of that; 1,000 events/s processed with a p99 lag under 2 s, also where a fifth of them come from devices and
telephones that several people share; a burst of 100,000 drains; nothing lost, nothing twice.
Exit status 1 where a bar is missed. How long an event waits is counted to the COMMIT of its processing.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.event_types.fields import FieldEntry
from app.domain.event_types.operations import EventTypeFields, create_event_type
from app.tables.event_types import EventDataType, EventFieldKind
from app.values.instants import read_instant
from app.values.scope import Scope
from bench.report import replace_section

TITLE = "Events in"
GROUPS = 20
FIELDS = (
    FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
    FieldEntry(storage_key="phone", data_type=EventDataType.PHONE, identity="phone"),
    FieldEntry(storage_key="label"),
    FieldEntry(storage_key="basket", data_type=EventDataType.INTEGER, is_required=True),
    FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC),
    FieldEntry(storage_key="converted", kind=EventFieldKind.STATE),
)
# What is stored, and how long what is processed waited, in milliseconds.
_STANDS = """
SELECT count(*) AS stored, count(*) FILTER (WHERE status = 'pending') AS pending,
       count(*) FILTER (WHERE status = 'trashed') AS trashed,
       coalesce(percentile_cont(0.99) WITHIN GROUP (
         ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin) - received_at))
         FILTER (WHERE status <> 'pending'), 0) * 1000 AS lag_p99_ms,
       extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - min(received_at)) AS stretch_s
  FROM event WHERE dedup_key LIKE '%:' || $1 || '-%'
"""
# Each processed event is counted once in the sums, and its statistic with it.
_SUMS = """
SELECT (SELECT sum(value) FROM event_rollup WHERE key = 'event-count') AS counted,
       (SELECT count(*) FROM event WHERE status = 'processed') AS processed,
       (SELECT sum(value) FROM event_rollup WHERE key = 'turnover') AS summed,
       (SELECT sum(value) FROM event_metric WHERE storage_key = 'turnover') AS turnover
"""


@dataclass(frozen=True)
class Step:
    """A stretch of load."""

    name: str
    rate: float = 0.0
    seconds: float = 0.0
    count: int = 0
    shared: float = 0.0
    """Share of events from devices and telephones that several people use."""


def main() -> None:
    """Read the options, run, say which bars were missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="of each stretch; sustained runs take five times that"
    )
    parser.add_argument("--burst", type=int, default=100_000)
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], help="these stretches: half,shared"
    )
    parser.add_argument("--write", action="store_true", help="write it into bench/RESULTS.md")
    parser.add_argument(
        "--beside", default="nothing", help="what else the machine was doing, for the results"
    )
    given = parser.parse_args()
    steps = [
        Step("warm-up", rate=500, seconds=5),
        Step("half", rate=2_000, seconds=given.seconds),
        Step("full", rate=4_000, seconds=given.seconds),
        Step("most", count=int(4_000 * given.seconds)),
        Step("sustained", rate=1_000, seconds=given.seconds * 5),
        Step("shared", rate=1_000, seconds=given.seconds * 5, shared=0.2),
        Step("burst", count=given.burst),
    ]
    if given.only:
        steps = [step for step in steps if step.name in given.only]
    with database() as server:
        results = asyncio.run(measured(server, steps))
    missed = [
        what
        for what, met in (
            (
                "4,000 acknowledged/s",
                not {"full", "most"} <= results.keys()
                or max(results[one]["acknowledged_per_s"] for one in ("full", "most")) >= 3_990,
            ),
            ("p99 under 50 ms at 2,000/s", _least(results, "half", "p99_ms") < 50),
            ("1,000/s processed with p99 lag under 2 s", _least(results, "sustained", "lag_p99_ms") < 2_000),
            (
                "1,000/s of people who share devices processed with p99 lag under 2 s",
                _least(results, "shared", "lag_p99_ms") < 2_000,
            ),
            (
                "nothing lost, nothing twice",
                all(one["lost"] == one["doubled"] == one["left"] == 0 for one in results.values()),
            ),
            ("sums are right", all(one["sums_hold"] for one in results.values())),
        )
        if not met
    ]
    verdict = "Missed: " + "; ".join(missed) if missed else "Every bar is met"
    print(verdict)
    if given.write:
        command = f"`python -m bench.ingest --seconds {given.seconds:g} --burst {given.burst}`"
        about = f"{command}; beside it the machine was doing: {given.beside}. {verdict}."
        replace_section(TITLE, f"{about}\n\n{table(results)}")
    sys.exit(bool(missed))


def _least(results: dict[str, dict[str, Any]], step: str, figure: str) -> float:
    """A stretch's figure; of one that was left out nothing is asked."""
    return float(results[step][figure]) if step in results else 0.0


def table(results: dict[str, dict[str, Any]]) -> str:
    """The stretches, as RESULTS.md shows them."""
    lines = [
        "| stretch | sent | acknowledged/s | p50 ms | p99 ms | processed/s | lag p99 ms | drained after s"
        " | lost, doubled | CPU µs per event: gateway, database | load |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in results.items():
        cpu = ", ".join(str(part) for part in one["cpu_us_each"])
        lines.append(
            f"| {name} | {one['sent']:,} | {one['acknowledged_per_s']:,.0f} | {one['p50_ms']} | {one['p99_ms']}"
            f" | {one['processed_per_s']:,.0f} | {one['lag_p99_ms']:,.0f} | {one['drained_after_s']}"
            f" | {one['lost']}, {one['doubled']} | {cpu} | {one['load']:.1f} |"
        )
    return "\n".join(lines)


async def measured(server: EmbeddedServer, steps: list[Step]) -> dict[str, dict[str, Any]]:
    """Each stretch's figures, printed as they come."""
    url = server.dsn()
    slugs = await prepare(url)
    owner = await asyncpg.connect(url)
    results = {}
    with gateway(url) as (port, process):
        await ready(port)
        for step in steps:
            before = cpu_of(process), cpu_of_database(server), time.perf_counter()
            flood = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.flood", "--port", str(port), "--slugs", ",".join(slugs),
                "--run", step.name, "--shared", str(step.shared),
                "--rate", str(step.rate), "--seconds", str(step.seconds), "--count", str(step.count),
                stdout=subprocess.PIPE,
            )  # fmt: skip
            said, _ = await flood.communicate()
            told = json.loads(said)
            cpu = cpu_of(process) - before[0], cpu_of_database(server) - before[1]
            waited = time.perf_counter()
            stands = await drained(owner, step.name)
            told |= {
                "lost": told["acknowledged"] - stands["stored"] if told["broken"] == 0 else None,
                "doubled": max(0, stands["stored"] - told["acknowledged"]),
                "left": stands["pending"],
                "trashed": stands["trashed"],
                "lag_p99_ms": round(stands["lag_p99_ms"], 1),
                "drained_after_s": round(time.perf_counter() - waited, 2),
                "processed_per_s": round(stands["stored"] / float(stands["stretch_s"]), 1),
                "cpu_us_each": [round(one / max(1, told["sent"]) * 1e6) for one in cpu],
                "load": os.getloadavg()[0],
            }
            sums = await owner.fetchrow(_SUMS)
            told["sums_hold"] = sums["counted"] == sums["processed"] and sums["summed"] == sums["turnover"]
            results[step.name] = told
            print(step.name, json.dumps(told), flush=True)
    await owner.close()
    return results


async def drained(owner: "asyncpg.Connection[asyncpg.Record]", run: str) -> "asyncpg.Record":
    """How the run's events stand once none waits, or after ten minutes."""
    for _ in range(6_000):
        if not await owner.fetchval("SELECT 1 FROM event WHERE status = 'pending' LIMIT 1"):
            break
        await asyncio.sleep(0.1)
    return await owner.fetchrow(_STANDS, run)


async def prepare(url: str) -> list[str]:
    """Twenty groups with a project and an event type each; their slugs."""
    await create_database(url)
    await migrate(url)
    db = await connect(url)
    slugs = [await project(db, number) for number in range(GROUPS)]
    await db.close()
    return slugs


async def project(db: Database, number: int) -> str:
    """A group with a tracking project; its slug."""
    slug, now = f"shop-{number}", read_instant("2026-01-01T00:00:00Z")
    async with db.directory() as directory:
        group_id = await directory.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    async with db.transaction(Scope(group_id)) as tx:
        await tx.execute(
            "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, $2, 'EUR', 'Europe/Paris')",
            group_id, slug,
        )  # fmt: skip
        made = await tx.fetchval(
            "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, $2, $3, false) RETURNING id",
            group_id, f"Shop {number}", slug,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)", slug, group_id, made
        )
        await create_event_type(
            tx, made, EventTypeFields(name="Order", fields=list(FIELDS)), reference="order", now=now
        )
    return slug


@contextmanager
def database() -> Iterator[EmbeddedServer]:
    """A server that knows when transactions were committed."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-ingest-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    asyncio.run(_keep_commit_times(server.dsn("postgres")))
    server.stop()
    server = EmbeddedServer(folder / "pg")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _keep_commit_times(url: str) -> None:
    owner = await asyncpg.connect(url)
    await owner.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await owner.close()


@contextmanager
def gateway(url: str) -> Iterator[tuple[int, psutil.Process]]:
    """`gateway serve`; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
    folder = Path(tempfile.mkdtemp(prefix="gateway-ingest-data-"))
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DATA_DIR": str(folder),
                "PORT": str(port),
                "DEVELOPMENT": "1",
            },
            stdout=log,
            stderr=log,
        )
    try:
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


async def ready(port: int) -> None:
    """Once it answers."""
    async with httpx.AsyncClient() as http:
        for _ in range(600):
            try:
                if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit("the gateway did not start")


def cpu_of(process: psutil.Process) -> float:
    """Seconds of CPU."""
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_of_database(server: EmbeddedServer) -> float:
    """Seconds of CPU of all its processes that live."""
    main = psutil.Process(server._server.get_postmaster_info().pid)
    return sum(cpu_of(one) for one in [main, *main.children(recursive=True)])


if __name__ == "__main__":
    main()
