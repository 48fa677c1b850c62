"""The embedded server comes back from a full disk and a long recovery, and what it says is short."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from app.db import embedded, postmaster
from app.db.embedded import DoesNotStart, EmbeddedServer, State
from app.db.keeping import kept_running
from app.db.users import Users
from tests.serving.process import data_folder, free_port, run, serving

pytestmark = pytest.mark.slow

BACK_WITHIN_S = 25.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's own user may enter."""
    with data_folder() as made:
        yield made
        postmaster.kill_all(made / "postgres")


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with a little room, which the WAL goes to."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") is not None and os.geteuid() == 0
    mounted = (
        mounted
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)], check=False, capture_output=True
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("a file system of a size of its own can only be made as root")
    disk.chmod(0o777)
    yield disk
    postmaster.kill_all(folder / "postgres")
    subprocess.run(["umount", "-l", str(disk)], check=False)


async def until(holds: Any, *, within_s: float) -> None:
    """Wait for it, or fail."""
    end = time.monotonic() + within_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.1)


async def answers(server: EmbeddedServer) -> bool:
    """Whether it does."""
    with contextlib.suppress(OSError, asyncpg.PostgresError):
        connection = await asyncpg.connect(server.dsn("postgres"), timeout=2)
        try:
            return bool(await connection.fetchval("SELECT true"))
        finally:
            await connection.close()
    return False


async def test_it_comes_back_when_the_disk_of_its_log_has_room_again(folder: Path, small_disk: Path) -> None:
    server = EmbeddedServer(folder / "postgres")
    server.stop()
    wal = folder / "postgres" / "pg_wal"
    shutil.copytree(wal, small_disk / "pg_wal")
    shutil.rmtree(wal)
    owner = (folder / "postgres").stat()
    for path in (small_disk / "pg_wal", *(small_disk / "pg_wal").rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    wal.symlink_to(small_disk / "pg_wal")
    server = EmbeddedServer(folder / "postgres")
    try:
        with kept_running(server):
            connection = await asyncpg.connect(server.dsn("postgres"))
            await connection.execute("CREATE TABLE kept (n int, filler text)")
            await connection.execute("INSERT INTO kept VALUES (1, 'acknowledged')")
            ballast = small_disk / "ballast"
            free = shutil.disk_usage(small_disk).free
            ballast.write_bytes(b"\0" * max(0, free - 1024 * 1024))
            # More than the rest of the present segment, again and again: the next segment has no room.
            with contextlib.suppress(asyncpg.PostgresError, OSError, asyncpg.InterfaceError):
                for _ in range(400):
                    await connection.execute(
                        "INSERT INTO kept SELECT n, repeat(md5(random()::text), 20) FROM generate_series(1, 2000) n"
                    )
            await until(lambda: server.state() is not State.RUNNING, within_s=BACK_WITHIN_S)
            assert server.state() is State.CRASHED
            await asyncio.sleep(2)
            ballast.unlink()
            end = time.monotonic() + BACK_WITHIN_S
            while not await answers(server):
                assert time.monotonic() < end, server.last_words()
                await asyncio.sleep(0.2)
            connection = await asyncpg.connect(server.dsn("postgres"))
            assert await connection.fetchval("SELECT count(*) FROM kept WHERE filler = 'acknowledged'") == 1
            await connection.close()
    finally:
        server.stop()
    assert postmaster.processes(folder / "postgres") == []


@pytest.fixture
def slow_start(monkeypatch: pytest.MonkeyPatch) -> float:
    """What is told of a start is told soon."""
    monkeypatch.setattr(embedded, "TELL_EVERY_S", 0.5)
    return 3.0


async def test_a_long_start_is_waited_for_and_told(
    folder: Path, slow_start: float, caplog: pytest.LogCaptureFixture
) -> None:
    """The main process is halted while it starts, as one that recovers for long."""
    server = EmbeddedServer(folder / "postgres")
    postmaster.kill_all(folder / "postgres")
    stopped = threading.Event()

    def halt() -> None:
        while not stopped.wait(0.001):
            pid = postmaster.main_process(folder / "postgres")
            if pid is not None and not postmaster.is_ready(folder / "postgres"):
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).suspend()
                    stopped.wait(slow_start)
                    psutil.Process(pid).resume()
                return

    halting = threading.Thread(target=halt)
    await asyncio.to_thread(_until_gone, folder / "postgres")
    halting.start()
    try:
        await asyncio.to_thread(server.revive)
        assert await answers(server)
        assert any("is starting for" in record.getMessage() for record in caplog.records)
    finally:
        stopped.set()
        halting.join()
        server.stop()


