"""Uses of promos whose order does not stand any more: they are given back, and taken again where it stands again.

A use is an order's where its key is the order's reference. Rows are taken in the order of `redeeming`: redemptions,
customers' counters, promos.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import FetchedRow, Transaction
from app.values.numbers import MAX_SAFE_INTEGER

# Where the order names no promo, its use is that of whatever was redeemed for it.
_THEIRS = """
SELECT r.id, r.promo_id, r.customer_id
  FROM unnest($2::text[], $3::bigint[]) AS given (key, promo_id)
  JOIN promo_redemption r ON r.group_id = $1 AND r.key = given.key
   AND (given.promo_id IS NULL OR r.promo_id = given.promo_id)
 WHERE {} ORDER BY r.id FOR NO KEY UPDATE OF r
"""
_GIVEN = _THEIRS.format("r.released_at IS NULL")
_GIVEN_BACK = _THEIRS.format("r.is_given_back_by_order")
_RELEASE = """
UPDATE promo_redemption SET released_at = $3, is_given_back_by_order = true WHERE group_id = $1 AND id = ANY ($2)
"""
_TAKE = """
UPDATE promo_redemption SET released_at = NULL, is_given_back_by_order = false WHERE group_id = $1 AND id = ANY ($2)
"""
_HOLD_COUNTERS = """
SELECT u.id FROM promo_usage u JOIN unnest($2::bigint[], $3::bigint[]) AS given (promo_id, customer_id)
    ON u.promo_id = given.promo_id AND u.customer_id = given.customer_id
 WHERE u.group_id = $1 ORDER BY u.promo_id, u.customer_id FOR NO KEY UPDATE OF u
"""
_HOLD_PROMOS = f"""
SELECT id, coalesce(usage_limit, {MAX_SAFE_INTEGER}) - used AS left FROM promo
 WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_COUNT_CUSTOMERS = """
UPDATE promo_usage u SET used = greatest(u.used + given.uses, 0)
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS given (promo_id, customer_id, uses)
 WHERE u.group_id = $1 AND u.promo_id = given.promo_id AND u.customer_id = given.customer_id
"""
_COUNT_PROMOS = """
UPDATE promo p SET used = greatest(p.used + given.uses, 0)
  FROM unnest($2::bigint[], $3::bigint[]) AS given (id, uses)
 WHERE p.group_id = $1 AND p.id = given.id
"""


@dataclass(frozen=True, slots=True)
class Given:
    """An order: its reference, and the promo it names."""

    reference: str
    promo_id: int | None


async def give_back(tx: Transaction, orders: Sequence[Given], *, now: datetime) -> None:
    """Give the uses of these orders back, unless that is done."""
    rows = await _theirs(tx, _GIVEN, orders)
    if rows:
        await _hold(tx, rows)
        await tx.execute(_RELEASE, tx.scope.group_id, [row["id"] for row in rows], now)
        await _count(tx, rows, -1)


async def take_again(tx: Transaction, orders: Sequence[Given]) -> None:
    """Use the promos of these orders again, where an order gave the use back and the promo has one left."""
    rows = await _theirs(tx, _GIVEN_BACK, orders)
    if not rows:
        return
    left = await _hold(tx, rows)
    taken = []
    for row in rows:
        if left[row["promo_id"]] > 0:
            taken.append(row)
            left[row["promo_id"]] -= 1
    if taken:
        await tx.execute(_TAKE, tx.scope.group_id, [row["id"] for row in taken])
        await _count(tx, taken, 1)


async def _theirs(tx: Transaction, statement: str, orders: Sequence[Given]) -> Sequence[FetchedRow]:
    if not orders:
        return []
    return await tx.fetch(
        statement, tx.scope.group_id, [one.reference for one in orders], [one.promo_id for one in orders]
    )


async def _hold(tx: Transaction, rows: Sequence[FetchedRow]) -> dict[int, int]:
    """Hold the counters of these uses; by promo, how many are left."""
    whose = sorted({(row["promo_id"], row["customer_id"]) for row in rows if row["customer_id"] is not None})
    if whose:
        await tx.fetch(
            _HOLD_COUNTERS, tx.scope.group_id, [one for one, _ in whose], [one for _, one in whose]
        )
    promos = await tx.fetch(_HOLD_PROMOS, tx.scope.group_id, sorted({row["promo_id"] for row in rows}))
    return {row["id"]: row["left"] for row in promos}


async def _count(tx: Transaction, rows: Sequence[FetchedRow], sign: int) -> None:
    of_customers = Counter((r["promo_id"], r["customer_id"]) for r in rows if r["customer_id"] is not None)
    if of_customers:
        await tx.execute(
            _COUNT_CUSTOMERS,
            tx.scope.group_id,
            [promo for promo, _ in of_customers],
            [customer for _, customer in of_customers],
            [sign * uses for uses in of_customers.values()],
        )
    of_promos = Counter(row["promo_id"] for row in rows)
    await tx.execute(
        _COUNT_PROMOS, tx.scope.group_id, list(of_promos), [sign * uses for uses in of_promos.values()]
    )


__all__ = ["Given", "give_back", "take_again"]
