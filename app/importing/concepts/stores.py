"""Stores, as rows of other concepts name them."""

from collections.abc import Iterable

from app.db.database import Transaction
from app.values.ids import read_id

# A store by the graph's id, by the id it was imported with, or by its beacon key.
_STORES = """
SELECT id, known_as_id, beacon_key FROM store WHERE group_id = $1 AND deleted_at IS NULL
   AND (id = ANY ($2) OR known_as_id && $3::text[] OR beacon_key = ANY ($3))
"""


async def stores_of(tx: Transaction, names: Iterable[object]) -> dict[str, int]:
    """The names that rows give their stores → ids."""
    named = {str(name).strip() for name in names if name}
    if not named:
        return {}
    ids = [ident for name in named if (ident := read_id("store", name)) is not None]
    own = tx.scope.store_id
    by_name: dict[str, int] = {}
    for row in await tx.fetch(_STORES, tx.scope.group_id, ids, list(named)):
        if own in (None, row["id"]):
            by_name |= {f"store_{row['id']}": row["id"], row["beacon_key"]: row["id"]}
            by_name |= dict.fromkeys(row["known_as_id"], row["id"])
    return by_name
