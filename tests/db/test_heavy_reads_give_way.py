"""What is heavy and reads has connections of its own; the processes at their other end come last in the system."""

import asyncio
import logging
import os
from pathlib import Path

import asyncpg
import pytest

from app.db.database import Database, connect
from app.db.giving_way import GIVES_WAY, LAST, NICER, Niceness
from app.values.scope import Scope

PID = "SELECT convert_to(pg_backend_pid()::text, 'UTF8')"
SLEEP = "SELECT convert_to(pg_sleep(0.5)::text, 'UTF8')"
SCOPE = Scope(1)


async def pids_of(db: Database) -> set[int]:
    """Of whatever reads: planned, searching, in a transaction."""
    read = int(await db.read(PID, [], SCOPE) or b"0")
    found = (await db.search("SELECT pg_backend_pid()", [], SCOPE))[0][0]
    async with db.transaction(SCOPE, writes=False) as tx:
        return {read, found, await tx.fetchval("SELECT pg_backend_pid()")}


async def heavily(db: Database) -> set[int]:
    """The same by somebody who gives way."""
    GIVES_WAY.set(True)
    return await pids_of(db)


def niceness(pid: int) -> int:
    """As the system has it."""
    return os.getpriority(os.PRIO_PROCESS, pid)


def share_of(pid: int) -> str:
    """Of its session, in the system's words."""
    try:
        return Path(f"/proc/{pid}/autogroup").read_text().strip()
    except OSError:
        return ""


@pytest.mark.parametrize("guarded", [False, True])
async def test_heavy_reads_are_nice_and_others_are_not(database_url: str, guarded: bool) -> None:
    db = await connect(database_url, guarded=guarded)
    others = await pids_of(db)
    heavy = await asyncio.create_task(heavily(db))
    assert not heavy & others
    (usual,) = {niceness(pid) for pid in others}
    assert {niceness(pid) for pid in heavy} == {min(usual + NICER, LAST)}
    # What is light again gets the others again.
    assert await pids_of(db) == others
    await db.close()


async def test_their_sessions_are_nice_too(database_url: str) -> None:
    """Where Linux shares the processor among sessions, nothing else counts beside other sessions."""
    db = await connect(database_url)
    heavy = await asyncio.create_task(heavily(db))
    told = [share_of(pid) for pid in heavy]
    await db.close()
    if not all(told):
        pytest.skip("this system has no such shares")
    assert all(one.endswith(f"nice {NICER}") for one in told)
    assert not share_of(os.getpid()).endswith(f"nice {NICER}"), "ours is left as it is"


async def test_who_writes_never_gives_way(db: Database) -> None:
    async def writes() -> int:
        GIVES_WAY.set(True)
        async with db.transaction(SCOPE) as tx:
            return int(await tx.fetchval("SELECT pg_backend_pid()"))

    (usual,) = {niceness(pid) for pid in await pids_of(db)}
    assert niceness(await asyncio.create_task(writes())) == usual


async def test_heavy_reads_take_no_connection_from_others(database_url: str) -> None:
    db = await connect(database_url, readers=1, writers=1, spare=0)

    async def slow() -> None:
        GIVES_WAY.set(True)
        await db.read(SLEEP, [], SCOPE)

    under_way = [asyncio.create_task(slow()) for _ in range(3)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(0.3):
        await db.read(PID, [], SCOPE)
    await asyncio.gather(*under_way)  # And each of them has its turn.
    await db.close()


async def test_elsewhere_nothing_is_told_and_the_log_says_so_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A process here may have the number of one on another machine."""
    connection = await asyncpg.connect(database_url)

    class Elsewhere:
        _transport = connection._transport

        def get_server_pid(self) -> int:
            return os.getpid()

    told, usual = Niceness(), niceness(os.getpid())
    with caplog.at_level(logging.INFO):
        assert not await told.give(Elsewhere())
        assert not await told.give(Elsewhere())
    assert niceness(os.getpid()) == usual
    assert sum("same priority" in line for line in caplog.messages) == 1
    await connection.close()
