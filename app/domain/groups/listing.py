"""The customer groups there are, and what they are made of, for the operator."""

from dataclasses import dataclass
from typing import Any

from app.db.database import Database
from app.values.scope import Scope

_GROUPS = "SELECT id FROM tenant ORDER BY id"
_GROUP = """
SELECT g.name, g.currency,
       (SELECT count(*) FROM store s WHERE s.group_id = g.id AND s.deleted_at IS NULL) AS stores
  FROM customer_group g WHERE g.id = $1
"""


# Living ones, the oldest first.
_STORES = """
SELECT id AS number, name, beacon_key, time_zone, is_default FROM store
 WHERE group_id = $1 AND deleted_at IS NULL ORDER BY id
"""
_PROJECTS = """
SELECT id AS number, name, slug, store_id AS store FROM project
 WHERE group_id = $1 AND archived_at IS NULL AND NOT is_internal ORDER BY id
"""
_PARTNERS = """
SELECT p.id AS number, p.name, count(a.id) AS agreements
  FROM partner p
  LEFT JOIN partnership a ON a.group_id = $1 AND a.partner_id = p.id AND a.archived_at IS NULL
 WHERE p.group_id = $1 AND p.archived_at IS NULL GROUP BY p.id, p.name ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as `gateway groups list` shows it."""

    number: int
    name: str
    currency: str
    stores: int


async def list_groups(db: Database) -> list[ListedGroup]:
    """All of them by their numbers. Each is looked at from inside, since no policy lets several be seen at once."""
    async with db.directory() as directory:
        numbers = [int(row["id"]) for row in await directory.fetch(_GROUPS)]
    found = []
    for number in numbers:
        async with db.transaction(Scope(number), writes=False) as tx:
            row = await tx.fetchrow(_GROUP, number)
        if row is not None:
            found.append(ListedGroup(number, row["name"], row["currency"], row["stores"]))
    return found


async def list_stores(db: Database, group_id: int) -> list[dict[str, Any]]:
    """A group's stores: number, name, beacon key, time zone of their own, whether it is the default one."""
    return await _listed(db, group_id, _STORES)


async def list_projects(db: Database, group_id: int) -> list[dict[str, Any]]:
    """Its tracking projects: number, name, slug, store."""
    return await _listed(db, group_id, _PROJECTS)


async def list_partners(db: Database, group_id: int) -> list[dict[str, Any]]:
    """Its partners: number, name, how many agreements."""
    return await _listed(db, group_id, _PARTNERS)


async def _listed(db: Database, group_id: int, statement: str) -> list[dict[str, Any]]:
    async with db.transaction(Scope(group_id), writes=False) as tx:
        return [dict(row) for row in await tx.fetch(statement, group_id)]
