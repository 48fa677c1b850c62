"""What has served its time goes, and nothing else."""

from datetime import timedelta

from app.db.database import Database
from app.worker import housekeeping
from app.worker.housekeeping import Housekeeping
from tests.given import groups as given
from tests.given.work import database_now


async def test_remembered_answers_go_after_a_day(db: Database) -> None:
    pair = [await given.group(db), await given.group(db)]
    now = await database_now(db)
    for group in pair:
        async with db.transaction(group.scope) as tx:
            await tx.execute(
                "INSERT INTO idempotent_answer (group_id, key, request_hash, created_at)"
                " SELECT $1, 'old ' || n, 'x', $2 FROM generate_series(1, $3) n",
                group.group_id, now - timedelta(hours=24, seconds=1), housekeeping.BATCH * 2 + 1,
            )  # fmt: skip
            await tx.execute(
                "INSERT INTO idempotent_answer (group_id, key, request_hash, created_at)"
                " VALUES ($1, 'young', 'x', $2)",
                group.group_id, now - timedelta(hours=23),
            )  # fmt: skip
    report = await Housekeeping().run(db, now)
    assert report.errors == []
    for group in pair:
        async with db.transaction(group.scope) as tx:
            assert [row["key"] for row in await tx.fetch("SELECT key FROM idempotent_answer")] == ["young"]
