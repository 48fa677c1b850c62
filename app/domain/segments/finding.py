"""Segments by the name a client knows them under."""

from app.db.database import Transaction
from app.errors import NotFound
from app.values.ids import read_id

# An imported id comes first: that is how the system it comes from knows the segment.
_SEGMENT = """
SELECT id FROM segment
 WHERE group_id = $1 AND (external_id = $2 OR id = $3) AND deleted_at IS NULL
 ORDER BY external_id IS NOT DISTINCT FROM $2 DESC LIMIT 1
"""


async def segment_named(tx: Transaction, name: str, *path: str) -> int:
    """The segment of this id, or imported with this one; NotFound where there is none."""
    found = None
    if len(name) <= 100 and name.isprintable():
        found = await tx.fetchval(_SEGMENT, tx.scope.group_id, name, read_id("seg", name))
    if found is None:
        raise NotFound("segment", name, path=path)
    return int(found)
