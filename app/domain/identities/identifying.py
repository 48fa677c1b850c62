"""Whose events and interactions these are: finds customers by trackers and identity fields, and makes new ones.

Who is who follows from what was said, in whatever order it came: see `deciding.py`. Where a key turns out to be
somebody else's than it was, what is known by it goes along; where a whole customer turns out to be another one, all of
it does, unless it has orders, rewards, promos or a place on a list: they count per customer, and are joined by hand.

Identifying holds the customers' rows, locked in the order of ids. Source: Webmarketer API 1.0.0, "Create an event
asynchronously" (trackerId) and "Create offline interaction" (userData).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.db.database import Transaction
from app.domain.groups.regions import region
from app.domain.identities.deciding import Decisions
from app.domain.identities.people import (
    Key,
    Person,
    Project,
    keys_of,
)
from app.domain.identities.reading import Taken, decided_of
from app.domain.identities.writing import write
from app.errors import Conflict

TRIES = 10
"""Retries when another request created the same customers."""


PATIENCE = 3
"""Those who were disturbed so often take turns from then on."""
_IN_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('identify', $1))"


@dataclass(frozen=True, slots=True)
class Found:
    """Whose something is, and the identity that says so."""

    customer_id: int
    identity_id: int | None


async def load_projects(tx: Transaction, ids: Collection[int]) -> dict[int, Project]:
    """The group's projects with these ids."""
    rows = await tx.fetch(_PROJECTS, tx.scope.group_id, list(ids))
    return {
        r["id"]: Project(r["id"], r["store_id"], tuple(r["identity_fields"]), region(r["country"], r["zone"]))
        for r in rows
    }


async def identify(
    tx: Transaction, people: Sequence[Person], *, projects: Mapping[int, Project], now: datetime
) -> list[int | None]:
    """The customers, in the order of the people; None where nothing identifies."""
    return [
        None if one is None else one.customer_id for one in await find(tx, people, projects=projects, now=now)
    ]


async def find(
    tx: Transaction, people: Sequence[Person], *, projects: Mapping[int, Project], now: datetime
) -> list[Found | None]:
    """The same with the identities that say so. About ten statements in all, however many people."""
    keys = sorted({key for person in people for key in keys_of(person, projects)})
    return await _find(tx, people, keys, projects=projects, now=now)


async def settle_columns(tx: Transaction, customers: Sequence[int], *, now: datetime) -> None:
    """These customers were told by name: where others are known by their addresses or numbers, who is who follows."""
    if customers:
        rows = await tx.fetch(_KNOWN_OTHERWISE, tx.scope.group_id, customers)
        await _find(tx, (), [(0, row["kind"], row["value"]) for row in rows], projects={}, now=now)


async def _find(
    tx: Transaction,
    people: Sequence[Person],
    keys: Sequence[Key],
    *,
    projects: Mapping[int, Project],
    now: datetime,
) -> list[Found | None]:
    if not keys:
        return [None] * len(people)
    also: set[int] = set()
    for attempt in range(TRIES):
        if attempt == PATIENCE:
            await tx.execute(_IN_TURN, tx.scope.group_id)
        try:
            # What was written with a key that another request has just taken is undone and tried again; locks are
            # released with it, since further ones could not be taken in the order of ids after those held.
            async with tx.savepoint():
                decided = await decided_of(tx, projects, people, keys, also)
                ids = await write(tx, decided, now=now)
                return [_found(decided, ids, person) for person in people]
        except Taken as taken:
            also |= taken.customers
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            continue
    raise Conflict("These people are being identified by somebody else; try again.")


def _found(decided: Decisions, ids: Mapping[int, int], person: Person) -> Found | None:
    known = decided.customer_of(person)
    if known is None:
        return None
    row = decided.rows.get(known[1])
    return Found(ids.get(known[0], known[0]), row.id if row is not None else None)


_PROJECTS = """
SELECT p.id, p.store_id, p.identity_fields, coalesce(s.country, g.country) AS country,
       coalesce(s.time_zone, g.time_zone) AS zone
  FROM project p JOIN customer_group g ON g.id = p.group_id
  LEFT JOIN store s ON s.group_id = p.group_id AND s.id = p.store_id
 WHERE p.group_id = $1 AND p.id = ANY ($2)
"""
# Of addresses and numbers of these customers those that somebody else is known by.
_KNOWN_OTHERWISE = """
SELECT DISTINCT i.kind, i.value
  FROM customer c
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.kind = 'email' AND i.value = c.email_key LIMIT 100) AS i
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND (i.customer_id <> c.id OR NOT i.is_vouched)
UNION
SELECT DISTINCT i.kind, i.value
  FROM customer c
 CROSS JOIN LATERAL (
   SELECT * FROM customer_identity i
    WHERE i.group_id = $1 AND i.kind = 'phone' AND i.value = c.phone_key LIMIT 100) AS i
 WHERE c.group_id = $1 AND c.id = ANY ($2) AND (i.customer_id <> c.id OR NOT i.is_vouched)
"""


__all__ = ["Found", "Person", "Project", "find", "identify", "load_projects", "settle_columns"]
