"""kill -9 of the gateway and of PostgreSQL under load: no acknowledged event is lost, none is there twice.

Trackers do what theirs do: they send an event again, by the same nonce, until it is acknowledged.
`KILL_ROUNDS=10` by environment for more than the suite's two rounds.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import psutil
import pytest

from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.event_types.fields import FieldEntry
from app.tables.event_types import EventFieldKind
from tests.given import events
from tests.serving.process import COMMAND, data_folder, environment, free_port

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))
TRACKERS = 12
FIELDS = (
    FieldEntry(storage_key="basket", is_required=True),
    FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC),
)


@dataclass
class Load:
    """Trackers that send to two projects until told to stop."""

    port: int
    slugs: list[str]
    acknowledged: dict[str, UUID] = field(default_factory=dict)
    """By project and nonce."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def tracker(self, number: int) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5) as http:
            at = 0
            while not self.stop.is_set():
                at += 1
                slug, nonce = self.slugs[at % len(self.slugs)], f"{number}-{at}"
                # One in ten is not as its type wants it, and one in seven is sent at once.
                data = {"turnover": 1} if at % 10 == 0 else {"basket": "3", "turnover": 1}
                told = {
                    "projectId": slug,
                    "eventType": "purchase",
                    "nonce": nonce,
                    "trackerId": f"t{number}",
                    "data": data,
                }
                path = "/api/v1/events/sync" if at % 7 == 0 and at % 10 else "/api/v1/events"
                while not self.stop.is_set():
                    try:
                        answer = await http.post(path, json=told)
                    except httpx.HTTPError:
                        await asyncio.sleep(0.05)
                        continue
                    if answer.status_code == 200:
                        self.acknowledged[f"{slug}:{nonce}"] = UUID(answer.json())
                        break
                    assert answer.status_code in (500, 503), answer.text
                    await asyncio.sleep(0.05)

    async def waits_for(self, more: int) -> None:
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged) + more
        for _ in range(4_500):
            if len(self.acknowledged) >= wanted:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(self.acknowledged)} are acknowledged after 90 s, not {wanted}")


@asynccontextmanager
async def gateway(url: str, folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """`gateway serve`, its pipeline inline; killed at the end if it still runs."""
    with (folder / "gateway.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "serve",
            env=environment(folder, PORT=str(port), DATABASE_URL=url, DEVELOPMENT="1"),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def owner_of(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """The database, as soon as it answers again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await asyncpg.connect(url)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.1)


def killed_and_started_again(server: EmbeddedServer) -> EmbeddedServer:
    """PostgreSQL gone in the middle of everything, and recovered."""
    main = psutil.Process(server._server.get_postmaster_info().pid)
    backends = main.children(recursive=True)
    main.kill()
    psutil.wait_procs(backends, timeout=10)
    # Where nobody collects the dead it would be taken for a server that runs.
    (server.folder / "postmaster.pid").unlink(missing_ok=True)
    return EmbeddedServer(server.folder)


async def every_acknowledged_event_is_somewhere(url: str, load: Load) -> None:
    """Pending, processed or trashed, at this moment."""
    known = set(load.acknowledged.values())
    owner = await owner_of(url)
    found = {
        row["id"]
        for row in await owner.fetch(
            "SELECT id FROM event WHERE status IN ('pending', 'processed', 'trashed') AND id = ANY ($1)",
            list(known),
        )
    }
    await owner.close()
    assert known == found


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the database is, which its own user may enter."""
    with data_folder() as made:
        yield made


async def test_nothing_acknowledged_is_lost_or_doubled_whoever_is_killed(
    folder: Path, tmp_path: Path
) -> None:
    server = EmbeddedServer(folder / "pg")
    url = server.dsn("killed")
    await create_database(url)
    await migrate(url)
    db = await connect(url)
    shops = [await events.shop(db, fields=FIELDS) for _ in range(2)]
    await db.close()
    load = Load(free_port(), [shop.slug for shop in shops])
    trackers = [asyncio.create_task(load.tracker(number)) for number in range(TRACKERS)]
    try:
        for _ in range(ROUNDS):
            async with gateway(url, tmp_path, load.port) as process:
                await load.waits_for(150)
                process.send_signal(signal.SIGKILL)
            await every_acknowledged_event_is_somewhere(url, load)
            async with gateway(url, tmp_path, load.port):
                await load.waits_for(150)
                server = await asyncio.to_thread(killed_and_started_again, server)
                await every_acknowledged_event_is_somewhere(url, load)
                await load.waits_for(150)
        load.stop.set()
        await asyncio.gather(*trackers)
        async with gateway(url, tmp_path, load.port):
            owner = await owner_of(url)
            for _ in range(600):
                if not await owner.fetchval("SELECT count(*) FROM event WHERE status = 'pending'"):
                    break
                await asyncio.sleep(0.1)
        stored = await owner.fetch(
            "SELECT e.id, e.status, p.slug || substr(e.dedup_key, strpos(e.dedup_key, ':')) AS name"
            "  FROM event e JOIN project p ON p.id = e.project_id"
        )
        sums = await owner.fetchrow(
            "SELECT (SELECT sum(value) FROM event_rollup WHERE key = 'event-count') AS counted,"
            " (SELECT sum(value) FROM event_rollup WHERE key = 'turnover') AS turnover,"
            " (SELECT count(*) FROM event_metric) AS metrics,"
            " (SELECT count(DISTINCT event_id) FROM event_fault) AS blamed"
        )
        await owner.close()
    finally:
        for task in trackers:
            task.cancel()
        server.stop()
    by_name = {row["name"]: row["id"] for row in stored}
    assert len(by_name) == len(stored)
    assert load.acknowledged.items() <= by_name.items()
    states = [row["status"] for row in stored]
    assert set(states) == {"processed", "trashed"}
    assert sums["counted"] == sums["turnover"] == sums["metrics"] == states.count("processed")
    assert sums["blamed"] == states.count("trashed")
    sys.stdout.write(f"{len(load.acknowledged)} acknowledged in {ROUNDS} rounds\n")
