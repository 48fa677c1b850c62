"""What follows from orders, moved by what truly changed, in the transaction that changes them.

Locks are taken in one order by all writers: sales by reference, orders, customers by id, what events tell of the same
sales, uses of promos, campaigns by id, balances, rollups of metrics, rollups of orders.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.groups.finding import currency_of_group
from app.domain.metrics.entries import UNKNOWN_CHANNEL
from app.domain.metrics.facts import Key
from app.domain.metrics.opening import settle_totals, take_from_totals
from app.domain.metrics.operations import Measured, count_measured
from app.domain.orders.states import NOTHING, Sale
from app.domain.orders.sums import Counted, move_sums
from app.domain.promos.of_orders import OrderMove, OrderUse, follow_orders
from app.domain.promos.restating import restate
from app.domain.rewards.of_sales import campaigns_of, follow_sales
from app.domain.sales.references import mark_told_by_orders
from app.domain.segments.changes import note_audience_change
from app.tables.metrics import Source
from app.values.instants import read_instant

Day = tuple[int, date, str, str]
"""A campaign, a day, a channel and a currency."""


@dataclass(frozen=True, slots=True)
class Move:
    """An order as it was and as it is."""

    reference: str
    before: Sale | None
    after: Sale
    code_id: int | None = None
    """The generated code it is told with now."""

    @property
    def sides(self) -> list[tuple[int, Sale]]:
        """What is taken back, and what is added."""
        return [(1, self.after)] if self.before is None else [(-1, self.before), (1, self.after)]

    @property
    def stands_otherwise(self) -> bool:
        """What was given for it is to be taken back, or to be given again, as a whole or in part."""
        before, after = self.before, self.after
        # An order that is new may have been there before, and been deleted.
        if before is None or (before.stands, before.refunded) != (after.stands, after.refunded):
            return True
        return after.refunded > NOTHING and before.amount != after.amount

    @property
    def of_promo(self) -> OrderMove:
        """The same, as its promo needs to know it."""
        before = None if self.before is None else _used_by(self.reference, self.before, None)
        return OrderMove(before, _used_by(self.reference, self.after, self.code_id))


def _used_by(reference: str, sale: Sale, code_id: int | None) -> OrderUse:
    return OrderUse(
        reference=reference, promo_id=sale.promo_id, customer_id=sale.customer_id, store_id=sale.store_id,
        amount=sale.amount, currency=sale.currency, ordered_at=sale.ordered_at, stands=sale.stands, code_id=code_id,
    )  # fmt: skip


_LOCK = """
SELECT id, totals_as_of FROM customer WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""
# Never below nothing: totals may have been told that know less than the orders here.
_MOVE_FACTS = """
UPDATE customer c
   SET order_count = greatest(c.order_count + given.orders, 0), total_spent = greatest(c.total_spent + given.spent, 0),
       last_order_at = greatest(c.told_last_order_at,
                                (SELECT max(o.ordered_at) FROM customer_order o
                                  WHERE o.group_id = $1 AND o.customer_id = c.id AND o.cancelled_at IS NULL)),
       updated_at = $2
  FROM unnest($3::bigint[], $4::bigint[], $5::numeric[]) AS given (id, orders, spent)
 WHERE c.group_id = $1 AND c.id = given.id
"""
_HOLD_CAMPAIGNS = """
SELECT campaign.id, campaign.currency, campaign.opening ->> 'until' AS totals_until FROM campaign
 WHERE campaign.group_id = $1 AND campaign.id = ANY ($2) ORDER BY campaign.id FOR NO KEY UPDATE
"""
_IN_REACH = f"SELECT campaign.id FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4)"


