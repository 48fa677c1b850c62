"""Metrics of campaigns: what every row of them has, a campaign's own totals, and the figures of any scope."""

from collections.abc import Callable
from typing import Any

import strawberry

from app.graph.declaring.described import interface_type
from app.graph.declaring.fields import (
    aggregate,
    amount_of,
    argument,
    column,
    computed,
    embed,
    entity,
    read_beside,
    to_one,
)
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import CampaignRef, PartnerRef, ProjectRef, SegmentRef, StoreRef
from app.graph.declaring.scalars import Date, Decimal, Long, Rate
from app.graph.figures.asking import Asking, period
from app.graph.figures.figure_fields import changed, changes_of, former, left_of, unconverted
from app.graph.figures.metrics_sql import SUMS, campaign_total_rows, metric_rows
from app.graph.figures.sources import CAMPAIGN, CHANNEL, PARTNER, PROJECT, SEGMENT, STORE, Source
from app.plan.catalog import HIDDEN, Entity, Row, own
from app.plan.kinds import rate
from app.plan.sql import Sql, sql
from app.tables import metrics as tables


def _percent(part: str, whole: str) -> Callable[[Row], Sql]:
    """100 · part / whole; 0 where the whole is 0."""
    return lambda row: sql(
        "coalesce(100.0 * {part} / nullif({whole}, 0), 0)", part=row(part), whole=row(whole)
    )


def _each(total: str, count: str) -> Callable[[Row], Sql]:
    """An amount per unit, to 4 decimals; NULL where there was none."""
    return lambda row: sql("round({total} / nullif({count}, 0), 4)", total=row(total), count=row(count))


@interface_type
class MetricValues:
    """The numbers every row of metrics has.

    Rates: Marketing & CRM API, "Get Campaign" (over delivered).
    """

    currency: str = column("The currency of spend and revenue.")
    impressions: Long = column("How often it was shown.")
    clicks: Long = column("How often it was clicked.")
    conversions: Long = column("How often it led to what was wanted.")
    sent: Long = column("Messages sent.")
    delivered: Long = column("Messages that arrived.")
    opened: Long = column("Messages opened.")
    unsubscribed: Long = column("Recipients who unsubscribed.")
    spend: Money = embed(
        "What it cost, from the spend ledger.", amount=amount_of("spend"), currency="currency"
    )
    revenue: Money = embed("Revenue attributed to it.", amount=amount_of("revenue"), currency="currency")
    click_through_rate: Rate = computed(
        "Clicks per impression in percent.", _percent("clicks", "impressions"), kind=rate(2)
    )
    open_rate: Rate = computed(
        "Opened per delivered in percent.", _percent("opened", "delivered"), kind=rate(1)
    )
    click_rate: Rate = computed(
        "Clicks per delivered in percent.", _percent("clicks", "delivered"), kind=rate(1)
    )
    conversion_rate: Rate = computed(
        "Conversions per delivered in percent.", _percent("conversions", "delivered"), kind=rate(1)
    )
    cost_per_click: Decimal | None = computed(
        "Spend per click; null without clicks.", _each("spend", "clicks")
    )


@interface_type
class MetricFigureValues(MetricValues):
    """Metrics up to now, and what is planned."""

    planned_spend: Money = embed(
        "What days to come will cost, in the store's zone; no part of `spend`.",
        amount=amount_of("planned_spend"), currency="currency",
    )  # fmt: skip


@entity()
class MetricTotals(MetricFigureValues):
    """Metrics summed up, in one currency."""


@changes_of(MetricFigureValues)
class MetricChanges:
    """How metrics differ from the former ones, in percent of those; null where there was nothing, or it is unknown."""


@left_of(SUMS)
class UnconvertedMetrics:
    """Money of metrics in a currency for which no rate was known on its day."""


@entity()
class MetricFigures(MetricFigureValues):
    """Metrics of campaigns: of a stretch of time, of a channel or whatever else was asked for, in one currency."""

    period: Date | None = period()
    channel: str | None = column("The channel, where it is by channel.")
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    project: ProjectRef | None = to_one("The campaigns' project, where it is by project.", "project_id")
    segment: SegmentRef | None = to_one("Whom the campaigns speak to, where it is by segment.", "segment_id")
    partner: PartnerRef | None = to_one("The campaigns' partner, where it is by partner.", "partner_id")
    previous: MetricTotals | None = former()
    change: MetricChanges | None = changed()
    unconverted: list[UnconvertedMetrics] = unconverted()


ROWS = (
    read_beside("CampaignMetric", tables.CampaignMetric, "campaign_id"),
    Entity("MetricRollup", tables.MetricRollup.__tablename__, store=own("store_id"), project=HIDDEN),
)
"""Tables that only figures read; metrics of campaigns beside campaigns that are in scope."""

metric_figures = Asking(
    Source(
        "Metric",
        "metrics",
        MetricFigureValues,
        SUMS,
        (CHANNEL, STORE, CAMPAIGN, PROJECT, SEGMENT, PARTNER),
        metric_rows,
        has_hours=False,
    )
)


def campaign_totals(description: str) -> Any:
    """One row: a campaign has one currency."""
    return aggregate(
        description, campaign_total_rows,
        argument("since", Date | None, "From this day on.", None),
        argument("until", Date | None, "Up to and including this day.", None),
        argument("channels", list[str] | None, "Of these channels only.", None),
    )  # fmt: skip


OF_CHANNELS = argument("channels", list[str] | None, "Of these channels only.", None)
OF_STORES = argument("store_ids", list[strawberry.ID] | None, "Of these stores only.", None)
