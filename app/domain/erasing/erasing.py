"""The whole of it: what is known of the person is read, the files of imports are cleaned, the rows are emptied."""

from datetime import datetime

from app.db.auditing import Actor
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.erasing.files import clean_files
from app.domain.erasing.operations import Cleaned, Erased, erase_customer, texts_of
from app.errors import NotFound
from app.values.ids import show_id
from app.values.scope import Scope


async def erase(
    db: Database, storage: AssetStorage, group_id: int, customer_id: int, *, by: Actor, now: datetime
) -> Erased:
    """Erase a customer of the group, and what that came to. NotFound where there is none.

    Files go first: once the rows are empty nobody knows any more what to look for.
    """
    async with db.transaction(Scope(group_id), writes=False) as tx:
        known = await texts_of(tx, customer_id)
    if known is None:
        raise NotFound("customer", show_id("cust", customer_id), path=["id"])
    cleaned = await clean_files(db, storage, group_id, known, now=now) if known.strong else Cleaned()
    async with db.transaction(Scope(group_id)) as tx:
        return await erase_customer(tx, customer_id, cleaned=cleaned, by=by, now=now)


__all__ = ["erase"]
