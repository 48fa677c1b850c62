"""Rewards that were paid for a sale follow what is left of it: the same part is taken back, and given again, once.

A reward was paid for a sale where the event that triggered it tells the sale, or where it was asked for a purchase by
the order's reference. Of a sale that was cancelled nothing is left. What the customer has spent of it meanwhile is
taken as the programme says. Whichever comes first, the order as it is or its reward, the later one sees the other:
both hold the sale's reference while they write, or the campaign that has judged the sale before.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from app.db.database import Transaction
from app.domain.rewards.occurrences import CODES, SOURCE
from app.domain.rewards.reversing import follow_sale
from app.tables.event_types import RewardTrigger

_SALES = f"""
  FROM (SELECT e.id, e.sale_reference AS reference, true AS is_told
          FROM event e WHERE e.group_id = $1 AND e.sale_reference = ANY ($2)
        UNION ALL
        SELECT e.id, e.dedup_key, false
          FROM event e WHERE e.group_id = $1 AND e.source = '{SOURCE}' AND e.dedup_key = ANY ($2)) AS sale
  JOIN customer_order o ON o.group_id = $1 AND o.reference = sale.reference
  JOIN reward_evaluation v ON v.group_id = $1 AND v.event_id = sale.id AND v.replaced_by_id IS NULL
   AND (sale.is_told OR v.trigger_code = {CODES[RewardTrigger.SPEND]})
"""
# Also those that paid nothing: they may be judged again at this moment.
_CAMPAIGNS = f"""
SELECT DISTINCT v.campaign_id {_SALES} WHERE o.cancelled_at IS NOT NULL OR o.refunded > 0 OR v.asked_back > 0
"""
_DIFFERING = f"""
SELECT v.id, v.campaign_id, part.in_all {_SALES}
 CROSS JOIN LATERAL (
   SELECT CASE WHEN o.cancelled_at IS NOT NULL OR o.amount > 0 AND o.refunded >= o.amount THEN v.amount
               WHEN o.amount > 0 THEN trunc(v.amount * o.refunded / o.amount)::bigint ELSE 0 END AS in_all) AS part
 WHERE v.amount > 0 AND v.campaign_id = ANY ($3) AND ($4::bigint[] IS NULL OR v.id = ANY ($4))
   AND (part.in_all > v.asked_back OR greatest(part.in_all, v.asked_by_hand) < v.asked_back)
 ORDER BY v.campaign_id, v.id
"""
_LESSENED = f"""
SELECT e.id, o.reference FROM event e
  JOIN customer_order o ON o.group_id = $1
   AND o.reference = CASE WHEN e.source = '{SOURCE}' THEN e.dedup_key ELSE e.sale_reference END
   AND (o.cancelled_at IS NOT NULL OR o.refunded > 0)
 WHERE e.group_id = $1 AND e.id = ANY ($2)
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
# Not the evaluations' reference: they show what they were asked for.
_FREE = f"""
UPDATE event SET dedup_key = left(dedup_key, 200) || ' (deleted ' || id || ')'
 WHERE group_id = $1 AND source = '{SOURCE}' AND dedup_key = $2 AND event_type = '{RewardTrigger.SPEND.value}'
"""


async def campaigns_of(tx: Transaction, references: Collection[str]) -> set[int]:
    """The campaigns that judged those of these sales which do not stand as a whole, or did not. For `follow_sales`."""
    if not references:
        return set()
    rows = await tx.fetch(_CAMPAIGNS, tx.scope.group_id, sorted(set(references)))
    return {row["campaign_id"] for row in rows}


async def follow_sales(
    tx: Transaction,
    references: Collection[str],
    campaigns: Collection[int],
    *,
    evaluations: Collection[int] | None = None,
    now: datetime,
) -> None:
    """Take back, or give again, what these campaigns paid for these sales, as far as that is not done.

    Whoever asks holds the sales, and these campaigns or nothing that comes after them.
    """
    if not references or not campaigns:
        return
    group, held = tx.scope.group_id, sorted(set(campaigns))
    await tx.fetch(_HOLD_CAMPAIGNS, group, held)
    # Read while they are held: what was paid until then is seen.
    rows = await tx.fetch(
        _DIFFERING, group, sorted(set(references)), held, None if evaluations is None else sorted(evaluations)
    )
    if rows:
        await tx.fetch(_HOLD_BALANCES, group, [row["id"] for row in rows])
    for row in rows:
        await follow_sale(tx, row["id"], row["campaign_id"], in_all=row["in_all"], now=now)


async def lessened(tx: Transaction, events: Collection[UUID]) -> dict[UUID, str]:
    """Those of these events whose sale does not stand as a whole, with its reference."""
    rows = await tx.fetch(_LESSENED, tx.scope.group_id, sorted(set(events)))
    return {row["id"]: row["reference"] for row in rows}


async def free_reference(tx: Transaction, reference: str) -> None:
    """The order is deleted: what is rewarded under its reference from now on is another purchase."""
    await tx.execute(_FREE, tx.scope.group_id, reference)


__all__ = ["campaigns_of", "follow_sales", "free_reference", "lessened"]
