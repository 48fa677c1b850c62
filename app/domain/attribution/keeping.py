"""The headline's revenue where the group's model shares sales among touches: kept up to date by the worker.

Whoever writes sales or touches says whose they are (`note_sales`); the worker shares these customers' sales anew and
moves the facts by what changed. So a touch that is told late moves what it should, once. Where orders carry their
campaign there is nothing to keep.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.attribution.models import Model
from app.domain.attribution.sharing import SaleShare, shares_of_event_metrics, shares_of_orders
from app.domain.metrics.entries import UNKNOWN_CHANNEL
from app.domain.metrics.facts import settle_headlines
from app.domain.metrics.operations import Measured, count_measured
from app.tables.metrics import Source

REVENUE = "turnover"
"""The statistic of events that is revenue."""
CUSTOMERS_AT_ONCE = 500
CAMPAIGNS_AT_ONCE = 50

_NOTE = f"""
INSERT INTO sale_change (group_id, customer_id)
SELECT $1, given FROM unnest($2::bigint[]) AS given
 WHERE EXISTS (SELECT FROM customer_group WHERE id = $1 AND attribution_model <> '{Model.CARRIED}')
"""
_NOTE_ALL = "INSERT INTO sale_change (group_id, customer_id) VALUES ($1, NULL)"
_MODEL = "SELECT attribution_model FROM customer_group WHERE id = $1"
_ORDERS = "SELECT id FROM customer_order WHERE group_id = $1 AND customer_id = ANY ($2)"
_METRICS = f"""
SELECT id FROM event_metric
 WHERE group_id = $1 AND customer_id = ANY ($2) AND storage_key = '{REVENUE}' AND kind = 'statistic'
"""
_KEPT = """
SELECT id, customer_id, order_id, metric_id, campaign_id, day, channel, currency, amount FROM attributed_share
 WHERE group_id = $1 AND customer_id = ANY ($2)
"""
_FORGET = "DELETE FROM attributed_share WHERE group_id = $1 AND id = ANY ($2)"
_KEEP = """
INSERT INTO attributed_share
  (group_id, created_at, customer_id, order_id, metric_id, campaign_id, day, channel, currency, amount)
SELECT $1, $2, given.*
  FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::date[], $8::text[], $9::text[],
              $10::numeric[]) AS given
"""
_OWNERS = """
SELECT o.id, o.customer_id, true AS is_order FROM customer_order o WHERE o.group_id = $1 AND o.id = ANY ($2)
UNION ALL
SELECT m.id, m.customer_id, false FROM event_metric m WHERE m.group_id = $1 AND m.id = ANY ($3)
"""
# Whoever has sales, or had some shared.
_NEXT_CUSTOMERS = f"""
SELECT id FROM customer c
 WHERE group_id = $1 AND id > $2
   AND (EXISTS (SELECT FROM customer_order o WHERE o.group_id = $1 AND o.customer_id = c.id)
        OR EXISTS (SELECT FROM event_metric m WHERE m.group_id = $1 AND m.customer_id = c.id
                      AND m.storage_key = '{REVENUE}'))
 ORDER BY id LIMIT {CUSTOMERS_AT_ONCE}
"""
_NEXT_CAMPAIGNS = f"""
SELECT id, store_id FROM campaign WHERE group_id = $1 AND id > $2
   AND EXISTS (SELECT FROM metric_fact f WHERE f.group_id = $1 AND f.campaign_id = campaign.id
                  AND f.source IN ('{Source.ORDERS}', '{Source.ATTRIBUTED}'))
 ORDER BY id LIMIT {CAMPAIGNS_AT_ONCE} FOR NO KEY UPDATE
