"""Deleting what is no longer needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.database import Database, Transaction
from app.worker.jobs import Report, groups, visit

BATCH = 1_000
AFTER_TROUBLE = timedelta(minutes=1)
# A few at a time, so that a request that wants one of these rows never waits long.
DROP_ANSWERS = """
DELETE FROM idempotent_answer
 WHERE group_id = $1 AND key IN (
   SELECT key FROM idempotent_answer
    WHERE group_id = $1
      AND created_at < $2::timestamptz
                       - make_interval(hours => (SELECT keep_answers_hours FROM customer_group WHERE id = $1))
    LIMIT $3
   FOR UPDATE SKIP LOCKED)
"""


@dataclass(slots=True)
class Housekeeping:
    """Deletes the answers kept per idempotency key, a day after they were given or sooner, as the group says."""

    name: str = "housekeeping"
    every_s: int = 3600

    def hint(self, group_id: int) -> bool:
        """Nothing here is urgent."""
        return False

    def forget(self) -> None:
        """Nothing is remembered."""

    async def run(self, db: Database, now: datetime) -> Report:
        """Visit every group; again right away where a batch was full."""
        unfinished = await groups(db)
        errors: list[str] = []
        while unfinished:
            full: list[int] = []

            async def drop(tx: Transaction, full: list[int] = full) -> None:
                group_id = tx.scope.group_id
                if await tx.execute(DROP_ANSWERS, group_id, now, BATCH) == BATCH:
                    full.append(group_id)

            errors += (await visit(db, unfinished, drop)).errors
            unfinished = full
        # What failed is not left for a whole hour.
        return Report(errors=errors, next_at=now + AFTER_TROUBLE if errors else None)
