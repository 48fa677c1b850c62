"""Rewards that were paid for a sale of which less is left: they are taken back in the same proportion, once.

A reward was paid for a sale where the event that triggered it tells the sale, or where it was asked for a purchase by
the order's reference. Of a sale that was cancelled nothing is left. What the customer has spent of it meanwhile is
taken as the programme says.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.rewards.occurrences import CODES, SOURCE
from app.domain.rewards.reversing import reverse_held
from app.tables.event_types import RewardTrigger

_PAID = f"""
SELECT v.id, v.campaign_id,
       CASE WHEN o.cancelled_at IS NOT NULL OR o.refunded >= o.amount THEN v.amount
            ELSE trunc(v.amount * o.refunded / o.amount)::bigint END AS in_all
  FROM (SELECT e.id, e.sale_reference AS reference, true AS is_told
          FROM event e WHERE e.group_id = $1 AND e.sale_reference = ANY ($2)
        UNION ALL
        SELECT e.id, e.dedup_key, false
          FROM event e WHERE e.group_id = $1 AND e.source = '{SOURCE}' AND e.dedup_key = ANY ($2)) AS sale
  JOIN customer_order o ON o.group_id = $1 AND o.reference = sale.reference
   AND (o.cancelled_at IS NOT NULL OR (o.amount > 0 AND o.refunded > 0))
  JOIN reward_evaluation v ON v.group_id = $1 AND v.event_id = sale.id AND v.reversed_at IS NULL AND v.amount > 0
   AND (sale.is_told OR v.trigger_code = {CODES[RewardTrigger.SPEND]})
 ORDER BY v.campaign_id, v.id
"""
_HOLD_CAMPAIGNS = """
SELECT id FROM campaign WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
# All at once and in one order, however many are taken back.
_HOLD_BALANCES = """
SELECT b.id FROM reward_balance b
  JOIN (SELECT DISTINCT e.customer_id, e.partner_id, e.currency FROM reward_entry e
         WHERE e.group_id = $1 AND e.evaluation_id = ANY ($2)) AS paid
    ON b.customer_id = paid.customer_id AND b.partner_id = paid.partner_id AND b.currency = paid.currency
 WHERE b.group_id = $1 ORDER BY b.customer_id, b.partner_id, b.currency FOR NO KEY UPDATE OF b
"""


@dataclass(frozen=True, slots=True)
class Paid:
    """An evaluation that paid for a sale."""

    evaluation_id: int
    campaign_id: int
    in_all: int
    """How much of it is to be taken back, counting what was."""


async def paid_for(tx: Transaction, references: Collection[str]) -> list[Paid]:
    """What was paid for those of these sales that do not stand as a whole. Whoever asks holds them."""
    if not references:
        return []
    rows = await tx.fetch(_PAID, tx.scope.group_id, sorted(set(references)))
    return [Paid(row["id"], row["campaign_id"], row["in_all"]) for row in rows]


async def take_back(tx: Transaction, paid: Sequence[Paid], *, now: datetime) -> None:
    """Take these back, unless that is done. Whoever asks holds their campaigns, or nothing that comes after those."""
    if not paid:
        return
    campaigns = sorted({one.campaign_id for one in paid})
    await tx.fetch(_HOLD_CAMPAIGNS, tx.scope.group_id, campaigns)
    await tx.fetch(_HOLD_BALANCES, tx.scope.group_id, [one.evaluation_id for one in paid])
    for one in paid:
        await reverse_held(tx, one.evaluation_id, one.campaign_id, in_all=one.in_all, now=now)


__all__ = ["Paid", "paid_for", "take_back"]
