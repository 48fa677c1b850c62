"""How large segments were, day by day: what each was last counted at on a day, in the group's zone.

A day on which a segment was not counted has no row: then it is as large as before.
"""

from collections.abc import Sequence

from app.db.database import Transaction

_NOTE = """
INSERT INTO segment_size (group_id, segment_id, day, size)
SELECT s.group_id, s.id, (s.sized_at AT TIME ZONE g.time_zone)::date, s.size
  FROM segment s JOIN customer_group g ON g.id = s.group_id
 WHERE s.group_id = $1 AND s.id = ANY ($2) AND s.sized_at IS NOT NULL
ON CONFLICT (group_id, segment_id, day) DO UPDATE SET size = excluded.size
 WHERE segment_size.size <> excluded.size
"""


async def note_sizes(tx: Transaction, segment_ids: Sequence[int]) -> None:
    """Keep what these segments were counted at, for the day they were."""
    await tx.execute(_NOTE, tx.scope.group_id, sorted(segment_ids))
