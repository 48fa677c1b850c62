"""Campaigns start and end by themselves: in time, once, and after an outage."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app.db.database import Database, Transaction
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.due import CHANNEL
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import advance_due_campaigns, create_campaign
from app.worker.lifecycle import Lifecycle
from app.worker.loop import Worker
from tests.given import groups as given
from tests.given.work import campaign, database_now, status_of
from tests.worker.test_taking_turns import row, running

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


async def _becomes(
    db: Database, group: given.GivenGroup, campaign_id: int, status: str, *, by: datetime
) -> None:
    while (found := await status_of(db, group, campaign_id)) != status:
        assert await database_now(db) < by, f"still {found}"
        await asyncio.sleep(0.02)


async def test_a_campaign_starts_and_ends_within_a_second(db: Database) -> None:
    group = await given.group(db)
    now = await database_now(db)
    start, end = now + 1.5 * SECOND, now + 3 * SECOND
    it = await campaign(db, group, status="scheduled", starts_at=start, ends_at=end)
    async with running(Worker(db, jobs=[Lifecycle("in time")], lease="in time")):
        while await database_now(db) < start - SECOND / 5:
            assert await status_of(db, group, it) == "scheduled"
            await asyncio.sleep(0.05)
        await _becomes(db, group, it, "active", by=start + SECOND)
        await _becomes(db, group, it, "completed", by=end + SECOND)


async def test_a_sleeping_worker_hears_of_new_and_changed_campaigns(db: Database) -> None:
    """Nothing was due for long; a campaign made meanwhile starts in time, because its maker said so."""
    group = await given.group(db)
    sleepy = Lifecycle("hinted")
    async with running(Worker(db, jobs=[sleepy], lease="hinted")):
        await asyncio.sleep(0.5)
        sleepy._round_at = await database_now(db) + HOUR
        async with db.directory() as connection:
            await connection.execute(
                "UPDATE schedule SET next_run_at = now() + interval '1 hour' WHERE name = 'hinted'"
            )
        await asyncio.sleep(1.2)  # past the moment it had planned to wake at
        now = await database_now(db)
        async with db.transaction(group.scope) as tx:
            soon = CampaignFields(name="Soon", starts_at=now + SECOND / 2)
            it = await create_campaign(tx, soon, now=now)
            await tx.execute("SELECT pg_notify($1, 'no group at all')", CHANNEL)
        await _becomes(db, group, it, "active", by=now + SECOND * 1.5)
        async with db.transaction(group.scope) as tx:
            now = await database_now(db)
            await update_campaign(tx, it, CampaignFields(ends_at=now + SECOND / 2), now=now)
        await _becomes(db, group, it, "completed", by=now + SECOND * 1.5)


async def test_downtime_is_caught_up(db: Database) -> None:
    group = await given.group(db)
    now = await database_now(db)
    missed_start = await campaign(db, group, status="scheduled", starts_at=now - HOUR, ends_at=now + HOUR)
    missed_end = await campaign(db, group, status="active", starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    paused = await campaign(db, group, status="paused", starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    missed_all = await campaign(db, group, status="scheduled", starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    draft = await campaign(db, group, status="draft", starts_at=now - HOUR, ends_at=now + HOUR)
    report = await Lifecycle().run(db, now)
    assert report.errors == []
    found = [await status_of(db, group, it) for it in (missed_start, missed_end, paused, missed_all, draft)]
    assert found == ["active", "completed", "completed", "completed", "draft"]


async def test_it_sleeps_until_what_is_due_next(db: Database) -> None:
    group = await given.group(db)
    now = await database_now(db)
    await campaign(db, group, status="scheduled", starts_at=now + SECOND / 2)
    first = Lifecycle()
    report = await first.run(db, now)
    assert report.next_at == now + SECOND / 2
    assert (await first.run(db, now + SECOND / 2)).next_at == now + 5 * SECOND  # then the next round


async def test_one_groups_trouble_leaves_the_others_alone(db: Database, database_url: str) -> None:
    broken, fine = await given.group(db), await given.group(db)
    now = await database_now(db)
    stuck = await campaign(db, broken, status="scheduled", starts_at=now - SECOND)
    moves = await campaign(db, fine, status="scheduled", starts_at=now - SECOND)
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        f"ALTER TABLE campaign ADD CONSTRAINT trouble CHECK (group_id <> {broken.group_id}) NOT VALID"
    )
    try:
        async with running(Worker(db, jobs=[Lifecycle("troubled")], lease="troubled")):
            await _becomes(db, fine, moves, "active", by=now + 5 * SECOND)
            await asyncio.sleep(0.3)
            told = await row(db, "SELECT last_error FROM schedule WHERE name = 'troubled'")
            assert f"group {broken.group_id}: CheckViolationError" in str(told["last_error"])
            assert await status_of(db, broken, stuck) == "scheduled"
            await owner.execute("ALTER TABLE campaign DROP CONSTRAINT trouble")
            await _becomes(db, broken, stuck, "active", by=await database_now(db) + 3 * SECOND)
    finally:
        await owner.execute("ALTER TABLE campaign DROP CONSTRAINT IF EXISTS trouble")
        await owner.close()


async def _read_then_write(tx: Transaction, now: datetime) -> list[int]:
    """How one would do it without thinking: look what is due, then move it."""
    due = await tx.fetch(
        "SELECT id FROM campaign WHERE group_id = $1 AND status = 'scheduled' AND starts_at <= $2",
        tx.scope.group_id, now,
    )  # fmt: skip
    await asyncio.sleep(0.02)
    for found in due:
        await tx.execute(
            "UPDATE campaign SET status = 'active', activated_at = $3 WHERE group_id = $1 AND id = $2",
            tx.scope.group_id, found["id"], now,
        )  # fmt: skip
    return [found["id"] for found in due]


async def _statement(tx: Transaction, now: datetime) -> list[int]:
    return [moved.campaign_id for moved in await advance_due_campaigns(tx, now)]


@pytest.mark.parametrize(
    ("way", "once"), [(_statement, True), (_read_then_write, False)], ids=["statement", "naive"]
)
async def test_a_campaign_moves_exactly_once_however_many_move_it(
    db: Database, way: Callable[[Transaction, datetime], Awaitable[list[int]]], once: bool
) -> None:
    group = await given.group(db)
    now = datetime.now(UTC)
    made = [await campaign(db, group, status="scheduled", starts_at=now - SECOND) for _ in range(20)]

    async def mover() -> list[int]:
        async with db.transaction(group.scope) as tx:
            return await way(tx, now)

    moves = sorted(i for moved in await asyncio.gather(*(mover() for _ in range(6))) for i in moved)
    assert (moves == made) is once
    assert set(moves) == set(made)


async def test_many_groups_cost_little(db: Database) -> None:
    """A round over all groups takes at most a hundredth of the time until the next."""
    for _ in range(20):
        await given.group(db)
    clock = Lifecycle()
    now = await database_now(db)
    started = time.monotonic()
    report = await clock.run(db, now)
    taken = time.monotonic() - started
    assert report.next_at is not None
    assert (report.next_at - now).total_seconds() >= min(100 * taken * 0.8, 60)
