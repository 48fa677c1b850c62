"""A job that visits every group by itself, and does more there now and then: what files and retention share."""

import logging
from abc import ABC, abstractmethod
from datetime import datetime, timedelta

from app.db.database import Database
from app.db.outages import Away
from app.worker.jobs import Report, groups, one_line

log = logging.getLogger(__name__)


class Tidying(ABC):
    """Visits every group each `every_s` seconds; with `more` where the last time lies `more_every` back."""

    def __init__(self, name: str, *, every_s: int, more_every: timedelta) -> None:
        self.name = name
        self.every_s = every_s
        self._more_every = more_every
        self._more_at: datetime | None = None

    def hint(self, group_id: int) -> bool:
        """Nothing here is urgent."""
        return False

    def forget(self) -> None:
        """Do more in the next run."""
        self._more_at = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for more."""
        return self._more_at is None or now - self._more_at >= self._more_every

    async def run(self, db: Database, now: datetime) -> Report:
        """Visit every group; trouble in one does not stop the others."""
        errors: list[str] = []
        more = self.is_due(now)
        for group_id in await groups(db):
            try:
                await self.tidy(db, group_id, now=now, more=more)
            except Exception as problem:
                if not isinstance(problem, Away):
                    log.exception("%s: trouble in group %s", self.name, group_id)
                errors.append(f"group {group_id}: {one_line(problem)}")
        if more:
            self._more_at = now
        return Report(errors=errors)

    @abstractmethod
    async def tidy(self, db: Database, group_id: int, *, now: datetime, more: bool) -> None:
        """Do it in this group."""
