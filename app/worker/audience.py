"""Counts dynamic segments again when facts about their customers have changed."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.db.database import Database, Transaction
from app.domain.contacts.saying import settle_page, spoken_of
from app.domain.days import zone_where
from app.domain.segments.operations import recount_segments
from app.values.instants import end_of
from app.worker.jobs import Patience, Report, Visited, groups, visit

# Read before counting and deleted afterwards: what is written meanwhile is left for the next time.
CHANGED = "SELECT group_id, array_agg(id) AS ids FROM audience_change GROUP BY group_id ORDER BY group_id"
SEEN = "DELETE FROM audience_change WHERE id = ANY ($1)"

RHYTHM_S = 15
SHARE_OF_TIME = 5
"""A group whose counting took long is counted again after this many times as long…"""
NEW_GROUPS_EVERY = timedelta(hours=1)
"""Rhythm in which groups are found whose days are not known yet."""
LOOKED_AGAIN = timedelta(minutes=10)
"""So far back customers are looked for who were made while something was said of their address."""
LONGEST_WAIT = timedelta(seconds=40)
"""…but in time to be counted within 60 s of a change."""


PAGE = 500
"""Customers who are settled in one transaction."""


async def settle_recent(db: Database, group_ids: Iterable[int], *, now: datetime) -> Visited:
    """Settle whoever was made lately, or something was said about.

    In pages by id, a transaction each: nobody is held while segments are counted.
    """
    found: dict[int, list[int]] = {}

    async def look(tx: Transaction) -> None:
        found[tx.scope.group_id] = await spoken_of(tx, since=now - LOOKED_AGAIN)

    async def page(tx: Transaction) -> None:
        await settle_page(tx, found[tx.scope.group_id][:PAGE], now=now)

    visited = await visit(db, group_ids, look)
    left, errors = set(visited.done), list(visited.errors)
    done: set[int] = set()
    while left:
        done |= {group_id for group_id in left if not found[group_id]}
        turn = await visit(db, sorted(left - done), page)
        errors += turn.errors
        left = set(turn.done)
        for group_id in left:
            del found[group_id][:PAGE]
    return Visited(frozenset(done), errors)


@dataclass(slots=True)
class Audience:
    """Keeps `segment.size` of dynamic segments at most 60 s behind the facts."""

    name: str = "segment sizes"
    every_s: int = RHYTHM_S
    _looked: datetime | None = None
    """When the list of groups was last read."""
    _for_day: set[int] = field(default_factory=set)
    """Groups whose segments that depend on the day are still to be counted today."""
    _day_ends: dict[int, datetime] = field(default_factory=dict)
    """When the day ends for which a group's were counted: each group has days of its own."""
    _not_before: dict[int, datetime] = field(default_factory=dict)
    _patience: Patience = field(
        default_factory=lambda: Patience(first=timedelta(seconds=RHYTHM_S / 2), longest=LONGEST_WAIT)
    )

    def hint(self, group_id: int) -> bool:
        """Collects changes for a while: orders come in all the time, and counting takes longer."""
        return False

    def forget(self) -> None:
        """Check every group's segments that depend on the day."""
        self._looked = None
        self._day_ends = {}

    async def run(self, db: Database, now: datetime) -> Report:
        """Count what changed and, once a day of each group, what depends on the day."""
        async with db.directory() as connection:
            changed = {row["group_id"]: row["ids"] for row in await connection.fetch(CHANGED)}
        if self._looked is None or now - self._looked >= NEW_GROUPS_EVERY:
            self._for_day |= set(await groups(db)) - self._day_ends.keys()
            self._looked = now
        self._for_day |= {group_id for group_id, ends in self._day_ends.items() if ends <= now}
        due = {g: ids for g, ids in changed.items() if self._not_before.get(g, now) <= now}
        targets = set(due) | {g for g in self._for_day if self._not_before.get(g, now) <= now}
        waits: dict[int, timedelta] = {}
        ends: dict[int, datetime] = {}

        async def recount(tx: Transaction) -> None:
            group_id, started = tx.scope.group_id, time.monotonic()
            zone = await zone_where(tx)
            await recount_segments(db, tx, now=now, zone=zone, all_of_them=group_id in due)
            ends[group_id] = end_of(now.astimezone(zone).date(), zone)
            waits[group_id] = timedelta(seconds=(time.monotonic() - started) * SHARE_OF_TIME)

        order = self._patience.last(targets)
        settled = await settle_recent(db, order, now=now)
        counted = await visit(db, [group_id for group_id in order if group_id in settled.done], recount)
        visited = Visited(counted.done, settled.errors + counted.errors)
        for group_id in targets:
            if group_id in visited.done:
                self._patience.passed(group_id)
                self._day_ends[group_id] = ends[group_id]
                self._not_before[group_id] = now + min(waits[group_id], LONGEST_WAIT)
            else:
                self._not_before[group_id] = self._patience.failed(group_id, now)
        seen = [ident for group_id in visited.done for ident in due.get(group_id, ())]
        if seen:
            async with db.directory() as connection:
                await connection.execute(SEEN, seen)
        self._for_day -= visited.done
        return Report(errors=visited.errors)
