"""A connection that the server ends within a transaction: an outage, whatever the driver says of it last."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from app.db.database import Transaction, connect
from app.db.outages import Away, outage
from app.values.scope import Scope

CUT = "SELECT pg_terminate_backend($1)"


async def in_a_statement(tx: Transaction, cut: Callable[[], Awaitable[None]]) -> None:
    """The end comes while a statement runs."""
    await asyncio.gather(tx.fetchval("SELECT pg_sleep(5)"), cut())


async def between_statements(tx: Transaction, cut: Callable[[], Awaitable[None]]) -> None:
    """The end comes while the transaction rests, and the next statement meets it."""
    await cut()
    await asyncio.sleep(0.1)
    await tx.fetchval("SELECT 1")


async def before_the_end(tx: Transaction, cut: Callable[[], Awaitable[None]]) -> None:
    """The end comes before COMMIT."""
    await cut()
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("moment", [in_a_statement, between_statements, before_the_end])
async def test_it_is_an_outage(
    database_url: str, moment: Callable[[Transaction, Callable[[], Awaitable[None]]], Awaitable[None]]
) -> None:
    db = await connect(database_url, readers=1, writers=1)
    owner = await asyncpg.connect(database_url)

    async def work() -> None:
        async with db.transaction(Scope(1)) as tx:
            pid = await tx.fetchval("SELECT pg_backend_pid()")

            async def cut() -> None:
                await asyncio.sleep(0.1)
                await owner.execute(CUT, pid)

            await moment(tx, cut)

    with pytest.raises(Away):
        await work()
    async with db.transaction(Scope(1)) as tx:
        assert await tx.fetchval("SELECT 1") == 1
    await db.close()
    await owner.close()


async def test_a_mistake_of_ours_is_none(database_url: str) -> None:
    db = await connect(database_url, readers=1, writers=1)

    async def work() -> None:
        async with db.transaction(Scope(1)) as tx:
            await tx.fetchval("SELECT $1::int", 1, 2)

    with pytest.raises(asyncpg.InterfaceError) as caught:
        await work()
    assert outage(caught.value) is None
    await db.close()
