"""The whole gateway on a socket, as `serve` runs it, and clients that are not ours."""

import asyncio
import contextlib
import json
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
from websockets import ConnectionClosed, Subprotocol
from websockets.asyncio.client import ClientConnection, connect

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
class Socket:
    """Says and hears messages, as JSON."""

    bare: ClientConnection

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.bare.send(json.dumps(message))

    async def ask(self, ident: str, query: str, **variables: Any) -> None:
        """Begin an operation."""
        await self.say(id=ident, type="subscribe", payload={"query": query, "variables": variables})

    async def hear(self, *, within_s: float = 8) -> Any:
        """The next message."""
        return json.loads(await asyncio.wait_for(self.bare.recv(), within_s))

    async def silence(self, *, for_s: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            await asyncio.wait_for(self.bare.recv(), for_s)
        except TimeoutError:
            return True
        return False

    async def end(self, *, within_s: float = 8) -> tuple[int | None, str | None]:
        """How the server closes it, whatever it still says before."""
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(within_s):
                while True:
                    await self.bare.recv()
        return self.bare.close_code, self.bare.close_reason


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

    async def metrics(self) -> str:
        """What an operator sees."""
        async with self.http as http:
            return (await http.get("/metrics", headers={"Authorization": "Bearer scraper"})).text

    def client(self, **credentials: str) -> Client:
        """The Python client `gql`, with its own implementation of the protocol."""
        payload = credentials or {"X-API-KEY": self.api_key}
        transport = WebsocketsTransport(
            url=self.address, init_payload=payload, subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
        )
        return Client(transport=transport)

    @asynccontextmanager
    async def socket(self, **headers: str) -> AsyncIterator["Socket"]:
        """A bare socket of the protocol, nothing said yet."""
        async with connect(
            self.address,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers=headers,
            proxy=None,
        ) as made:
            yield Socket(made)

    @asynccontextmanager
    async def welcome(self, **payload: Any) -> AsyncIterator["Socket"]:
        """A socket that was acknowledged."""
        async with self.socket() as socket:
            await socket.say(type="connection_init", payload=payload or {"X-API-KEY": self.api_key})
            assert await socket.hear() == {"type": "connection_ack"}
            yield socket

    async def key(self, *, given: GivenGroup | None = None, access: str = "read") -> tuple[int, str]:
        """One more API key: its id and its secret."""
        group = given or self.given
        made = await create_api_key(
            self.db,
            group_id=group.group_id,
            name="live",
            now=datetime.now(UTC),
            access=access,
            personal_data=True,
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

    async def record(self, campaign_id: int, *, clicks: int) -> None:
        """Metrics of a campaign, added to what there is."""
        entry = {
            "campaignId": f"camp_{campaign_id}",
            "day": "2026-05-01",
            "channel": "email",
            "clicks": clicks,
        }
        variables = {"input": {"mode": "ADD", "entries": [entry]}}
        async with self.http as http:
            answer = await http.post("/graphql", json={"query": RECORD, "variables": variables})
        assert answer.json() == {"data": {"metricsRecord": {"recorded": 1, "errors": []}}}, answer.text

    async def event(
        self, kind: str, *, given: GivenGroup | None = None, age: timedelta = timedelta(0)
    ) -> None:
        """An event that came in `age` ago and is committed now."""
        group = given or self.given
        async with self.db.transaction(group.scope) as tx:
            await tx.execute(INSERT_EVENT, group.group_id, kind, uuid4().hex, age)


RECORD = """
mutation ($input: MetricsRecordInput!) { metricsRecord(input: $input) { recorded errors { message } } }
"""
INSERT_EVENT = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at)
VALUES ($1, uuidv7(), 'test', $3, $2, clock_timestamp() - $4::interval, clock_timestamp() - $4::interval)
"""


@asynccontextmanager
async def listening(app: Any, ws: type[BoundedSocket]) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    """The app behind our own connections, on a port of its own."""
    accepting = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        app, http=BoundedConnection, ws=ws, ws_per_message_deflate=False, ws_max_size=1024 * 1024,
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
            "METRICS_TOKEN": "scraper",
            **more,
        }
    )


@asynccontextmanager
async def served_with(
    settings: Settings, db: Database, *, ws: type[BoundedSocket] = BoundedSocket
) -> AsyncIterator[Served]:
    """A gateway with a group of its own."""
    given = await groups.group(db)
    key = await create_api_key(
        db, group_id=given.group_id, name="test", now=datetime.now(UTC), access="write", personal_data=True
    )
    async with running(settings, journal=Journal()) as app, listening(app, ws) as (port, server):
        yield Served(port, server, given, key.secret, key.key.id, settings, db)


@pytest.fixture(scope="module")
async def served(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """The gateway of this module."""
    settings = settings_of(database_url, tmp_path_factory.mktemp("data"))
    async with served_with(settings, db) as made:
        yield made
