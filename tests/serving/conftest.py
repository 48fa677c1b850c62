"""The whole gateway in this process, on a socket, and a client with a key."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.auth.keys import create_api_key
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from tests.given import groups
from tests.given.groups import GivenGroup


@pytest.fixture(scope="module")
async def gateway(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ASGIApp]:
    """The gateway as `serve` runs it, without a socket and without background work."""
    settings = read_settings(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": database_url,
            "WORKER_INLINE": "0",
            "CORS_ORIGINS": "https://dashboard.example",
            "METRICS_TOKEN": "scraper",
        }
    )
    async with running(settings, journal=Journal()) as app:
        yield app


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of `/graphql`."""

    given: GivenGroup
    api_key: str
    http: httpx.AsyncClient

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        """POST a request with the key; header names are written with underscores."""
        sent = {"X-API-KEY": self.api_key} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if isinstance(body, bytes):
            return await self.http.post(
                "/graphql", content=body, headers={"Content-Type": "application/json", **sent}
            )
        return await self.http.post("/graphql", json=body, headers=sent)

    async def get(self, **params: str) -> httpx.Response:
        """GET a request with the key."""
        return await self.http.get(
            "/graphql", params=params, headers={"X-API-KEY": self.api_key, "Accept": "application/json"}
        )


@pytest.fixture(scope="module")
async def caller(gateway: ASGIApp, db: Database) -> AsyncIterator[Caller]:
    """A group with a writing key."""
    given = await groups.group(db)
    key = await create_api_key(
        db, group_id=given.group_id, name="test", now=datetime.now(UTC), access="write"
    )
    transport = httpx.ASGITransport(gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
        yield Caller(given, key.secret, http)
