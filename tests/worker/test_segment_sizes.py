"""Dynamic segments are counted anew when facts of their customers change, and when the day does."""

from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.segments.fields import SegmentFields
from app.domain.segments.operations import create_segment
from app.tables.segments import SegmentType
from app.values.scope import Scope
from app.worker.audience import RHYTHM_S, Audience
from tests.given import audience as given
from tests.given import groups
from tests.given.work import database_now


async def dynamic(db: Database, scope: Scope, criteria: object, now: datetime) -> int:
    async with db.transaction(scope) as tx:
        fields = SegmentFields(name="S", criteria=criteria)
        return await create_segment(tx, SegmentType.DYNAMIC, fields, now=now)


async def size(db: Database, scope: Scope, segment_id: int) -> tuple[int, datetime]:
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow("SELECT size, sized_at FROM segment WHERE id = $1", segment_id)
        assert row is not None
        return row["size"], row["sized_at"]


async def test_a_changed_fact_is_counted_with_the_next_run(db: Database) -> None:
    here, there = await groups.group(db), await groups.group(db)
    now = await database_now(db)
    job = Audience()
    spenders = await dynamic(db, here.scope, {"total_spent": {"gte": 20}}, now)
    quiet = await dynamic(db, there.scope, {"total_spent": {"gte": 20}}, now)
    await job.run(db, now)
    await given.customer(db, here.scope, "ada")
    await given.orders(db, here.scope, given.order("o1", "ada", "25"), now=now)
    assert (await size(db, here.scope, spenders))[0] == 0
    assert RHYTHM_S < 60
    soon = now + timedelta(seconds=RHYTHM_S)
    assert (await job.run(db, soon)).errors == []
    assert await size(db, here.scope, spenders) == (1, soon)
    assert await size(db, there.scope, quiet) == (0, now)
    # What was counted is not counted again.
    await job.run(db, soon + timedelta(seconds=60))
    assert await size(db, here.scope, spenders) == (1, soon)


async def test_a_change_that_commits_while_counting_is_not_lost(db: Database) -> None:
    here = await groups.group(db)
    now = await database_now(db)
    everybody = await dynamic(db, here.scope, {"order_count": {"gte": 0}}, now)
    await given.customer(db, here.scope, "seen")
    job = Audience()
    async with db.transaction(here.scope) as late:
        await late.execute("INSERT INTO customer (group_id, name) VALUES ($1, 'late')", here.group_id)
        await late.execute("INSERT INTO audience_change (group_id) VALUES ($1)", here.group_id)
        await job.run(db, now)
        assert (await size(db, here.scope, everybody))[0] == 1
    await job.run(db, now + timedelta(seconds=50))
    assert (await size(db, here.scope, everybody))[0] == 2


async def test_days_ago_are_counted_anew_with_the_new_day_and_nothing_else_is(db: Database) -> None:
    here = await groups.group(db, time_zone="Etc/GMT-1")  # where a day ends at 23:00 UTC
    now = (await database_now(db)).replace(hour=22, minute=59)
    await given.customers(db, here.scope, CustomerEntry(external_id="ada", last_order_at=now))
    inactive = await dynamic(db, here.scope, {"last_order_days_ago": {"gte": 1}}, now)
    ordered = await dynamic(db, here.scope, {"last_order_days_ago": {"exists": True}, "tags": "no"}, now)
    steady = await dynamic(db, here.scope, {"order_count": 0}, now)
    job = Audience()
    await job.run(db, now)
    before = await size(db, here.scope, steady)
    assert (await size(db, here.scope, inactive))[0] == 0
    midnight = now + timedelta(minutes=2)
    await job.run(db, midnight)  # of the group, not of UTC
    assert await size(db, here.scope, inactive) == (1, midnight)
    assert await size(db, here.scope, ordered) == (0, midnight)
    assert await size(db, here.scope, steady) == before


async def test_one_groups_trouble_leaves_its_changes_for_later(db: Database) -> None:
    here = await groups.group(db)
    now = await database_now(db)
    segment = await dynamic(db, here.scope, {"order_count": 0}, now)
    async with db.transaction(here.scope) as tx:
        # Criteria nobody could save today hold nobody; they do not stop the rest.
        await tx.execute(
            "INSERT INTO segment (group_id, name, type, criteria, size)"
            " VALUES ($1, 'old', 'dynamic', $2::json, 7)",
            here.group_id, '{"unknown": 1}',
        )  # fmt: skip
    await given.customer(db, here.scope, "ada")
    report = await Audience().run(db, now)
    assert report.errors == []
    assert (await size(db, here.scope, segment))[0] == 1
