"""Uses of promos that were counted elsewhere: how many up to a moment, and single ones with their customers.

`used` is then always what was told and the uses since that moment (`used_as_of`), less those given back since. A single
use of an earlier moment is in it already; it only counts for its customer. No limit is enforced on what has happened.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.db.constraints import refusals
from app.db.database import Transaction
from app.errors import NotFound

# How the uses recorded here moved `used` since the moment that is stored, and would have since the one that is told.
_STANDING = """
SELECT p.used, p.used_as_of,
       count(*) FILTER (WHERE r.redeemed_at > p.used_as_of AND r.released_at IS NULL)
     - count(*) FILTER (WHERE r.redeemed_at <= p.used_as_of AND r.released_at > p.used_as_of) AS moved_then,
       count(*) FILTER (WHERE r.redeemed_at > $3 AND r.released_at IS NULL)
     - count(*) FILTER (WHERE r.redeemed_at <= $3 AND r.released_at > $3) AS moved_now
  FROM (SELECT id, used, used_as_of FROM promo WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE) AS p
  LEFT JOIN promo_redemption r ON r.group_id = $1 AND r.promo_id = p.id AND NOT r.is_beyond_limit
 GROUP BY p.used, p.used_as_of
"""
_TELL = "UPDATE promo SET used = $3, used_as_of = $4 WHERE group_id = $1 AND id = $2"
_SINCE = "UPDATE promo SET created_at = $3 WHERE group_id = $1 AND id = $2 AND created_at <> $3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of a promo, as it was."""

    promo_id: int
    customer_id: int | None
    store_id: int | None
    key: str
    """Unique in the group: the same key again is the same use."""
    basket_total: Decimal
    discount: Decimal
    redeemed_at: datetime
    released_at: datetime | None = None


async def bring_in_used(tx: Transaction, promo_id: int, used: int, *, as_of: datetime, now: datetime) -> bool:
    """Let `used` say what was told of all uses up to a moment, and those since; whether that changed it.

    The same number again changes nothing, nor does one of an earlier moment.
    """
    as_of = min(as_of, now)
    row = await tx.fetchrow(_STANDING, tx.scope.group_id, promo_id, as_of)
    if row is None:
        raise NotFound("promo", promo_id, path=["used"])
    before = row["used_as_of"]
    if before is not None and (used == row["used"] - row["moved_then"] or as_of < before):
        return False
    with refusals():
        await tx.execute(_TELL, tx.scope.group_id, promo_id, max(0, used + row["moved_now"]), as_of)
    return True


async def bring_in_creation(tx: Transaction, promo_id: int, created_at: datetime) -> bool:
    """Since when there has been the promo; whether that is news."""
    return bool(await tx.execute(_SINCE, tx.scope.group_id, promo_id, created_at))


_RECORD = """
INSERT INTO promo_redemption
  (group_id, created_at, promo_id, customer_id, store_id, key, basket_total, discount, currency, redeemed_at,
   released_at, place)
SELECT $1, $2, g.promo_id, g.customer_id, g.store_id, g.key, g.basket_total, g.discount, p.currency, g.redeemed_at,
       g.released_at, 0
  FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::numeric[], $8::numeric[],
              $9::timestamptz[], $10::timestamptz[])
    AS g (promo_id, customer_id, store_id, key, basket_total, discount, redeemed_at, released_at)
  JOIN promo p ON p.group_id = $1 AND p.id = g.promo_id
 ORDER BY g.key
ON CONFLICT DO NOTHING
RETURNING key
"""
# An order told it before, which knew no discount.
_COMPLETE = """
UPDATE promo_redemption r SET place = 0, basket_total = given.basket_total, discount = given.discount
  FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::numeric[]) AS given (key, promo_id, basket_total, discount)
 WHERE r.group_id = $1 AND r.key = given.key AND r.promo_id = given.promo_id AND r.place IS NULL
"""
_COUNT_CUSTOMERS = """
INSERT INTO promo_usage AS usage (group_id, promo_id, customer_id, used)
SELECT $1, g.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS g (promo_id, customer_id, used)
 ORDER BY 2, 3
ON CONFLICT (group_id, promo_id, customer_id) DO UPDATE SET used = usage.used + excluded.used
"""
_LOCK = "SELECT id, used_as_of FROM promo WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
_COUNT_PROMOS = """
UPDATE promo p SET used = greatest(0, p.used + g.used) FROM unnest($2::bigint[], $3::bigint[]) AS g (id, used)
 WHERE p.group_id = $1 AND p.id = g.id
"""


async def bring_in_uses(tx: Transaction, uses: Sequence[Use], *, now: datetime) -> set[str]:
    """Record uses that have happened; the keys of those that were not known.

    Raises Conflict where a promo would have been used more often than it can be.
    """
    if not uses:
        return set()
    group_id = tx.scope.group_id
    with refusals():
        rows = await tx.fetch(
            _RECORD,
            group_id,
            now,
            [use.promo_id for use in uses],
            [use.customer_id for use in uses],
            [use.store_id for use in uses],
            [use.key for use in uses],
            [use.basket_total for use in uses],
            [use.discount for use in uses],
            [use.redeemed_at for use in uses],
            [use.released_at for use in uses],
        )
        new = {row["key"] for row in rows}
        if len(new) < len(uses):
            known = [use for use in uses if use.key not in new]
            await tx.execute(
                _COMPLETE,
                group_id,
                [use.key for use in known],
                [use.promo_id for use in known],
                [use.basket_total for use in known],
                [use.discount for use in known],
            )
        fresh = [use for use in {use.key: use for use in reversed(uses)}.values() if use.key in new]
        by_customer = Counter(
            (use.promo_id, use.customer_id)
            for use in fresh
            if use.customer_id is not None and use.released_at is None
        )
        if by_customer:
            pairs = sorted(by_customer)
            await tx.execute(
                _COUNT_CUSTOMERS,
                group_id,
                [promo for promo, _ in pairs],
                [customer for _, customer in pairs],
                [by_customer[pair] for pair in pairs],
            )
        await _move_used(tx, fresh)
    return new


async def _move_used(tx: Transaction, fresh: Sequence[Use]) -> None:
    promos = sorted({use.promo_id for use in fresh})
    as_of = {row["id"]: row["used_as_of"] for row in await tx.fetch(_LOCK, tx.scope.group_id, promos)}
    moves: Counter[int] = Counter()
    for use in fresh:
        until = as_of.get(use.promo_id)
        if until is None or use.redeemed_at > until:
            moves[use.promo_id] += use.released_at is None
        elif use.released_at is not None and use.released_at > until:
            moves[use.promo_id] -= 1
    moved = sorted(promo for promo, by in moves.items() if by)
    if moved:
        await tx.execute(_COUNT_PROMOS, tx.scope.group_id, moved, [moves[promo] for promo in moved])
