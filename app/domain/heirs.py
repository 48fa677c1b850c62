"""Who customers turned out to be: whoever names one that was joined with another one means that one."""

from collections.abc import Collection

from app.db.database import Transaction

# One step is enough: who is joined with somebody who is joined in turn follows.
_HEIRS = """
SELECT id, merged_into_id FROM customer WHERE group_id = $1 AND id = ANY ($2) AND merged_into_id IS NOT NULL
"""


# Nobody joins them with others from then on: what is about to be written of them names who they are.
_HELD = """
SELECT id, coalesce(merged_into_id, id) AS merged_into_id FROM customer
 WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR KEY SHARE
"""


async def heirs_of(tx: Transaction, ids: Collection[int], *, holds: bool = False) -> dict[int, int]:
    """By each of these ids, whose it is now: their own where nobody was joined, or is known.

    `holds`: nobody joins them before COMMIT. To be taken before campaigns, promos and balances.
    """
    rows = await tx.fetch(_HELD if holds else _HEIRS, tx.scope.group_id, sorted(set(ids))) if ids else ()
    found = {one: one for one in ids} | {row["id"]: row["merged_into_id"] for row in rows}
    others = set(found.values()) - set(ids)
    if holds and others:
        again = await heirs_of(tx, others, holds=True)
        found = {one: again.get(heir, heir) for one, heir in found.items()}
    return found


async def heir_of(tx: Transaction, customer_id: int, *, holds: bool = False) -> int:
    """The same of one."""
    return (await heirs_of(tx, [customer_id], holds=holds))[customer_id]


def who_is(known: str) -> str:
    """SQL that joins `c`, the customer of the group $1 that the row `known` means: itself, or who it turned out to be.

    Looked up only where there is another one: of a table that has grown since it was last analyzed PostgreSQL believes
    that it may as well read all of the group for each row.
    """
    return f"""CROSS JOIN LATERAL (
       SELECT {known}.* WHERE {known}.merged_into_id IS NULL
        UNION ALL
       SELECT h.* FROM customer h
        WHERE {known}.merged_into_id IS NOT NULL AND h.group_id = $1 AND h.id = {known}.merged_into_id) AS c"""


__all__ = ["heir_of", "heirs_of", "who_is"]
