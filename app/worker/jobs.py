"""What a job of the worker is, and how it visits every group: a failure in one does not stop the others."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from app.db.database import Database, Transaction
from app.db.outages import Away
from app.db.troubles import is_the_databases
from app.values.scope import Scope

log = logging.getLogger(__name__)

LOCK_WAIT_MS = 1_000
"""How long work in a group waits for a row that somebody holds."""

_WAIT_BRIEFLY = f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"
GROUPS = "SELECT id FROM tenant ORDER BY id"


@dataclass(slots=True)
class Report:
    """How a run went."""

    next_at: datetime | None = None
    """When the job wants to run again, if sooner than its interval."""
    errors: list[str] = field(default_factory=list)
    """A line per group that failed; kept in `schedule.last_error`."""


class Job(Protocol):
    """Work that is done again and again."""

    @property
    def name(self) -> str:
        """Its row in the schedule."""

    @property
    def every_s(self) -> int:
        """The longest time between two runs."""

    def hint(self, group_id: int) -> bool:
        """Something changed in this group. True: run the job now."""

    def forget(self) -> None:
        """Drop what it remembers, which may be stale: another process ran it meanwhile."""

    async def run(self, db: Database, now: datetime) -> Report:
        """Do all that is due at `now`."""


async def groups(db: Database) -> list[int]:
    """Every group, from the directory."""
    async with db.directory() as connection:
        return [row["id"] for row in await connection.fetch(GROUPS)]


@dataclass(frozen=True, slots=True)
class Visited:
    """What came of a round of visits."""

    done: frozenset[int]
    """The groups in which the work is committed."""
    errors: list[str]
    """A line for each of the others."""


async def visit(
    db: Database, group_ids: Iterable[int], work: Callable[[Transaction], Awaitable[None]]
) -> Visited:
    """Do `work` in each group, in a transaction each. A failing group is logged and reported; the others go on.

    What `work` finds out counts once its group is done: COMMIT may fail after it.
    """
    done: set[int] = set()
    errors: list[str] = []
    for group_id in group_ids:
        try:
            async with db.transaction(Scope(group_id)) as tx:
                # A row that somebody holds in one group must not hold up the others.
                await tx.execute(_WAIT_BRIEFLY)
                await work(tx)
            done.add(group_id)
        except Exception as problem:
            if is_the_databases(problem):
                # That there is no connection is in the log already.
                if not isinstance(problem, Away):
                    log.warning("background work waits in group %s: %s", group_id, one_line(problem))
            else:
                log.exception("background work failed in group %s", group_id)
            errors.append(f"group {group_id}: {one_line(problem)}")
    return Visited(frozenset(done), errors)


class Patience:
    """When to try again what failed, by group or job: after a pause that doubles, until it passes."""

    def __init__(self, *, first: timedelta, longest: timedelta) -> None:
        self._first, self._longest = first, longest
        self._failures: Counter[int | str] = Counter()

    def failed(self, what: int | str, now: datetime) -> datetime:
        """It has failed once more; when to try again."""
        self._failures[what] += 1
        doubled: int = 2 ** min(self._failures[what] - 1, 20)
        return now + min(self._first * doubled, self._longest)

    def last(self, group_ids: Iterable[int]) -> list[int]:
        """These groups in order, those that failed before after the others."""
        return sorted(group_ids, key=lambda group_id: (self._failures[group_id], group_id))

    def passed(self, what: int | str) -> None:
        """It is done."""
        self._failures.pop(what, None)


def one_line(problem: Exception) -> str:
    """A failure in a line. PostgreSQL's further lines may quote a tenant's values; they stay in the log."""
    first = str(problem).partition("\n")[0].replace("\0", "")
    return f"{type(problem).__name__}: {first}"[:500]