async def test_a_start_can_be_interrupted(folder: Path) -> None:
    server = EmbeddedServer(folder / "postgres")
    pid = postmaster.main_process(folder / "postgres")
    assert pid is not None
    with kept_running(server):
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.3)
    server.stop()
    assert postmaster.processes(folder / "postgres") == []


async def test_one_that_cannot_start_says_why_in_a_few_lines(folder: Path) -> None:
    server = EmbeddedServer(folder / "postgres")
    server.stop()
    log = folder / "postgres" / "log"
    log.write_text("a line of long ago\n" * 30_000)
    (folder / "postgres" / "postgresql.conf").write_text("wal_level = 'rubbish'\n")
    with pytest.raises(DoesNotStart, match="rubbish") as caught:
        EmbeddedServer(folder / "postgres")
    assert len(str(caught.value).splitlines()) < 20
    code, said = await run("serve", folder=folder, PORT=str(free_port()))
    assert code == 1
    assert "rubbish" in said
    assert "Traceback" not in said
    assert len(said) < 6_000


async def test_its_log_has_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "MAX_LOG", 10_000)
    server = EmbeddedServer(folder / "postgres")
    try:
        connection = await asyncpg.connect(server.dsn("postgres"))
        for _ in range(100):
            with contextlib.suppress(asyncpg.PostgresError):
                await connection.execute(f"SELECT nothing_of_the_kind_{'x' * 200}")
        server.limit_log()
        log = folder / "postgres" / "log"
        assert log.stat().st_size < 1_000
        with contextlib.suppress(asyncpg.PostgresError):
            await connection.execute("SELECT said_afterwards")
        # It goes on at the beginning, not behind a gap.
        assert b"\0" not in log.read_bytes()
        assert b"said_afterwards" in log.read_bytes()
        assert (folder / "postgres" / "log.before").stat().st_size <= 10_000
        await connection.close()
    finally:
        server.stop()


async def test_an_immediate_stop_is_a_crash_and_an_orderly_one_is_not(folder: Path) -> None:
    server = EmbeddedServer(folder / "postgres")
    for number, expected in ((signal.SIGQUIT, State.CRASHED), (signal.SIGINT, State.STOPPED)):
        pid = postmaster.main_process(folder / "postgres")
        assert pid is not None
        os.kill(pid, number)
        await asyncio.to_thread(_until_gone, folder / "postgres")
        assert server.state() is expected
        if expected is State.CRASHED:
            server.revive()
    server.stop()


def test_the_dead_are_no_users(tmp_path: Path) -> None:
    here = tmp_path / "pg"
    us, others = Users(here), Users(here)
    us.join()
    assert not us.others()
    others.join()
    assert us.others()
    others.leave()
    assert not us.others()
    script = (
        "import sys, os; from pathlib import Path; from app.db.users import Users;"
        " u = Users(Path(sys.argv[1])); u.join(); print('in', flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(here)], check=False, capture_output=True, text=True
    )
    assert done.stdout == "in\n"
    assert not us.others()
    us.leave()


async def test_recovery_of_a_whole_gateway_is_waited_for(folder: Path) -> None:
    async with serving(folder) as gateway:
        gateway.process.kill()
        await gateway.process.wait()
    postmaster.kill_all(folder / "postgres")
    await asyncio.to_thread(_until_gone, folder / "postgres")
    async with serving(folder) as again:
        assert (await again.http.get("/readyz")).status_code == 200
        assert await again.stop() == 0
    assert "Traceback" not in (folder / "gateway.log").read_text()


def _until_gone(folder: Path) -> None:
    end = time.monotonic() + 10
    while postmaster.processes(folder):
        assert time.monotonic() < end
        time.sleep(0.02)
