"""The whole gateway in this process, and clients of the Webmarketer API."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import Settings, read_settings
from app.values.json_text import write_json
from tests.given import groups, projects
from tests.given.groups import GivenGroup

BASE = "http://gateway.test"
REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict"}


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
class Analyst:
    """A client of the Webmarketer API: a project, a token, and a way to call."""

    given: GivenGroup
    project: str
    project_id: int
    token: str | None
    http: httpx.AsyncClient
    db: Database

    @property
    def home(self) -> str:
        """Where the project's routes begin."""
        return f"/api/v1/projects/{self.project}"

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One call; a path that does not begin with a slash is below the project."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if (body := more.pop("json", ...)) is not ...:
            more["content"] = write_json(body)
            sent["Content-Type"] = "application/json"
        url = path if path.startswith("/") else f"{self.home}/{path}"
        return await self.http.request(method, url, headers={**sent, **(headers or {})}, **more)

    async def get(self, path: str, **query: Any) -> Any:
        """The body of a good answer."""
        return await self.ok("GET", path, params=query or None)

    async def ok(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        """The same of any method."""
        response = await self.call(method, path, **more)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()

    async def refused(self, method: str, path: str, status: int, **more: Any) -> str:
        """The message of an answer that says no, in this API's words and with these keys alone."""
        response = await self.call(method, path, **more)
        assert response.status_code == status, response.text
        body = response.json()
        assert list(body) == (
            ["statusCode", "message"] if status == 401 else ["statusCode", "message", "error"]
        )
        assert body["statusCode"] == status
        if status != 401:
            assert body["error"] == REASONS[status]
        return str(body["message"])

    async def count(self, table: str) -> int:
        """How many rows of the group a table has."""
        async with self.db.transaction(self.given.scope) as tx:
            return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


@pytest.fixture
async def analysts(gateway: ASGIApp, settings: Settings, db: Database) -> AsyncIterator[Callable[..., Any]]:
    """Makes clients: `await analysts(given=…, project=…)`, each of a new group and project unless given."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url=BASE) as http:
        made = 0

        async def make(
            *,
            given: GivenGroup | None = None,
            project: str | None = None,
            roles: tuple[str, ...] = ("marketing",),
            project_ids: tuple[int, ...] | None = None,
            store_id: int | None = None,
            store_of_project: int | None = None,
        ) -> Analyst:
            nonlocal made
            made += 1
            group = given or await groups.group(db)
            slug = project or f"shop-{group.group_id}-{made}"
            async with db.directory() as directory:
                known = await directory.fetchval("SELECT project_id FROM project_slug WHERE slug = $1", slug)
            project_id = known or await projects.tracking(
                db, group.group_id, slug=slug, store_id=store_of_project
            )
            token = Tokens(settings).mint(
                subject="user:1",
                group_id=group.group_id,
                store_id=store_id,
                roles=[Role(role) for role in roles],
                now=datetime.now(UTC),
                project_ids=project_ids,
            )
            return Analyst(group, slug, int(project_id), token, http, db)

        yield make


@pytest.fixture
async def analyst(analysts: Callable[..., Any]) -> Analyst:
    """A client of a new group and project, with the role `marketing`."""
    made = await analysts()
    assert isinstance(made, Analyst)
    return made
