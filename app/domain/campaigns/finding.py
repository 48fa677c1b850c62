"""Campaigns by the name a client knows them under."""

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.errors import NotFound
from app.values.ids import read_id

_IMPORTED = f"""
SELECT id FROM campaign WHERE {CAMPAIGN_BORDERS} AND external_id = $4 AND deleted_at IS NULL
"""


async def campaign_named(tx: Transaction, name: str, *path: str) -> int:
    """The number in `camp_42`, whether or not it exists; else the campaign imported with this id, or NotFound."""
    found = read_id("camp", name)
    if found is None and len(name) <= 100 and name.isprintable():
        found = await tx.fetchval(_IMPORTED, *borders(tx.scope), name)
    if found is None:
        raise NotFound("campaign", name, path=path)
    return int(found)
