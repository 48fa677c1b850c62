"""Interactions that came in at the very moment when their tracker became known.

Neither of two transactions sees what the other has not committed yet: the one that records the visit finds nobody, the
one that identifies the tracker finds no visit. So a worker looks again a while later.
"""

from datetime import datetime, timedelta

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.customers.meanwhile import leave_interactions

LOOK_BACK = timedelta(minutes=10)
"""Longer than any transaction takes."""
_CLAIM = """
UPDATE interaction i SET customer_id = known.customer_id, identity_id = known.id
  FROM customer_identity known
 WHERE i.group_id = $1 AND i.customer_id IS NULL AND i.tracker_id IS NOT NULL AND i.created_at > $2
   AND known.group_id = $1 AND known.project_id = i.project_id AND known.kind = 'tracker' AND known.value = i.tracker_id
RETURNING i.id, i.customer_id
"""


async def claim_latecomers(tx: Transaction, *, now: datetime) -> int:
    """Give recent interactions without a customer to their trackers' customers; how many there were."""
    claimed = await tx.fetch(_CLAIM, tx.scope.group_id, now - LOOK_BACK)
    await leave_interactions(tx, [row["id"] for row in claimed])
    await note_sales(tx, (row["customer_id"] for row in claimed))
    return len(claimed)
