"""The proxy itself: what it is told to break, it breaks."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.faults.proxy import Cut, Proxy


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    """In front of this module's database."""
    async with Proxy(database_url) as made:
        yield made


async def test_it_carries_and_freezes_and_carries_again(proxy: Proxy) -> None:
    connection = await asyncpg.connect(proxy.url)
    assert await connection.fetchval("SELECT 1") == 1
    proxy.freeze()
    asked = asyncio.create_task(connection.fetchval("SELECT 2"))
    await asyncio.sleep(0.1)
    assert not asked.done()
    with pytest.raises(TimeoutError):
        await asyncpg.connect(proxy.url, timeout=0.1)
    proxy.thaw()
    assert await asyncio.wait_for(asked, 2) == 2
    await connection.close()


@pytest.mark.parametrize(
    ("how", "kept"), [(Cut.UNSENT, 0), (Cut.HALF, 0), (Cut.UNANSWERED, 1), (Cut.HALF_ANSWERED, 1)]
)
async def test_a_commit_is_cut_where_it_was_asked_for(
    proxy: Proxy, database_url: str, how: Cut, kept: int
) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("DROP TABLE IF EXISTS marks; CREATE TABLE marks (n int)")
    connection = await asyncpg.connect(proxy.url)
    proxy.cut_at(b"COMMIT", how)
    await connection.execute("BEGIN")
    await connection.execute("INSERT INTO marks VALUES (1)")
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncio.wait_for(connection.execute("COMMIT"), 3)
    await asyncio.sleep(0.05)
    assert await owner.fetchval("SELECT count(*) FROM marks") == kept
    assert proxy.cuts == 1
    await owner.close()


async def test_all_are_cut_at_once(proxy: Proxy) -> None:
    made = [await asyncpg.connect(proxy.url) for _ in range(3)]
    proxy.cut_now()
    asked = await asyncio.gather(*(one.fetchval("SELECT 1") for one in made), return_exceptions=True)
    assert all(isinstance(one, OSError | asyncpg.PostgresError | asyncpg.InterfaceError) for one in asked)
