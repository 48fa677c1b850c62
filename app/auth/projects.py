"""Tracking projects as borders: credentials narrowed to the project a request names, and trackers without one.

A slug is unique over all groups. A project of another group, of another store, or outside the token's projects looks
exactly like one that does not exist.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.auth.flights import Flights
from app.auth.principal import Principal, Role
from app.db.database import Database
from app.errors import NotFound
from app.tables.projects import DEFAULT_EVENT_BYTES
from app.values.known import KnownFor
from app.values.scope import Scope

LIFE = timedelta(seconds=3)
KNOWN = 10_000
UNKNOWN = 2_000
LOOKUPS = 4
"""How many slugs are looked up at once: a flood of wrong ones leaves connections for the rest."""

_BY_SLUG = "SELECT group_id, project_id FROM project_slug WHERE slug = $1"
_PROJECT = "SELECT store_id, max_event_bytes, archived_at FROM project WHERE group_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Found:
    """A project, its store, if it has one, and how large its events may be."""

    group_id: int
    project_id: int
    store_id: int | None
    max_event_bytes: int
    is_archived: bool = False


class Projects:
    """From slugs to borders, remembered for a moment. One per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: KnownFor[str, Found] = KnownFor(KNOWN, life=LIFE)
        # Kept apart, so that a flood of wrong slugs cannot push out the known ones.
        self._unknown: KnownFor[str, bool] = KnownFor(UNKNOWN, life=LIFE)
        self._flights: Flights[str, Found | None] = Flights()
        self._turns = asyncio.Semaphore(LOOKUPS)

    async def inside(self, principal: Principal, slug: str, *, now: datetime) -> Principal:
        """The principal, narrowed to this project. NotFound where the project is out of its scope."""
        found, scope = await self._find(slug, now=now), principal.scope
        if (
            found is None
            or found.group_id != scope.group_id
            or (scope.project_ids is not None and found.project_id not in scope.project_ids)
            or (scope.store_id is not None and found.store_id not in (None, scope.store_id))
        ):
            raise NotFound("project", slug, path=["project"])
        if scope.project_ids == (found.project_id,):
            return principal
        return replace(principal, scope=replace(scope, project_ids=(found.project_id,)))

    async def tracker(self, slug: str, *, now: datetime) -> Principal:
        """Whoever sends events to this project, without a credential. NotFound where there is none, or no more."""
        found = await self._find(slug, now=now)
        if found is None or found.is_archived:
            raise NotFound("project", slug, path=["project"])
        scope = Scope(found.group_id, project_ids=(found.project_id,))
        return Principal(f"tracker:{slug}", scope, frozenset({Role.TRACKER}), "tracker")

    async def takes_events(self, slug: str, *, now: datetime) -> bool:
        """Whether it is not archived. So for who may know of it; to others it is not there."""
        found = await self._find(slug, now=now)
        return found is not None and not found.is_archived

    async def max_event_bytes(self, slug: str, *, now: datetime) -> int:
        """How large an event of this project may be."""
        found = await self._find(slug, now=now)
        return DEFAULT_EVENT_BYTES if found is None else found.max_event_bytes

    async def _find(self, slug: str, *, now: datetime) -> Found | None:
        found = self._known.get(slug, now=now)
        if found is not None:
            if self._known.is_aging(slug, now=now) and slug not in self._flights:
                self._begin(slug, now=now)  # so that nobody has to wait for it
            return found
        if self._unknown.get(slug, now=now):
            return None
        flight = self._flights.get(slug) or self._begin(slug, now=now)
        # Shielded: whoever came first may leave; the others still wait for the answer.
        return await asyncio.shield(flight)

    def _begin(self, slug: str, *, now: datetime) -> asyncio.Task[Found | None]:
        return self._flights.begin(slug, self._look_up(slug, now))

    async def _look_up(self, slug: str, now: datetime) -> Found | None:
        async with self._turns:
            async with self._db.directory() as directory:
                row = await directory.fetchrow(_BY_SLUG, slug)
            if row is None:
                self._unknown.keep(slug, True, now=now)
                self._known.drop(slug)
                return None
            group_id, project_id = int(row["group_id"]), int(row["project_id"])
            async with self._db.transaction(Scope(group_id)) as tx:
                project = await tx.fetchrow(_PROJECT, group_id, project_id)
        if project is None:  # It has just gone, and its slug with it.
            self._known.drop(slug)
            return None
        most = project["max_event_bytes"] or DEFAULT_EVENT_BYTES
        found = Found(group_id, project_id, project["store_id"], most, project["archived_at"] is not None)
        self._known.keep(slug, found, now=now)
        return found
