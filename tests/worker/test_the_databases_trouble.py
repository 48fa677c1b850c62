"""Trouble of the database stops no job for good, in no group but its own, and nothing is taken for done that is not."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import pytest

from app.db.database import Database
from app.db.outages import Busy
from app.worker.audience import Audience
from app.worker.jobs import Patience, Report, groups, visit
from app.worker.lifecycle import Lifecycle
from app.worker.loop import Worker
from tests.given import audience as given
from tests.given import groups as given_groups
from tests.given.work import campaign, database_now, status_of
from tests.worker.test_segment_sizes import dynamic, size
from tests.worker.test_taking_turns import row, running, until

SECOND = timedelta(seconds=1)


@asynccontextmanager
async def failing_at_commit(database_url: str, table: str) -> AsyncIterator[None]:
    """COMMIT fails where this table was updated, as it does when the disk is full."""
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "CREATE FUNCTION fail_late() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$"
    )
    await owner.execute(
        f"CREATE CONSTRAINT TRIGGER failing AFTER UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION fail_late()"
    )
    try:
        yield
    finally:
        await owner.execute(f"DROP TRIGGER failing ON {table}")
        await owner.execute("DROP FUNCTION fail_late")
        await owner.close()


async def test_a_count_whose_commit_fails_is_made_again(db: Database, database_url: str) -> None:
    here = await given_groups.group(db)
    now = await database_now(db)
    everybody = await dynamic(db, here.scope, {"order_count": {"gte": 0}}, now)
    job = Audience()
    await job.run(db, now)
    await given.customer(db, here.scope, "ada")
    async with failing_at_commit(database_url, "segment"):
        assert len((await job.run(db, now + 50 * SECOND)).errors) == 1
    assert (await size(db, here.scope, everybody))[0] == 0
    assert (await job.run(db, now + 100 * SECOND)).errors == []
    assert (await size(db, here.scope, everybody))[0] == 1


async def test_a_move_whose_commit_fails_is_made_soon_again(db: Database, database_url: str) -> None:
    group = await given_groups.group(db)
    now = await database_now(db)
    it = await campaign(db, group, status="scheduled", starts_at=now - SECOND, ends_at=now + 3600 * SECOND)
    job = Lifecycle("commits")
    async with failing_at_commit(database_url, "campaign"):
        report = await job.run(db, now)
    assert len(report.errors) == 1
    assert report.next_at == now + SECOND
    assert await status_of(db, group, it) == "scheduled"
    assert (await job.run(db, now + SECOND)).errors == []
    assert await status_of(db, group, it) == "active"


async def test_a_row_that_somebody_holds_holds_up_its_group_alone(db: Database, database_url: str) -> None:
    stuck, free = await given_groups.group(db), await given_groups.group(db)
    now = await database_now(db)
    begun, ends = now - SECOND, now + 3600 * SECOND
    held = await campaign(db, stuck, status="scheduled", starts_at=begun, ends_at=ends)
    other = await campaign(db, free, status="scheduled", starts_at=begun, ends_at=ends)
    owner = await asyncpg.connect(database_url)
    job = Lifecycle("held")
    async with owner.transaction():
        await owner.execute("SELECT FROM campaign WHERE id = $1 FOR UPDATE", held)
        started = time.monotonic()
        report = await job.run(db, now)
        assert time.monotonic() - started < 3
        assert len(report.errors) == 1
        assert await status_of(db, free, other) == "active"
        # The pause before the next try grows.
        first = job._due[stuck.group_id]
        await job.run(db, first)
        assert job._due[stuck.group_id] - first == 2 * (first - now)
    await owner.close()
    await job.run(db, now + 10 * SECOND)
    assert await status_of(db, stuck, held) == "active"


@dataclass
class Meeting:
    """A job that fails as a whole for a while."""

    name: str
    every_s: int = 3600
    troubles: list[Exception] = field(default_factory=list)
    finished: int = 0

    def hint(self, group_id: int) -> bool:
        return False

    def forget(self) -> None:
        pass

    async def run(self, db: Database, now: object) -> Report:
        if self.troubles:
            raise self.troubles.pop()
        self.finished += 1
        return Report()


async def test_a_job_that_failed_as_a_whole_does_not_wait_for_its_next_turn(db: Database) -> None:
    job = Meeting("meets", troubles=[asyncpg.QueryCanceledError("statement timeout")])
    async with running(Worker(db, jobs=[job], lease="meets")):
        await until(lambda: job.finished == 1, within_s=4)
    assert await row(db, "SELECT last_error FROM schedule WHERE name = 'meets'") == {"last_error": None}


async def test_a_visit_says_which_groups_are_done(db: Database) -> None:
    one, two = await given_groups.group(db), await given_groups.group(db)

    async def work(tx: object) -> None:
        if tx.scope.group_id == one.group_id:  # type: ignore[attr-defined]
            raise asyncpg.DeadlockDetectedError("deadlock detected")

    visited = await visit(db, [one.group_id, two.group_id], work)
    assert visited.done == {two.group_id}
    assert visited.errors == [f"group {one.group_id}: Busy: {Busy()!s}"]
    assert {one.group_id, two.group_id} <= set(await groups(db))


@pytest.mark.parametrize(("failures", "pause_s"), [(1, 1), (2, 2), (3, 4), (60, 60)])
async def test_pauses_double(db: Database, failures: int, pause_s: int) -> None:
    now = await database_now(db)
    patience = Patience(first=SECOND, longest=60 * SECOND)
    for _ in range(failures):
        again_at = patience.failed(1, now)
    assert again_at == now + pause_s * SECOND
    patience.passed(1)
    assert patience.failed(1, now) == now + SECOND
