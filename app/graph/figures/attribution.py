"""Attribution: which campaigns earned what events are worth, beside what they cost.

Revenue is a statistic of events, in the group's currency, shared by a model among the touches of each customer's
journey; cost is the spend ledger of the same days. Currencies are never added: there is a row for each, or all is
converted by dated rates, and what has no rate is told apart.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import strawberry

from app.domain.attribution.models import Model
from app.domain.events.rollups import EVENT_COUNT
from app.domain.metrics.entries import OTHER_CHANNEL
from app.graph.declaring.described import enum_type, interface_type
from app.graph.declaring.fields import (
    aggregate,
    amount_of,
    argument,
    column,
    computed,
    embed,
    entity,
    parts,
    to_one,
)
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import CampaignRef, StoreRef
from app.graph.declaring.scalars import Date, Decimal, Rate
from app.graph.figures.event_worth import projects_of, worth
from app.graph.figures.shares import shares
from app.plan.catalog import AggregateRequest, Entity, Row
from app.plan.kinds import rate
from app.plan.sql import NOTHING, Alias, Select, Sql, also, joined, quoted, sql
from app.tables.event_metrics import EventMetric
from app.tables.events import Event
from app.tables.interactions import Interaction
from app.tables.spend import SpendEntry
from app.values.money import is_currency

ROWS = (
    Entity("AttributionMetric", EventMetric.__tablename__),
    Entity("AttributionEvent", Event.__tablename__),
    Entity("AttributionTouch", Interaction.__tablename__),
    Entity("AttributionSpend", SpendEntry.__tablename__),
)
"""Tables read beside projects, and campaigns, that are in scope already."""

MAX_DAYS = 3_660
DEFAULT_METRIC = "turnover"


@enum_type
class AttributionModel(Enum):
    """Which touches of a journey count, and how much.

    The models of `domain/attribution`.
    """

    FIRST_TOUCH = strawberry.enum_value(
        Model.FIRST_TOUCH.value, description="The first touch gets everything."
    )
    LAST_TOUCH = strawberry.enum_value(Model.LAST_TOUCH.value, description="The last touch gets everything.")
    LAST_NON_DIRECT = strawberry.enum_value(
        Model.LAST_NON_DIRECT.value,
        description="The last touch of a campaign gets everything; direct only where there is no such touch.",
    )
    LINEAR = strawberry.enum_value(Model.LINEAR.value, description="Every touch gets the same.")
    POSITION_BASED = strawberry.enum_value(
        Model.POSITION_BASED.value,
        description="40 % to the first and to the last touch, the rest equally to those between; half each of two.",
    )
    TIME_DECAY = strawberry.enum_value(
        Model.TIME_DECAY.value,
        description="A touch that is a half-life older than another gets half as much.",
    )


@enum_type
class AttributionDimension(Enum):
    """What attribution is summed up by."""

    CAMPAIGN = strawberry.enum_value("campaign", description="One row per campaign.")
    CHANNEL = strawberry.enum_value(
        "channel",
        description="One row per channel: revenue counts for the campaign's channel (`other` where it has not exactly"
        " one), cost for the channel it was booked under.",
    )
    STORE = strawberry.enum_value("store", description="One row per store.")


@entity()
class Unconverted:
    """Money in a currency for which no rate was known on its day."""

    currency: str = column("The currency it is in.")
    revenue: Decimal = column("How much of it is revenue.")
    cost: Decimal = column("How much of it is cost.")


@interface_type
class AttributedNumbers:
    """What campaigns earned and cost, in one currency."""

    currency: str = column("The currency of revenue and cost.")
    revenue: Money = embed(
        "What events were worth, in the shares attributed here.",
        amount=amount_of("revenue"),
        currency="currency",
    )
    conversions: Decimal = column("Events with that metric, in the shares attributed here.")
    cost: Money = embed("What it cost, from the spend ledger.", amount=amount_of("cost"), currency="currency")
    roas: Rate | None = computed(
        "Return on ad spend: revenue per cost; null where it cost nothing.",
        lambda row: sql("coalesce({row.revenue}, 0) / nullif({row.cost}, 0)", row=row),
        kind=rate(4),
    )
    unconverted: list[Unconverted] = parts(
        "What is left out, since it had no rate into `currency`; empty unless a currency was asked for.",
        "left", always="currency",
    )  # fmt: skip


@entity()
class CampaignAttribution(AttributedNumbers):
    """What one campaign earned and cost, in one currency."""


@entity()
class AttributionRow(AttributedNumbers):
    """What campaigns earned and cost. Without campaign, channel and store: direct, nobody led to it."""

    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The channel, where it is by channel.")
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")


MODEL = argument(
    "model", AttributionModel, "Which touches of a journey count, and how much.", AttributionModel.LINEAR
)
HALF_LIFE = argument(
    "half_life_days", int, "For TIME_DECAY: a touch this much older than another counts half as much.", 7
)
WINDOW = argument("window_days", int, "How many days before the event a touch may lie, to the second.", 30)
_METRIC = argument(
    "metric", str,
    "The storage key of what is shared: a statistic, or a state or event-count (each event is worth 1).",
    DEFAULT_METRIC,
)  # fmt: skip
_SINCE = argument("since", Date | None, "Events and spend from this day on (UTC).", None)
_UNTIL = argument("until", Date | None, "Events and spend up to and including this day (UTC).", None)
_CURRENCY = argument(
    "currency", str | None,
    "Convert everything into this currency, at the rate of its day; null: a row for each currency.", None,
)  # fmt: skip
PROJECT = argument("project", str | None, "Of this project alone: its slug or its id; null: of all.", None)


def attribution(description: str) -> Any:
    """Of the whole scope, by campaign, channel or store."""
    by = argument("by", AttributionDimension, "What to sum up by.")
    return aggregate(
        description, _attribution, by, MODEL, HALF_LIFE, WINDOW, _SINCE, _UNTIL, _METRIC, _CURRENCY, PROJECT,
        many=True, check=journey_faults,
    )  # fmt: skip


def campaign_attribution(description: str) -> Any:
    """Of one campaign."""
    return aggregate(
        description, _attribution, MODEL, HALF_LIFE, WINDOW, _SINCE, _UNTIL, _METRIC, _CURRENCY,
        many=True, check=journey_faults,
    )  # fmt: skip


def journey_faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What is wrong with the arguments of a model."""
    for name in ("halfLifeDays", "windowDays"):
        if not 1 <= values[name] <= MAX_DAYS:
            yield name, f"{name} lies between 1 and {MAX_DAYS}."
    if values.get("currency") is not None and not is_currency(values["currency"]):
        yield "currency", "currency is a code of three capital letters, such as EUR."


