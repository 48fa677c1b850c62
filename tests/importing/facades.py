"""A group's facades as its clients see them: what they print, byte for byte, and files of it."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.importing.reading.sources import find_sources
from app.importing.report import Report
from app.importing.running import import_files
from app.settings import Settings
from app.values.json_text import read_json, write_json
from app.values.scope import Scope

CRITEO = "/preview/marketing-solutions/campaigns"


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients of one group."""

    group_id: int
    http: httpx.AsyncClient
    headers: Mapping[str, str]

    async def get(self, path: str) -> bytes:
        """A good answer, as it is printed."""
        return self._good(await self.http.get(path, headers=dict(self.headers)))

    async def search(self, path: str, body: object) -> bytes:
        """The same of a search by POST."""
        headers = {**self.headers, "Content-Type": "application/json"}
        return self._good(await self.http.post(path, headers=headers, content=write_json(body)))

    async def lagriffe(self) -> dict[str, bytes]:
        """All that La Griffe prints of the group, by request."""
        shown = {path: await self.get(path) for path in ("/api/customer-groups", "/api/campaigns")}
        for row in rows_of(shown["/api/campaigns"]):
            for path in (f"/api/campaigns/{row['id']}", f"/api/campaigns/{row['id']}/metrics"):
                shown[path] = await self.get(path)
        return shown

    async def criteo(self) -> dict[str, bytes]:
        """All that Criteo prints of the group, by request."""
        shown = {"POST {}": await self.search(f"{CRITEO}/search", {"filters": {}})}
        for row in rows_of(shown["POST {}"]):
            advertiser = str(row["attributes"]["advertiserId"])
            filters = {"advertiserIds": [advertiser]}
            shown[f"POST {advertiser}"] = await self.search(f"{CRITEO}/search", {"filters": filters})
            shown[f"{CRITEO}/{row['id']}"] = await self.get(f"{CRITEO}/{row['id']}")
        return shown

    @staticmethod
    def _good(response: httpx.Response) -> bytes:
        assert response.status_code == 200, f"{response.request.url}: {response.text}"
        return response.content


@asynccontextmanager
async def clients(
    gateway: ASGIApp, settings: Settings, db: Database, group_id: int, *, now: datetime
) -> AsyncIterator[Clients]:
    """Clients of a group, with every credential the facades know."""
    key = await create_api_key(db, group_id=group_id, name="test", access="write", now=now)
    token = Tokens(settings).mint(
        subject="user:1", group_id=group_id, roles=[Role.TENANT_ADMIN, Role.MARKETING], now=now
    )
    headers = {"X-API-KEY": key.secret, "Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway), base_url="http://gateway.test"
    ) as http:
        yield Clients(group_id, http, headers)


@dataclass(slots=True)
class Brought:
    """What came of importing several answers."""

    reports: list[Report] = field(default_factory=list)

    @property
    def refused(self) -> list[str]:
        return [reason.message for report in self.reports for reason in report.reasons.values()]

    def verdicts(self) -> dict[str, dict[str, int]]:
        """By concept and verdict."""
        told: dict[str, dict[str, int]] = {}
        for report in self.reports:
            for concept, counts in report.concepts.items():
                for verdict, count in counts.items():
                    of_concept = told.setdefault(concept, {})
                    of_concept[verdict.value] = of_concept.get(verdict.value, 0) + count
        return told

    def lost(self) -> set[str]:
        return {
            f"{concept}: {name}"
            for report in self.reports
            for concept, names in report.lost.items()
            for name in names
        }


async def bring_in(
    db: Database, group_id: int, system: str, answers: Sequence[bytes], folder: Path, *, now: datetime
) -> Brought:
    """Import answers as a person saves them: a file each, in one folder."""
    _written(folder, answers)
    report = await import_files(db, Scope(group_id), system, find_sources(str(folder)), now=now)
    return Brought([report])


def _written(folder: Path, answers: Sequence[bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for place, answer in enumerate(answers):
        (folder / f"{place:05d}.json").write_bytes(answer)


def data_of(answer: bytes) -> Any:
    """The `data` of an answer."""
    found = read_json(answer, long_numbers=True)
    assert isinstance(found, dict)
    return found["data"]


def rows_of(answer: bytes) -> list[dict[str, Any]]:
    """The `data` of an answer that is a list."""
    found: list[dict[str, Any]] = data_of(answer)
    return found


def without(answer: bytes, *patterns: str) -> bytes:
    """The answer without what cannot be the same."""
    for pattern in patterns:
        answer = re.sub(pattern.encode(), b"", answer)
    return answer
