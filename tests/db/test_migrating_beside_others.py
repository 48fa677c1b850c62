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


OWNER, FOREIGN = "t_owner", "t_foreign"
ROLES = "gateway_app, gateway_reader, gateway_guarded_reader"


async def test_an_owner_who_is_no_superuser_waits_for_readers_of_other_logins(
    server: EmbeddedServer, template: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE; CREATE ROLE {FOREIGN} LOGIN")
    await admin.execute(f"GRANT {ROLES} TO {OWNER} WITH ADMIN OPTION; GRANT {ROLES} TO {FOREIGN}")
    name = "t_of_an_owner"
    await admin.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0")
    url = server.dsn(name).replace("postgres@", f"{OWNER}@")
    await asyncio.to_thread(command.upgrade, migrating.config(url), BEFORE)
    # Of its session the owner sees no more than the login: not its state, not its query, not since when.
    holding = await asyncpg.connect(server.dsn(name).replace("postgres@", f"{FOREIGN}@"))
    await holding.execute(f"SET ROLE gateway_app; BEGIN; SELECT count(*) FROM {TABLE}")
    pid = await holding.fetchval("SELECT pg_backend_pid()")
    done = asyncio.create_task(migrate(url))
    async with asyncio.timeout(20):
        while not any("cannot be changed" in record.getMessage() for record in caplog.records):
            assert not done.done() or done.result() is None
            await asyncio.sleep(0.05)
    assert any(f"process {pid} of {FOREIGN} (?, ? s: ?)" in record.getMessage() for record in caplog.records)
    await holding.execute("COMMIT")
    await asyncio.wait_for(done, 20)
    assert await revision_of(holding) == newest()
    await holding.close()
    await admin.close()


async def test_a_watcher_that_fails_stops_no_migration(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    holding = await asyncpg.connect(url)
    await holding.execute(f"BEGIN; SELECT count(*) FROM {TABLE}")
    done = asyncio.create_task(migrate(url))
    await asyncio.sleep(0.3)
    # The connection it watches over is ended while it waits.
    await holding.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with asyncio.timeout(10):
        while not any("tried again" in record.getMessage() for record in caplog.records):
            assert not done.done() or done.result() is None
            await asyncio.sleep(0.05)
    await holding.execute("COMMIT")
    await asyncio.wait_for(done, 20)
    assert await revision_of(holding) == newest()
    await holding.close()
