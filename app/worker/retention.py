"""Keeps each group's retention, and counts what its events take."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.db.database import Database
from app.db.outages import Away
from app.domain.groups.retention import count_events, keep_retention, start_over
from app.serving import metrics
from app.worker.jobs import Report, groups, one_line

START_OVER_EVERY = timedelta(days=7)
DROP_EVERY = timedelta(hours=1)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Retention:
    """Counts once a minute, drops once an hour, and looks at everything again once a week."""

    name: str = "retention"
    every_s: int = 60
    _dropped_at: datetime | None = field(default=None)
    _began_at: datetime | None = field(default=None)

    def hint(self, group_id: int) -> bool:
        """Nothing here is urgent."""
        return False

    def forget(self) -> None:
        """Drop in the next run."""
        self._dropped_at = None

    async def run(self, db: Database, now: datetime) -> Report:
        """Visit every group; trouble in one does not stop the others."""
        errors: list[str] = []
        drops = self._dropped_at is None or now - self._dropped_at >= DROP_EVERY
        begins = self._began_at is not None and now - self._began_at >= START_OVER_EVERY
        for group_id in await groups(db):
            try:
                await count_events(db, group_id, now=now)
                if not drops:
                    continue
                if begins:
                    await start_over(db, group_id)
                for kind, count in (await keep_retention(db, group_id, now=now)).items():
                    metrics.retention_dropped(kind, count)
                    log.info("group %s: %d %s were older than it keeps them", group_id, count, kind)
            except Exception as problem:
                if not isinstance(problem, Away):
                    log.exception("retention failed in group %s", group_id)
                errors.append(f"group {group_id}: {one_line(problem)}")
        if drops:
            self._dropped_at = now
            if begins or self._began_at is None:
                self._began_at = now
        return Report(errors=errors)
