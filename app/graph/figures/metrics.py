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
    parts,
    read_beside,
    to_one,
)
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import CampaignRef, PartnerRef, ProjectRef, SegmentRef, StoreRef
from app.graph.declaring.scalars import Date, Decimal, Long, Rate
from app.graph.figures.asking import Asking, period
from app.graph.figures.figure_fields import LISTED, changed, changes_of, former, left_of, unconverted
from app.graph.figures.metrics_sql import (
    LISTED_FIGURES,
    MEASURED_PREFIX,
    REPORTED_PREFIX,
    SUMS,
    campaign_total_rows,
    measured_rows,
    metric_rows,
    reported_rows,
    said_rows,
)
from app.graph.figures.sources import CAMPAIGN, CHANNEL, PARTNER, PROJECT, SEGMENT, STORE, Source
from app.plan.catalog import HIDDEN, Entity, Row, own
from app.plan.kinds import rate
from app.plan.sql import Sql, sql
from app.tables import metrics as tables


def _percent(part: str, whole: str) -> Callable[[Row], Sql]:
    """100 · part / whole, from 0 to 100; NULL where there is no whole.

    Totals of another system stand on one day, whose own people may be fewer than those that opened in all, and what a
    platform takes back may stand on another day than what it said.
    """
    return lambda row: sql(
        "CASE WHEN {whole} > 0 THEN least(greatest(100.0 * {part} / {whole}, 0), 100) END",
        part=row(part),
        whole=row(whole),
    )


def _each(total: str, count: str) -> Callable[[Row], Sql]:
    """An amount per unit, to 4 decimals; NULL where there was none."""
    return lambda row: sql(
        "CASE WHEN {count} > 0 THEN round({total} / {count}, 4) END", total=row(total), count=row(count)
    )