"""
_KEYS = """
SELECT DISTINCT campaign_id, day, channel FROM metric_fact WHERE group_id = $1 AND campaign_id = ANY ($2)
"""
Row = tuple[int, int | None, int | None, int, date, str, str, Decimal]
"""Customer, order or statistic, campaign, day, channel, currency, amount."""


async def note_sales(tx: Transaction, customer_ids: Iterable[int | None]) -> None:
    """Sales or touches of these changed. To be called by whatever writes either."""
    known = sorted({ident for ident in customer_ids if ident is not None})
    if known:
        await tx.execute(_NOTE, tx.scope.group_id, known)


async def note_all_sales(tx: Transaction) -> None:
    """The group shares by another model, or looks back another time."""
    await tx.execute(_NOTE_ALL, tx.scope.group_id)


async def is_carried(tx: Transaction) -> bool:
    """Whether the group's revenue is what orders carry."""
    return bool(await tx.fetchval(_MODEL, tx.scope.group_id) == Model.CARRIED)


async def share_again(tx: Transaction, customer_ids: Collection[int], *, now: datetime) -> None:
    """Share the sales of these customers anew, and move the facts by what changed."""
    group_id, wanted = tx.scope.group_id, sorted(set(customer_ids))
    orders = [row["id"] for row in await tx.fetch(_ORDERS, group_id, wanted)]
    metrics = [row["id"] for row in await tx.fetch(_METRICS, group_id, wanted)]
    owners = {
        (row["is_order"], row["id"]): row["customer_id"]
        for row in await tx.fetch(_OWNERS, group_id, orders, metrics)
    }
    new = [
        *_rows(await shares_of_orders(tx, orders), owners, is_order=True),
        *_rows(await shares_of_event_metrics(tx, metrics), owners, is_order=False),
    ]
    kept = {_row(row): row["id"] for row in await tx.fetch(_KEPT, group_id, wanted)}
    gone = [row for row in kept if row not in set(new)]
    come = [row for row in new if row not in kept]
    if gone:
        await tx.execute(_FORGET, group_id, [kept[row] for row in gone])
    if come:
        await tx.execute(_KEEP, group_id, now, *([row[n] for row in come] for n in range(8)))
    await _move(tx, gone, come, now=now)


async def next_customers(tx: Transaction, after: int) -> list[int]:
    """Some who have sales, by id."""
    return [row["id"] for row in await tx.fetch(_NEXT_CUSTOMERS, tx.scope.group_id, after)]


async def settle_next_campaigns(tx: Transaction, after: int, *, now: datetime) -> int | None:
    """Make the headlines of some campaigns anew, by id; the last of them, or None where there are no more."""
    stores = {row["id"]: row["store_id"] for row in await tx.fetch(_NEXT_CAMPAIGNS, tx.scope.group_id, after)}
    if not stores:
        return None
    keys = await tx.fetch(_KEYS, tx.scope.group_id, sorted(stores))
    await settle_headlines(
        tx, [(row["campaign_id"], row["day"], row["channel"]) for row in keys], stores, now=now
    )
    return max(stores)


def _rows(shares: Sequence[SaleShare], owners: dict[tuple[bool, int], int], *, is_order: bool) -> list[Row]:
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for share in shares:
        if share.campaign_id is not None:
            sale = (share.sale_id, None) if is_order else (None, share.sale_id)
            channel = share.channel or UNKNOWN_CHANNEL
            key = (
                owners[is_order, share.sale_id],
                *sale,
                share.campaign_id,
                share.day,
                channel,
                share.currency,
            )
            sums[key] += share.amount
    return [(*key, amount) for key, amount in sums.items() if amount]  # type: ignore[misc]


def _row(row: Any) -> Row:
    return (
        row["customer_id"], row["order_id"], row["metric_id"], row["campaign_id"], row["day"], row["channel"],
        row["currency"], row["amount"],
    )  # fmt: skip


async def _move(tx: Transaction, gone: Sequence[Row], come: Sequence[Row], *, now: datetime) -> None:
    moves: dict[tuple[int, date, str, str], Decimal] = defaultdict(Decimal)
    for sign, rows in ((-1, gone), (1, come)):
        for _, _, _, campaign, day, channel, currency, amount in rows:
            moves[campaign, day, channel, currency] += sign * amount
    measured = [
        Measured(campaign_id=campaign, day=day, channel=channel, currency=currency, numbers={"revenue": by})
        for (campaign, day, channel, currency), by in moves.items()
        if by
    ]
    await count_measured(tx, measured, source=Source.ATTRIBUTED, now=now)
