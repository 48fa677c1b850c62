"""A transaction costs few messages, is whole or nothing, and leaves its connection clean whatever became of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.db.database import Database, connect
from app.db.outages import Away
from app.values.scope import Scope
from tests.faults.proxy import Cut, Proxy
from tests.given import groups

MAKE = "INSERT INTO partner (group_id, name) VALUES ($1, $2)"
NAMES = "SELECT array_agg(name ORDER BY id) FROM partner WHERE group_id = $1"
PID = "SELECT pg_backend_pid()"
ENDS = (Cut.UNSENT, Cut.GOODBYE, Cut.UNANSWERED)
SETTINGS = "SELECT concat(current_setting('app.group_id', true), current_setting('app.group_ids', true))"


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    """What stands between."""
    async with Proxy(database_url) as made:
        yield made


@pytest.fixture
async def one(proxy: Proxy) -> AsyncIterator[Database]:
    """A database whose writers share one connection."""
    made = await connect(proxy.url, readers=1, writers=1)
    yield made
    await made.close()


@pytest.fixture
async def scope(db: Database) -> Scope:
    """A new group's."""
    return (await groups.group(db)).scope


async def names(db: Database, scope: Scope) -> list[str]:
    """What was kept."""
    async with db.transaction(scope) as tx:
        return list(await tx.fetchval(NAMES, scope.group_id) or [])


async def is_clean(db: Database) -> bool:
    """Whether the next one finds no group set."""
    async with db.directory() as connection:
        return not await connection.fetchval(SETTINGS)


# ── messages ──────────────────────────────────────────────────────────────────


async def test_one_statement_takes_four_messages_and_three_when_it_is_prepared(
    proxy: Proxy, one: Database, scope: Scope
) -> None:
    for _ in range(2):
        async with one.directory() as connection:
            await connection.fetchval("SELECT 1")
    taken = []
    for _ in range(4):  # it is prepared when it comes for the second time
        before = proxy.turns
        async with one.transaction(scope) as tx:
            await tx.execute(MAKE, scope.group_id, "a")
        taken.append(proxy.turns - before)
    assert taken == [4, 4, 3, 3]
    before = proxy.turns
    async with one.directory() as connection:
        await connection.fetchval("SELECT 1")
    assert proxy.turns - before == 3


async def test_taking_it_back_takes_no_more(proxy: Proxy, one: Database, scope: Scope) -> None:
    for wanted in (4, 4, 3):
        before = proxy.turns
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with one.transaction(scope) as tx:
                await tx.fetchval("SELECT 1 / $1::int", 0)
        assert proxy.turns - before == wanted


async def test_a_read_behind_the_policies_takes_no_more(proxy: Proxy, scope: Scope) -> None:
    guarded = await connect(proxy.url, readers=1, writers=1, guarded=True)
    counted = []
    for _ in range(3):
        before = proxy.turns
        assert await guarded.read("SELECT convert_to('x', 'UTF8')", [], scope) == b"x"
        counted.append(proxy.turns - before)
    assert counted == [4, 4, 3]
    await guarded.close()


# ── whole or nothing ──────────────────────────────────────────────────────────


async def test_what_fails_is_undone_and_its_connection_goes_on(one: Database, scope: Scope) -> None:
    async with one.transaction(scope) as tx:
        pid = await tx.fetchval(PID)

    async def work(broken: str) -> None:
        async with one.transaction(scope) as tx:
            await tx.execute(MAKE, scope.group_id, "undone")
            await tx.execute(broken)
            raise ZeroDivisionError

    for broken in ("SELECT 1 / 0", "SELECT nothing", "not even SQL"):
        with pytest.raises(asyncpg.PostgresError):
            await work(broken)
    with pytest.raises(ZeroDivisionError):
        await work("SELECT 1")
    assert await is_clean(one)
    assert await names(one, scope) == []
    async with one.transaction(scope) as tx:
        assert await tx.fetchval(PID) == pid


