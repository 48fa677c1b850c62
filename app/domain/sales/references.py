"""Which sale an event tells: the order's reference among its fields.

The shop tells the same sale as an order, so that it is one sale told twice. Events and orders with a reference hold its
row in `sale_reference` while they write, whichever comes first, so the later one sees what the earlier one wrote.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from uuid import UUID

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales

SALE_KEYS = (
    "order-reference",
    "order_reference",
    "order_id",
    "order-id",
    "transaction_id",
    "transaction-id",
)
"""Storage keys of fields that hold it; where several have a value, the first of these."""
MAX_REFERENCE = 255
"""The longest reference of an order; an event's that is longer tells none."""


def sale_reference_of(data: Mapping[str, object] | None) -> str | None:
    """The reference of the sale that an event with these fields (by storage key) tells."""
    for key in SALE_KEYS:
        value = (data or {}).get(key)
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            reference = str(value).strip()
            if reference:
                return reference if len(reference) <= MAX_REFERENCE else None
    return None


# In the order of references, so that two who hold several cannot deadlock.
_HOLD = """
INSERT INTO sale_reference (group_id, reference)
SELECT $1, given.reference FROM unnest($2::text[]) WITH ORDINALITY AS given (reference, place) ORDER BY place
ON CONFLICT (group_id, reference) DO UPDATE SET reference = excluded.reference
RETURNING id
"""
_IS_TOLD = "EXISTS (SELECT 1 FROM customer_order o WHERE o.group_id = $1 AND o.reference = e.sale_reference)"
_MARK = f"""
UPDATE event_metric m SET is_told_by_order = true
  FROM event e
 WHERE e.group_id = $1 AND e.sale_reference = ANY ($2)
   AND m.group_id = $1 AND m.event_id = e.id AND m.kind = 'statistic' AND NOT m.is_told_by_order AND {_IS_TOLD}
RETURNING m.customer_id
"""
_UNMARK = """
UPDATE event_metric m SET is_told_by_order = false
  FROM event e
 WHERE e.group_id = $1 AND e.sale_reference = ANY ($2)
   AND m.group_id = $1 AND m.event_id = e.id AND m.is_told_by_order
RETURNING m.customer_id
"""
_MARK_EVENTS = f"""
UPDATE event_metric m SET is_told_by_order = NOT m.is_told_by_order
  FROM event e
 WHERE e.group_id = $1 AND e.id = ANY ($2)
   AND m.group_id = $1 AND m.event_id = e.id AND m.kind = 'statistic' AND m.is_told_by_order <> {_IS_TOLD}
RETURNING m.customer_id
"""


async def hold_sales(tx: Transaction, references: Collection[str]) -> None:
    """Have whoever else tells these sales wait. After events, before everything else that is locked."""
    if references:
        await tx.fetch(_HOLD, tx.scope.group_id, sorted(set(references)))


async def mark_told_by_orders(tx: Transaction, references: Collection[str]) -> None:
    """Mark the statistics of events whose sale an order tells, too. Whoever asks holds the references.

    After customers, since whoever merges customers holds them before their metrics.
    """
    if references:
        rows = await tx.fetch(_MARK, tx.scope.group_id, sorted(set(references)))
        # Whose event it was need not be whom the order is of.
        await note_sales(tx, (row["customer_id"] for row in rows))


async def tell_by_events(tx: Transaction, references: Collection[str]) -> None:
    """The other way round, for orders that are about to go: events alone tell these sales then."""
    rows = await tx.fetch(_UNMARK, tx.scope.group_id, sorted(set(references)))
    await note_sales(tx, (row["customer_id"] for row in rows))


async def mark_events(tx: Transaction, ids: Collection[UUID]) -> None:
    """The same for these events, which may tell other sales than they did. Whoever asks holds what they tell now."""
    if ids:
        rows = await tx.fetch(_MARK_EVENTS, tx.scope.group_id, list(ids))
        await note_sales(tx, (row["customer_id"] for row in rows))


__all__ = [
    "MAX_REFERENCE",
    "SALE_KEYS",
    "hold_sales",
    "mark_events",
    "mark_told_by_orders",
    "sale_reference_of",
    "tell_by_events",
]
