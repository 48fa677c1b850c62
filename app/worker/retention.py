"""Keeps each group's retention, and counts what its events take."""

import logging
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.groups.retention import count_events, keep_retention, start_over
from app.serving import metrics
from app.worker.jobs import Report
from app.worker.tidying import Tidying

START_OVER_EVERY = timedelta(days=7)
DROP_EVERY = timedelta(hours=1)

log = logging.getLogger(__name__)


class Retention(Tidying):
    """Counts once a minute, drops once an hour, and looks at everything again once a week."""

    def __init__(self) -> None:
        super().__init__("retention", every_s=60, more_every=DROP_EVERY)
        self._began_at: datetime | None = None
        self._starts_over = False

    async def run(self, db: Database, now: datetime) -> Report:
        """Visit every group."""
        drops = self.is_due(now)
        self._starts_over = self._began_at is not None and now - self._began_at >= START_OVER_EVERY
        report = await super().run(db, now)
        if drops and (self._starts_over or self._began_at is None):
            self._began_at = now
        return report

    async def tidy(self, db: Database, group_id: int, *, now: datetime, more: bool) -> None:
        """Count, and drop where it is time."""
        await count_events(db, group_id, now=now)
        if not more:
            return
        if self._starts_over:
            await start_over(db, group_id)
        for kind, count in (await keep_retention(db, group_id, now=now)).items():
            metrics.retention_dropped(kind, count)
            log.info("group %s: %d %s were older than it keeps them", group_id, count, kind)