# ── the statement ─────────────────────────────────────────────────────────────


def _attribution(request: AggregateRequest) -> Select:
    by = "" if request.parent is not None else request.args.structural("by").value
    dims = {
        "campaign_id": sql("p.campaign_id") if by == "campaign" else sql("NULL::bigint"),
        "channel": sql("p.channel") if by == "channel" else sql("NULL::text"),
        "store_id": sql("p.store_id") if by == "store" else sql("NULL::bigint"),
    }
    rows = _converted(request, dims) if request.args.given("currency") else _per_currency(request, dims)
    a = Alias("a")
    columns = ("currency", "revenue", "conversions", "cost", "left_currency", "left_revenue", "left_cost")
    names = {name: a(name) for name in (*dims, *columns)}
    names |= {"sort_1": a("currency"), "sort_2": sql("-a.revenue"), "sort_3": a("campaign_id")}
    return Select(names | {"sort_4": a("channel"), "sort_5": a("store_id")}, sql("({rows}) a", rows=rows))


def _per_currency(request: AggregateRequest, dims: Mapping[str, Sql]) -> Sql:
    return sql(
        """
        SELECT
            {dims}, p.currency, sum(p.revenue) AS revenue, sum(p.credit) AS conversions, sum(p.cost) AS cost,
            '{{}}'::text[] AS left_currency, '{{}}'::numeric[] AS left_revenue, '{{}}'::numeric[] AS left_cost
        FROM ({pieces}) p
        GROUP BY 1, 2, 3, 4
        """,
        dims=_named(dims),
        pieces=_pieces(request),
    )


