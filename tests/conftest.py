"""A PostgreSQL server for each process of a run, one migrated template there, a clone for each test module that asks.

Files run in parallel, each in one process.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: of one that began last, the others would have to wait for the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The server of this test run, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-test-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg")
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def template(server: EmbeddedServer) -> str:
    """The name of a migrated, empty database to clone."""
    await create_database(server.dsn("template_gateway"))
    await migrate(server.dsn("template_gateway"))
    return "template_gateway"


@pytest.fixture(scope="module")
async def database_url(
    server: EmbeddedServer, template: str, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """The owner's DSN of a fresh clone for this module."""
    name = "t_" + request.module.__name__.replace(".", "_")[-50:].lower()
    url = server.dsn(name)
    await create_database(url, template=template)
    yield url
    admin = await asyncpg.connect(server.dsn("postgres"))
    with contextlib.suppress(asyncpg.PostgresError):
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture(scope="module")
async def db(database_url: str) -> AsyncIterator[Database]:
    """The application's own two ways in, on this module's database."""
    database = await connect(database_url, readers=4, writers=4)
    yield database
    await database.close()
    await asyncio.sleep(0)
