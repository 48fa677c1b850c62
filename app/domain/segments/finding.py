"""Finding a segment by what a client calls it, and whether a campaign may speak to it."""

from collections.abc import Collection

from app.db.database import Transaction
from app.domain.inputs import Path
from app.domain.segments.limits import MAX_SEGMENT, check_size
from app.errors import NotFound
from app.values.ids import read_id

_BY_KEY = """
SELECT id FROM segment
 WHERE group_id = $1 AND deleted_at IS NULL AND (external_id = $2 OR id = $3)
 ORDER BY external_id = $2 DESC NULLS LAST LIMIT 1
"""
_SIZE = "SELECT size FROM segment WHERE group_id = $1 AND id = $2"


async def segment_by_key(tx: Transaction, key: str, *, path: Path = ("segmentKey",)) -> int:
    """The segment with this id (`seg_3`) or this id in the system it was imported from, which comes first."""
    found = await tx.fetchval(_BY_KEY, tx.scope.group_id, key, read_id("seg", key))
    if found is None:
        raise NotFound("segment", key, path=path)
    return int(found)


async def check_fits(tx: Transaction, segment_id: int | None, channels: Collection[str]) -> None:
    """Conflict (`SEGMENT_TOO_LARGE`) where the segment, as last counted, is too large for one of the channels."""
    if segment_id is None or MAX_SEGMENT.keys().isdisjoint(channels):
        return
    size = await tx.fetchval(_SIZE, tx.scope.group_id, segment_id)
    check_size(size or 0, channels)
