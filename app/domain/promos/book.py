"""The one book of uses: codes generated to be used once, customers' counters, promos' counters.

Uses come by calls (`redeeming.py`) and by orders (`of_orders.py`), and go by releases and by orders that do not stand
any more. Rows are taken in one order everywhere: redemptions, generated codes, customers' counters, promos; each kind
in the order of its keys. So nobody deadlocks, and the promo's row, which all its customers share, is held shortest.

A use beyond the limits is one that an order told when there was no place for it. It stands all the same: limits are
judged by all standing uses, of the promo (`used` and `used_beyond_limit`) and of the customer (`promo_usage`), and a
generated code that any of them came with is not free. A place that comes free is the oldest one's of those beyond.
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
# A code is used as long as any use of it stands.
_SET_CODES = """
UPDATE promo_code c SET redeemed_at = CASE WHEN held.is_used THEN $3::timestamptz END
  FROM (SELECT given.id, EXISTS (SELECT 1 FROM promo_redemption r
                                  WHERE r.group_id = $1 AND r.code_id = given.id AND r.released_at IS NULL) AS is_used
          FROM unnest($2::bigint[]) AS given (id)) AS held
 WHERE c.group_id = $1 AND c.id = held.id AND (c.redeemed_at IS NOT NULL) <> held.is_used
"""
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
_CUSTOMER_LIMIT = f"""
CASE WHEN first_order_only THEN least(coalesce(per_customer_limit, 1), 1)
     ELSE coalesce(per_customer_limit, {MAX_SAFE_INTEGER}) END AS customer_limit
"""
_HOLD_PROMOS = f"""
SELECT id, coalesce(usage_limit, {MAX_SAFE_INTEGER}) - used - used_beyond_limit AS left, used_as_of, {_CUSTOMER_LIMIT}
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
# Those beyond the limits for which there is a place now, the oldest first: their code is nobody's who has a place, and
# their customers have not had their share. One that somebody else holds is left to whoever moves the promo next: they
# may wait for the promo, which is held here.
_TAKE_IN = f"""
WITH place AS (
  SELECT id, coalesce(usage_limit, {MAX_SAFE_INTEGER}) - used AS left, {_CUSTOMER_LIMIT}
    FROM promo WHERE group_id = $1 AND id = ANY ($2) AND used_beyond_limit > 0
     AND used < coalesce(usage_limit, {MAX_SAFE_INTEGER})
), by_code AS (
  SELECT r.id, r.promo_id, r.customer_id, r.redeemed_at,
         row_number() OVER (PARTITION BY r.promo_id, coalesce(r.code_id, -r.id) ORDER BY r.redeemed_at, r.id) AS nth
    FROM promo_redemption r JOIN place ON place.id = r.promo_id
    LEFT JOIN promo_code c ON c.group_id = $1 AND c.id = r.code_id
   WHERE r.group_id = $1 AND r.is_beyond_limit AND r.released_at IS NULL AND c.disabled_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM promo_redemption other
                      WHERE other.group_id = $1 AND other.code_id = r.code_id AND other.released_at IS NULL
                        AND NOT other.is_beyond_limit)
), by_customer AS (
  SELECT id, promo_id, customer_id, redeemed_at,
         row_number() OVER (PARTITION BY promo_id, coalesce(customer_id, -id) ORDER BY redeemed_at, id)
         + (SELECT count(*) FROM promo_redemption other
             WHERE other.group_id = $1 AND other.customer_id = by_code.customer_id
               AND other.promo_id = by_code.promo_id AND other.released_at IS NULL
               AND NOT other.is_beyond_limit) AS nth
    FROM by_code WHERE nth = 1
), chosen AS (
  SELECT one.id, place.left, row_number() OVER (PARTITION BY one.promo_id ORDER BY one.redeemed_at, one.id) AS nth
    FROM by_customer one JOIN place ON place.id = one.promo_id
   WHERE one.customer_id IS NULL OR one.nth <= place.customer_limit
), held AS (
  SELECT r.id FROM promo_redemption r JOIN chosen ON chosen.id = r.id
   WHERE r.group_id = $1 AND chosen.nth <= chosen.left AND r.is_beyond_limit AND r.released_at IS NULL
   ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED
)
UPDATE promo_redemption r SET is_beyond_limit = false FROM held WHERE r.group_id = $1 AND r.id = held.id
RETURNING r.id, r.promo_id
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
    has_place: bool = False
    """Whether it had one until now: somebody else's, or with another code, it keeps it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What was moved: its promos are held."""

    codes: list[int]
    promos: list[int]


