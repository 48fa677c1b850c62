"""Uses that an order alone told say what it says: its amount, currency, moment and store, as they were corrected.

One that was redeemed by a call keeps what it was redeemed on: the basket and its discount are the caller's.
"""

from collections.abc import Iterable

from app.db.database import Transaction
from app.domain.promos.of_orders import OrderMove

# In the order in which all others hold them, and before any promo.
_HOLD = "SELECT id FROM promo_redemption WHERE group_id = $1 AND key = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
# A use stays among those that were counted elsewhere, or here: `used` has it already.
_RESTATE = """
UPDATE promo_redemption r
   SET basket_total = given.amount, currency = given.currency, store_id = given.store_id,
       redeemed_at = CASE WHEN (r.redeemed_at <= p.used_as_of) IS NOT DISTINCT FROM (given.ordered_at <= p.used_as_of)
                          THEN given.ordered_at ELSE r.redeemed_at END
  FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::text[], $6::bigint[], $7::timestamptz[])
    AS given (key, promo_id, amount, currency, store_id, ordered_at)
  JOIN promo p ON p.group_id = $1 AND p.id = given.promo_id
 WHERE r.group_id = $1 AND r.key = given.key AND r.promo_id = given.promo_id AND r.place IS NULL
"""


async def restate(tx: Transaction, moves: Iterable[OrderMove]) -> None:
    """Let the uses that these orders told say what the orders do now; before `follow_orders`, which counts them."""
    told = [one.after for one in moves if _is_restated(one)]
    if not told:
        return
    columns = [
        (one.reference, one.promo_id, one.amount, one.currency, one.store_id, one.ordered_at) for one in told
    ]
    await tx.fetch(_HOLD, tx.scope.group_id, sorted(one.reference for one in told))
    await tx.execute(_RESTATE, tx.scope.group_id, *(list(column) for column in zip(*columns, strict=True)))


def _is_restated(move: OrderMove) -> bool:
    was, one = move.before, move.after
    if was is None or one.promo_id is None:
        return False
    return (was.promo_id, was.amount, was.currency, was.store_id, was.ordered_at) != (
        one.promo_id, one.amount, one.currency, one.store_id, one.ordered_at,
    )  # fmt: skip


__all__ = ["restate"]