async def follow(tx: Transaction, moves: Sequence[Move], *, now: datetime) -> list[str]:
    """Let everything that hangs on these orders, which are stored and held, be as they are now.

    Returns the references of those whose promo's limits were used up.
    """
    if not moves:
        return []
    await _move_facts(tx, moves, now=now)
    await note_audience_change(tx)
    await mark_told_by_orders(tx, [move.reference for move in moves if move.before is None])
    await restate(tx, (move.of_promo for move in moves))
    beyond = await follow_orders(tx, (move.of_promo for move in moves), now=now)
    otherwise = [move.reference for move in moves if move.stands_otherwise]
    rewarding = await campaigns_of(tx, otherwise)
    counting = {sale.campaign_id for move in moves for _, sale in move.sides if sale.campaign_id is not None}
    rows = await tx.fetch(_HOLD_CAMPAIGNS, tx.scope.group_id, sorted(counting | rewarding))
    await follow_sales(tx, otherwise, rewarding, now=now)
    await note_sales(tx, (sale.customer_id for move in moves for _, sale in move.sides))
    await _move_metrics(tx, moves, {row["id"]: row for row in rows}, now=now)
    # Last: its rows are the stores', and whoever holds them keeps others waiting.
    await move_sums(tx, [Counted(sign, sale) for move in moves for sign, sale in move.sides], now=now)
    return beyond


async def _move_facts(tx: Transaction, moves: Sequence[Move], *, now: datetime) -> None:
    """Amounts in other currencies than the group's stay with their orders; they are not added up here."""
    currency = await currency_of_group(tx)
    ids = sorted({sale.customer_id for move in moves for _, sale in move.sides})
    rows = await tx.fetch(_LOCK, tx.scope.group_id, ids)
    as_of: dict[int, datetime | None] = {row["id"]: row["totals_as_of"] for row in rows}
    facts: dict[int, tuple[int, Decimal]] = {ident: (0, NOTHING) for ident in ids}
    for move in moves:
        for sign, sale in move.sides:
            counted_until = as_of[sale.customer_id]
            if counted_until is not None and sale.ordered_at <= counted_until:
                continue  # The totals that were told have it.
            count, spent = facts[sale.customer_id]
            count += sign * (sale.cancelled_at is None)
            spent += sign * sale.worth if sale.currency == currency else NOTHING
            facts[sale.customer_id] = (count, spent)
    columns = [[facts[ident][n] for ident in ids] for n in range(2)]
    await tx.execute(_MOVE_FACTS, tx.scope.group_id, now, ids, *columns)


async def _move_metrics(
    tx: Transaction, moves: Sequence[Move], campaigns: dict[int, Any], *, now: datetime
) -> None:
    sums: defaultdict[Day, tuple[int, Decimal]] = defaultdict(lambda: (0, NOTHING))
    known: defaultdict[Key, dict[str, Decimal]] = defaultdict(
        lambda: {"conversions": NOTHING, "revenue": NOTHING}
    )
    corrected: set[int] = set()
    for move in moves:
        for sign, sale in move.sides:
            if sale.campaign_id is None:
                continue
            campaign = campaigns[sale.campaign_id]
            count = sign * sale.is_conversion
            revenue = sign * sale.worth
            key = (sale.campaign_id, sale.ordered_on, sale.channel or UNKNOWN_CHANNEL, sale.currency)
            sums[key] = (sums[key][0] + count, sums[key][1] + revenue)
            until = campaign["totals_until"]
            if until is not None and sale.ordered_at <= read_instant(until):
                if move.before is not None:
                    corrected.add(sale.campaign_id)
                else:
                    known[key[:3]]["conversions"] += count
                    if sale.currency == campaign["currency"]:
                        known[key[:3]]["revenue"] += revenue
    measured = [
        Measured(
            campaign_id=campaign, day=day, channel=channel, currency=currency,
            numbers={"conversions": count, "revenue": revenue},
        )
        for (campaign, day, channel, currency), (count, revenue) in sums.items()
        if (count, revenue) != (0, NOTHING)
    ]  # fmt: skip
    await count_measured(tx, measured, source=Source.ORDERS, now=now)
    # What the campaign's totals, counted elsewhere, have already.
    if known:
        await take_from_totals(tx, known, now=now)
    for campaign_id in await _in_reach(tx, corrected):
        await settle_totals(tx, campaign_id, now=now)


async def _in_reach(tx: Transaction, ids: Collection[int]) -> list[int]:
    if not ids:
        return []
    rows = await tx.fetch(_IN_REACH, *borders(tx.scope), sorted(ids))
    return sorted(row["id"] for row in rows)


__all__ = ["Move", "follow"]