async def settle(
    tx: Transaction, *, gone: Sequence[Use] = (), come: Sequence[Use] = (), now: datetime
) -> Settled:
    """Count these uses no more, and those from now on; says of each that came whether it is beyond the limits.

    Their redemptions are held by the caller, who stores them and then calls `finish`.
    """
    every = [*gone, *come]
    settled = Settled(
        sorted({one.code_id for one in every if one.code_id is not None}),
        sorted({one.promo_id for one in every}),
    )
    if not every:
        return settled
    free = await _free_codes(tx, settled.codes)
    used = await _counters(tx, every, opening=bool(come))
    rows = await tx.fetch(_HOLD_PROMOS, tx.scope.group_id, settled.promos)
    promos = {row["id"]: row for row in rows}
    moved, beyond = _moves(gone)
    left = {ident: row["left"] - moved[ident] - beyond[ident] for ident, row in promos.items()}
    by_customer: Counter[tuple[int, int]] = Counter()
    for one in gone:
        if one.customer_id is not None:
            by_customer[one.promo_id, one.customer_id] -= 1
        if one.code_id is not None and not one.is_beyond:
            free.add(one.code_id)
    for one in come:
        promo = promos[one.promo_id]
        was_told = one.is_new and promo["used_as_of"] is not None and one.at <= promo["used_as_of"]
        if not was_told:
            one.is_beyond = (
                (left[one.promo_id] <= 0 and not one.has_place)
                or (one.code_id is not None and one.code_id not in free)
                or (
                    one.customer_id is not None
                    and used.get((one.promo_id, one.customer_id), 0)
                    + by_customer[one.promo_id, one.customer_id]
                    >= promo["customer_limit"]
                )
            )
            left[one.promo_id] -= 1
            (beyond if one.is_beyond else moved)[one.promo_id] += 1
        if one.customer_id is not None:
            by_customer[one.promo_id, one.customer_id] += 1
        if one.code_id is not None and not one.is_beyond:
            free.discard(one.code_id)
    await _count(tx, by_customer, moved, beyond)
    return settled


async def finish(tx: Transaction, settled: Settled, *, now: datetime) -> set[int]:
    """Once the redemptions are stored: their codes say whether they are used, and places that came free are taken.

    Returns the redemptions that have a place from now on.
    """
    if settled.codes:
        await tx.execute(_SET_CODES, tx.scope.group_id, settled.codes, now)
    return await take_in(tx, settled.promos)


async def take_in(tx: Transaction, promos: Sequence[int]) -> set[int]:
    """Give what is beyond the limits of these promos, which are held, the places that are free; which ones."""
    if not promos:
        return set()
    rows = await tx.fetch(_TAKE_IN, tx.scope.group_id, list(promos))
    if rows:
        taken = Counter(row["promo_id"] for row in rows)
        await _count(tx, Counter(), taken, Counter({one: -uses for one, uses in taken.items()}))
    return {row["id"] for row in rows}


async def _free_codes(tx: Transaction, codes: Sequence[int]) -> set[int]:
    """Hold these generated codes; those that are free."""
    if not codes:
        return set()
    rows = await tx.fetch(_HOLD_CODES, tx.scope.group_id, codes)
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


__all__ = ["Settled", "Use", "finish", "settle", "take_in"]
