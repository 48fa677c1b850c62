"""Who customers turned out to be: whoever names one that was joined with another one means that one."""

from collections.abc import Collection

from app.db.database import Transaction

# One step is enough: who is joined with somebody who is joined in turn follows.
_HEIRS = """
SELECT id, merged_into_id FROM customer WHERE group_id = $1 AND id = ANY ($2) AND merged_into_id IS NOT NULL
"""


async def heirs_of(tx: Transaction, ids: Collection[int]) -> dict[int, int]:
    """By each of these ids, whose it is now: their own where nobody was joined, or is known."""
    rows = await tx.fetch(_HEIRS, tx.scope.group_id, sorted(ids)) if ids else ()
    return {one: one for one in ids} | {row["id"]: row["merged_into_id"] for row in rows}


async def heir_of(tx: Transaction, customer_id: int) -> int:
    """The same of one."""
    return (await heirs_of(tx, [customer_id]))[customer_id]


__all__ = ["heir_of", "heirs_of"]
