"""What of the headline follows from touches: kept up to date by the worker, seconds behind what changed.

Two things do. Revenue, where the group's model shares sales among touches. And the channel of an order that says none
and whose campaign has several: that of the customer's last touch of the campaign.

Whoever writes sales or touches says whose they are (`note_sales`); the worker looks at these customers' sales anew and
moves the facts by what changed. So a touch that is told late moves what it should, once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.attribution.models import Model
from app.domain.attribution.sharing import SaleShare, shares_of_event_metrics, shares_of_orders
from app.domain.metrics.entries import UNKNOWN_CHANNEL
from app.domain.metrics.facts import settle_headlines
from app.domain.metrics.operations import Measured, count_measured
from app.tables.event_metrics import TURNOVER
from app.tables.metrics import Source

CUSTOMERS_AT_ONCE = 500
CAMPAIGNS_AT_ONCE = 50

_CHANNELLESS = f"o.group_id = $1 AND o.campaign_id IS NOT NULL AND o.channel = '{UNKNOWN_CHANNEL}'"
_NOTE = f"""
INSERT INTO sale_change (group_id, customer_id)
SELECT $1, given FROM unnest($2::bigint[]) AS given
 WHERE EXISTS (SELECT FROM customer_group WHERE id = $1 AND attribution_model <> '{Model.CARRIED}')
    OR EXISTS (SELECT FROM customer_order o WHERE {_CHANNELLESS} AND o.customer_id = given)
    OR EXISTS (SELECT FROM attributed_share a WHERE a.group_id = $1 AND a.customer_id = given)
"""
# Those whose shares depend on which channels a campaign has.
_NOTE_CAMPAIGN = f"""
INSERT INTO sale_change (group_id, customer_id)
SELECT $1, o.customer_id FROM customer_order o WHERE {_CHANNELLESS} AND o.campaign_id = $2
UNION
SELECT $1, a.customer_id FROM attributed_share a WHERE a.group_id = $1 AND a.campaign_id = $2
"""
_NOTE_ALL = "INSERT INTO sale_change (group_id, customer_id) VALUES ($1, NULL)"
_MODEL = "SELECT attribution_model FROM customer_group WHERE id = $1"
_ORDERS = "SELECT id FROM customer_order WHERE group_id = $1 AND customer_id = ANY ($2)"
_WITHOUT_CHANNEL = f"SELECT o.id FROM customer_order o WHERE {_CHANNELLESS} AND o.customer_id = ANY ($2)"
_METRICS = f"""
SELECT id FROM event_metric
 WHERE group_id = $1 AND customer_id = ANY ($2) AND storage_key = '{TURNOVER}' AND kind = 'statistic'
   AND occurred_at <= $3
"""
# An event may be dated ahead: it counts when its moment has come.
_LOOK_AGAIN = f"""
INSERT INTO sale_change (group_id, customer_id)
SELECT DISTINCT $1::bigint, customer_id FROM event_metric
 WHERE group_id = $1 AND customer_id = ANY ($2) AND storage_key = '{TURNOVER}' AND kind = 'statistic'
   AND occurred_at > $3
"""
_KEPT = """
SELECT id, source, customer_id, order_id, metric_id, campaign_id, day, channel, currency, amount
  FROM attributed_share
 WHERE group_id = $1 AND customer_id = ANY ($2)
"""
_FORGET = "DELETE FROM attributed_share WHERE group_id = $1 AND id = ANY ($2)"
_KEEP = """
INSERT INTO attributed_share
  (group_id, created_at, source, customer_id, order_id, metric_id, campaign_id, day, channel, currency, amount)
SELECT $1, $2, given.*
  FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::date[], $9::text[],
              $10::text[], $11::numeric[]) AS given
"""
# Whoever has sales, or had some shared.
_NEXT_CUSTOMERS = f"""
SELECT id FROM customer c
 WHERE group_id = $1 AND id > $2
   AND (EXISTS (SELECT FROM customer_order o WHERE o.group_id = $1 AND o.customer_id = c.id)
        OR EXISTS (SELECT FROM event_metric m WHERE m.group_id = $1 AND m.customer_id = c.id
                      AND m.storage_key = '{TURNOVER}'))
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
Row = tuple[str, int, int | None, int | None, int, date, str, str, Decimal]
"""Source of the fact it moves, customer, order or statistic, campaign, day, channel, currency, amount."""


