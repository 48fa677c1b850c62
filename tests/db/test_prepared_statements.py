"""What the database's processes keep of statements is bounded in bytes, and only what comes again is kept."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.db.database import Database, connect
from app.db.preparing import LARGE, MAX_READER_BYTES, MAX_WRITER_BYTES, weight_of
from app.values.known import Recurring
from app.values.scope import Scope
from tests.plan.planning import statement

KEPT = "SELECT statement FROM pg_prepared_statements"
WIDE = 'a{0}: campaign(id: "camp_{1}") {{ id name status store {{ id name }} project {{ id name }} }} '


@pytest.fixture
async def one(database_url: str) -> AsyncIterator[Database]:
    """One connection of each kind."""
    db = await connect(database_url, readers=1, writers=1)
    yield db
    await db.close()


async def kept_by_reader(db: Database) -> list[str]:
    """What its connection keeps on the server."""
    async with db.reader.connection() as connection:
        return [row[0] for row in await asyncpg.Connection.fetch(connection, KEPT)]


def wide(number: int, *, aliases: int) -> str:
    """A document that nobody has sent before."""
    return "{" + "".join(WIDE.format(n, number * 1000 + n) for n in range(aliases)) + "}"


async def test_what_is_asked_once_is_not_kept(one: Database) -> None:
    for number in range(20):
        made, values = statement(wide(number, aliases=3), scope=Scope(1))
        # The aliases' names are the same, so is the text; another column beside makes it another statement.
        await one.reader.fetch_bytes(f"{made.text} -- {number}", values)
    assert await kept_by_reader(one) == []


async def test_what_comes_again_is_kept_within_a_bound_in_bytes(one: Database) -> None:
    made, values = statement(wide(0, aliases=60), scope=Scope(1))
    for number in range(20):
        for _ in range(3):
            await one.reader.fetch_bytes(f"{made.text} -- {number}", values)
    kept = await kept_by_reader(one)
    # One that made room is still there until the next one is prepared.
    assert 1 < len(kept) < 10
    assert sum(map(weight_of, kept)) <= MAX_READER_BYTES + weight_of(kept[0])


async def test_one_too_large_is_never_kept_and_nothing_of_it_stays(one: Database) -> None:
    large = "SELECT convert_to('x', 'UTF8') /*" + "x" * (MAX_READER_BYTES // 2 // 200) + "*/"
    assert len(large) > LARGE
    assert weight_of(large) > MAX_READER_BYTES // 2
    for _ in range(3):
        assert (await one.reader.fetch_bytes(large, [])) is not None
    assert await kept_by_reader(one) == []


async def test_statements_of_writers_are_bounded_in_bytes_too(one: Database) -> None:
    filler = "/*" + "x" * 10_000 + "*/"
    async with one.transaction(Scope(1)) as tx:
        for number in range(40):
            for _ in range(2):
                assert await tx.fetchval(f"SELECT {number} {filler}") == number
        kept = [row[0] for row in await asyncpg.Connection.fetch(tx.driver, KEPT)]
    assert 1 < len(kept)
    assert sum(map(weight_of, kept)) <= MAX_WRITER_BYTES + weight_of(kept[0])


async def test_every_way_to_run_a_statement_gives_the_same_the_first_and_the_third_time(
    one: Database,
) -> None:
    async with one.transaction(Scope(1)) as tx:
        for _ in range(3):
            assert [row["n"] for row in await tx.fetch("SELECT generate_series(1, $1::int) AS n", 3)] == [
                1,
                2,
                3,
            ]
            row = await tx.fetchrow("SELECT $1::int AS a, 2 AS b", 1)
            assert row is not None
            assert tuple(row.values()) == (1, 2)
            assert await tx.fetchval("SELECT $1::text", "ü") == "ü"
            assert await tx.execute("UPDATE store SET name = name WHERE group_id = $1", 0) == 0
            assert await tx.execute("CREATE TEMPORARY TABLE IF NOT EXISTS t_here (n int)") == 0
            assert (
                await tx.execute("INSERT INTO t_here SELECT generate_series(1, $1::int) RETURNING n", 4) == 4
            )


async def test_a_failed_statement_of_a_savepoint_can_be_run_again(one: Database) -> None:
    async with one.transaction(Scope(1)) as tx:
        for _ in range(3):
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with tx.savepoint():
                    await tx.fetchval("SELECT 1 / $1::int", 0)
        assert await tx.fetchval("SELECT 1 / $1::int", 1) == 1


async def test_a_plan_the_server_threw_away_is_made_anew(one: Database, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("CREATE TABLE t_moves (n int)")
    await owner.execute("GRANT SELECT ON t_moves TO gateway_app, gateway_reader")
    read = "SELECT to_jsonb(t_moves), n FROM t_moves"
    for _ in range(3):
        await one.reader.fetch_bytes(read, [])
        async with one.directory() as directory:
            await directory.fetch(read)
    await owner.execute("ALTER TABLE t_moves ALTER COLUMN n TYPE text")
    await one.reader.fetch_bytes(read, [])
    async with one.writer.connection() as connection:  # outside a transaction nothing is lost
        await connection.fetch(read)
    await owner.execute("DROP TABLE t_moves")
    await owner.close()


def test_what_comes_again_is_told_from_what_is_new_however_much_comes_between() -> None:
    come = Recurring(3)
    assert [come.has_come(key) for key in ("a", "a", "b", "a")] == [False, True, False, True]
    for key in "cdefghij":
        assert not come.has_come(key)
    assert not come.has_come("a"), "forgotten, since it is bounded"
