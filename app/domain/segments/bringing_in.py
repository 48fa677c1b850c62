"""What another system says of a segment's size, and since when there has been the segment."""

from datetime import datetime

from app.db.database import Transaction
from app.domain.segments.sizes import note_sizes
from app.tables.segments import SegmentType

_MADE = "UPDATE segment SET created_at = $3 WHERE group_id = $1 AND id = $2 AND created_at <> $3"
_TELL = """
UPDATE segment SET size = $3, sized_at = $4
 WHERE group_id = $1 AND id = $2 AND ($5 OR sized_at < $4) AND (size, sized_at) IS DISTINCT FROM ($3, $4)
   AND (type <> 'dynamic' OR NOT EXISTS (SELECT FROM customer WHERE group_id = $1))
"""
# A list can be larger than what is known of its members here, but not smaller.
_AT_LEAST = """
UPDATE segment s
   SET size = greatest($3, (SELECT count(*) FROM segment_member m WHERE m.group_id = $1 AND m.segment_id = $2)),
       sized_at = $4
 WHERE s.group_id = $1 AND s.id = $2
"""


# One that is known by name alone is taken for an imported one.
_KIND = """
UPDATE segment SET type = $3
 WHERE group_id = $1 AND id = $2 AND type = 'imported' AND source IS NULL
   AND NOT EXISTS (SELECT FROM segment_member WHERE group_id = $1 AND segment_id = $2)
"""


async def bring_in_kind(tx: Transaction, segment_id: int, kind: SegmentType) -> bool:
    """Say of which type a segment is, where nothing depends on another one yet; whether it could be said."""
    return bool(await tx.execute(_KIND, tx.scope.group_id, segment_id, kind))


async def bring_in_size(
    tx: Transaction, segment_id: int, size: int, *, sized_at: datetime | None, is_new: bool
) -> bool:
    """Let a segment have the size it was told to have at a moment; whether that is news.

    What was counted later stays, unless the segment `is_new`. A dynamic one is counted here, where there are customers.
    """
    told = bool(await tx.execute(_TELL, tx.scope.group_id, segment_id, size, sized_at, is_new))
    if told:
        await note_sizes(tx, [segment_id])
    return told


async def bring_in_list_size(
    tx: Transaction, segment_id: int, size: int, *, sized_at: datetime | None
) -> None:
    """The size of a list that was told to have `size` members, once some of them have come in."""
    await tx.execute(_AT_LEAST, tx.scope.group_id, segment_id, size, sized_at)
    await note_sizes(tx, [segment_id])


async def bring_in_creation(tx: Transaction, segment_id: int, created_at: datetime) -> bool:
    """Since when there has been the segment; whether that is news."""
    return bool(await tx.execute(_MADE, tx.scope.group_id, segment_id, created_at))
