"""The hourly sums: moved by differences, locked in one order whoever moves them."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import asyncpg
import pytest

from app.db.database import Database
from app.db.outages import Busy
from app.domain.events.rollups import EVENT_COUNT, RollupKey, add_to_sums, hour_of
from app.values.scope import Scope
from tests.insights.given import Tracking, tracking

HOUR = datetime(2026, 3, 1, 10, tzinfo=UTC)


async def sums(db: Database, given: Tracking) -> dict[RollupKey, Decimal]:
    async with db.transaction(given.scope) as tx:
        rows = await tx.fetch("SELECT event_type_id, hour, key, value FROM event_rollup WHERE value <> 0")
    return {(row["event_type_id"], row["hour"], row["key"]): row["value"] for row in rows}


def test_the_hour_is_the_moments_in_utc() -> None:
    half = timezone(timedelta(hours=5, minutes=30))
    assert hour_of(datetime(2026, 3, 1, 10, 59, 59, 999_999, tzinfo=UTC)) == HOUR
    assert hour_of(datetime(2026, 3, 1, 15, 35, tzinfo=half)) == HOUR


async def test_differences_add_up_and_may_take_away(db: Database) -> None:
    given = await tracking(db, "adding")
    lead, sale = given.types["lead"], given.types["sale"]
    later = HOUR + timedelta(hours=1)
    async with db.transaction(given.scope) as tx:
        await add_to_sums(tx, given.project_id, {})
        await add_to_sums(tx, given.project_id, {(lead, HOUR, EVENT_COUNT): Decimal(0)})
        await add_to_sums(
            tx,
            given.project_id,
            {(sale, HOUR, "turnover"): Decimal("4000"), (lead, later, EVENT_COUNT): Decimal(2)},
        )
        await add_to_sums(
            tx,
            given.project_id,
            {(sale, HOUR, "turnover"): Decimal("-0.0001"), (lead, later, EVENT_COUNT): Decimal(-2)},
        )
    assert await sums(db, given) == {(sale, HOUR, "turnover"): Decimal("3999.9999")}


async def test_a_sum_may_be_larger_than_any_value(db: Database) -> None:
    given = await tracking(db, "large")
    key = (given.types["sale"], HOUR, "turnover")
    async with db.transaction(given.scope) as tx:
        for _ in range(3):
            await add_to_sums(tx, given.project_id, {key: Decimal("99999999999999.9999")})
    assert await sums(db, given) == {key: Decimal("299999999999999.9997")}


async def _both_at_once(db: Database, given: Tracking, *, in_order: bool) -> list[BaseException | None]:
    """Two transactions that move the same two sums, each naming them in another order."""
    met = asyncio.Barrier(2)
    keys: list[RollupKey] = [(given.types["lead"], HOUR, "a"), (given.types["lead"], HOUR, "b")]

    async def move(named: list[RollupKey]) -> None:
        async with db.transaction(given.scope) as tx:
            await met.wait()
            if in_order:
                await add_to_sums(tx, given.project_id, dict.fromkeys(named, Decimal(1)))
                return
            for key in named:
                await add_to_sums(tx, given.project_id, {key: Decimal(1)})
                await asyncio.sleep(0.1)

    return list(await asyncio.gather(move(keys), move(keys[::-1]), return_exceptions=True))


async def test_two_writers_of_the_same_sums_wait_for_each_other(db: Database) -> None:
    given = await tracking(db, "order")
    for _ in range(20):
        assert await _both_at_once(db, given, in_order=True) == [None, None]
    assert set((await sums(db, given)).values()) == {Decimal(40)}


async def test_in_the_order_they_are_named_they_would_deadlock(db: Database) -> None:
    given = await tracking(db, "naive")
    found = await _both_at_once(db, given, in_order=False)
    assert any(isinstance(one, Busy) for one in found)


async def test_another_group_has_sums_of_its_own(db: Database) -> None:
    one, other = await tracking(db, "one"), await tracking(db, "other")
    async with db.transaction(one.scope) as tx:
        await add_to_sums(tx, one.project_id, {(one.types["lead"], HOUR, EVENT_COUNT): Decimal(1)})
    assert await sums(db, other) == {}
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.transaction(Scope(other.group_id)) as tx:
            await add_to_sums(tx, one.project_id, {(one.types["lead"], HOUR, EVENT_COUNT): Decimal(1)})
