"""Metrics: totals and series, of one campaign or of the whole scope.

Group-level answers are read from the rollup that every write updates. Money in different currencies is never added
up, so there is one row per currency.
"""

from collections.abc import Callable
from inspect import Parameter
from typing import Any

import strawberry

from app.domain.metrics.headline import KEPT
from app.graph.declaring.described import interface_type
from app.graph.declaring.enums import Interval, MetricDimension
from app.graph.declaring.fields import aggregate, amount_of, argument, column, computed, embed, entity, to_one
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import StoreRef
from app.graph.declaring.scalars import Date, Decimal, Long, Rate
from app.plan.catalog import HIDDEN, AggregateRequest, Entity, Row, own, via
from app.plan.kinds import rate
from app.plan.references import ids_of
from app.plan.sql import Select, Sql, Table, also, quoted, sql
from app.tables import metrics as tables


def _percent(part: str, whole: str) -> Callable[[Row], Sql]:
    """100 · part / whole; NULL where there is no whole."""
    return lambda row: sql(
        "CASE WHEN {whole} > 0 THEN 100.0 * {part} / {whole} END", part=row(part), whole=row(whole)
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


@entity()
class MetricTotals(MetricValues):
    """Metrics summed up, in one currency."""


@entity()
class MetricPoint(MetricValues):
    """Metrics of one stretch of time, in one currency."""

    period: Date = column("The first day of the stretch.")
    channel: str | None = column("The channel, where the series is broken down by channel.")
    store: StoreRef | None = to_one("The store, where the series is broken down by store.", "store_id")


ROWS = (
    Entity(
        "CampaignMetric",
        tables.CampaignMetric.__tablename__,
        store=via("campaign_id", "Campaign"),
        project=via("campaign_id", "Campaign"),
    ),
    Entity("MetricRollup", tables.MetricRollup.__tablename__, store=own("store_id"), project=HIDDEN),
)
"""Tables that only aggregates read."""

SINCE = argument("since", Date | None, "From this day on.", None)
UNTIL = argument("until", Date | None, "Up to and including this day.", None)
CHANNELS = argument("channels", list[str] | None, "Of these channels only.", None)
STORES = argument("store_ids", list[strawberry.ID] | None, "Of these stores only.", None)
INTERVAL = argument("interval", Interval, "How long the stretches are.", Interval.DAY)
BY = argument("by", list[MetricDimension] | None, "What to break down by, beside time and currency.", None)


def campaign_totals(description: str) -> Any:
    """One row: a campaign has one currency."""
    return aggregate(description, _campaign_totals, SINCE, UNTIL, CHANNELS)


def campaign_series(description: str) -> Any:
    """Rows of one campaign by time, and by channel where requested."""
    return aggregate(description, _campaign_series, INTERVAL, BY, SINCE, UNTIL, CHANNELS, many=True)


def scope_totals(description: str, *further: Parameter) -> Any:
    """One row per currency, over all campaigns in scope."""
    return aggregate(description, _scope_totals, SINCE, UNTIL, CHANNELS, STORES, *further, many=True)


def scope_series(description: str, *further: Parameter) -> Any:
    """Rows by time and currency, and by channel or store where requested, over all campaigns in scope."""
    return aggregate(
        description, _scope_series, INTERVAL, BY, SINCE, UNTIL, CHANNELS, STORES, *further, many=True
    )


def _campaign_totals(request: AggregateRequest) -> Select:
    assert request.parent is not None
    c, m = request.table("Campaign", "c"), request.table("CampaignMetric", "m")
    metrics = sql(
        "LEFT JOIN {m} ON {m.scope} AND {m.campaign_id} = {c.id} {within}",
        c=c,
        m=m,
        within=also(_window(request, m)),
    )
    of_campaign = sql("{c.id} = {parent}", c=c, parent=request.parent)
    names = {"currency": c("currency"), **_sums(m)}
    return Select(names, c, [of_campaign], joins=metrics, group=[c("currency")])


def _campaign_series(request: AggregateRequest) -> Select:
    assert request.parent is not None
    m = request.table("CampaignMetric", "m")
    of_campaign = sql("{m.campaign_id} = {parent}", m=m, parent=request.parent)
    series = _series(request, m, [of_campaign, *_window(request, m)])
    if request.args.structural("interval").value == "day" and "channel" in _by(request):
        # A campaign has one row per day and channel: there is nothing to add up. Nor is there anything to sort by
        # beside those two, and in their order the index has the rows.
        series.group = []
        series.names |= {name: m(name) for name in KEPT}
        series.order = [m("day"), m("channel")]
    return series


def _scope_totals(request: AggregateRequest) -> Select:
    m, where = _scope_rows(request)
    names = {"currency": m("currency"), **_sums(m)}
    return Select(names, m, where, group=[m("currency")], order=[m("currency")])


def _scope_series(request: AggregateRequest) -> Select:
    m, where = _scope_rows(request)
    return _series(request, m, where)


def _scope_rows(request: AggregateRequest) -> tuple[Table, list[Sql]]:
    # The rollup knows stores, not projects: under a project scope the base rows are read.
    m = request.table("CampaignMetric" if request.scope_shape.has_projects else "MetricRollup", "m")
    where = _window(request, m)
    if request.args.given("storeIds"):
        stores = request.args.param("storeIds", cast="bigint[]", convert=ids_of("store"))
        where.append(sql("{store} = ANY ({stores})", store=_store(request, m), stores=stores))
    return m, where


def _window(request: AggregateRequest, m: Row) -> list[Sql]:
    args, out = request.args, []
    if args.given("since"):
        out.append(sql("{m.day} >= {since}", m=m, since=args.param("since", cast="date")))
    if args.given("until"):
        out.append(sql("{m.day} <= {until}", m=m, until=args.param("until", cast="date")))
    if args.given("channels"):
        asked = args.param("channels", cast="text[]")
        out.append(sql("{m.channel} = ANY ({asked})", m=m, asked=asked))
    return out


def _series(request: AggregateRequest, m: Table, where: list[Sql]) -> Select:
    unit: str = request.args.structural("interval").value
    by = _by(request)
    period = m("day")
    if unit != "day":
        period = sql("date_trunc({unit}, {m.day}::timestamp)::date", unit=quoted(unit), m=m)
    channel = m("channel") if "channel" in by else sql("NULL::text")
    store = _store(request, m) if "store" in by else sql("NULL::bigint")
    # In the same order, so that what is grouped by sorting need not be sorted again.
    keys = [period]
    keys += [channel] if "channel" in by else []
    keys += [store] if "store" in by else []
    keys += [m("currency")]
    names = {
        "period": period,
        "channel": channel,
        "store_id": store,
        "currency": m("currency"),
        **_sums(m),
    }
    return Select(names, m, where, group=keys, order=keys)


def _by(request: AggregateRequest) -> set[str]:
    return {dimension.value for dimension in request.args.structural("by") or ()}


def _store(request: AggregateRequest, m: Row) -> Sql:
    """The store of a metric row: the rollup has it; a campaign's base rows have it through the campaign."""
    if request.parent is None and not request.scope_shape.has_projects:
        return m("store_id")
    c = request.table("Campaign", "s")
    return sql("(SELECT {c.store_id} FROM {c} WHERE {c.scope} AND {c.id} = {m.campaign_id})", c=c, m=m)


def _sums(m: Row) -> dict[str, Sql]:
    return {name: sql("coalesce(sum({amount}), 0)", amount=m(name)) for name in KEPT}
