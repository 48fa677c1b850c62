"""Orders with a promo's code are uses of it: counted with the order, given back when it does not stand any more.

A use is an order's where its key is the order's reference. One that was redeemed by a call with that key is the same
use, whichever came first, and counts once. The order happened: where the promo's limits are used up, its use is
recorded all the same, beyond them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.promos.book import Use, finish, settle

_HELD = """
SELECT id, key, promo_id, customer_id, code_id, place, redeemed_at, released_at, is_given_back_by_order,
       is_beyond_limit
  FROM promo_redemption WHERE group_id = $1 AND key = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
_ADD = """
INSERT INTO promo_redemption
  (group_id, created_at, key, promo_id, customer_id, store_id, code_id, basket_total, discount, currency, redeemed_at)
SELECT $1, $2, given.key, given.promo_id, given.customer_id, given.store_id, given.code_id, given.amount, 0,
       given.currency, given.ordered_at
  FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::numeric[], $9::text[],
              $10::timestamptz[])
    AS given (key, promo_id, customer_id, store_id, code_id, amount, currency, ordered_at)
 ORDER BY given.key
ON CONFLICT (group_id, key, promo_id) DO NOTHING
RETURNING id, key, promo_id
"""
_STORE = """
UPDATE promo_redemption r
   SET released_at = given.released_at, is_given_back_by_order = given.by_order, is_beyond_limit = given.is_beyond,
       customer_id = given.customer_id, code_id = given.code_id
  FROM unnest($2::bigint[], $3::timestamptz[], $4::boolean[], $5::boolean[], $6::bigint[], $7::bigint[])
    AS given (id, released_at, by_order, is_beyond, customer_id, code_id)
 WHERE r.group_id = $1 AND r.id = given.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUse:
    """An order as its promo needs to know it."""

    reference: str
    promo_id: int | None
    customer_id: int
    store_id: int
    amount: Decimal
    currency: str
    ordered_at: datetime
    stands: bool
    code_id: int | None = None
    """The generated code, where it came with one."""


@dataclass(frozen=True, slots=True)
class OrderMove:
    """An order as it was and as it is."""

    before: OrderUse | None
    after: OrderUse

    @property
    def takes(self) -> bool:
        """Whether its promo is used from now on."""
        one, was = self.after, self.before
        if not one.stands or one.promo_id is None:
            return False
        return was is None or not was.stands or was.promo_id != one.promo_id

    @property
    def falls(self) -> bool:
        """Whether it stands no more."""
        return not self.after.stands and (self.before is None or self.before.stands)

    @property
    def rises(self) -> bool:
        """Whether it stands again."""
        return self.after.stands and self.before is not None and not self.before.stands

    @property
    def left_promo(self) -> int | None:
        """The promo it came with before, where it is another one now."""
        was = None if self.before is None else self.before.promo_id
        return was if was != self.after.promo_id else None

    @property
    def changes_customer(self) -> bool:
        """Whether it is somebody else's now."""
        return self.before is not None and self.before.customer_id != self.after.customer_id

    def gives(self, row: Any) -> bool:
        """Whether this use is the order's customer's from now on: it was its former one's, or nobody's."""
        if self.before is not None and self.changes_customer:
            is_its_own = row["promo_id"] == self.after.promo_id and row["place"] is None
            return is_its_own or row["customer_id"] == self.before.customer_id
        return self.takes and row["customer_id"] is None

    @property
    def matters(self) -> bool:
        """Whether anything of its uses may have to change."""
        return self.takes or self.falls or self.rises or self.changes_customer or self.left_promo is not None


async def follow_orders(tx: Transaction, moves: Iterable[OrderMove], *, now: datetime) -> list[str]:
    """Let the uses of these orders' promos be as the orders are; the references of those beyond the limits, if any."""
    moving = {one.after.reference: one for one in moves if one.matters}
    if not moving:
        return []
    rows = list(await tx.fetch(_HELD, tx.scope.group_id, sorted(moving)))
    fresh = await _added(tx, moving, rows, now=now)
    if len(fresh) < sum(1 for one in _missing(moving, rows)):
        # Somebody redeemed with the reference as the key at the same moment.
        rows = [
            row for row in await tx.fetch(_HELD, tx.scope.group_id, sorted(moving)) if row["id"] not in fresh
        ]
    ledger = _Ledger(now)
    for row in rows:
        ledger.move(row, moving[row["key"]])
    for ident, one in fresh.items():
        assert one.promo_id is not None
        use = Use(one.promo_id, one.customer_id, one.code_id, one.ordered_at, is_new=True)
        ledger.come.append((ident, one.reference, use))
    settled = await settle(tx, gone=ledger.gone, come=[use for _, _, use in ledger.come], now=now)
    await ledger.store(tx)
    taken_in = await finish(tx, settled, now=now)
    return sorted(
        {reference for ident, reference, use in ledger.come if use.is_beyond and ident not in taken_in}
    )


