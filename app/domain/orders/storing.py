"""Orders' rows: held, read, written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.orders.states import Sale
from app.domain.sales.references import hold_sales

_KNOWN = """
SELECT o.id, o.reference, o.customer_id, o.store_id, o.campaign_id, o.promo_id, o.promo_code, o.channel, o.currency,
       o.amount, o.ordered_at, o.ordered_on, o.version, o.told_refunded, o.cancelled_at, o.is_called_off
  FROM customer_order o
 WHERE o.group_id = $1 AND o.reference = ANY ($2) ORDER BY o.reference FOR NO KEY UPDATE
"""
# After the orders are held: whoever adds a refund holds its order.
_REFUNDS = """
SELECT order_id, sum(amount) AS amount FROM order_refund
 WHERE group_id = $1 AND order_id = ANY ($2) GROUP BY order_id
"""
_COLUMNS = (
    "reference, customer_id, store_id, campaign_id, promo_id, channel, amount, currency, ordered_at, ordered_on,"
    " version, told_refunded, refunded, cancelled_at, is_called_off, promo_code"
)
_GIVEN = (
    "unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::numeric[],"
    " $10::text[], $11::timestamptz[], $12::date[], $13::bigint[], $14::numeric[],"
    f" $15::numeric[], $16::timestamptz[], $17::boolean[], $18::text[]) AS given ({_COLUMNS})"
)
_INSERT = f"""
INSERT INTO customer_order (group_id, created_at, updated_at, {_COLUMNS})
SELECT $1, $2, $2, given.* FROM {_GIVEN}
RETURNING id, reference
"""
_UPDATE = f"""
UPDATE customer_order o
   SET {", ".join(f"{name} = given.{name}" for name in _COLUMNS.split(", ")[1:])}, updated_at = $2
  FROM {_GIVEN}
 WHERE o.group_id = $1 AND o.reference = given.reference
"""
# Refunds are in their order's currency.
_REFUNDS_TOO = """
UPDATE order_refund r SET currency = o.currency FROM customer_order o
 WHERE o.group_id = $1 AND o.reference = ANY ($2) AND r.group_id = $1 AND r.order_id = o.id AND r.currency <> o.currency
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An order's row, held."""

    id: int
    sale: Sale


async def held_orders(tx: Transaction, references: Sequence[str]) -> dict[str, Stored]:
    """Have everybody else who tells these sales wait; those that are stored, by reference."""
    await hold_sales(tx, references)
    rows = await tx.fetch(_KNOWN, tx.scope.group_id, list(references))
    if not rows:
        return {}
    given = await tx.fetch(_REFUNDS, tx.scope.group_id, [row["id"] for row in rows])
    refunds = {row["order_id"]: row["amount"] for row in given}
    return {row["reference"]: Stored(row["id"], _sale(row, refunds.get(row["id"]))) for row in rows}


def _sale(row: Any, refunds: Decimal | None) -> Sale:
    return Sale(
        **{name: row[name] for name in row.keys() if name not in ("id", "reference")},
        refunds=refunds or Decimal(0),
    )


async def insert_orders(tx: Transaction, sales: Mapping[str, Sale], *, now: datetime) -> dict[str, int]:
    """Store new orders; their ids, by reference."""
    if not sales:
        return {}
    rows = await tx.fetch(_INSERT, tx.scope.group_id, now, *_columns(sales))
    return {row["reference"]: row["id"] for row in rows}


async def update_orders(tx: Transaction, sales: Mapping[str, Sale], *, now: datetime) -> None:
    """Store known orders as they are now."""
    if sales:
        await tx.execute(_UPDATE, tx.scope.group_id, now, *_columns(sales))
        refunded = [reference for reference, one in sales.items() if one.refunds]
        if refunded:
            await tx.execute(_REFUNDS_TOO, tx.scope.group_id, refunded)


def _columns(sales: Mapping[str, Sale]) -> list[list[Any]]:
    rows = [
        (
            reference, one.customer_id, one.store_id, one.campaign_id, one.promo_id, one.channel, one.amount,
            one.currency, one.ordered_at, one.ordered_on, one.version, one.told_refunded, one.refunded,
            one.cancelled_at, one.is_called_off, one.promo_code,
        )
        for reference, one in sorted(sales.items())
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


__all__ = ["Stored", "held_orders", "insert_orders", "update_orders"]
