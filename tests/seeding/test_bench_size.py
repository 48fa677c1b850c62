"""The bench size: what it counts, in a small edition."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app.db.database import Database
from app.seeding.bench import analyze, seed_bench
from tests.seeding.test_demonstration import ROLLUP_DIFFERENCES

NOW = datetime(2025, 6, 18, 10, 30, tzinfo=UTC)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Any]:
    """Sees every group."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_each_campaign_has_what_the_benchmark_asks_for(
    db: Database, database_url: str, owner: Any
) -> None:
    told: list[tuple[int, int]] = []
    made = await seed_bench(
        db, now=NOW, groups=2, campaigns=101, progress=lambda _, done, total: told.append((done, total))
    )
    await analyze(database_url)
    assert made.made == len(made.group_ids) == 2
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    counts = {
        table: await owner.fetchval(f"SELECT count(*) FROM {table}")
        for table in (
            "campaign", "flow", "flow_action", "flow_condition", "flow_multiplier", "outlay", "promo",
            "campaign_metric",
        )
    }  # fmt: skip
    assert {table: count / 101 for table, count in counts.items()} == {
        "campaign": 1, "flow": 3, "flow_action": 6, "flow_condition": 6, "flow_multiplier": 3, "outlay": 10,
        "promo": 2, "campaign_metric": 60,
    }  # fmt: skip
    per_group = await owner.fetch("SELECT count(*) FROM campaign GROUP BY group_id ORDER BY group_id")
    assert [row[0] for row in per_group] == [51, 50]
    statuses = await owner.fetchval("SELECT array_agg(DISTINCT status ORDER BY status) FROM campaign")
    assert statuses == ["active", "completed", "draft", "paused", "scheduled"]
    assert await owner.fetch(ROLLUP_DIFFERENCES) == []
    unexplained = await owner.fetch(
        "SELECT m.id FROM campaign_metric m WHERE spend <> (SELECT sum(amount) FROM spend_entry e"
        " WHERE e.group_id = m.group_id AND e.campaign_id = m.campaign_id AND e.day = m.day"
        " AND e.channel = m.channel)"
    )
    assert unexplained == []


async def test_what_is_there_is_not_made_again(db: Database, owner: Any) -> None:
    first = await seed_bench(db, now=NOW, groups=1, campaigns=3)
    again = await seed_bench(db, now=NOW, groups=1, campaigns=3)
    assert (again.group_ids, again.made) == (first.group_ids, 0)


async def test_groups_without_campaigns_are_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="each needs one"):
        await seed_bench(db, now=NOW, groups=5, campaigns=4)
