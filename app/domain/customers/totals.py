"""Totals of customers that another system counted, and the orders recorded here since.

Such totals say up to when they count (`totals_as_of`). What a customer's row says is then always these totals and the
orders recorded here that were made later: an order made before that moment is in them already, whenever it comes in.
So what was told can be had back from the row and the later orders, and telling the same again changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.errors import Failure

TOTALS = ("order_count", "total_spent")
# What each customer's row says, and which orders came after the moment its totals count up to (`then`: the one it has,
# `now`: the one that is told). Orders in other currencies count, but are not added up.
_STANDING = """
SELECT asked.place, c.order_count, c.total_spent, c.last_order_at, c.told_last_order_at, c.totals_as_of,
       later.orders_then, later.spent_then, later.orders_now, later.spent_now,
       (SELECT max(o.ordered_at) FROM customer_order o
         WHERE o.group_id = $1 AND o.customer_id = c.id AND o.cancelled_at IS NULL) AS latest
  FROM unnest($2::int[], $3::bigint[], $4::timestamptz[]) AS asked (place, id, as_of)
  JOIN customer c ON c.group_id = $1 AND c.id = asked.id
  JOIN customer_group g ON g.id = $1
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE after_then) AS orders_then, count(*) FILTER (WHERE after_now) AS orders_now,
              coalesce(sum(worth) FILTER (WHERE after_then AND counted), 0) AS spent_then,
              coalesce(sum(worth) FILTER (WHERE after_now AND counted), 0) AS spent_now
         FROM (SELECT o.worth, o.currency = g.currency AS counted, o.ordered_at > c.totals_as_of AS after_then,
                      o.ordered_at > asked.as_of AS after_now
                 FROM customer_order o
                WHERE o.group_id = $1 AND o.customer_id = c.id AND o.cancelled_at IS NULL
                  AND o.ordered_at > least(asked.as_of, c.totals_as_of)) AS one) AS later
"""


def check_moments(values: Sequence[dict[str, Any]], *, now: datetime) -> list[Failure]:
    """Bring the moments that totals count up to back to now: later ones would swallow orders nobody has made yet."""
    faults: list[Failure] = []
    for at, row in enumerate(values):
        if row.get("totals_as_of") is not None:
            try:
                told = inputs.past(row["totals_as_of"], ["customers", at, "totalsAsOf"], now=now)
                row["totals_as_of"] = min(told, now)
            except Failure as failure:
                faults.append(failure)
    return faults


async def settle_totals(tx: Transaction, values: Sequence[dict[str, Any]], known: Mapping[int, int]) -> None:
    """Turn totals that count up to a moment into what the rows of known customers will say.

    `values` are by column, `known` says which of them is which customer. The caller holds the customers' locks, or
    only wants to know.
    """
    asked = [
        place for place in known if values[place].get("totals_as_of") is not None and _told(values[place])
    ]
    if not asked:
        return
    rows = await tx.fetch(
        _STANDING,
        tx.scope.group_id,
        asked,
        [known[place] for place in asked],
        [values[place]["totals_as_of"] for place in asked],
    )
    for row in rows:
        _settle(values[row["place"]], row)


def _told(values: Mapping[str, Any]) -> list[str]:
    return [name for name in TOTALS if name in values]


def _settle(values: dict[str, Any], row: Any) -> None:
    before: datetime | None = row["totals_as_of"]
    then = {"order_count": row["orders_then"], "total_spent": row["spent_then"]}
    since = {"order_count": row["orders_now"], "total_spent": row["spent_now"]}
    told = _told(values)
    is_same = before is not None and all(Decimal(values[n]) == row[n] - then[n] for n in told)
    is_older = before is not None and values["totals_as_of"] < before
    if is_same or is_older:
        for name in (*told, "totals_as_of"):
            del values[name]
    else:
        for name in told:
            values[name] += since[name]
    if "last_order_at" in values:
        # Of the moments that are known the latest is right, whoever told it.
        moments = [at for at in (values["last_order_at"], row["latest"]) if at is not None]
        if (is_older or is_same) and row["told_last_order_at"] is not None:
            moments.append(row["told_last_order_at"])
            values["told_last_order_at"] = max(
                filter(None, (row["told_last_order_at"], values["last_order_at"]))
            )
        values["last_order_at"] = max(moments, default=None)
