"""When keys were last used, to the minute or so: noted in memory, written in batches beside the requests."""

import asyncio
import logging
from datetime import datetime

import asyncpg

from app.db.database import Database
from app.errors import Unavailable

WRITE_AFTER_S = 60.0
MAX_NOTED = 10_000
"""Keys of one minute; of more, those that come first are written."""

log = logging.getLogger(__name__)

# In the order of ids, so that two processes that write the same ones wait and cannot deadlock.
_WRITE = """
UPDATE api_key k SET last_used_at = given.at
  FROM (SELECT o.id, u.at FROM unnest($1::bigint[], $2::timestamptz[]) AS u (id, at)
          JOIN api_key o ON o.id = u.id ORDER BY o.id FOR NO KEY UPDATE OF o) AS given
 WHERE k.id = given.id AND (k.last_used_at IS NULL OR k.last_used_at < given.at)
"""


class KeyUses:
    """Notes uses. One per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: dict[int, datetime] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def note(self, key_id: int, *, now: datetime) -> None:
        """It was used just now."""
        if key_id not in self._noted and len(self._noted) >= MAX_NOTED:
            return
        self._noted[key_id] = now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_AFTER_S, self._begin)

    async def write(self) -> None:
        """Write what is noted. What cannot be written now is left out: it is a hint for people."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            async with self._db.directory() as directory:
                await directory.execute(_WRITE, list(noted), list(noted.values()))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as problem:
            log.warning("when keys were used could not be written: %s", problem)

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.create_task(self.write())
