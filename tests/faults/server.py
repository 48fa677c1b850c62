"""A PostgreSQL of a test's own that fails in the ways servers do, behind the proxy, and a gateway in this process."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from app.auth.keys import create_api_key
from app.db import postmaster
from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.keeping import kept_running
from app.db.migrating import create_database, migrate
from app.main import running
from app.serving.journal import Journal
from app.serving.sockets import BoundedSocket
from app.settings import read_settings
from tests.faults.load import Target
from tests.faults.proxy import Proxy
from tests.given import campaigns, custom_ads, events, promos, rewards
from tests.given.custom_ads import Site
from tests.given.groups import GivenGroup
from tests.live.conftest import listening

DISK = "size=700m"
TEMPLATE = "template_load"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of its own that can be filled; None where one cannot be made (it takes root)."""
    disk = folder / "disk"
    disk.mkdir()
    made = False
    if shutil.which("mount") is not None and os.geteuid() == 0:
        command = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(disk)]
        made = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        if made:
            disk.chmod(0o755)
        yield disk if made else None
    finally:
        if made:
            subprocess.run(["umount", "-l", str(disk)], check=False)


class Primary:
    """The server, and what can be done to it."""

    def __init__(self, server: EmbeddedServer, disk: Path | None) -> None:
        self.server = server
        self.disk = disk
        self._databases = 0
        self._standby: EmbeddedServer | None = None

    @property
    def url(self) -> str:
        """The owner's way to the database that is used now, past the proxy."""
        return self.server.dsn(f"load_{self._databases}" if self._databases else TEMPLATE)

    async def begin_anew(self) -> None:
        """A fresh database."""
        self._databases += 1
        await create_database(self.url, template=TEMPLATE)

    async def killed(self) -> None:
        """All of it at once; whoever keeps it running starts it again."""
        await asyncio.to_thread(postmaster.kill_all, self.server.folder)
        await self.answers()

    async def restarted(self) -> None:
        """Stopped in order and started again, as for a new version."""
        pid = postmaster.main_process(self.server.folder)
        assert pid is not None
        os.kill(pid, signal.SIGINT)
        for _ in range(500):
            if not postmaster.processes(self.server.folder):
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(1)
        await asyncio.to_thread(self.server.revive)
        await self.answers()

    async def read_only(self, seconds: float) -> None:
        """As after a failover that left us with what is a replica now."""
        await self._set("on")
        await asyncio.sleep(seconds)
        await self._set("off")

    async def full(self, seconds: float) -> None:
        """No room on its disk."""
        assert self.disk is not None
        ballast = self.disk / "ballast"
        try:
            with ballast.open("wb") as filling:
                # To the last byte, whatever the server frees or takes meanwhile.
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    with contextlib.suppress(OSError):
                        while True:
                            filling.write(b"\0" * 262_144)
                            filling.flush()
                    await asyncio.sleep(0.1)
        except OSError:
            pass
        finally:
            ballast.unlink(missing_ok=True)
        await self.answers()

    async def stand_by(self) -> None:
        """A replica beside it, which has all that is acknowledged."""
        folder = self.server.folder.with_name("replica")
        folder.mkdir(mode=0o700)
        owner = self.server.folder.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        command = ["pg_basebackup", "-h", str(self.server.folder), "-U", "postgres", "-R", "-c", "fast"]
        command[0] = str(self.server._server.bin_path / command[0])
        await asyncio.to_thread(
            subprocess.run,
            [*command, "-D", str(folder)],
            check=True,
            capture_output=True,
            user=self.server._server.system_user,
        )
        # The socket's lock lies in the folder and is copied with it.
        (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        self._standby = await asyncio.to_thread(EmbeddedServer, folder)
        primary = await asyncpg.connect(self.url)
        for _ in range(200):
            if await primary.fetchval("SELECT state = 'streaming' FROM pg_stat_replication"):
                break
            await asyncio.sleep(0.05)
        await primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await primary.execute("SELECT pg_reload_conf()")
        await primary.close()

    async def promote(self, proxy: Proxy) -> None:
        """The primary is gone, and its replica takes its place."""
        assert self._standby is not None
        proxy.refuses = True
        proxy.cut_now()
        gone, self.server, self._standby = self.server, self._standby, None
        await asyncio.to_thread(postmaster.kill_all, gone.folder)
        owner = await asyncpg.connect(self.url)
        assert await owner.fetchval("SELECT pg_promote()")
        await owner.close()
        proxy.lead_to(self.url)
        proxy.refuses = False

    async def answers(self, *, within_s: float = 40) -> None:
        """Until it does."""
        end = time.monotonic() + within_s
        while True:
            try:
                connection = await asyncpg.connect(self.url, timeout=2)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                assert time.monotonic() < end, self.server.last_words()
                await asyncio.sleep(0.1)
            else:
                await connection.close()
                return

    async def _set(self, state: str) -> None:
        owner = await asyncpg.connect(self.url, server_settings={"default_transaction_read_only": "off"})
        await owner.execute(f"ALTER SYSTEM SET default_transaction_read_only = {state}")
        await owner.execute("SELECT pg_reload_conf()")
        await owner.close()


@asynccontextmanager
async def primary(folder: Path) -> AsyncIterator[Primary]:
    """A migrated one, kept running as `serve` keeps its own."""
    with small_disk(folder) as disk:
        server = EmbeddedServer((disk or folder) / "postgres")
        try:
            with kept_running(server):
                made = Primary(server, disk)
                await create_database(made.url)
                await migrate(made.url)
                yield made
        finally:
            await asyncio.to_thread(server.stop)
            for folder in (server.folder, server.folder.with_name("replica")):
                if folder.exists():
                    postmaster.kill_all(folder)


@asynccontextmanager
async def gateway(url: str, proxy: Proxy, folder: Path) -> AsyncIterator[Target]:
    """A gateway behind the proxy with its worker, and a group with something of each kind to write to."""
    db = await connect(url, readers=1, writers=2)
    try:
        target = await _prepared(db)
    finally:
        await db.close()
    settings = read_settings(
        {"DATA_DIR": str(folder / "data"), "DATABASE_URL": proxy.url, "EVENT_RATE": "100000"}
    )
    async with (
        running(settings, journal=Journal()) as app,
        listening(app, BoundedSocket) as (port, _),
    ):
        target.base = f"http://127.0.0.1:{port}"
        yield target


async def _prepared(db: Database) -> Target:
    world = await rewards.given(db)
    rewarding = await world.campaign(world.flow(10), goals=[(*rewards.CAP, 10**9)])
    shop = await events.shop(db, group_id=world.group_id)
    await promos.promo(db, world.scope, "LOAD", now=datetime.now(UTC))
    integration_id, wmkt_id = await custom_ads.integration(db, world.scope, shop.project_id)
    group = GivenGroup(world.group_id, world.store_id, "")
    site = Site(group, shop.project_id, shop.slug, integration_id, wmkt_id)
    tracked = await custom_ads.campaign(db, site)
    clicked = await campaigns.campaign(db, world.scope)
    key = await create_api_key(
        db, group_id=world.group_id, name="load", now=datetime.now(UTC), access="write"
    )
    return Target(
        "", key.secret, shop.slug, "LOAD", f"camp_{rewarding}", [f"cust_{c}" for c in world.customers],
        f"camp_{tracked}", f"camp_{clicked}",
    )  # fmt: skip
