"""Whether a group has room for more events. Told by what was counted last, so a group may pass its quota by a minute's
worth of them."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

from app.db.database import Database
from app.domain.assets.operations import QUOTA_EXCEEDED
from app.errors import TooLarge
from app.values.known import KnownFor
from app.values.scope import Scope

MAX_GROUPS = 10_000
LIFE = timedelta(seconds=10)

_ROOM = "SELECT event_bytes < coalesce(event_quota, $2) FROM customer_group WHERE id = $1"


class EventQuotas:
    """Remembers for some seconds which groups have room. One per process."""

    def __init__(self, db: Database, most: int) -> None:
        self._db = db
        self._most = most
        self._known: KnownFor[int, bool | int] = KnownFor(MAX_GROUPS, life=LIFE)
        self._asking: dict[int, asyncio.Task[bool]] = {}
        """Questions under way, by group: however many events come, one at a time."""

    async def check(self, group_id: int, *, now: datetime) -> None:
        """TooLarge (QUOTA_EXCEEDED) where the group's events take as much as they may."""
        room = self._known.get(group_id, now=now)
        if room is None:
            # Shielded: whoever came first may leave; the others still wait for the answer.
            room = await asyncio.shield(self._ask(group_id, now=now))
        elif self._known.is_aging(group_id, now=now):
            self._ask(group_id, now=now)  # so that no event has to wait for it
        if not room:
            raise TooLarge(
                "The group's events take as much as they may. Shorten its retention, or ask for a larger quota"
                " (`usage` of the group shows it).",
                code=QUOTA_EXCEEDED,
            )

    def _ask(self, group_id: int, *, now: datetime) -> "asyncio.Task[bool]":
        asking = self._asking.get(group_id)
        if asking is None:
            asking = self._asking[group_id] = asyncio.create_task(self._look(group_id, now))
            asking.add_done_callback(partial(self._answered, group_id))
        return asking

    async def _look(self, group_id: int, now: datetime) -> bool:
        async with self._db.transaction(Scope(group_id)) as tx:
            room = bool(await tx.fetchval(_ROOM, group_id, self._most))
        self._known.keep(group_id, room, now=now)
        return room

    def _answered(self, group_id: int, asking: "asyncio.Task[bool]") -> None:
        self._asking.pop(group_id, None)
        if not asking.cancelled():
            asking.exception()  # read here, or asyncio complains where nobody waits
