"""Of many workers one works; when it goes or dies, another does."""

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from app.db.database import Database
from app.worker.lease import Appointments, Lease
from app.worker.loop import Worker
from tests.given.work import CountingJob

TERM = timedelta(seconds=15)


@contextlib.asynccontextmanager
async def running(*workers: Worker) -> AsyncIterator[asyncio.Event]:
    """The workers at work; told to stop and waited for at the end."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until(holds: Callable[[], bool], *, within_s: float = 5) -> None:
    """Wait for it, or fail."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


async def row(db: Database, sql: str, *values: object) -> dict[str, object]:
    """One row of a directory table."""
    async with db.directory() as connection:
        found = await connection.fetchrow(sql, *values)
    return {} if found is None else dict(found)


async def test_two_workers_at_once_run_each_job_once(db: Database) -> None:
    one = [CountingJob(f"shared {n}") for n in range(5)]
    other = [CountingJob(f"shared {n}") for n in range(5)]
    pair = [Worker(db, name="twin", jobs=jobs, lease="two", term_s=1) for jobs in (one, other)]
    async with running(*pair):
        await until(lambda: sum(job.finished for job in one + other) >= 5)
        await asyncio.sleep(0.8)
    assert [len(a.runs) + len(b.runs) for a, b in zip(one, other, strict=True)] == [1] * 5
    assert {sum(job.finished for job in jobs) for jobs in (one, other)} == {0, 5}


async def test_a_job_is_claimed_once_even_by_its_holder(db: Database) -> None:
    appointments = [Appointments(Lease(db, "race", "me", TERM)) for _ in range(8)]
    await appointments[0].lease.hold()
    await appointments[0].register([("raced", 3600)])
    claims = await asyncio.gather(*(each.claim("raced") for each in appointments))
    assert sum(claim is not None for claim in claims) == 1


async def test_who_has_no_lease_claims_nothing(db: Database) -> None:
    holder, rival = (Lease(db, "fence", name, TERM) for name in ("holder", "rival"))
    assert await holder.hold()
    assert not await rival.hold()
    await Appointments(rival).register([("fenced", 3600)])
    assert await Appointments(rival).claim("fenced") is None
    assert await Appointments(holder).claim("fenced") is not None
    await holder.give_back()
    assert await rival.hold()


async def test_a_clean_stop_finishes_the_job_and_gives_the_lease_back(db: Database) -> None:
    job = CountingJob("long", takes_s=0.4)
    async with running(Worker(db, jobs=[job], lease="clean")) as stop:
        await job.started.wait()
        assert await row(db, "SELECT holder FROM worker_lease WHERE name = 'clean'")
        stop.set()
    assert job.finished == 1
    assert await row(db, "SELECT holder FROM worker_lease WHERE name = 'clean'") == {}
    next_one = CountingJob("next", takes_s=0)
    started = time.monotonic()
    async with running(Worker(db, jobs=[next_one], lease="clean")):
        await until(lambda: next_one.finished == 1)
    assert time.monotonic() - started < 1  # nobody waits for the old lease to expire


async def test_a_long_job_keeps_its_lease(db: Database) -> None:
    job = CountingJob("very long", takes_s=1.5)
    rival = CountingJob("very long")
    async with running(
        Worker(db, jobs=[job], lease="kept", term_s=0.6), Worker(db, jobs=[rival], lease="kept", term_s=0.6)
    ):
        await until(lambda: job.finished + rival.finished == 1)
    assert len(job.runs) + len(rival.runs) == 1


HOLD_FOR_EVER = """
import asyncio, sys
from app.db.database import connect
from app.worker.loop import Worker

async def main():
    worker = Worker(await connect(sys.argv[1]), name="doomed", jobs=[], lease="killed", term_s=2)
    running = asyncio.create_task(worker.run(asyncio.Event()))
    while not worker._holding:
        await asyncio.sleep(0.01)
    print("holding", flush=True)
    await running

asyncio.run(main())
"""


async def test_a_killed_holder_is_taken_over(db: Database, database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(HOLD_FOR_EVER), database_url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"holding\n"
    job = CountingJob("inherited")
    async with running(Worker(db, name="heir", jobs=[job], lease="killed", term_s=2)):
        await asyncio.sleep(2.2)
        assert job.runs == []  # the holder lives and renews
        os.kill(process.pid, signal.SIGKILL)
        killed = time.monotonic()
        await process.wait()
        await until(lambda: job.finished == 1)
        assert 0.9 < time.monotonic() - killed < 3


async def test_errors_are_kept_and_stop_nothing(db: Database) -> None:
    bad = CountingJob("a bad one", every_s=1, trouble=RuntimeError("disk full\nDETAIL: (email)=(x@y.z)"))
    good = CountingJob("b good one", every_s=1)
    async with running(Worker(db, jobs=[bad, good], lease="errors")):
        await until(lambda: len(bad.runs) == 2 and len(good.runs) == 2)
        told = await row(db, "SELECT last_error FROM schedule WHERE name = 'a bad one'")
        assert told == {"last_error": "RuntimeError: disk full"}
        bad.trouble = None
        await until(lambda: len(bad.runs) >= 3 and bad.finished >= 1)
        await asyncio.sleep(0.1)
    assert await row(db, "SELECT last_error FROM schedule WHERE name = 'a bad one'") == {"last_error": None}


async def test_an_idle_worker_hardly_asks(db: Database) -> None:
    job = CountingJob("rare")
    async with running(Worker(db, jobs=[job], lease="idle", term_s=15)):
        await until(lambda: job.finished == 1)
        await asyncio.sleep(0.1)
        before = db.writer.taken
        await asyncio.sleep(1.5)
        assert db.writer.taken == before


@pytest.mark.parametrize("every_s", [7, 9])
async def test_a_changed_rhythm_is_taken_over(db: Database, every_s: int) -> None:
    job = CountingJob("changing", every_s=every_s)
    async with running(Worker(db, jobs=[job], lease="rhythm")):
        await asyncio.sleep(0.2)
    assert await row(db, "SELECT every_s FROM schedule WHERE name = 'changing'") == {"every_s": every_s}
