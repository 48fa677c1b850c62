"""Taking away an order that was recorded by mistake: what hangs on it is taken back as by a cancellation, then it goes.

Its reference is free again, so a report that still tells it records it anew, as another order; a reward that is asked
for by it is another one, too.
"""

from dataclasses import replace
from datetime import datetime

from app.db.database import Transaction
from app.domain.orders.following import Move, follow
from app.domain.orders.refunding import held_order
from app.domain.orders.storing import update_orders
from app.domain.orders.sums import Counted, move_sums
from app.domain.rewards.of_sales import free_reference
from app.domain.sales.references import tell_by_events

# Before what events tell of the sale, as all writers of orders do.
_HOLD_CUSTOMER = "SELECT id FROM customer WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE"
_FORGET_IDS = "DELETE FROM external_id WHERE group_id = $1 AND kind = 'order' AND row_id = $2"
# With its refunds.
_DELETE = "DELETE FROM customer_order WHERE group_id = $1 AND id = $2"


async def delete_order(tx: Transaction, *, order_id: int | None, order: str | None, now: datetime) -> int:
    """Delete an order; the id it had. It is named by its id or its reference; NotFound where there is none.

    Statistics of events that told the same sale count again, since no order tells it any more.
    """
    name, stored = await held_order(tx, order_id, order)
    group_id, before = tx.scope.group_id, stored.sale
    await tx.fetch(_HOLD_CUSTOMER, group_id, before.customer_id)
    await tell_by_events(tx, [name])
    gone = replace(before, is_called_off=True, cancelled_at=before.cancelled_at or now)
    # It is there while rewards that were paid for it are looked for.
    await update_orders(tx, {name: gone}, now=now)
    await follow(tx, [Move(name, before, gone)], now=now)
    await free_reference(tx, name)
    await move_sums(tx, [Counted(-1, gone)], now=now)
    await tx.execute(_FORGET_IDS, group_id, stored.id)
    await tx.execute(_DELETE, group_id, stored.id)
    return stored.id


__all__ = ["delete_order"]
