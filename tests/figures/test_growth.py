"""How segments grow: what was counted on a day stands until it is counted again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db.database import Database
from app.domain.segments.fields import SegmentFields
from app.domain.segments.operations import add_members, create_segment, recount_segments, remove_members
from app.tables.segments import SegmentType
from app.values.scope import Scope
from tests.figures.given import answers, customer, group
from tests.given.asking import Asker

NOON = datetime(2025, 6, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
async def scope(db: Database) -> Scope:
    return await group(db, zone="America/New_York")


async def growth(asker: Asker, scope: Scope, arguments: str) -> list[tuple[str, int | None, int | None]]:
    data: Any = await answers(
        asker, scope, f"{{ segments {{ nodes {{ growth({arguments}) {{ period size change }} }} }} }}"
    )
    (node,) = data["segments"]["nodes"]
    return [(row["period"], row["size"], row["change"]) for row in node["growth"]]


async def test_a_lists_size_is_kept_for_each_day_of_the_group(
    db: Database, asker: Asker, scope: Scope
) -> None:
    ids = [await customer(db, scope) for _ in range(3)]
    async with db.transaction(scope) as tx:
        segment = await create_segment(tx, SegmentType.STATIC, SegmentFields(name="VIP"), now=NOON)
        await add_members(tx, segment, ids[:2], now=NOON + timedelta(days=1))
        # Still the 12th in New York.
        await add_members(tx, segment, ids[2:], now=datetime(2025, 6, 13, 3, 0, tzinfo=UTC))
        await remove_members(tx, segment, ids[:1], now=datetime(2025, 6, 14, 12, 0, tzinfo=UTC))
    assert await growth(asker, scope, 'since: "2025-06-09", until: "2025-06-15"') == [
        ("2025-06-09", None, None),
        ("2025-06-10", 0, None),
        ("2025-06-11", 2, 2),
        ("2025-06-12", 3, 1),
        ("2025-06-13", 3, 0),
        ("2025-06-14", 2, -1),
        ("2025-06-15", 2, 0),
    ]
    assert await growth(asker, scope, 'interval: WEEK, since: "2025-06-11", until: "2025-06-18"') == [
        ("2025-06-09", 2, 2),
        ("2025-06-16", 2, 0),
    ]


async def test_a_dynamic_segment_has_the_size_it_was_counted_at(
    db: Database, asker: Asker, scope: Scope
) -> None:
    async with db.transaction(scope) as tx:
        fields = SegmentFields(name="All", criteria={"email_consent": False})
        await create_segment(tx, SegmentType.DYNAMIC, fields, now=NOON)
    await customer(db, scope)
    async with db.transaction(scope) as tx:
        await recount_segments(db, tx, now=NOON + timedelta(days=3), zone=UTC, all_of_them=True)
    assert await growth(asker, scope, 'last: "P5D"') == [
        ("2025-06-11", 0, 0),
        ("2025-06-12", 0, 0),
        ("2025-06-13", 1, 1),
        ("2025-06-14", 1, 0),
        ("2025-06-15", 1, 0),
    ]
    assert len(await growth(asker, scope, "interval: DAY")) == 30


async def test_a_window_too_long_is_refused(asker: Asker, scope: Scope) -> None:
    query = '{ segments { nodes { growth(last: "P9Y") { size } } } }'
    planned, resolved = await asker.both(scope, query)
    assert planned.errors == resolved.errors
    assert "At most 1,500 stretches" in planned.errors[0]["message"]