class _Ledger:
    """What becomes of the uses on record."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.gone: list[Use] = []
        self.come: list[tuple[int, str, Use]] = []
        self._released: list[tuple[int, bool, Any]] = []

    def move(self, row: Any, order: OrderMove) -> None:
        counts = row["released_at"] is None
        is_its_promo = row["promo_id"] == order.after.promo_id
        if row["promo_id"] == order.left_promo:
            # For good: it is another promo's order now.
            if counts or row["is_given_back_by_order"]:
                self._release(row, counts=counts, by_order=False)
        elif order.falls and counts:
            self._release(row, counts=True, by_order=True)
        elif order.takes and is_its_promo and not counts:
            self._take(row, order.after, order.after.customer_id)
        elif order.rises and row["is_given_back_by_order"]:
            # Others that were used with the same key come and go with it, each by who used it.
            self._take(row, order.after, row["customer_id"])
        elif counts and order.gives(row):
            self.gone.append(_use_of(row))
            has_place = not row["is_beyond_limit"]
            self._take(row, order.after, order.after.customer_id, has_place=has_place)

    def _take(self, row: Any, order: OrderUse, customer_id: int | None, *, has_place: bool = False) -> None:
        code_id = row["code_id"]
        if code_id is None and row["promo_id"] == order.promo_id:
            code_id = order.code_id
        use = Use(row["promo_id"], customer_id, code_id, row["redeemed_at"], has_place=has_place)
        self.come.append((row["id"], order.reference, use))

    def _release(self, row: Any, *, counts: bool, by_order: bool) -> None:
        if counts:
            self.gone.append(_use_of(row))
        self._released.append((row["id"], by_order, row))

    async def store(self, tx: Transaction) -> None:
        """Write what became of them."""
        rows: list[tuple[int, datetime | None, bool, bool, int | None, int | None]] = [
            (ident, row["released_at"] or self.now, by_order, False, row["customer_id"], row["code_id"])
            for ident, by_order, row in self._released
        ]
        rows += [
            (ident, None, False, use.is_beyond, use.customer_id, use.code_id) for ident, _, use in self.come
        ]
        if rows:
            await tx.execute(_STORE, tx.scope.group_id, *(list(column) for column in zip(*rows, strict=True)))


def _use_of(row: Any) -> Use:
    return Use(
        row["promo_id"],
        row["customer_id"],
        row["code_id"],
        row["redeemed_at"],
        is_beyond=row["is_beyond_limit"],
    )


def _missing(moving: dict[str, OrderMove], rows: Sequence[Any]) -> list[OrderUse]:
    known = {(row["key"], row["promo_id"]) for row in rows}
    taking = [one.after for one in moving.values() if one.takes]
    return [one for one in taking if (one.reference, one.promo_id) not in known]


async def _added(
    tx: Transaction, moving: dict[str, OrderMove], rows: Sequence[Any], *, now: datetime
) -> dict[int, OrderUse]:
    """Uses that were not on record, by id."""
    missing = {one.reference: one for one in _missing(moving, rows)}
    if not missing:
        return {}
    columns = [
        (
            one.reference, one.promo_id, one.customer_id, one.store_id, one.code_id, one.amount, one.currency,
            one.ordered_at,
        )
        for one in missing.values()
    ]  # fmt: skip
    made = await tx.fetch(
        _ADD, tx.scope.group_id, now, *(list(column) for column in zip(*columns, strict=True))
    )
    return {row["id"]: missing[row["key"]] for row in sorted(made, key=lambda row: row["id"])}


__all__ = ["OrderMove", "OrderUse", "follow_orders"]
