"""The whole gateway in this process, and clients of the La Griffe and of the Marketing & CRM API."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import Settings, read_settings
from app.values.json_text import write_json
from tests.given import groups
from tests.given.groups import GivenGroup

BASE = "http://gateway.test"


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of this module's gateway."""
    folder: Path = tmp_path_factory.mktemp("data")
    return read_settings(
        {
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "WORKER_INLINE": "0",
            "SECRET_KEY": "s" * 40,
            # SQL is shown in development.
            "DEVELOPMENT": "1",
        }
    )


@pytest.fixture(scope="module")
async def gateway(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The gateway as `serve` runs it, without a socket and without background work."""
    async with running(settings, journal=Journal()) as app:
        yield app


@dataclass(frozen=True, slots=True)
class Extranet:
    """A client of the La Griffe API: a group, its key, and a way to call."""

    given: GivenGroup
    api_key: str
    http: httpx.AsyncClient
    db: Database

    async def call(
        self,
        method: str,
        path: str,
        *,
        beacon: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One call with this client's key."""
        sent = {"X-API-KEY": self.api_key, "Accept": "application/json", **(headers or {})}
        if beacon is not None:
            sent["X-BEACON-KEY"] = beacon
        return await self.http.request(method, path, headers=sent, **more)

    async def get(self, path: str, *, beacon: str | None = None) -> Any:
        """The data of a good answer."""
        response = await self.call("GET", path, beacon=beacon)
        assert response.status_code == 200, response.text
        body = response.json()
        assert list(body) == ["success", "data"]
        assert body["success"] is True
        return body["data"]

    async def create(self, *, beacon: str | None = None, **fields: Any) -> Any:
        """The campaign made by the documented JSON body with these changes."""
        response = await self.call("POST", "/api/campaigns", beacon=beacon, json=self.order(**fields))
        assert response.status_code == 201, response.text
        return response.json()["data"]

    def order(self, **fields: Any) -> dict[str, Any]:
        """The documented body for this group's default store; a field of `...` is left out."""
        order = {
            "external_beacon_key": self.given.beacon_key,
            "label": "Google Ads – June",
            "channels": ["google_ads"],
            "period_type": "1_month",
            "budget_total": 1200,
            "start_date": "2025-06-01",
            "end_date": "2025-06-30",
            **fields,
        }
        return {name: value for name, value in order.items() if value is not ...}

    async def count(self, table: str) -> int:
        """How many rows of the group a table has."""
        async with self.db.transaction(self.given.scope) as tx:
            return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


@pytest.fixture
async def extranet(gateway: ASGIApp, db: Database) -> AsyncIterator[Callable[..., Any]]:
    """Makes clients: `await extranet(name=…, access=…)`, each of a new group unless one is given."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url=BASE) as http:

        async def make(
            *,
            name: str = "A",
            access: str = "write",
            given: GivenGroup | None = None,
            further: tuple[int, ...] = (),
        ) -> Extranet:
            group = given or await groups.group(db, name=name)
            made = await create_api_key(
                db,
                group_id=group.group_id,
                name="test",
                access=access,
                further_group_ids=further,
                now=datetime.now(UTC),
            )
            return Extranet(group, made.secret, http, db)

        yield make


@pytest.fixture
async def client(extranet: Callable[..., Any]) -> Extranet:
    """A client of a new group that may write."""
    made = await extranet()
    assert isinstance(made, Extranet)
    return made


MARKETING = "/api/v1/marketing"


@dataclass(frozen=True, slots=True)
class Marketer:
    """A client of the Marketing & CRM API: a group, its token, and a way to call."""

    given: GivenGroup
    token: str
    http: httpx.AsyncClient
    db: Database

    async def call(
        self,
        method: str,
        path: str,
        *,
        base: str = MARKETING,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One call with this client's token; `path` below the base path, or a whole address."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if (body := more.pop("json", None)) is not None:
            more["content"] = write_json(body)
            sent = {"Content-Type": "application/json", **sent}
        url = path if path.startswith("http") else base + path
        return await self.http.request(method, url, headers=sent, **more)

    async def get(self, path: str, **query: Any) -> Any:
        """The body of a good answer."""
        response = await self.call("GET", path, params=query or None)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: object) -> Any:
        """The body of a good answer to this JSON."""
        response = await self.call("POST", path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    async def refused(self, method: str, path: str, status: int, code: str, **more: Any) -> Any:
        """The error of an answer that says no in this API's words."""
        response = await self.call(method, path, **more)
        assert response.status_code == status, response.text
        return error_of(response, code)

    async def count(self, table: str) -> int:
        """How many rows of the group a table has."""
        async with self.db.transaction(self.given.scope) as tx:
            return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


def error_of(response: httpx.Response, code: str) -> Any:
    """An error has a code, a message and details, and nothing else."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    error = body["error"]
    assert list(error) == ["code", "message", "details"]
    assert error["code"] == code, error
    assert error["message"]
    assert isinstance(error["details"], list)
    return error


@pytest.fixture
async def marketers(gateway: ASGIApp, settings: Settings, db: Database) -> AsyncIterator[Callable[..., Any]]:
    """Makes clients: `await marketers(roles=…, given=…, store_id=…)`, each of a new group unless one is given."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url=BASE) as http:

        async def make(
            *,
            name: str = "A",
            roles: tuple[str, ...] = ("marketing",),
            given: GivenGroup | None = None,
            store_id: int | None = None,
        ) -> Marketer:
            group = given or await groups.group(db, name=name)
            token = Tokens(settings).mint(
                subject="user:1",
                group_id=group.group_id,
                store_id=store_id,
                roles=[Role(role) for role in roles],
                now=datetime.now(UTC),
            )
            return Marketer(group, token, http, db)

        yield make


@pytest.fixture
async def marketer(marketers: Callable[..., Any]) -> Marketer:
    """A client of a new group with the role `marketing`."""
    made = await marketers()
    assert isinstance(made, Marketer)
    return made
