"""`gateway migrate` on a database in use: readers wait for two seconds at most, and it says whom it waits for."""

import asyncio
import logging
import time

import asyncpg
import pytest
from alembic import command

from app.db import migrating
from app.db.embedded import EmbeddedServer
from app.db.migrating import LockTimeout, create_database, migrate, newest, revision_of

pytestmark = pytest.mark.slow
BEFORE = "0010"
TABLE = "idempotent_answer"


@pytest.fixture
async def url(server: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    """A database of an earlier revision."""
    made = server.dsn(f"earlier_{request.node.name[-30:].lower()}")
    await create_database(made)
    await asyncio.to_thread(command.upgrade, migrating.config(made), BEFORE)
    return made


async def test_an_open_reader_does_not_stop_all_others(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    holding, reading = await asyncpg.connect(url), await asyncpg.connect(url)
    await holding.execute(f"BEGIN; SELECT count(*) FROM {TABLE}")
    done = asyncio.create_task(migrate(url))
    longest, ends = 0.0, time.monotonic() + 6
    while time.monotonic() < ends:
        started = time.monotonic()
        await reading.fetchval(f"SELECT count(*) FROM {TABLE}")
        longest = max(longest, time.monotonic() - started)
        await asyncio.sleep(0.05)
    assert not done.done()
    assert longest < 2.8
    said = [record.getMessage() for record in caplog.records if "cannot be changed" in record.getMessage()]
    assert said
    assert f"process {await holding.fetchval('SELECT pg_backend_pid()')}" in said[0]
    assert TABLE in said[0]
    await holding.execute("COMMIT")
    await asyncio.wait_for(done, 15)
    assert await revision_of(reading) == newest()
    await holding.close()
    await reading.close()


async def test_it_gives_up_in_the_end_and_nothing_is_changed(url: str) -> None:
    holding = await asyncpg.connect(url)
    await holding.execute(f"BEGIN; SELECT count(*) FROM {TABLE}")
    with pytest.raises(LockTimeout, match="In use by process"):
        await migrate(url, within_s=2)
    await holding.execute("COMMIT")
    assert await revision_of(holding) == BEFORE
    await holding.close()
