"""Rows that were written while their customer was being erased, and waited for it: they are about nobody we know.

Who writes them found the customer before, and the foreign key made them wait until the erasure was over. So they are
looked at again in a statement after that.
"""

from collections.abc import Collection

from app.db.database import Transaction

# Those with something in them: what was emptied with the customer stays with it.
_INTERACTIONS = """
UPDATE interaction i SET customer_id = NULL FROM customer c
 WHERE i.group_id = $1 AND i.id = ANY ($2) AND c.group_id = $1 AND c.id = i.customer_id AND c.erased_at IS NOT NULL
   AND num_nonnulls(i.tracker_id, i.landing_url, i.referrer, i.user_data, i.node_data) > 0
"""
_EVENTS = """
UPDATE event e SET customer_id = NULL FROM customer c
 WHERE e.group_id = $1 AND e.source = $2 AND e.dedup_key = ANY ($3) AND e.body IS NOT NULL
   AND c.group_id = $1 AND c.id = e.customer_id AND c.erased_at IS NOT NULL
"""


async def leave_interactions(tx: Transaction, ids: Collection[int]) -> None:
    """Take those of these new interactions from their customers that are erased now."""
    if ids:
        await tx.execute(_INTERACTIONS, tx.scope.group_id, sorted(ids))


async def leave_events(tx: Transaction, source: str, keys: Collection[str]) -> None:
    """The same of new events of a source, by their keys."""
    if keys:
        await tx.execute(_EVENTS, tx.scope.group_id, source, sorted(keys))


__all__ = ["leave_events", "leave_interactions"]
