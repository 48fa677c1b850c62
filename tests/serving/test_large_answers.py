"""An answer has a limit in bytes, however it is made and on whatever surface: refused with a word how to get less."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from app.auth.keys import create_api_key
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from tests.given import campaigns, groups

MOST = 15_000
LIST = "{ campaigns(first: %d) { nodes { id name description } } }"


@dataclass
class Asking:
    http: httpx.AsyncClient
    key: str

    async def graph(self, query: str) -> httpx.Response:
        return await self.http.post("/graphql", json={"query": query}, headers={"X-API-KEY": self.key})


@pytest.fixture(params=["1", "0"], ids=["planned", "resolved"])
async def asking(
    request: pytest.FixtureRequest, database_url: str, db: Database, tmp_path: object
) -> AsyncIterator[Asking]:
    given = await groups.group(db)
    for n in range(30):
        await campaigns.campaign(db, given.scope, name=f"c{n}" + "n" * 200, description="x" * 1_000)
    key = await create_api_key(db, group_id=given.group_id, name="t", now=datetime.now(UTC), access="write")
    settings = read_settings({
        "DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "WORKER_INLINE": "0", "PLANNER": request.param,
        "MAX_ANSWER_BYTES": str(MOST),
    })  # fmt: skip
    async with running(settings, journal=Journal()) as app:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://gateway.test"
        ) as http:
            yield Asking(http, key.secret)


async def test_what_is_too_large_is_refused_and_less_is_not(asking: Asking) -> None:
    small = await asking.graph(LIST % 10)
    assert len(small.json()["data"]["campaigns"]["nodes"]) == 10
    for _ in range(3):
        large = (await asking.graph(LIST % 30)).json()
        assert large.get("data") is None
        (error,) = large["errors"]
        assert error["extensions"]["code"] == "TOO_LARGE"
        assert "first" in error["message"]


async def test_a_legacy_route_says_it_in_its_own_words(asking: Asking) -> None:
    answer = await asking.http.get("/api/campaigns", headers={"X-API-KEY": asking.key})
    assert answer.status_code == 413, answer.text


async def test_a_mutation_tells_what_it_did(asking: Asking) -> None:
    made = await asking.graph(
        'mutation { campaignCreate(input: {name: "%s"}) { campaign { name } errors { code } } }' % ("y" * 200)
    )
    assert made.json()["data"]["campaignCreate"]["errors"] == []
