"""Deletes the bytes of removed files where that did not happen at once, and bytes that belong to no file."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.db.database import Database
from app.db.outages import Away
from app.domain.assets.operations import PURGED_AT_ONCE, purge, sweep
from app.domain.assets.storage import AssetStorage
from app.worker.jobs import Report, groups, one_line

SWEEP_EVERY = timedelta(days=1)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Files:
    """Purges removed files every few minutes, and looks for orphans once a day."""

    storage: AssetStorage
    name: str = "files"
    every_s: int = 300
    _swept_at: datetime | None = field(default=None)

    def hint(self, group_id: int) -> bool:
        """Nothing here is urgent."""
        return False

    def forget(self) -> None:
        """Look for orphans again."""
        self._swept_at = None

    async def run(self, db: Database, now: datetime) -> Report:
        """Visit every group."""
        errors: list[str] = []
        sweeps = self._swept_at is None or now - self._swept_at >= SWEEP_EVERY
        for group_id in await groups(db):
            try:
                while await purge(db, self.storage, group_id, now=now) == PURGED_AT_ONCE:
                    pass
                if sweeps and (swept := await sweep(db, self.storage, group_id, now=now)):
                    log.warning("%d files of group %s belonged to nothing, and are gone", swept, group_id)
            except Exception as problem:
                if not isinstance(problem, Away):
                    log.exception("files of group %s could not be tidied", group_id)
                errors.append(f"group {group_id}: {one_line(problem)}")
        if sweeps:
            self._swept_at = now
        return Report(errors=errors)
