"""A limit that waits takes effect with its period: in time, once, and not at all when it was superseded."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.db.database import Database
from app.domain.spend.operations import Change, Changed, apply_due_limits, change_limits
from app.domain.spend.rules import AskedLimit
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.worker.loop import Worker
from app.worker.spend_limits import SpendLimits
from tests.given import campaigns, groups
from tests.given.groups import GivenGroup
from tests.given.work import database_now
from tests.spend.given import spend
from tests.worker.test_taking_turns import running

SECOND = timedelta(seconds=1)
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2025, 6, 15, 22, tzinfo=UTC)
JUST_BEFORE = MIDNIGHT - timedelta(microseconds=1)


async def lowered(db: Database, group: GivenGroup, *, now: datetime = NOON, to: str = "10") -> int:
    """A campaign that has spent 40 of its daily 50, whose limit was lowered below that."""
    it = await campaigns.campaign(db, group.scope, now=now)
    await asked(db, group, it, "50", now=now)
    await spend(db, group.scope, it, "40", now=now)
    done = await asked(db, group, it, to, now=now)
    assert done.effective_from is not None
    return it


async def asked(db: Database, group: GivenGroup, it: int, amount: str, *, now: datetime) -> Changed:
    """A change to a daily limit."""
    wish = AskedLimit(type=SpendLimitType.CAPPED, renewal=SpendLimitRenewal.DAILY, amount=Decimal(amount))
    async with db.transaction(group.scope) as tx:
        (done,) = await change_limits(
            tx, [Change(campaign=f"camp_{it}", limit=wish)], may_begin=True, now=now
        )
    assert isinstance(done, Changed)
    return done


async def row(db: Database, group: GivenGroup, it: int) -> Any:
    """Amount, pending amount, and when that takes effect."""
    async with db.transaction(group.scope) as tx:
        found = await tx.fetchrow(
            "SELECT amount, pending_amount, effective_from FROM spend_limit WHERE campaign_id = $1", it
        )
    assert found is not None
    return tuple(found)


async def apply(db: Database, group: GivenGroup, now: datetime) -> int:
    """How many took effect."""
    async with db.transaction(group.scope) as tx:
        return len(await apply_due_limits(tx, now))


async def test_it_takes_effect_with_the_period_and_not_before(db: Database) -> None:
    group = await groups.group(db)  # Europe/Paris: midnight is at 22:00 UTC
    it = await lowered(db, group)
    assert await row(db, group, it) == (50, 10, MIDNIGHT)

    assert await apply(db, group, JUST_BEFORE) == 0
    assert await row(db, group, it) == (50, 10, MIDNIGHT)
    assert await apply(db, group, MIDNIGHT) == 1
    assert await row(db, group, it) == (10, None, None)


async def test_many_at_once_apply_it_once(db: Database) -> None:
    group = await groups.group(db)
    await lowered(db, group)

    counts = await asyncio.gather(*(apply(db, group, MIDNIGHT) for _ in range(16)))

    assert sum(counts) == 1


async def test_a_later_change_supersedes_it(db: Database) -> None:
    group = await groups.group(db)
    it = await lowered(db, group)

    await asked(db, group, it, "45", now=NOON)

    assert await row(db, group, it) == (45, None, None)
    assert await apply(db, group, MIDNIGHT) == 0


async def test_a_later_change_that_waits_as_well_takes_its_place(db: Database) -> None:
    group = await groups.group(db)
    it = await lowered(db, group)

    await asked(db, group, it, "20", now=NOON)
    await apply(db, group, MIDNIGHT)

    assert await row(db, group, it) == (20, None, None)


async def test_what_is_due_counts_also_before_the_worker_came(db: Database) -> None:
    group = await groups.group(db)
    it = await lowered(db, group)
    next_noon = NOON + timedelta(days=1)

    done = await asked(db, group, it, "10", now=next_noon)

    assert done.effective_from is None  # the limit is 10 already
    assert await row(db, group, it) == (10, None, None)


async def test_a_write_at_the_same_moment_as_the_worker_loses_nothing(db: Database) -> None:
    """Whoever is second works on what the first one left; the last word is the change's."""
    group = await groups.group(db)
    it = await lowered(db, group)

    await asyncio.gather(
        *(apply(db, group, MIDNIGHT) for _ in range(4)), asked(db, group, it, "45", now=NOON)
    )

    assert (await row(db, group, it))[1:] == (None, None)
    assert (await row(db, group, it))[0] == 45


async def test_the_worker_never_waits_for_who_is_changing(db: Database) -> None:
    """Who changes many holds them in an order of its own; waiting for it, the two could wait in a circle."""
    group = await groups.group(db)
    first, second = await lowered(db, group), await lowered(db, group)
    async with db.transaction(group.scope) as tx:
        wish = AskedLimit(amount=Decimal(45))
        (done,) = await change_limits(tx, [Change(campaign=f"camp_{first}", limit=wish)], now=NOON)
        assert isinstance(done, Changed)
        async with asyncio.timeout(5):
            assert await apply(db, group, MIDNIGHT) == 1

    assert await row(db, group, first) == (45, None, None)
    assert await row(db, group, second) == (10, None, None)


async def test_the_worker_does_it_within_a_second(db: Database) -> None:
    group = await groups.group(db)
    now = await database_now(db)
    it = await lowered(db, group, now=now)
    due = now + 1.5 * SECOND
    async with db.transaction(group.scope) as tx:
        await tx.execute("UPDATE spend_limit SET effective_from = $1 WHERE campaign_id = $2", due, it)

    async with running(Worker(db, jobs=[SpendLimits("limits in time")], lease="limits in time")):
        while await database_now(db) < due - SECOND / 5:
            assert (await row(db, group, it))[0] == 50
            await asyncio.sleep(0.05)
        while (await row(db, group, it))[0] != 10:
            assert await database_now(db) < due + SECOND
            await asyncio.sleep(0.02)
