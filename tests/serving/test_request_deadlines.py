"""A request has a time as a whole: when it is over its surface says so, and nothing of it goes on in the database."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.auth.keys import create_api_key
from app.db.database import Database
from app.db.deadlines import Deadline
from app.db.outages import Busy, TookTooLong
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import groups

CRITERIA = "{any: [{order_count: {gte: 2}}]}"
LOOKED_AT = {
    "planned": ("customer", "{ customers { nodes { id } } }"),
    "counted": ("customer", "{ customers { nodes { id segments { id } } } }"),
    "previewed": ("customer", f"{{ segmentPreview(criteria: {CRITERIA}) {{ size }} }}"),
    "preview beside a plan": (
        "segment",
        f"{{ segments {{ nodes {{ name }} }} segmentPreview(criteria: {CRITERIA}) {{ size }} }}",
    ),
    "written": ("campaign", 'mutation { campaignDelete(input: {id: "camp_1"}) { errors { code } } }'),
    "written twice": (
        "campaign",
        'mutation { a: campaignDelete(input: {id: "camp_1"}) { errors { code } }'
        ' b: campaignDelete(input: {id: "camp_1"}) { errors { code } } }',
    ),
}
"""What waits for a lock on this table."""


ORDER = {
    "label": "June", "channels": ["google_ads"], "period_type": "1_month", "budget_total": 1200,
    "start_date": "2025-06-01", "end_date": "2025-06-30",
}  # fmt: skip


@dataclass
class Asking:
    """A client with a key."""

    http: httpx.AsyncClient
    key: str
    order: dict[str, Any]

    async def graph(self, query: str) -> httpx.Response:
        """GraphQL's answer."""
        return await self.http.post("/graphql", json={"query": query}, headers={"X-API-KEY": self.key})


@pytest.fixture(scope="module")
async def asking(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Asking]:
    """A gateway whose requests have 0.4 s."""
    given = await groups.group(db)
    key = await create_api_key(
        db, group_id=given.scope.group_id, name="t", now=datetime.now(UTC), access="write"
    )
    folder: Path = tmp_path_factory.mktemp("data")
    settings = {
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "WORKER_INLINE": "0",
        "REQUEST_TIMEOUT_MS": "400",
    }
    async with running(read_settings(settings), journal=Journal()) as app:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://g") as http:
            yield Asking(http, key.secret, {**ORDER, "external_beacon_key": given.beacon_key})


async def still_waiting(owner: Any) -> int:
    """Statements of the gateway that wait for a lock."""
    return int(
        await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND application_name = 'campaign-gateway'"
        )
    )


@pytest.mark.parametrize("what", LOOKED_AT)
async def test_when_its_time_is_over_the_graph_says_so_and_its_statement_ends(
    asking: Asking, database_url: str, what: str
) -> None:
    table, query = LOOKED_AT[what]
    assert "errors" not in (await asking.graph(query)).json()
    owner = await asyncpg.connect(database_url)
    started = time.monotonic()
    async with owner.transaction():
        await owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        answer = await asking.graph(query)
        took_s = time.monotonic() - started
        await asyncio.sleep(0.2)
        assert await still_waiting(owner) == 0
    await owner.close()
    assert answer.status_code == 503, answer.text
    assert "retry-after" in answer.headers
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    # Whoever only waited for somebody else is told so, a little before the time of the request is over.
    assert answer.json()["errors"][0]["message"] in (str(TookTooLong()), str(Busy()))
    assert took_s < 2
    assert (await asking.graph(query)).status_code == 200


async def test_a_legacy_route_says_it_in_its_own_words(asking: Asking, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    async with owner.transaction():
        await owner.execute("LOCK TABLE campaign IN ACCESS EXCLUSIVE MODE")
        headers = {"X-API-KEY": asking.key}
        read = await asking.http.get("/api/campaigns", headers=headers)
        wrote = await asking.http.post("/api/campaigns", headers=headers, json=asking.order)
    await owner.close()
    for answer in (read, wrote):
        assert (answer.status_code, list(answer.json())) == (503, ["message"])
        assert "retry-after" in answer.headers


async def test_a_commit_under_way_is_not_cut(db: Database, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("CREATE TABLE slowly (n int)")
    await owner.execute("GRANT ALL ON slowly TO gateway_app")
    await owner.execute(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'"
    )
    await owner.execute(
        "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON slowly DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION slowly()"
    )
    with Deadline(0.2):
        async with db.transaction(Scope(1)) as tx:
            await tx.execute("INSERT INTO slowly VALUES (1)")
    assert await owner.fetchval("SELECT count(*) FROM slowly") == 1
    # What comes after it does not begin.

    async def twice() -> None:
        with Deadline(0.2):
            for _ in range(2):
                async with db.transaction(Scope(1)) as tx:
                    await tx.execute("INSERT INTO slowly VALUES (2)")

    with pytest.raises(TookTooLong):
        await twice()
    assert await owner.fetchval("SELECT count(*) FROM slowly") == 2
    await owner.close()


async def test_whoever_cancels_a_request_cancels_it() -> None:
    async def work() -> None:
        with Deadline(5):
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
