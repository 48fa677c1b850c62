"""Sales as they are stored, shared as their group chose: for sums that are kept while sales are written.

The same shares, to the coin, as attribution is read with (`graph/figures/shares.py`) by somebody who sees the whole
group. Three statements for orders or events, however many they are.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from app.db.database import FetchedRow, Transaction
from app.domain.attribution.models import JourneyTouch, Model, Sale, channel_of, shares_of
from app.domain.metrics.entries import UNKNOWN_CHANNEL


@dataclass(frozen=True, slots=True)
class SaleShare:
    """What of a sale goes to a campaign by a channel."""

    sale_id: int
    """Of the order, or of the event's metric."""
    customer_id: int | None
    """Whose sale it is."""
    campaign_id: int | None
    """None: to none of ours."""
    channel: str | None
    """None: of a campaign, nobody knows by which of its channels; else direct."""
    day: date
    """Of the sale: the order's, else in the zone of the store of the event's project, or of the group."""
    amount: Decimal
    currency: str
    credit: Decimal
    """Of one sale; in all 1, or 0 where it is not worth more than nothing."""


_GROUP = """
SELECT attribution_model, attribution_window_days, attribution_half_life_days FROM customer_group WHERE id = $1
"""
_ORDERS = f"""
SELECT o.id, o.customer_id, NULL::bigint AS project_id, o.ordered_at AS at, o.worth AS amount, o.currency,
       o.campaign_id, nullif(o.channel, '{UNKNOWN_CHANNEL}') AS channel,
       o.ordered_on AS day
  FROM customer_order o
 WHERE o.group_id = $1 AND o.id = ANY ($2) AND o.worth <> 0
 ORDER BY o.id
"""
_METRICS = f"""
SELECT m.id, m.customer_id, m.project_id, m.occurred_at AS at, m.value AS amount,
       coalesce(m.currency, g.currency) AS currency, e.campaign_id, nullif(e.channel, '{UNKNOWN_CHANNEL}') AS channel,
       (m.occurred_at AT TIME ZONE coalesce(s.time_zone, g.time_zone))::date AS day
  FROM event_metric m
  JOIN event e ON e.group_id = m.group_id AND e.id = m.event_id
  JOIN project p ON p.group_id = m.group_id AND p.id = m.project_id
  LEFT JOIN store s ON s.group_id = m.group_id AND s.id = p.store_id
  JOIN customer_group g ON g.id = m.group_id
 WHERE m.group_id = $1 AND m.id = ANY ($2) AND m.kind = 'statistic' AND NOT m.is_told_by_order
 ORDER BY m.id
"""
# An order has no project: touches of all count.
_TOUCHES = """
SELECT s.sale, t.occurred_at, t.campaign_id, t.channel
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[]) AS s (sale, customer_id, project_id, at)
  JOIN interaction t
    ON t.group_id = $1 AND t.customer_id = s.customer_id AND t.project_id = coalesce(s.project_id, t.project_id)
   AND t.occurred_at <= s.at AND t.occurred_at >= s.at - make_interval(days => $6)
 ORDER BY s.sale, t.occurred_at, t.id
"""
_CHANNELS = "SELECT id, channels FROM campaign WHERE group_id = $1 AND id = ANY ($2)"


async def shares_of_orders(
    tx: Transaction, order_ids: Collection[int], *, model: Model | None = None
) -> list[SaleShare]:
    """The shares of these orders, by what is left of them; of those that are worth nothing there are none.

    `model`: another one than the group's.
    """
    if not order_ids:
        return []
    return await _shared(tx, await tx.fetch(_ORDERS, tx.scope.group_id, sorted(order_ids)), model)


async def shares_of_event_metrics(tx: Transaction, metric_ids: Collection[int]) -> list[SaleShare]:
    """The shares of these statistics of events; of those that an order tells there are none."""
    if not metric_ids:
        return []
    return await _shared(tx, await tx.fetch(_METRICS, tx.scope.group_id, sorted(metric_ids)), None)


async def _shared(tx: Transaction, rows: Sequence[FetchedRow], asked: Model | None) -> list[SaleShare]:
    if not rows:
        return []
    chosen = (await tx.fetch(_GROUP, tx.scope.group_id))[0]
    model = asked or Model(chosen["attribution_model"])
    half_life = timedelta(days=chosen["attribution_half_life_days"])
    touches = await _touches(tx, rows, model, days=chosen["attribution_window_days"])
    shared = [
        (row, share)
        for row in rows
        for share in shares_of(
            _sale(row, model),
            touches.get(row["id"], []),
            model=model,
            half_life=half_life,
        )
    ]
    campaigns = {share.campaign_id for _, share in shared if share.campaign_id is not None}
    channels = {
        row["id"]: row["channels"] for row in await tx.fetch(_CHANNELS, tx.scope.group_id, sorted(campaigns))
    }
    return [
        SaleShare(
            sale_id=row["id"],
            customer_id=row["customer_id"],
            campaign_id=share.campaign_id,
            # What a sale that is carried says itself stands: the campaign may have run elsewhere then.
            channel=row["channel"]
            if model is Model.CARRIED and row["channel"] is not None and share.campaign_id is not None
            else channel_of(share, channels.get(share.campaign_id, ())),
            day=row["day"],
            amount=share.amount,
            currency=row["currency"],
            credit=share.credit,
        )
        for row, share in shared
    ]


def _sale(row: FetchedRow, model: Model) -> Sale:
    # An event's own campaign and channel are looked at only where they decide.
    if model is Model.CARRIED or row["project_id"] is None:
        return Sale(row["amount"], row["currency"], row["campaign_id"], row["channel"])
    return Sale(row["amount"], row["currency"])


async def _touches(
    tx: Transaction, rows: Sequence[FetchedRow], model: Model, *, days: int
) -> dict[int, list[JourneyTouch]]:
    """By sale, oldest first."""
    if model is Model.CARRIED:
        # They only tell a channel that the sale does not say.
        rows = [row for row in rows if row["campaign_id"] is not None and row["channel"] is None]
    found: defaultdict[int, list[JourneyTouch]] = defaultdict(list)
    for row in await tx.fetch(
        _TOUCHES,
        tx.scope.group_id,
        [row["id"] for row in rows],
        [row["customer_id"] for row in rows],
        [row["project_id"] for row in rows],
        [row["at"] for row in rows],
        days,
    ):
        found[row["sale"]].append(JourneyTouch(row["occurred_at"], row["campaign_id"], row["channel"]))
    return found


__all__ = ["SaleShare", "shares_of_event_metrics", "shares_of_orders"]