@interface_type
class MetricValues:
    """The headline figures every row of metrics has: one number for each, by the rule of docs/numbers.md.

    A rate takes both its numbers from the same days and channels, is null where its denominator is 0 or unknown, and in
    percent never passes 100.
    """

    currency: str = column("The currency of spend and revenue.")
    impressions: Long = column("How often it was shown: as reported.")
    clicks: Long = column("How often it was clicked: as reported, else clicks in messages as we saw them.")
    conversions: Decimal = column(
        "How often it led to what was wanted: as reported (platforms report fractions), else orders as we saw them."
    )
    sent: Long = column(
        "People whom messages were sent to: as reported, else as we saw; at least `delivered`."
    )
    delivered: Long = column("People whom messages reached: as we saw, else as reported.")
    opened: Long = column("People who opened one: as we saw, else as reported; machines open for nobody.")
    clicked: Long = column("People who clicked in one: as we saw, else as reported.")
    unsubscribed: Long = column("People who unsubscribed: as we saw, else as reported.")
    opens: Long = column("How often messages were opened, repeats included.")
    machine_opens: Long = column(
        "How often a machine opened one, such as a mail proxy that fetches pictures."
    )
    spend: Money = embed(
        "What it cost, from the spend ledger.", amount=amount_of("spend"), currency="currency"
    )
    revenue: Money = embed(
        "Revenue by the group's attribution model.", amount=amount_of("revenue"), currency="currency"
    )
    click_through_rate: Rate | None = computed(
        "Clicks per impression in percent, at most one for each.",
        _percent("shown_clicks", "impressions"), kind=rate(2),
    )  # fmt: skip
    open_rate: Rate | None = computed(
        "Of the people reached, those who opened, in percent.", _percent("opened", "delivered"), kind=rate(1)
    )
    click_rate: Rate | None = computed(
        "Of the people reached, those who clicked, in percent.",
        _percent("clicked", "delivered"),
        kind=rate(1),
    )
    conversion_rate: Rate | None = computed(
        "Conversions per click in percent, at most one for each, of channels whose clicks are known.",
        _percent("clicked_conversions", "clicks"), kind=rate(2),
    )  # fmt: skip
    reached_conversion_rate: Rate | None = computed(
        "Conversions per person whom messages reached in percent, at most one for each. Source: Marketing & CRM API,"
        ' "Get Campaign".',
        _percent("reached_conversions", "delivered"), kind=rate(1),
    )  # fmt: skip
    roas: Rate | None = computed(
        "Return on ad spend: revenue per spend; null where nothing was spent.",
        lambda row: sql("CASE WHEN {row.spend} > 0 THEN {row.revenue} / {row.spend} END", row=row),
        kind=rate(4),
    )
    cost_per_click: Decimal | None = computed(
        "Spend per click, of channels whose clicks are known; null without clicks.",
        _each("clicked_spend", "clicks"),
    )
    cost_per_conversion: Decimal | None = computed(
        "Spend per conversion; null without conversions.", _each("spend", "conversions")
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


@interface_type
class SaidValues:
    """What sources say, for themselves: nothing of it is added to what others say of the same (docs/numbers.md)."""

    currency: str = column("The currency of spend and revenue.")
    impressions: Long = column("How often it was shown.")
    clicks: Long = column("How often it was clicked.")
    conversions: Decimal = column("How often it led to what was wanted.")
    sent: Long = column("People whom messages were sent to.")
    delivered: Long = column("People whom messages reached.")
    opened: Long = column("People who opened one.")
    clicked: Long = column("People who clicked in one.")
    unsubscribed: Long = column("People who unsubscribed.")
    spend: Money = embed("What it cost.", amount=amount_of("spend"), currency="currency")
    revenue: Money = embed("What it earned.", amount=amount_of("revenue"), currency="currency")


@entity()
class SaidFigures(SaidValues):
    """What sources of one kind say, summed up."""


@entity()
class SourceFigures:
    """What one source says, in the row's currency."""

    source: str = column("Its name: reported:google_ads, orders, deliveries, outlay, attributed, opening.")
    impressions: Long = column("How often it was shown.")
    clicks: Long = column("How often it was clicked.")
    conversions: Decimal = column("How often it led to what was wanted.")
    sent: Long = column("People whom messages were sent to.")
    delivered: Long = column("People whom messages reached.")
    opened: Long = column("People who opened one.")
    clicked: Long = column("People who clicked in one.")
    unsubscribed: Long = column("People who unsubscribed.")
    spend: Money = embed("What it cost.", amount=amount_of("spend"), currency="currency")
    revenue: Money = embed("What it earned.", amount=amount_of("revenue"), currency="currency")


REPORTED_HERE = "What platforms report, for themselves; the headline believes one report of a day."
MEASURED_HERE = "What we counted ourselves: orders and deliveries."
EACH_HERE = "What each source says, by its name."


def _reported() -> Any:
    return embed(REPORTED_HERE, prefix=REPORTED_PREFIX)


def _measured() -> Any:
    return embed(MEASURED_HERE, prefix=MEASURED_PREFIX)


def _by_source() -> Any:
    return parts(EACH_HERE, LISTED.removesuffix("_"), always="source", shared=("currency",))


@entity()
class CampaignTotals(MetricFigureValues):
    """Metrics of one campaign summed up, in its currency."""

    whole_conversions: Long = column(
        "The conversions of each day and channel rounded to whole ones, then summed up: what APIs print that know no"
        " fractions."
    )
    reported: SaidFigures = _reported()
    measured: SaidFigures = _measured()
    by_source: list[SourceFigures] = _by_source()


@changes_of(MetricFigureValues)
class MetricChanges:
    """How metrics differ from the former ones, in percent of those; null where there was nothing, or it is unknown."""


@left_of(SUMS)
class UnconvertedMetrics:
    """Money of metrics in a currency for which no rate was known on its day."""


@entity()
class MetricFigures(MetricFigureValues):
    """Metrics of campaigns: of a stretch of time, of a channel or whatever else was asked for, in one currency. What
    adds up to what is in docs/numbers.md.
    """

    period: Date | None = period()
    channel: str | None = column("The channel, where it is by channel; `unknown`: nobody knows which.")
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    project: ProjectRef | None = to_one("The campaigns' project, where it is by project.", "project_id")
    segment: SegmentRef | None = to_one("Whom the campaigns speak to, where it is by segment.", "segment_id")
    partner: PartnerRef | None = to_one("The campaigns' partner, where it is by partner.", "partner_id")
    previous: MetricTotals | None = former()
    change: MetricChanges | None = changed()
    unconverted: list[UnconvertedMetrics] = unconverted()
    reported: SaidFigures = _reported()
    measured: SaidFigures = _measured()
    by_source: list[SourceFigures] = _by_source()


ROWS = (
    read_beside("CampaignMetric", tables.CampaignMetric, "campaign_id"),
    read_beside("MetricFact", tables.MetricFact, "campaign_id"),
    Entity("MetricFactRollup", tables.MetricFactRollup.__tablename__, store=own("store_id"), project=HIDDEN),
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
        beside={REPORTED_PREFIX: reported_rows, MEASURED_PREFIX: measured_rows},
        each=said_rows,
        listed=LISTED_FIGURES,
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
