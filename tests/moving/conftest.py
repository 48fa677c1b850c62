"""Two whole gateways in this process, each with a database of its own that holds the demonstration data."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from starlette.types import ASGIApp

from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.main import running
from app.moving.credentials import headers_of
from app.moving.hosts import Host, Pace
from app.moving.walks.all import WALKS
from app.seeding.demo import DemoGroup, seed_demo
from app.serving.journal import Journal
from app.settings import Settings, read_settings
from app.values.scope import Scope

QUICK = Pace(rate=100_000, at_once=4, timeout_s=20, attempts=3, first_wait_s=0.001)


Twist = Callable[[httpx.Request, httpx.Response, str], tuple[int, dict[str, str], str] | None]
"""From a request, its answer and the answer's text to another status, headers and text; None: as it is."""


class Twisted(httpx.AsyncBaseTransport):
    """A host between us and the gateway that changes what it answers."""

    def __init__(self, inner: httpx.AsyncBaseTransport, twist: Twist | None) -> None:
        self._inner, self._twist = inner, twist

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The gateway's answer, twisted."""
        response = await self._inner.handle_async_request(request)
        if self._twist is None:
            return response
        text = (await response.aread()).decode()
        changed = self._twist(request, response, text)
        if changed is None:
            return httpx.Response(response.status_code, headers=response.headers, content=text)
        status, headers, text = changed
        return httpx.Response(status, headers=headers, content=text)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two gateways: how to ask it, and how to change what it has."""

    name: str
    app: ASGIApp
    db: Database
    group: DemoGroup
    api_key: str
    token: str

    def host(self, system: str, *, twist: Twist | None = None) -> Host:
        """A way to ask one of its APIs; with a twist, other answers come than it gives."""
        walk = WALKS[system]
        return Host(
            f"http://{self.name}.test",
            headers=headers_of(walk, [self.api_key if walk.key_header else self.token]),
            pace=QUICK,
            transport=Twisted(httpx.ASGITransport(self.app), twist),
        )

    async def change(self, statement: str, *values: object) -> None:
        """Change rows of the group."""
        async with self.db.transaction(Scope(self.group.group_id)) as tx:
            await tx.execute(statement, *values)


@pytest.fixture(scope="session")
async def demonstration(server: EmbeddedServer, template: str) -> tuple[str, DemoGroup, str]:
    """A database to clone, its first group, and that group's API key."""
    name = "demonstration_to_clone"
    await create_database(server.dsn(name), template=template)
    db = await connect(server.dsn(name), readers=1, writers=2)
    now = datetime.now(UTC)
    group = (await seed_demo(db, now=now)).groups[0]
    key = await create_api_key(
        db, group_id=group.group_id, name="old", access="read", personal_data=True, now=now
    )
    await db.close()
    return name, group, key.secret


@pytest.fixture(scope="module")
async def old(
    server: EmbeddedServer,
    demonstration: tuple[str, DemoGroup, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Side]:
    """The host that is left."""
    async with _side("old", server, demonstration, tmp_path_factory.mktemp("old")) as side:
        yield side


@pytest.fixture(scope="module")
async def new(
    server: EmbeddedServer,
    demonstration: tuple[str, DemoGroup, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Side]:
    """The host that is moved to."""
    async with _side("new", server, demonstration, tmp_path_factory.mktemp("new")) as side:
        yield side


@contextlib.asynccontextmanager
async def _side(
    name: str, server: EmbeddedServer, demonstration: tuple[str, DemoGroup, str], folder: Path
) -> AsyncIterator[Side]:
    template, group, api_key = demonstration
    database = f"{name}_{folder.name.replace('-', '_')}"
    url = server.dsn(database)
    await create_database(url, template=template)
    settings = _settings(url, folder)
    token = Tokens(settings).mint(
        subject="mover", group_id=group.group_id, roles=[Role.MARKETING], now=datetime.now(UTC), life_s=3600
    )
    db = await connect(url, readers=1, writers=1)
    try:
        async with running(settings, journal=Journal()) as app:
            yield Side(name, app, db, group, api_key, token)
    finally:
        await db.close()
        admin = await asyncpg.connect(server.dsn("postgres"))
        with contextlib.suppress(asyncpg.PostgresError):
            await admin.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        await admin.close()


def _settings(url: str, folder: Path) -> Settings:
    return read_settings(
        {
            "DATA_DIR": str(folder),
            "DATABASE_URL": url,
            "WORKER_INLINE": "0",
            "SECRET_KEY": "s" * 40,
            "JWT_SECRET": "j" * 40,
        }
    )


@pytest.fixture
def today() -> date:
    """The day of the walk."""
    return datetime.now(UTC).date()
