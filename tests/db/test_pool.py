"""A pool's connections are handed on in order, to nobody who has left, and never more than there may be."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.db.absence import Absence
from app.db.outages import Away
from app.db.pool import Pool
from app.errors import Unavailable

PID = "SELECT pg_backend_pid()"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """One connection, for which nobody waits for long."""
    made = Pool(lambda: asyncpg.connect(database_url), size=1, absence=Absence(), waits_s=0.3)
    yield made
    await made.close()


async def pid_of(pool: Pool) -> int:
    """Of the connection one gets."""
    async with pool.transaction() as connection:
        return int(await connection.fetchval(PID))


async def test_never_more_than_there_may_be(database_url: str) -> None:
    pool = Pool(lambda: asyncpg.connect(database_url), size=3, absence=Absence())
    assert len(set(await asyncio.gather(*(pid_of(pool) for _ in range(40))))) <= 3
    await pool.close()


async def test_who_waits_longest_is_next(pool: Pool) -> None:
    seen: list[tuple[int, int]] = []

    async def asks(number: int) -> None:
        for turn in range(4):
            await pid_of(pool)
            seen.append((turn, number))

    await asyncio.gather(*(asks(number) for number in range(6)))
    assert seen == sorted(seen)


async def test_who_waits_too_long_is_told_and_gets_nothing_later(pool: Pool) -> None:
    pid = await pid_of(pool)
    async with pool.transaction():
        with pytest.raises(Unavailable) as caught:
            await asyncio.wait_for(pid_of(pool), 5)
        late = asyncio.create_task(pid_of(pool))
        await asyncio.sleep(0.1)
    assert not isinstance(caught.value, Away), "the database is there"
    assert caught.value.message == "All connections to the database are in use. Please try again shortly."
    assert await late == pid
    assert await asyncio.wait_for(pid_of(pool), 0.2) == pid


async def test_who_leaves_while_waiting_takes_nothing_along(pool: Pool) -> None:
    pid = await pid_of(pool)
    for steps in range(8):
        async with pool.transaction():
            leaving, staying = (asyncio.create_task(pid_of(pool)) for _ in range(2))
            await asyncio.sleep(0)
        # Its turn may have come already.
        for _ in range(steps):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert await asyncio.wait_for(staying, 1) == pid


async def test_one_that_is_kept_has_a_place_until_it_is_closed_and_is_not_used_again(pool: Pool) -> None:
    kept = await pool.keep()
    pid = await kept.driver.fetchval(PID)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(pid_of(pool), 5)
    waiting = asyncio.create_task(pid_of(pool))
    await asyncio.sleep(0)
    kept.close()
    assert await asyncio.wait_for(waiting, 1) != pid


async def test_where_none_can_be_opened_the_next_one_tries(database_url: str) -> None:
    works = False

    async def opened() -> object:
        await asyncio.sleep(0.05)
        if not works:
            raise ConnectionRefusedError
        return await asyncpg.connect(database_url)

    pool = Pool(opened, size=1, absence=Absence(), waits_s=5)
    asked = [asyncio.create_task(pid_of(pool)) for _ in range(4)]
    for task in asked[:2]:
        with pytest.raises(Away):
            await task
    works = True
    done = await asyncio.wait_for(asyncio.gather(*asked[2:], return_exceptions=True), 2)
    assert isinstance(done[-1], int)
    await pool.close()


async def test_one_that_is_still_in_use_when_the_pool_closes_ends_when_it_comes_back(pool: Pool) -> None:
    async with pool.transaction() as connection:
        await pool.close()
        assert await connection.fetchval("SELECT 1") == 1
    assert connection.is_closed()
    with pytest.raises(Away):
        await pid_of(pool)


async def test_one_left_with_a_statement_running_is_not_handed_on(pool: Pool) -> None:
    pid = await pid_of(pool)
    left: list[asyncio.Task[object]] = []

    async def work() -> None:
        async with pool.transaction() as connection:
            left.append(asyncio.create_task(connection.fetchval("SELECT pg_sleep(20)")))
            await asyncio.sleep(0.05)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await asyncio.wait_for(pid_of(pool), 2) != pid
    assert isinstance((await asyncio.gather(*left, return_exceptions=True))[0], Exception)
