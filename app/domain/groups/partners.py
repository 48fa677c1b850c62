"""Partners, and their agreements with stores. Source: Benji, `partner_id` and `partnership_id`."""

from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.fields import PartnerFields, PartnershipFields
from app.domain.groups.finding import store_to_write
from app.domain.groups.operations import whole_group
from app.domain.rows import insert_row, update_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Invalid, NotFound

# Held until COMMIT against archiving.
_PARTNER = "SELECT archived_at IS NULL FROM partner WHERE group_id = $1 AND id = $2 FOR KEY SHARE"
_RENAME_PARTNERSHIP = """
UPDATE partnership SET name = $3
 WHERE group_id = $1 AND id = $2 AND ($4::bigint IS NULL OR store_id = $4)
"""


async def create_partner(tx: Transaction, given: PartnerFields, *, now: datetime) -> int:
    """A new partner of the group; its id."""
    whole_group(tx)
    values = written(given)
    if "name" not in values:
        raise Invalid("A partner needs a name.", path=path_of(PartnerFields, "name"))
    row = {**values, "created_at": now}
    return await insert_row(tx, "partner", row)


async def update_partner(tx: Transaction, partner_id: int, given: PartnerFields) -> int:
    """Change what was sent; the id."""
    whole_group(tx)
    values = written(given)
    if not await update_row(tx, "partner", partner_id, values):
        raise NotFound("partner", partner_id, path=["id"])
    return partner_id


async def create_partnership(tx: Transaction, given: PartnershipFields, *, now: datetime) -> int:
    """A new agreement of a partner with a store: the one named, else the scope's, else the default; its id."""
    values = written(given)
    for column in ("name", "partner_id"):
        if column not in values:
            path = path_of(PartnershipFields, column)
            raise Invalid(f"An agreement needs `{path[0]}`.", path=path)
    store = await store_to_write(tx, values.get("store_id"))
    path = path_of(PartnershipFields, "partner_id")
    is_open = await tx.fetchval(_PARTNER, tx.scope.group_id, values["partner_id"])
    if is_open is None:
        raise NotFound("partner", values["partner_id"], path=path)
    if not is_open:
        raise Conflict("The partner is archived.", path=path, code="PARTNER_ARCHIVED")
    row = {**values, "store_id": store.id, "created_at": now}
    return await insert_row(tx, "partnership", row)


async def rename_partnership(tx: Transaction, partnership_id: int, given: PartnershipFields) -> int:
    """Rename it; the id. Partner and store cannot change: campaigns depend on them."""
    name = written(given)["name"]
    if not await tx.execute(_RENAME_PARTNERSHIP, tx.scope.group_id, partnership_id, name, tx.scope.store_id):
        raise NotFound("partnership", partnership_id, path=["id"])
    return partnership_id
