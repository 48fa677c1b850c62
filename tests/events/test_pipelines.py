"""Pipelines find what waits, share it, survive what is wrong with single events, and lose nothing when they stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.db.database import Database
from app.errors import Unavailable
from app.worker.pipeline import Pipeline
from tests.events.conftest import OpenShop
from tests.given.events import Shop

NEVER_S = 3600.0


@asynccontextmanager
async def running(pipeline: Pipeline) -> AsyncIterator[None]:
    """At work; it ends by itself once told to."""
    stop = asyncio.Event()
    task = asyncio.create_task(pipeline.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def statuses(shop: Shop) -> dict[str, int]:
    """How many events have come how far."""
    rows = await shop.rows("SELECT status, count(*) AS many FROM event GROUP BY status")
    return {row["status"]: row["many"] for row in rows}


async def processed(shop: Shop, many: int) -> None:
    """Until so many are."""
    for _ in range(1_000):
        if (await statuses(shop)).get("processed", 0) >= many:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await statuses(shop))


async def test_events_accepted_in_the_same_process_are_told_directly(shop: OpenShop, db: Database) -> None:
    given = await shop()
    pipeline = Pipeline(db, look_s=NEVER_S)
    given.acceptor.on_accepted = pipeline.hint
    async with running(pipeline):
        await asyncio.sleep(0.3)  # It has looked once by now, and will not again.
        await given.send()
        await processed(given, 1)


async def test_events_accepted_in_another_process_are_told_by_notify(shop: OpenShop, db: Database) -> None:
    given = await shop()
    async with running(Pipeline(db, listens=True, look_s=NEVER_S)):
        await asyncio.sleep(0.5)
        await given.send()
        await processed(given, 1)


async def test_what_nobody_tells_of_is_found_by_looking(shop: OpenShop, db: Database) -> None:
    given = await shop()
    given.acceptor.on_accepted = lambda _: None
    await given.send()
    async with running(Pipeline(db, look_s=0.2)):
        await processed(given, 1)
        await given.send()
        await processed(given, 2)


async def test_a_stop_leaves_what_waits_to_others(shop: OpenShop, db: Database) -> None:
    given = await shop()
    ids = await asyncio.gather(*(given.send(tracker_id=f"t{at % 9}") for at in range(700)))
    async with running(Pipeline(db)):
        await processed(given, 1)
    after = await statuses(given)
    assert set(after) <= {"processed", "pending"}
    assert sum(after.values()) == len(ids)
    async with running(Pipeline(db)), running(Pipeline(db)):
        await processed(given, len(ids))
    (sums,) = await given.rows("SELECT sum(value) AS s FROM event_rollup WHERE key = 'event-count'")
    assert sums["s"] == len(ids)


@pytest.fixture
async def poison(database_url: str) -> AsyncIterator[None]:
    """A fault that nobody foresaw: the database refuses to have certain events processed."""
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "ALTER TABLE event ADD CONSTRAINT poisoned CHECK (status <> 'processed' OR dedup_key NOT LIKE '%poison%')"
    )
    yield
    await owner.execute("ALTER TABLE event DROP CONSTRAINT poisoned")
    await owner.close()


@pytest.mark.usefixtures("poison")
async def test_an_event_nobody_can_process_stops_none_but_itself(shop: OpenShop) -> None:
    given = await shop()
    for at in range(30):
        await given.send("poison" if at == 17 else f"n-{at}", data={"basket": 1, "turnover": 1})
    assert await given.process() == 30
    assert await statuses(given) == {"processed": 29, "trashed": 1}
    (bad,) = await given.rows("SELECT id FROM event WHERE status = 'trashed'")
    assert await given.faults(bad["id"]) == [("internal_error", None)]
    (sums,) = await given.rows("SELECT sum(value) AS s FROM event_rollup WHERE key = 'turnover'")
    assert sums["s"] == 29


async def test_events_whose_connection_is_cut_are_done_later_and_not_trashed(
    shop: OpenShop, database_url: str
) -> None:
    given = await shop()
    for at in range(3):
        await given.send(data={"basket": 1, "turnover": at})
    owner = await asyncpg.connect(database_url)
    async with owner.transaction():
        # Whoever processes them waits for this lock, until its connection is ended.
        await owner.execute("LOCK TABLE event_rollup IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(given.process())
        waiting = "SELECT pid FROM pg_locks WHERE relation = 'event_rollup'::regclass AND NOT granted"
        for _ in range(1_000):
            if (pid := await owner.fetchval(waiting)) is not None:
                break
            await asyncio.sleep(0.01)
        await owner.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(Unavailable):
            await task
    await owner.close()
    assert await statuses(given) == {"pending": 3}
    assert await given.process() == 3
    assert await statuses(given) == {"processed": 3}
