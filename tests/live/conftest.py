"""The whole gateway on a socket, as `serve` runs it, and clients that are not ours."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from gql import Client, GraphQLRequest
from gql.transport.websockets import WebsocketsTransport

from app.auth.keys import create_api_key, revoke_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.main import running
from app.serving.connections import BoundedConnection
from app.serving.journal import Journal
from app.serving.sockets import BoundedSocket
from app.settings import Settings, read_settings
from tests.given import groups
from tests.given.groups import GivenGroup
from tests.serving.wire import until

ORIGIN = "https://dashboard.example"


def request(document: str, **variables: Any) -> GraphQLRequest:
    """A document and its variables, for `gql`."""
    return GraphQLRequest(document, variable_values=variables)


@dataclass
class Served:
    """A gateway that listens, and a group with a writing key."""

    port: int
    server: uvicorn.Server
    given: GivenGroup
    api_key: str
    key_id: int
    settings: Settings
    db: Database

    @property
    def address(self) -> str:
        """Where sockets connect."""
        return f"ws://127.0.0.1:{self.port}/graphql"

    @property
    def http(self) -> httpx.AsyncClient:
        """A client with the key."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", headers={"X-API-KEY": self.api_key}, timeout=20
        )

    def client(self, **credentials: str) -> Client:
        """The Python client `gql`, with its own implementation of the protocol."""
        payload = credentials or {"X-API-KEY": self.api_key}
        transport = WebsocketsTransport(
            url=self.address, init_payload=payload, subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
        )
        return Client(transport=transport)

    async def key(self, *, given: GivenGroup | None = None, access: str = "read") -> tuple[int, str]:
        """One more API key: its id and its secret."""
        group = given or self.given
        made = await create_api_key(
            self.db, group_id=group.group_id, name="live", now=datetime.now(UTC), access=access
        )
        return made.key.id, made.secret

    async def revoke(self, key_id: int) -> None:
        """From now on the key does not hold."""
        await revoke_api_key(self.db, group_id=self.given.group_id, key_id=key_id, now=datetime.now(UTC))

    def token(self, *, life_s: int) -> str:
        """A bearer token of the group."""
        return Tokens(self.settings).mint(
            subject="somebody", group_id=self.given.group_id, roles=[Role.MARKETING],
            now=datetime.now(UTC), life_s=life_s,
        )  # fmt: skip

    async def campaign(self, name: str = "Été", *, given: GivenGroup | None = None) -> int:
        """A campaign."""
        group = given or self.given
        async with self.db.transaction(group.scope) as tx:
            found = await tx.fetchval(
                "INSERT INTO campaign (group_id, store_id, name, status, type, objective, currency, is_explicit,"
                " is_template, total_rewards)"
                " VALUES ($1, $2, $3, 'active', 'promotion', 'unspecified', 'EUR', true, false, 0) RETURNING id",
                group.group_id, group.store_id, name,
            )  # fmt: skip
        return int(found)

    async def rename(self, campaign_id: int, name: str) -> None:
        """Something that changes what is watched."""
        async with self.db.transaction(self.given.scope) as tx:
            await tx.execute(
                "UPDATE campaign SET name = $3 WHERE group_id = $1 AND id = $2",
                self.given.group_id, campaign_id, name,
            )  # fmt: skip

    async def event(
        self, kind: str, *, given: GivenGroup | None = None, age: timedelta = timedelta(0)
    ) -> None:
        """An event that came in `age` ago and is committed now."""
        group = given or self.given
        async with self.db.transaction(group.scope) as tx:
            await tx.execute(INSERT_EVENT, group.group_id, kind, uuid4().hex, age)


INSERT_EVENT = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at)
VALUES ($1, uuidv7(), 'test', $3, $2, clock_timestamp() - $4::interval, clock_timestamp() - $4::interval)
"""


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    """The app behind our own connections, on a port of its own."""
    accepting = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        app, http=BoundedConnection, ws=BoundedSocket, ws_per_message_deflate=False, ws_max_size=1024 * 1024,
        lifespan="off", log_config=None, loop="none", timeout_graceful_shutdown=10,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[accepting]))
    await until(lambda: server.started)
    try:
        yield accepting.getsockname()[1], server
    finally:
        server.should_exit = True
        await serving


def settings_of(database_url: str, folder: Any, **more: str) -> Settings:
    """Settings of a gateway without background work."""
    return read_settings(
        {
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "WORKER_INLINE": "0",
            "CORS_ORIGINS": ORIGIN,
            **more,
        }
    )


@asynccontextmanager
async def served_with(settings: Settings, db: Database) -> AsyncIterator[Served]:
    """A gateway with a group of its own."""
    given = await groups.group(db)
    key = await create_api_key(
        db, group_id=given.group_id, name="test", now=datetime.now(UTC), access="write"
    )
    async with running(settings, journal=Journal()) as app, listening(app) as (port, server):
        yield Served(port, server, given, key.secret, key.key.id, settings, db)


@pytest.fixture(scope="module")
async def served(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """The gateway of this module."""
    settings = settings_of(database_url, tmp_path_factory.mktemp("data"))
    async with served_with(settings, db) as made:
        yield made
