"""The sums of stores' orders by day, moved by what truly changed.

Whoever writes orders holds them, so each is taken off as it was added. Rows of the sums belong to many orders: they are
written after all else, in the order of their keys, so two callers wait for one another and cannot deadlock.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from app.db.database import Transaction
from app.domain.orders.states import NOTHING, Sale

Key = tuple[int, date, str, bool, str]
"""Store, day, channel (none: empty), whether it has a promo, currency."""
_MOVE = """
INSERT INTO order_rollup AS r (group_id, created_at, store_id, day, channel, has_promo, currency,
                               orders, cancelled, worth, refunded)
SELECT $1, $2, given.store_id, given.day, nullif(given.channel, ''), given.has_promo, given.currency,
       given.orders, given.cancelled, given.worth, given.refunded
  FROM unnest($3::bigint[], $4::date[], $5::text[], $6::boolean[], $7::text[],
              $8::bigint[], $9::bigint[], $10::numeric[], $11::numeric[])
    AS given (store_id, day, channel, has_promo, currency, orders, cancelled, worth, refunded)
 ORDER BY given.store_id, given.day, given.channel COLLATE "C", given.has_promo, given.currency COLLATE "C"
ON CONFLICT (group_id, store_id, day, channel, has_promo, currency) DO UPDATE
   SET orders = r.orders + excluded.orders, cancelled = r.cancelled + excluded.cancelled,
       worth = r.worth + excluded.worth, refunded = r.refunded + excluded.refunded
"""
REBUILD_SUMS = (
    "DELETE FROM order_rollup WHERE group_id = $1",
    """
    INSERT INTO order_rollup (group_id, store_id, day, channel, has_promo, currency, orders, cancelled, worth, refunded)
    SELECT $1, store_id, ordered_on, channel, promo_id IS NOT NULL, currency,
           count(*) FILTER (WHERE cancelled_at IS NULL), count(cancelled_at), sum(worth), sum(refunded)
      FROM customer_order WHERE group_id = $1
     GROUP BY store_id, ordered_on, channel, promo_id IS NOT NULL, currency
     ORDER BY ordered_on, store_id
    """,
)
"""The sums of a group, made anew: statements that take it."""


class Counted(NamedTuple):
    """An order that is added (1) or taken off (-1)."""

    sign: int
    sale: Sale

    @property
    def key(self) -> Key:
        """Where it counts."""
        one = self.sale
        return one.store_id, one.ordered_on, one.channel or "", one.promo_id is not None, one.currency


async def move_sums(tx: Transaction, counted: Iterable[Counted], *, now: datetime) -> None:
    """Move the sums by these."""
    sums: defaultdict[Key, tuple[int, int, Decimal, Decimal]] = defaultdict(lambda: (0, 0, NOTHING, NOTHING))
    for one in counted:
        orders, cancelled, worth, refunded = sums[one.key]
        holds = one.sale.cancelled_at is None
        sums[one.key] = (
            orders + one.sign * holds,
            cancelled + one.sign * (not holds),
            worth + one.sign * one.sale.worth,
            refunded + one.sign * one.sale.refunded,
        )
    moved = sorted((key, by) for key, by in sums.items() if any(by))
    if not moved:
        return
    keys = [list(column) for column in zip(*(key for key, _ in moved), strict=True)]
    numbers = [list(column) for column in zip(*(by for _, by in moved), strict=True)]
    await tx.execute(_MOVE, tx.scope.group_id, now, *keys, *numbers)


__all__ = ["REBUILD_SUMS", "Counted", "move_sums"]