def _converted(request: AggregateRequest, dims: Mapping[str, Sql]) -> Sql:
    """Pieces times their day's rate; those without one stay in their currency, in arrays beside the sums."""
    into = request.args.param("currency", cast="text")
    rated = sql(
        """
        SELECT
            p.*,
            CASE WHEN p.currency = {into} THEN 1 ELSE coalesce({rate}, round(1 / {inverse}, 10)) END AS rate
        FROM ({pieces}) p
        """,
        into=into,
        rate=_rate(request, into),
        inverse=_rate(request, into, inverse=True),
        pieces=_pieces(request),
    )
    in_each = sql(
        """
        SELECT
            {dims}, p.currency, sum(p.credit) AS credit,
            coalesce(sum(p.revenue * p.rate), 0) AS revenue,
            coalesce(sum(p.cost * p.rate), 0) AS cost,
            sum(p.revenue) FILTER (WHERE p.rate IS NULL) AS revenue_left,
            sum(p.cost) FILTER (WHERE p.rate IS NULL) AS cost_left
        FROM ({rated}) p
        GROUP BY 1, 2, 3, 4
        """,
        dims=_named(dims),
        rated=rated,
    )
    return sql(
        """
        SELECT
            {dims}, {into} AS currency, round(sum(e.revenue), 4) AS revenue, sum(e.credit) AS conversions,
            round(sum(e.cost), 4) AS cost,
            coalesce(array_agg(e.currency ORDER BY e.currency) {lost}, '{{}}') AS left_currency,
            coalesce(array_agg(e.revenue_left ORDER BY e.currency) {lost}, '{{}}') AS left_revenue,
            coalesce(array_agg(e.cost_left ORDER BY e.currency) {lost}, '{{}}') AS left_cost
        FROM ({in_each}) e
        GROUP BY 1, 2, 3
        """,
        dims=joined(", ", [Alias("e")(name) for name in dims]),
        into=into,
        lost=sql("FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0)"),
        in_each=in_each,
    )


def _named(dims: Mapping[str, Sql]) -> Sql:
    return joined(", ", [sql("{dim} AS {name}", dim=dim, name=name) for name, dim in dims.items()])


def _rate(request: AggregateRequest, into: Sql, *, inverse: bool = False) -> Sql:
    """The pair's latest rate up to the piece's day; NULL before the first."""
    x = request.table("ExchangeRate", "x")
    ours, theirs = ("to_currency", "from_currency") if inverse else ("from_currency", "to_currency")
    return sql(
        """
        (
            SELECT {x.rate} FROM {x}
            WHERE {x.scope} AND {ours} = p.currency AND {theirs} = {into} AND {x.day} <= p.day
            ORDER BY {x.day} DESC LIMIT 1
        )
        """,
        x=x,
        ours=x(ours),
        theirs=x(theirs),
        into=into,
    )


def _pieces(request: AggregateRequest) -> Sql:
    """Revenue and cost per campaign (in scope; NULL: direct), day, channel and currency."""
    g, c = request.table("CustomerGroup", "g"), request.table("Campaign", "c")
    # A campaign that is out of scope is not shown; direct is nobody's.
    return sql(
        """
        SELECT
            r.campaign_id, {c.store_id},
            CASE WHEN r.campaign_id IS NOT NULL THEN
                CASE cardinality(c.channels) WHEN 1 THEN c.channels[1] ELSE {other} END END AS channel,
            r.day, (SELECT {g.currency} FROM {g} WHERE {g.scope}) AS currency, r.revenue, r.credit,
            0::numeric AS cost
        FROM ({earned}) r
        LEFT JOIN {c} ON {c.scope} AND {c.id} = r.campaign_id
        WHERE (r.campaign_id IS NULL OR {c.id} IS NOT NULL)
        UNION ALL
        {spent}
        """,
        c=c,
        other=quoted(OTHER_CHANNEL),
        g=g,
        earned=_earned(request),
        spent=_spent(request),
    )


