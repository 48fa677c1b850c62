"""Whether a group has room for more events. Told by what was counted last, so a group may pass its quota by a minute's
worth of them."""

from datetime import datetime, timedelta

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

    async def check(self, group_id: int, *, now: datetime) -> None:
        """TooLarge (QUOTA_EXCEEDED) where the group's events take as much as they may."""
        room = self._known.get(group_id, now=now)
        if room is None:
            async with self._db.transaction(Scope(group_id)) as tx:
                room = bool(await tx.fetchval(_ROOM, group_id, self._most))
            self._known.keep(group_id, room, now=now)
        if not room:
            raise TooLarge(
                "The group's events take as much as they may. Shorten its retention, or ask for a larger quota"
                " (`usage` of the group shows it).",
                code=QUOTA_EXCEEDED,
            )
