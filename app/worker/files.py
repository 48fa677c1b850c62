"""Deletes the bytes of removed files where that did not happen at once, and bytes that belong to no file."""

import logging
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.assets.operations import PURGED_AT_ONCE, purge, sweep
from app.domain.assets.storage import AssetStorage
from app.worker.tidying import Tidying

SWEEP_EVERY = timedelta(days=1)

log = logging.getLogger(__name__)


class Files(Tidying):
    """Purges removed files every few minutes, and looks for orphans once a day."""

    def __init__(self, storage: AssetStorage) -> None:
        super().__init__("files", every_s=300, more_every=SWEEP_EVERY)
        self.storage = storage

    async def tidy(self, db: Database, group_id: int, *, now: datetime, more: bool) -> None:
        """Purge, and look for orphans where it is time."""
        while await purge(db, self.storage, group_id, now=now) == PURGED_AT_ONCE:
            pass
        if more and (swept := await sweep(db, self.storage, group_id, now=now)):
            log.warning("%d files of group %s belonged to nothing, and are gone", swept, group_id)