async def test_a_failure_that_was_caught_inside_is_not_taken_for_done(one: Database, scope: Scope) -> None:
    async def work() -> None:
        async with one.transaction(scope) as tx:
            await tx.execute(MAKE, scope.group_id, "undone")
            with contextlib.suppress(asyncpg.DivisionByZeroError):
                await tx.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await work()
    assert await names(one, scope) == []


async def test_a_part_can_be_undone_alone(one: Database, scope: Scope) -> None:
    async with one.transaction(scope) as tx:
        await tx.execute(MAKE, scope.group_id, "first")
        with contextlib.suppress(asyncpg.DivisionByZeroError):
            async with tx.savepoint():
                await tx.execute(MAKE, scope.group_id, "undone")
                await tx.execute("SELECT 1 / 0")
        async with tx.savepoint(keep=False):
            async with tx.savepoint():
                await tx.execute(MAKE, scope.group_id, "tried")
            assert await tx.fetchval(NAMES, scope.group_id) == ["first", "tried"]
        async with tx.savepoint():
            await tx.execute(MAKE, scope.group_id, "second")
    assert await names(one, scope) == ["first", "second"]


# ── cancelled ─────────────────────────────────────────────────────────────────


async def test_what_is_cancelled_in_a_statement_is_undone_and_its_connection_goes_on(
    one: Database, scope: Scope
) -> None:
    async with one.transaction(scope) as tx:
        pid = await tx.fetchval(PID)

    async def work() -> None:
        async with one.transaction(scope) as tx:
            await tx.execute(MAKE, scope.group_id, "undone")
            await tx.execute("SELECT pg_sleep(20)")

    running = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    running.cancel()
    waiting = asyncio.create_task(names(one, scope))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await asyncio.wait_for(waiting, 5) == []
    assert await is_clean(one)
    async with one.transaction(scope) as tx:
        assert await tx.fetchval(PID) == pid


async def test_cancelled_at_any_moment_it_is_whole_or_nothing(one: Database, scope: Scope) -> None:
    kept = 0

    async def work(name: str) -> None:
        async with one.transaction(scope) as tx:
            await tx.execute(MAKE, scope.group_id, f"{name} a")
            await tx.execute(MAKE, scope.group_id, f"{name} b")

    for steps in range(60):
        running = asyncio.create_task(work(str(steps)))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert await is_clean(one)
        found = await names(one, scope)
        assert len(found) - kept in (0, 2), found[kept:]
        kept = len(found)


# ── ended meanwhile ───────────────────────────────────────────────────────────


async def test_one_that_ended_while_nobody_used_it_costs_nobody_anything(
    proxy: Proxy, database_url: str, scope: Scope
) -> None:
    two = await connect(proxy.url, readers=1, writers=2)
    async with two.transaction(scope), two.transaction(scope) as tx:
        await tx.fetchval(PID)
    proxy.holds_ends = True
    owner = await asyncpg.connect(database_url)
    # Both have said goodbye; that they have ended is not known yet.
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        " AND application_name = 'campaign-gateway'"
    )
    await owner.close()
    for _ in range(2):
        await asyncio.wait_for(proxy.held.acquire(), 5)
    kept = await asyncio.wait_for(two.connection(), 5)
    assert await kept.driver.fetchval("SELECT 1") == 1
    kept.close()
    assert await asyncio.wait_for(names(two, scope), 5) == []
    proxy.let_go()
    await two.close()


@pytest.mark.parametrize("how", ENDS)
async def test_one_that_ends_at_begin_is_replaced_and_later_it_is_an_outage(
    proxy: Proxy, one: Database, scope: Scope, how: Cut
) -> None:
    assert await names(one, scope) == []
    proxy.cut_after(0, how)
    assert await names(one, scope) == []
    assert proxy.was_cut()
    for after in (1, 2):
        proxy.cut_after(after, how)
        with pytest.raises(Away):
            await names(one, scope)
        assert proxy.was_cut()
        assert await names(one, scope) == []
