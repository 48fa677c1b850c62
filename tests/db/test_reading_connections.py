"""Reading connections are handed on, mended after failures, and never lost to whoever was cancelled."""

import asyncio

import asyncpg
import pytest

from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.db.preparing import MAX_STATEMENTS
from app.values.scope import Scope

SLEEP = "SELECT convert_to(pg_sleep(5)::text, 'UTF8')"
PID = "SELECT convert_to(pg_backend_pid()::text, 'UTF8')"


async def test_more_readers_than_connections_wait_their_turn(database_url: str) -> None:
    db = await connect(database_url, readers=2, writers=1)
    pids = await asyncio.gather(*(db.reader.fetch_bytes(PID, []) for _ in range(50)))
    assert len(set(pids)) <= 2
    await db.close()


async def test_who_waits_longest_is_next(database_url: str) -> None:
    db = await connect(database_url, readers=1, writers=1)
    seen: list[tuple[int, int]] = []

    async def asks(number: int) -> None:
        # Whoever is done asks again at once, and would be served before those who wait.
        for turn in range(5):
            await db.reader.fetch_bytes(PID, [])
            seen.append((turn, number))

    await asyncio.gather(*(asks(number) for number in range(8)))
    assert seen == sorted(seen)
    await db.close()


async def test_only_reads_that_may_be_stale_ask_the_replica(
    server: EmbeddedServer, template: str, database_url: str
) -> None:
    # Another database stands for the replica, so that it shows who answered.
    elsewhere = server.dsn("t_replica")
    await create_database(elsewhere, template=template)
    db = await connect(database_url, read_url=elsewhere, readers=1, writers=1)
    where = "SELECT convert_to(current_database(), 'UTF8')"
    assert await db.read_stale(where, [], Scope(1)) == (b"t_replica", True)
    assert await db.read(where, [], Scope(1)) != b"t_replica"
    await db.close()


async def test_a_failed_statement_costs_no_connection(database_url: str) -> None:
    db = await connect(database_url, readers=1, writers=1)
    pid = await db.reader.fetch_bytes(PID, [])
    for broken in ("SELECT 1/0", "SELECT no_such_column", "SELECT 1 /"):
        for _ in range(3):
            with pytest.raises(asyncpg.PostgresError):
                await db.reader.fetch_bytes(broken, [])
    assert await db.reader.fetch_bytes(PID, []) == pid
    await db.close()


async def test_a_statement_is_prepared_once_and_the_one_used_longest_ago_makes_room(
    database_url: str,
) -> None:
    prepared = """SELECT convert_to(string_agg(statement, ' ' ORDER BY prepare_time), 'UTF8')
                    FROM pg_prepared_statements WHERE statement IN ('VALUES (1)', 'VALUES (2)')"""
    db = await connect(database_url, readers=1, writers=1)
    for n in (1, 2, 1, 2, 1):  # prepared when it comes for the second time
        await db.reader.fetch_bytes(f"VALUES ({n})", [])
    assert await db.reader.fetch_bytes(prepared, []) == b"VALUES (1) VALUES (2)"
    # Evicted by the last of these, and closed on the server with the one after it.
    for n in [*range(3, MAX_STATEMENTS + 1), 0]:
        for _ in range(2):
            await db.reader.fetch_bytes(f"VALUES ({n})", [])
    assert await db.reader.fetch_bytes(prepared, []) == b"VALUES (1)"
    await db.close()


async def test_who_leaves_while_reading_or_waiting_takes_nothing_along(database_url: str) -> None:
    db = await connect(database_url, readers=1, writers=1)
    running = asyncio.create_task(db.reader.fetch_bytes(SLEEP, []))
    await asyncio.sleep(0.1)
    waiting = [asyncio.create_task(db.reader.fetch_bytes(PID, [])) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    running.cancel()
    done = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 3)
    assert isinstance(done[0], asyncio.CancelledError)
    assert all(isinstance(pid, bytes) for pid in done[1:])
    await db.close()


async def test_a_connection_the_server_ended_is_replaced(database_url: str) -> None:
    db = await connect(database_url, readers=1, writers=1)
    pid = int(await db.reader.fetch_bytes(PID, []) or b"0")
    admin = await asyncpg.connect(database_url)
    await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await admin.close()
    await asyncio.sleep(0.1)
    assert int(await db.reader.fetch_bytes(PID, []) or b"0") != pid
    await db.close()
