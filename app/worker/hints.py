"""Hints that something may be due sooner than planned. A hint makes work prompt; nothing depends on it.

Whoever changes when a campaign starts or ends says so in the same transaction, and the worker hears of it
with the COMMIT (`app.domain.campaigns.due`). Where hints do not get through (a pooler in
transaction mode, a lost connection), the next round of visits finds the change.
"""

import logging
from collections.abc import Callable

from app.db.database import Database
from app.db.pool import Kept
from app.domain.campaigns.due import CHANNEL
from app.values.ids import read_whole

log = logging.getLogger(__name__)


class Hints:
    """Listens on a connection of its own; a payload is a group's id."""

    def __init__(self, db: Database, on_hint: Callable[[int], None], *, channel: str = CHANNEL) -> None:
        self._db = db
        self._channel = channel
        self._on_hint = on_hint
        self._kept: Kept | None = None
        self._lost = False

    async def listen(self) -> bool:
        """Start listening, or start again after the connection broke. True when it just (re)started."""
        if self._kept is not None and not self._lost:
            return False
        self.close()
        kept = await self._db.connection()
        self._kept, self._lost = kept, False
        kept.driver.add_termination_listener(self._on_lost)
        await kept.driver.add_listener(self._channel, self._on_notification)
        return True

    def close(self) -> None:
        """Stop listening."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _on_lost(self, _: object) -> None:
        self._lost = True

    def _on_notification(self, _: object, __: int, ___: str, payload: str) -> None:
        group_id = read_whole(payload)
        if group_id is None:
            log.warning("a hint that names no group was ignored: %.40r", payload)
        else:
            self._on_hint(group_id)
