"""Whether a campaign may be aimed at a segment."""

from collections.abc import Collection

from app.db.database import Transaction
from app.domain.segments.limits import MAX_SEGMENT, check_size

_SIZE = "SELECT size FROM segment WHERE group_id = $1 AND id = $2"


async def check_fits(tx: Transaction, segment_id: int | None, channels: Collection[str]) -> None:
    """Conflict (`SEGMENT_TOO_LARGE`) where the segment, as last counted, is too large for one of the channels."""
    if segment_id is None or MAX_SEGMENT.keys().isdisjoint(channels):
        return
    size = await tx.fetchval(_SIZE, tx.scope.group_id, segment_id)
    check_size(size or 0, channels)
