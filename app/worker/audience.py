"""Counts dynamic segments again when facts about their customers have changed."""

import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.db.database import Database, Transaction
from app.domain.segments.operations import recount_segments
from app.worker.jobs import Report, groups, visit

# Read before counting and deleted afterwards: what is written meanwhile is left for the next time.
CHANGED = "SELECT group_id, array_agg(id) AS ids FROM audience_change GROUP BY group_id ORDER BY group_id"
SEEN = "DELETE FROM audience_change WHERE id = ANY ($1)"

RHYTHM_S = 15
SHARE_OF_TIME = 5
"""A group whose counting took long is counted again after this many times as long…"""
LONGEST_WAIT = timedelta(seconds=40)
"""…but in time to be counted within 60 s of a change."""


@dataclass(slots=True)
class Audience:
    """Keeps `segment.size` of dynamic segments at most 60 s behind the facts."""

    name: str = "segment sizes"
    every_s: int = RHYTHM_S
    _day: date | None = None
    _not_before: dict[int, datetime] = field(default_factory=dict)

    def hint(self, group_id: int) -> bool:
        """Collects changes for a while: orders come in all the time, and counting takes longer."""
        return False

    def forget(self) -> None:
        """Check every group's segments that depend on the day."""
        self._day = None

    async def run(self, db: Database, now: datetime) -> Report:
        """Count what changed and, once a day, what depends on the day."""
        async with db.directory() as connection:
            changed = {row["group_id"]: row["ids"] for row in await connection.fetch(CHANGED)}
        due = {g: ids for g, ids in changed.items() if self._not_before.get(g, now) <= now}
        new_day = self._day != now.date()
        targets = sorted(set(due) | set(await groups(db))) if new_day else list(due)
        done: list[int] = []

        async def recount(tx: Transaction) -> None:
            group_id, started = tx.scope.group_id, time.monotonic()
            await recount_segments(db, tx, now=now, all_of_them=group_id in due)
            wait = timedelta(seconds=(time.monotonic() - started) * SHARE_OF_TIME)
            self._not_before[group_id] = now + min(wait, LONGEST_WAIT)
            done.append(group_id)

        errors = await visit(db, targets, recount)
        seen = [ident for group_id in done for ident in due.get(group_id, ())]
        if seen:
            async with db.directory() as connection:
                await connection.execute(SEEN, seen)
        if new_day and not errors:
            self._day = now.date()
        return Report(errors=errors)
