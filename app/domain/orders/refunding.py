"""Giving money of an order back, and calling an order off."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from app.db.constraints import refusals
from app.db.database import FetchedRow, Transaction
from app.domain import inputs
from app.domain.customers.operations import whole_audience
from app.domain.orders.entries import order_reference
from app.domain.orders.following import Move, follow
from app.domain.orders.states import Sale
from app.domain.orders.storing import Stored, held_orders, update_orders
from app.errors import Conflict, Invalid, NotFound
from app.values.ids import show_id
from app.values.money import show_amount

_NAMED = """
SELECT reference FROM customer_order
 WHERE group_id = $1 AND ($2::bigint IS NULL OR store_id = $2)
   AND CASE WHEN $3::bigint IS NULL THEN reference = $4 ELSE id = $3 END
"""
_SAME = "SELECT order_id, amount FROM order_refund WHERE group_id = $1 AND reference = $2"
_ADD = """
INSERT INTO order_refund (group_id, created_at, refunded_at, order_id, reference, amount, currency)
VALUES ($1, $2, $2, $3, $4, $5, $6) ON CONFLICT (group_id, reference) DO NOTHING RETURNING id
"""


async def refund_order(
    tx: Transaction,
    *,
    order_id: int | None,
    order: str | None,
    amount: Decimal | None,
    reference: str,
    now: datetime,
) -> int:
    """Give this much of an order back, or all that is left; the order's id.

    The same reference again is the same refund. The order is named by its id or its reference. Conflict where less is
    left.
    """
    reference = order_reference(reference, ["reference"])
    if amount is not None and inputs.amount(amount, ["amount"]) == 0:
        raise Invalid("A refund gives something back: `amount` is more than 0.", path=["amount"])
    name, stored = await held_order(tx, order_id, order)
    same = await tx.fetchrow(_SAME, tx.scope.group_id, reference)
    if same is not None:
        return _repeated(same, stored, amount, reference)
    if amount is not None:
        inputs.coins(amount, stored.sale.currency, ["amount"])
    left = stored.sale.amount - stored.sale.refunds
    if left <= 0:
        raise Conflict("All of this order was given back already.", path=["amount"], code="NOTHING_LEFT")
    if amount is not None and amount > left:
        raise Conflict(
            f"Of this order {show_amount(left, stored.sale.currency)} {stored.sale.currency} can be given back,"
            f" not {amount}.",
            path=["amount"],
            code="REFUND_TOO_LARGE",
        )
    with refusals():
        given = left if amount is None else amount
        currency = stored.sale.currency
        if await tx.fetchval(_ADD, tx.scope.group_id, now, stored.id, reference, given, currency) is None:
            # Another order's, a moment ago: this order's are held.
            raise _taken(reference)
        sale = replace(stored.sale, refunds=stored.sale.refunds + given)
        await _store(tx, name, stored, sale, now=now)
    return stored.id


async def cancel_order(tx: Transaction, *, order_id: int | None, order: str | None, now: datetime) -> int:
    """Say that an order does not hold any more; its id. Twice is once."""
    name, stored = await held_order(tx, order_id, order)
    sale = replace(stored.sale, is_called_off=True, cancelled_at=stored.sale.cancelled_at or now)
    with refusals():
        await _store(tx, name, stored, sale, now=now)
    return stored.id


async def held_order(tx: Transaction, order_id: int | None, order: str | None) -> tuple[str, Stored]:
    """The order's reference, and the order, held. It is named by its id or its reference; NotFound else."""
    whole_audience(tx)
    if (order_id is None) == (order is None):
        raise Invalid(
            "Name the order by one of `orderId` and `orderReference`.", path=["orderId"], code="ORDER_UNNAMED"
        )
    group, store = tx.scope.group_id, tx.scope.store_id
    name = await tx.fetchval(_NAMED, group, store, order_id, order)
    # Not there any more either: deleted while we waited.
    stored = None if name is None else (await held_orders(tx, [name])).get(name)
    if stored is None or order_id not in (None, stored.id):
        path = ["orderReference"] if order_id is None else ["orderId"]
        raise NotFound("order", order if order_id is None else show_id("order", order_id), path=path)
    return name, stored


async def _store(tx: Transaction, name: str, stored: Stored, sale: Sale, *, now: datetime) -> None:
    if sale != stored.sale:
        await update_orders(tx, {name: sale}, now=now)
        await follow(tx, [Move(name, stored.sale, sale)], now=now)


def _repeated(same: FetchedRow, stored: Stored, amount: Decimal | None, reference: str) -> int:
    if same["order_id"] != stored.id or amount not in (None, same["amount"]):
        raise _taken(reference)
    return stored.id


def _taken(reference: str) -> Conflict:
    return Conflict(
        f"The reference {reference[:80]} stands for another refund; every refund has one of its own.",
        path=["reference"],
        code="REFERENCE_TAKEN",
    )


__all__ = ["cancel_order", "held_order", "refund_order"]
