"""Removes imports that have been over for long, and what was sent for those that are over."""

import logging
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.imports.files import REMOVED_AT_ONCE, drop_sent, remove_old
from app.worker.tidying import Tidying

log = logging.getLogger(__name__)


class ImportFiles(Tidying):
    """Looks every hour; who did an import deletes its file at once, unless that failed."""

    def __init__(self, storage: AssetStorage) -> None:
        super().__init__("import files", every_s=3600, more_every=timedelta(hours=1))
        self.storage = storage

    async def tidy(self, db: Database, group_id: int, *, now: datetime, more: bool) -> None:
        """Drop what was sent, and remove what is old."""
        while await drop_sent(db, self.storage, group_id) == REMOVED_AT_ONCE:
            pass
        removed = 0
        while (some := await remove_old(db, self.storage, group_id, now=now)) == REMOVED_AT_ONCE:
            removed += some
        if removed + some:
            log.info("group %s: %d old imports are gone, with their files", group_id, removed + some)
