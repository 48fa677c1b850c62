"""What a job of the worker is, and how it visits every group: a failure in one does not stop the others."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.db.database import Database, Transaction
from app.db.outages import Away
from app.values.scope import Scope

log = logging.getLogger(__name__)

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


async def visit(
    db: Database, group_ids: Iterable[int], work: Callable[[Transaction], Awaitable[None]]
) -> list[str]:
    """Do `work` in each group, in a transaction each. A failing group is logged and reported; the others go on."""
    errors: list[str] = []
    for group_id in group_ids:
        try:
            async with db.transaction(Scope(group_id)) as tx:
                await work(tx)
        except Exception as problem:
            if not isinstance(problem, Away):
                log.exception("background work failed in group %s", group_id)
            errors.append(f"group {group_id}: {one_line(problem)}")
    return errors


def one_line(problem: Exception) -> str:
    """A failure in a line. PostgreSQL's further lines may quote a tenant's values; they stay in the log."""
    first = str(problem).partition("\n")[0].replace("\0", "")
    return f"{type(problem).__name__}: {first}"[:500]
