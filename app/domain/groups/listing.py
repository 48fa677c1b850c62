"""The customer groups there are, for the operator."""

from dataclasses import dataclass

from app.db.database import Database
from app.values.scope import Scope

_GROUPS = "SELECT id FROM tenant ORDER BY id"
_GROUP = """
SELECT g.name, g.currency,
       (SELECT count(*) FROM store s WHERE s.group_id = g.id AND s.deleted_at IS NULL) AS stores
  FROM customer_group g WHERE g.id = $1
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
