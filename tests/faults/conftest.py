"""A gateway whose database is behind the proxy, in this process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from tests.faults.proxy import Proxy
from tests.given import groups
from tests.given.groups import GivenGroup


@dataclass
class Caller:
    """A client of a gateway, and the way between that gateway and its database."""

    http: httpx.AsyncClient
    proxy: Proxy
    given: GivenGroup
    keys: list[str] = field(default_factory=list)
    reading_key: str = ""
    tokens: Tokens | None = None

    async def graphql(self, query: str, *, key: int = 0, **variables: Any) -> httpx.Response:
        """Ask, as whoever has this key."""
        return await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"X-API-KEY": self.keys[key]},
        )

    def token(self, subject: str, *roles: str) -> str:
        """A bearer token of the group's."""
        assert self.tokens is not None
        return self.tokens.mint(
            subject=subject,
            group_id=self.given.group_id,
            roles=[Role(role) for role in roles],
            now=datetime.now(UTC),
            life_s=600,
        )

    async def once(
        self, query: str, idempotency_key: str, *, key: int = 0, **variables: Any
    ) -> httpx.Response:
        """The same with an Idempotency-Key."""
        return await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"X-API-KEY": self.keys[key], "Idempotency-Key": idempotency_key},
        )


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    """In front of this module's database."""
    async with Proxy(database_url) as made:
        yield made


@pytest.fixture
async def caller(proxy: Proxy, db: Database, tmp_path: Path) -> AsyncIterator[Caller]:
    """A gateway behind the proxy, a group and three keys that may write; what tests look at goes past the proxy."""
    given = await groups.group(db)
    keys = [
        await create_api_key(db, group_id=given.group_id, name=f"k{n}", now=datetime.now(UTC), access="write")
        for n in range(3)
    ]
    reading = await create_api_key(db, group_id=given.group_id, name="reads", now=datetime.now(UTC))
    settings = read_settings({"DATA_DIR": str(tmp_path), "DATABASE_URL": proxy.url, "WORKER_INLINE": "0"})
    async with running(settings, journal=Journal()) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://g", timeout=60) as http:
            secrets = [key.secret for key in keys]
            yield Caller(http, proxy, given, secrets, reading.secret, Tokens(settings))
