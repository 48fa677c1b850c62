"""The one book of uses: codes generated to be used once, customers' counters, promos' counters.

Uses come by calls (`redeeming.py`) and by orders (`of_orders.py`), and go by releases and by orders that do not stand
any more. Rows are taken in one order everywhere: redemptions, generated codes, customers' counters, promos; each kind
in the order of its keys. So nobody deadlocks, and the promo's row, which all its customers share, is held shortest.

A use beyond the limits is one that an order told when there was none left: it is counted apart, takes no generated code
and counts for no customer.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.values.numbers import MAX_SAFE_INTEGER

_HOLD_CODES = """
SELECT id, redeemed_at IS NULL AND disabled_at IS NULL AS is_free FROM promo_code
 WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_SET_CODES = "UPDATE promo_code SET redeemed_at = $3 WHERE group_id = $1 AND id = ANY ($2)"
_OPEN_COUNTERS = """
INSERT INTO promo_usage (group_id, promo_id, customer_id, used)
SELECT $1, given.* , 0 FROM unnest($2::bigint[], $3::bigint[]) AS given (promo_id, customer_id)
 ORDER BY given.promo_id, given.customer_id
ON CONFLICT (group_id, promo_id, customer_id) DO NOTHING
"""
_HOLD_COUNTERS = """
SELECT u.promo_id, u.customer_id, u.used FROM promo_usage u
  JOIN unnest($2::bigint[], $3::bigint[]) AS given (promo_id, customer_id)
    ON u.promo_id = given.promo_id AND u.customer_id = given.customer_id
 WHERE u.group_id = $1 ORDER BY u.promo_id, u.customer_id FOR NO KEY UPDATE OF u
"""
_HOLD_PROMOS = f"""
SELECT id, coalesce(usage_limit, {MAX_SAFE_INTEGER}) - used AS left, used_as_of,
       CASE WHEN first_order_only THEN least(coalesce(per_customer_limit, 1), 1)
            ELSE coalesce(per_customer_limit, {MAX_SAFE_INTEGER}) END AS customer_limit
  FROM promo WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
# Never below nothing: `used` may have been told from elsewhere, by somebody who knew less.
_COUNT_CUSTOMERS = """
UPDATE promo_usage u SET used = greatest(u.used + given.uses, 0)
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS given (promo_id, customer_id, uses)
 WHERE u.group_id = $1 AND u.promo_id = given.promo_id AND u.customer_id = given.customer_id
"""
_COUNT_PROMOS = """
UPDATE promo p
   SET used = greatest(p.used + given.uses, 0), used_beyond_limit = greatest(p.used_beyond_limit + given.beyond, 0)
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS given (id, uses, beyond)
 WHERE p.group_id = $1 AND p.id = given.id
"""


@dataclass(slots=True)
class Use:
    """A use that is counted, or no more."""

    promo_id: int
    customer_id: int | None
    code_id: int | None
    at: datetime
    is_beyond: bool = False
    is_new: bool = False
    """Whether it was not on record before: then one that was counted elsewhere is in `used` already."""


async def settle(
    tx: Transaction, *, gone: Sequence[Use] = (), come: Sequence[Use] = (), now: datetime
) -> None:
    """Count these uses no more, and those from now on; says of each that came whether it is beyond the limits.

    Their redemptions are held by the caller.
    """
    every = [*gone, *come]
    if not every:
        return
    free = await _codes(tx, every)
    used = await _counters(tx, every, opening=bool(come))
    promos = {
        row["id"]: row
        for row in await tx.fetch(_HOLD_PROMOS, tx.scope.group_id, sorted({one.promo_id for one in every}))
    }
    moved, beyond = _moves(gone)
    left = {ident: row["left"] - moved[ident] for ident, row in promos.items()}
    by_customer: Counter[tuple[int, int]] = Counter()
    for one in gone:
        if one.customer_id is not None and not one.is_beyond:
            by_customer[one.promo_id, one.customer_id] -= 1
        if one.code_id is not None and not one.is_beyond:
            free.add(one.code_id)
    taken: set[int] = set()
    for one in come:
        promo = promos[one.promo_id]
        was_told = one.is_new and promo["used_as_of"] is not None and one.at <= promo["used_as_of"]
        whose = (one.promo_id, one.customer_id)
        if not was_told:
            one.is_beyond = (
                left[one.promo_id] <= 0
                or (one.code_id is not None and one.code_id not in free)
                or (
                    one.customer_id is not None
                    and used.get(whose, 0) + by_customer[one.promo_id, one.customer_id]
                    >= promo["customer_limit"]
                )
            )
        if one.is_beyond:
            beyond[one.promo_id] += 1
            continue
        if not was_told:
            moved[one.promo_id] += 1
            left[one.promo_id] -= 1
        if one.customer_id is not None:
            by_customer[one.promo_id, one.customer_id] += 1
        if one.code_id is not None:
            free.discard(one.code_id)
            taken.add(one.code_id)
    freed = {one.code_id for one in gone if one.code_id is not None and not one.is_beyond} - taken
    if freed:
        await tx.execute(_SET_CODES, tx.scope.group_id, sorted(freed), None)
    if taken:
        await tx.execute(_SET_CODES, tx.scope.group_id, sorted(taken), now)
    await _count(tx, by_customer, moved, beyond)


async def _codes(tx: Transaction, uses: Collection[Use]) -> set[int]:
    """Hold the generated codes of these uses; those that are free."""
    named = sorted({one.code_id for one in uses if one.code_id is not None})
    if not named:
        return set()
    rows = await tx.fetch(_HOLD_CODES, tx.scope.group_id, named)
    return {row["id"] for row in rows if row["is_free"]}


async def _counters(
    tx: Transaction, uses: Collection[Use], *, opening: bool
) -> dict[tuple[int, int | None], int]:
    """Hold the customers' counters of these uses; what they count."""
    whose = sorted({(one.promo_id, one.customer_id) for one in uses if one.customer_id is not None})
    if not whose:
        return {}
    keys = ([promo for promo, _ in whose], [customer for _, customer in whose])
    if opening:
        await tx.execute(_OPEN_COUNTERS, tx.scope.group_id, *keys)
    rows = await tx.fetch(_HOLD_COUNTERS, tx.scope.group_id, *keys)
    return {(row["promo_id"], row["customer_id"]): row["used"] for row in rows}


def _moves(gone: Sequence[Use]) -> tuple[Counter[int], Counter[int]]:
    moved: Counter[int] = Counter()
    beyond: Counter[int] = Counter()
    for one in gone:
        (beyond if one.is_beyond else moved)[one.promo_id] -= 1
    return moved, beyond


async def _count(
    tx: Transaction, by_customer: Counter[tuple[int, int]], moved: Counter[int], beyond: Counter[int]
) -> None:
    whose = [one for one, uses in by_customer.items() if uses]
    if whose:
        await tx.execute(
            _COUNT_CUSTOMERS,
            tx.scope.group_id,
            [promo for promo, _ in whose],
            [customer for _, customer in whose],
            [by_customer[one] for one in whose],
        )
    promos = sorted(one for one in {*moved, *beyond} if moved[one] or beyond[one])
    if promos:
        await tx.execute(
            _COUNT_PROMOS,
            tx.scope.group_id,
            promos,
            [moved[one] for one in promos],
            [beyond[one] for one in promos],
        )


__all__ = ["Use", "settle"]