async def note_sales(tx: Transaction, customer_ids: Iterable[int | None]) -> None:
    """Sales or touches of these changed. To be called by whatever writes either."""
    known = sorted({ident for ident in customer_ids if ident is not None})
    if known:
        await tx.execute(_NOTE, tx.scope.group_id, known)


async def note_sales_of_campaign(tx: Transaction, campaign_id: int) -> None:
    """The campaign runs in other channels."""
    await tx.execute(_NOTE_CAMPAIGN, tx.scope.group_id, campaign_id)


async def note_all_sales(tx: Transaction) -> None:
    """The group shares by another model, or looks back another time; or days are in another zone."""
    await tx.execute(_NOTE_ALL, tx.scope.group_id)


async def share_again(tx: Transaction, customer_ids: Collection[int], *, now: datetime) -> None:
    """Share the sales of these customers anew, and move the facts by what changed."""
    group_id, wanted = tx.scope.group_id, sorted(set(customer_ids))
    without = [row["id"] for row in await tx.fetch(_WITHOUT_CHANNEL, group_id, wanted)]
    carried = await tx.fetchval(_MODEL, group_id) == Model.CARRIED
    orders = [] if carried else [row["id"] for row in await tx.fetch(_ORDERS, group_id, wanted)]
    metrics: list[int] = []
    if not carried:
        metrics = [row["id"] for row in await tx.fetch(_METRICS, group_id, wanted, now)]
        await tx.execute(_LOOK_AGAIN, group_id, wanted, now)
    found = [
        one for one in await shares_of_orders(tx, without, model=Model.CARRIED) if one.channel is not None
    ]
    new = [
        *_rows(found, Source.ORDERS, is_order=True),
        *_rows(await shares_of_orders(tx, orders), Source.ATTRIBUTED, is_order=True),
        *_rows(await shares_of_event_metrics(tx, metrics), Source.ATTRIBUTED, is_order=False),
    ]
    kept = {_row(row): row["id"] for row in await tx.fetch(_KEPT, group_id, wanted)}
    still = set(new)
    gone = [row for row in kept if row not in still]
    come = [row for row in new if row not in kept]
    if gone:
        await tx.execute(_FORGET, group_id, [kept[row] for row in gone])
    if come:
        await tx.execute(_KEEP, group_id, now, *([row[n] for row in come] for n in range(9)))
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
    last: int = max(stores)
    return last


def _rows(shares: Sequence[SaleShare], source: Source, *, is_order: bool) -> list[Row]:
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for share in shares:
        if share.campaign_id is not None:
            sale = (share.sale_id, None) if is_order else (None, share.sale_id)
            channel = share.channel or UNKNOWN_CHANNEL
            key = (source, share.customer_id, *sale, share.campaign_id, share.day, channel, share.currency)
            sums[key] += share.amount
    return [(*key, amount) for key, amount in sums.items() if amount]


def _row(row: Any) -> Row:
    return (
        row["source"], row["customer_id"], row["order_id"], row["metric_id"], row["campaign_id"], row["day"],
        row["channel"], row["currency"], row["amount"],
    )  # fmt: skip


async def _move(tx: Transaction, gone: Sequence[Row], come: Sequence[Row], *, now: datetime) -> None:
    """Shares move revenue; an order whose channel was found out, or turned out another, moves with its conversion."""
    shared: list[Measured] = []
    found: list[Measured] = []
    for sign, rows in ((-1, gone), (1, come)):
        for source, _, _, _, campaign, day, channel, currency, amount in rows:
            into = Measured(
                campaign_id=campaign,
                day=day,
                channel=channel,
                currency=currency,
                numbers={"revenue": sign * amount},
            )
            if source == Source.ATTRIBUTED:
                shared.append(into)
                continue
            count = sign * int(amount > 0)
            found.append(replace(into, numbers={"revenue": sign * amount, "conversions": count}))
            back: dict[str, Decimal | int] = {"revenue": -sign * amount, "conversions": -count}
            found.append(replace(into, channel=UNKNOWN_CHANNEL, numbers=back))
    await count_measured(tx, shared, source=Source.ATTRIBUTED, now=now)
    await count_measured(tx, found, source=Source.ORDERS, now=now)
