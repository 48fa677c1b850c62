"""What waits, what lies in the trash and whether anybody works is told at `/metrics`, unless it is unknown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.db.database import Database, connect
from app.domain.events.backlog import Backlog, count_backlog
from app.serving.standing import Standing
from app.worker.lease import Lease
from tests.faults.proxy import Proxy
from tests.given import events
from tests.given.events import Shop


@pytest.fixture
async def shops(db: Database) -> AsyncIterator[list[Shop]]:
    """Of two groups."""
    made = [await events.shop(db), await events.shop(db)]
    yield made
    for one in made:
        await one.acceptor.close()


def read(text: bytes) -> dict[str, float]:
    """Name and value of each line."""
    lines = [line.split(" ") for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


async def test_what_stands_is_counted_over_all_groups(db: Database, shops: list[Shop]) -> None:
    assert await count_backlog(db) == Backlog(0, 0, 0.0, is_led=False, failing_jobs=0)
    now = datetime.now(UTC)
    for shop in shops:
        await shop.send(now=now)
        await shop.send(now=now, data={})
        await shop.process(now=now)
    await shops[0].send(now=now - timedelta(minutes=5))
    await shops[1].send(now=now)
    lease = Lease(db, "schedule", "somebody", timedelta(seconds=15))
    assert await lease.hold()
    told = read(await Standing(db).exposition())
    age_s = told.pop("gateway_events_oldest_pending_seconds")
    assert 300 <= age_s < 330
    assert told == {
        "gateway_events_pending": 2,
        "gateway_events_trashed": 2,
        "gateway_worker_lease_held": 1,
        "gateway_jobs_failing": 0,
    }
    await lease.give_back()
    assert read(await Standing(db).exposition())["gateway_worker_lease_held"] == 0


async def test_it_is_kept_for_a_while(db: Database, shops: list[Shop]) -> None:
    standing = Standing(db)
    before = read(await standing.exposition())["gateway_events_pending"]
    await shops[0].send()
    assert read(await standing.exposition())["gateway_events_pending"] == before
    assert read(await Standing(db).exposition())["gateway_events_pending"] == before + 1


async def test_nothing_is_told_while_the_database_is_away(database_url: str, tmp_path: Path) -> None:
    async with Proxy(database_url) as proxy:
        db = await connect(proxy.url, readers=1, writers=1)
        proxy.refuses = True
        proxy.cut_now()
        assert await Standing(db).exposition() == b""
        proxy.refuses = False
        assert b"gateway_events_pending" in await Standing(db).exposition()
        await db.close()
