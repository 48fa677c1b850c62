"""Partners, and their agreements with stores. Source: Benji, `partner_id` and `partnership_id`."""

from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.groups.finding import store_to_write
from app.domain.groups.operations import MAX_NAME, whole_group
from app.errors import Invalid, NotFound
from app.values.changes import Settable, Unset

_PARTNER = "SELECT 1 FROM partner WHERE group_id = $1 AND id = $2"
_RENAME_PARTNERSHIP = """
UPDATE partnership SET name = $3
 WHERE group_id = $1 AND id = $2 AND ($4::bigint IS NULL OR store_id = $4)
"""


async def create_partner(tx: Transaction, *, name: str, external_id: str | None, now: datetime) -> int:
    """A new partner of the group; its id."""
    whole_group(tx)
    with refusals():
        return int(
            await tx.fetchval(
                "INSERT INTO partner (group_id, name, external_id, created_at) VALUES ($1, $2, $3, $4) RETURNING id",
                tx.scope.group_id,
                _name(name),
                _external(external_id),
                now,
            )
        )


async def update_partner(
    tx: Transaction, partner_id: int, *, name: Settable[str | None], external_id: Settable[str | None]
) -> int:
    """Change what was sent; the id."""
    whole_group(tx)
    values: dict[str, Any] = {}
    if not isinstance(name, Unset):
        values["name"] = _name(name)
    if not isinstance(external_id, Unset):
        values["external_id"] = _external(external_id)
    changes = "".join(f", {column} = ${n}" for n, column in enumerate(values, start=3))
    with refusals():
        changed = await tx.execute(
            f"UPDATE partner SET group_id = group_id{changes} WHERE group_id = $1 AND id = $2",
            tx.scope.group_id, partner_id, *values.values(),
        )  # fmt: skip
    if not changed:
        raise NotFound("partner", partner_id, path=["id"])
    return partner_id


async def create_partnership(
    tx: Transaction, *, name: str, partner_id: int, store_id: int | None, now: datetime
) -> int:
    """A new agreement of a partner with a store: the one named, else the scope's, else the default; its id."""
    store = await store_to_write(tx, store_id)
    if not await tx.fetchval(_PARTNER, tx.scope.group_id, partner_id):
        raise NotFound("partner", partner_id, path=["partnerId"])
    return int(
        await tx.fetchval(
            "INSERT INTO partnership (group_id, name, partner_id, store_id, created_at)"
            " VALUES ($1, $2, $3, $4, $5) RETURNING id",
            tx.scope.group_id, _name(name), partner_id, store.id, now,
        )
    )  # fmt: skip


async def rename_partnership(tx: Transaction, partnership_id: int, *, name: str) -> int:
    """Rename it; the id. Partner and store cannot change: campaigns depend on them."""
    if not await tx.execute(
        _RENAME_PARTNERSHIP, tx.scope.group_id, partnership_id, _name(name), tx.scope.store_id
    ):
        raise NotFound("partnership", partnership_id, path=["id"])
    return partnership_id


def _name(value: str | None) -> str:
    if value is None:
        raise Invalid("`name` cannot be null; leave it out instead.", path=["name"])
    return inputs.text(value, ["name"], longest=MAX_NAME, blank=False)


def _external(value: str | None) -> str | None:
    return None if value is None else inputs.text(value, ["externalId"], longest=inputs.MAX_CODE, blank=False)