def _earned(request: AggregateRequest) -> Sql:
    shared = shares(
        request,
        _worth(request),
        window=window_of(request),
        half_life_us=half_life_of(request),
        credit="conversions" in request.wanted,
    )
    # Days matter to rates alone.
    day = sql("(h.at AT TIME ZONE 'UTC')::date") if request.args.given("currency") else sql("NULL::date")
    asked = NOTHING
    if request.parent is not None:
        asked = sql("WHERE h.campaign_id = {parent}", parent=request.parent)
    return sql(
        """
        SELECT h.campaign_id, {day} AS day, sum(h.value) * 0.0001 AS revenue, sum(h.credit) * 0.0001 AS credit
        FROM ({shared}) h {asked}
        GROUP BY 1, 2
        """,
        day=day,
        shared=shared,
        asked=asked,
    )


def _spent(request: AggregateRequest) -> Sql:
    """The ledger, of campaigns in scope."""
    s, c = request.table("AttributionSpend", "sp"), request.table("Campaign", "sc")
    where: list[Sql] = []
    if request.args.given("since"):
        since = request.args.param("since", cast="date")
        where.append(sql("{s.day} >= {since}", s=s, since=since))
    if request.args.given("until"):
        until = request.args.param("until", cast="date")
        where.append(sql("{s.day} <= {until}", s=s, until=until))
    if request.parent is not None:
        where.append(sql("{s.campaign_id} = {parent}", s=s, parent=request.parent))
    elif request.args.given("project"):
        where.append(_tracked(request, c))
    return sql(
        """
        SELECT {c.id}, {c.store_id}, {s.channel}, {s.day}, {s.currency}, 0, 0, sum({s.amount})
        FROM {s} JOIN {c} ON {c.id} = {s.campaign_id}
        WHERE {s.scope} AND {c.scope} {asked}
        GROUP BY 1, 2, 3, 4, 5
        """,
        c=c,
        s=s,
        asked=also(where),
    )


def _tracked(request: AggregateRequest, c: Row) -> Sql:
    """The campaign belongs to the project asked for, itself or by its integration."""
    return sql(
        """
        ({c.project_id} = ANY ({projects}) OR {c.integration_id} = ANY (ARRAY(
            SELECT {i.id} FROM {i} WHERE {i.scope} AND {i.project_id} = ANY ({integrated})
        )))
        """,
        c=c,
        projects=projects_of(request, "sk"),
        i=request.table("Integration", "si"),
        integrated=projects_of(request, "sj"),
    )


def _worth(request: AggregateRequest) -> Sql:
    """What is shared: the metric of each event, in the smallest parts of its kind."""
    metric = request.args.param("metric", cast="text")
    is_count = sql("{event_count} = {metric}", event_count=quoted(EVENT_COUNT), metric=metric)
    return worth(request, sql("= {metric}", metric=metric), is_count, _days)


def _days(request: AggregateRequest, at: Sql) -> list[Sql]:
    """Inside the days asked for."""
    out = []
    if request.args.given("since"):
        day = request.args.param("since", cast="date")
        out.append(sql("{at} >= (SELECT {day}::timestamp AT TIME ZONE 'UTC')", at=at, day=day))
    if request.args.given("until"):
        day = request.args.param("until", cast="date")
        out.append(sql("{at} < (SELECT ({day} + 1)::timestamp AT TIME ZONE 'UTC')", at=at, day=day))
    return out


def window_of(request: AggregateRequest) -> Sql:
    """How long before the event a touch may lie."""
    return sql("make_interval(days => {days})", days=request.args.param("windowDays", cast="int"))


def half_life_of(request: AggregateRequest) -> Sql:
    """In microseconds."""
    return request.args.param("halfLifeDays", cast="bigint", convert=_microseconds)


def _microseconds(days: Any) -> object:
    return days * 86_400_000_000


__all__ = ["ROWS", "AttributionRow", "CampaignAttribution", "attribution", "campaign_attribution"]
