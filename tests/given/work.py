"""Work for the worker: jobs that only count, and campaigns with a window."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from app.db.database import Database
from app.values.scope import Scope
from app.worker.jobs import Report
from tests.given.groups import GivenGroup


@dataclass
class CountingJob:
    """A job that notes when it ran; `takes_s` long, and failing while `trouble` is set."""

    name: str
    every_s: int = 3600
    takes_s: float = 0
    trouble: Exception | None = None
    runs: list[datetime] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    finished: int = 0

    def hint(self, group_id: int) -> bool:
        return False

    def forget(self) -> None:
        pass

    async def run(self, db: Database, now: datetime) -> Report:
        self.runs.append(now)
        self.started.set()
        await asyncio.sleep(self.takes_s)
        if self.trouble is not None:
            raise self.trouble
        self.finished += 1
        return Report()


async def campaign(
    db: Database,
    group: GivenGroup,
    *,
    status: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> int:
    """A campaign with this window."""
    async with db.transaction(Scope(group.group_id)) as tx:
        found = await tx.fetchval(
            "INSERT INTO campaign (group_id, store_id, name, status, type, objective, currency, is_explicit,"
            " is_template, total_rewards, starts_at, ends_at)"
            " VALUES ($1, $2, 'Été « à 2 »', $3, 'promotion', 'unspecified', 'EUR', true, false, 0, $4, $5)"
            " RETURNING id",
            group.group_id, group.store_id, status, starts_at, ends_at,
        )  # fmt: skip
    return int(found)


async def status_of(db: Database, group: GivenGroup, campaign_id: int) -> str:
    """Where a campaign stands."""
    async with db.transaction(Scope(group.group_id)) as tx:
        return str(await tx.fetchval("SELECT status FROM campaign WHERE id = $1", campaign_id))


async def database_now(db: Database) -> datetime:
    """The clock that the worker goes by."""
    async with db.directory() as connection:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now
