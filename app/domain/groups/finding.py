"""Finding the store a request writes to, and the group's currency."""

from dataclasses import dataclass
from datetime import tzinfo

from app.db.database import Transaction
from app.domain.inputs import Path
from app.errors import Forbidden, Invalid, NotFound
from app.values.instants import zone_of


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What writing a campaign needs to know about its store."""

    id: int
    zone: tzinfo
    """The store's own, else the group's."""
    currency: str
    """The group's."""


_FACTS = """
SELECT store.id, coalesce(store.time_zone, customer_group.time_zone) AS zone, customer_group.currency
  FROM store JOIN customer_group ON customer_group.id = store.group_id
 WHERE store.group_id = $1 AND store.deleted_at IS NULL AND
"""


_CURRENCY = "SELECT currency FROM customer_group WHERE id = $1"


async def currency_of_group(tx: Transaction) -> str:
    """What the group adds its amounts up in."""
    return str(await tx.fetchval(_CURRENCY, tx.scope.group_id))


# Whoever writes to a store holds its key until COMMIT: deleting it waits, and then sees what was written.
_HOLD = " FOR KEY SHARE OF store"


async def store_to_write(
    tx: Transaction, store_id: int | None, *, path: Path = ("storeId",), holds: bool = True
) -> StoreFacts:
    """The store named, else the scope's, else the group's default one. `holds` it until COMMIT against deleting.

    Under a store's scope other stores are not found, as if they did not exist.
    """
    hold = _HOLD if holds else ""
    own = tx.scope.store_id
    if own is not None and store_id not in (None, own):
        raise NotFound("store", store_id, path=path)
    named = store_id if store_id is not None else own
    if named is not None:
        row = await tx.fetchrow(f"{_FACTS} store.id = $2{hold}", tx.scope.group_id, named)
    else:
        row = await tx.fetchrow(f"{_FACTS} store.is_default{hold}", tx.scope.group_id)
    if row is None and named is None:
        raise Invalid("Name a store: the group has no default one.", path=path, code="STORE_MISSING")
    if row is None:
        raise NotFound("store", named, path=path)
    return StoreFacts(row["id"], zone_of(row["zone"]), row["currency"])


async def store_by_beacon(tx: Transaction, beacon_key: str) -> StoreFacts:
    """The store this beacon key names, compared exactly.

    Under a store's scope any key but its own is refused, whether or not it exists.
    """
    row = await tx.fetchrow(f"{_FACTS} store.beacon_key = $2{_HOLD}", tx.scope.group_id, beacon_key)
    own = tx.scope.store_id
    if own is not None and (row is None or row["id"] != own):
        raise Forbidden(
            "The beacon key of the campaign is not the one the request was narrowed to.", path=["beaconKey"]
        )
    if row is None:
        raise NotFound("store with this beacon key", path=["beaconKey"])
    return StoreFacts(row["id"], zone_of(row["zone"]), row["currency"])
