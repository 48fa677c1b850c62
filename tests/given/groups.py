"""Customer groups and their stores."""

import secrets
from dataclasses import dataclass

from app.db.database import Database
from app.values.scope import Scope


@dataclass(frozen=True, slots=True)
class GivenStore:
    """A store, with the beacon key that names it inside its group."""

    store_id: int
    beacon_key: str


@dataclass(frozen=True, slots=True)
class GivenGroup:
    """A customer group with its default store."""

    group_id: int
    store_id: int
    beacon_key: str

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)


async def group(
    db: Database, *, name: str = "A", currency: str = "EUR", time_zone: str = "Europe/Paris"
) -> GivenGroup:
    """A new group and its default store."""
    async with db.directory() as directory:
        group_id = int(await directory.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id"))
    async with db.transaction(Scope(group_id)) as tx:
        await tx.execute(
            "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, $2, $3, $4)",
            group_id, name, currency, time_zone,
        )  # fmt: skip
    first = await store(db, group_id, name=f"{name} store", is_default=True)
    return GivenGroup(group_id, first.store_id, first.beacon_key)


async def store(
    db: Database,
    group_id: int,
    *,
    name: str = "Store",
    beacon_key: str | None = None,
    time_zone: str | None = None,
    is_default: bool = False,
) -> GivenStore:
    """A further store of the group; its beacon key is random unless given."""
    beacon = beacon_key or f"beacon-{secrets.token_hex(12)}"
    async with db.transaction(Scope(group_id)) as tx:
        store_id = await tx.fetchval(
            "INSERT INTO store (group_id, name, beacon_key, time_zone, is_default)"
            " VALUES ($1, $2, $3, $4, $5) RETURNING id",
            group_id, name, beacon, time_zone, is_default,
        )  # fmt: skip
    return GivenStore(int(store_id), beacon)
