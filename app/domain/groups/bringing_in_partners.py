"""Partners and their agreements with stores, as another system has them, in bulk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.groups.operations import whole_group

_NUMBERS = "SELECT nextval(pg_get_serial_sequence($1, 'id')) AS id FROM generate_series(1, $2)"
_PARTNERS = """
INSERT INTO partner (group_id, id, name, created_at)
SELECT $1, given.* FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS given
RETURNING id
"""
_PARTNERSHIPS = """
INSERT INTO partnership (group_id, id, name, partner_id, store_id, created_at)
SELECT $1, given.*
  FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[]) AS given
RETURNING id
"""
_CHANGED = """
UPDATE {table} t SET name = coalesce(given.name, t.name), created_at = coalesce(given.at, t.created_at)
  FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS given (id, name, at)
 WHERE t.group_id = $1 AND t.id = given.id
   AND (t.name, t.created_at) IS DISTINCT FROM (coalesce(given.name, t.name), coalesce(given.at, t.created_at))
RETURNING t.id
"""


@dataclass(slots=True)
class Brought:
    """A partner, or an agreement of one with a store. What is None stays as it is; `id` None: a new one."""

    name: str | None
    created_at: datetime | None = None
    id: int | None = None
    partner_id: int = 0
    store_id: int = 0


async def bring_in_partners(tx: Transaction, given: Sequence[Brought], *, now: datetime) -> list[bool]:
    """Make them, or change those that are there: whether each is changed by it."""
    whole_group(tx)
    new = await _numbered(tx, "partner", given)
    with refusals():
        await tx.fetch(
            _PARTNERS, tx.scope.group_id, [one.id for one in new], [one.name for one in new],
            [one.created_at or now for one in new],
        )  # fmt: skip
    return await _changed(tx, "partner", given, new)


async def bring_in_partnerships(tx: Transaction, given: Sequence[Brought], *, now: datetime) -> list[bool]:
    """The same for agreements. Partner and store of one that is there stay: campaigns depend on them."""
    whole_group(tx)
    new = await _numbered(tx, "partnership", given)
    with refusals():
        await tx.fetch(
            _PARTNERSHIPS, tx.scope.group_id, [one.id for one in new], [one.name for one in new],
            [one.partner_id for one in new], [one.store_id for one in new], [one.created_at or now for one in new],
        )  # fmt: skip
    return await _changed(tx, "partnership", given, new)


async def _numbered(tx: Transaction, table: str, given: Sequence[Brought]) -> list[Brought]:
    new = [one for one in given if one.id is None]
    for one, number in zip(new, await tx.fetch(_NUMBERS, table, len(new)), strict=True):
        one.id = number["id"]
    return new


async def _changed(
    tx: Transaction, table: str, given: Sequence[Brought], new: Sequence[Brought]
) -> list[bool]:
    made = {one.id for one in new}
    known = [one for one in given if one.id not in made]
    rows = await tx.fetch(
        _CHANGED.format(table=table), tx.scope.group_id, [one.id for one in known], [one.name for one in known],
        [one.created_at for one in known],
    )  # fmt: skip
    changed = made | {row["id"] for row in rows}
    return [one.id in changed for one in given]


__all__ = ["Brought", "bring_in_partners", "bring_in_partnerships"]
