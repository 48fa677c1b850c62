"""The statement of attribution: revenue and cost in pieces, summed up by dimension, in each currency or one."""

from collections.abc import Mapping
from typing import Any

from app.domain.events.rollups import EVENT_COUNT
from app.domain.metrics.entries import UNKNOWN_CHANNEL
from app.graph.figures.event_worth import projects_of, worth
from app.graph.figures.shares import shares
from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import NOTHING, Alias, Select, Sql, also, joined, quoted, sql


def attributed_rows(request: AggregateRequest) -> Select:
    """One row per value of the dimension and currency."""
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
    order = [a("currency"), sql("-a.revenue"), a("campaign_id"), a("channel"), a("store_id")]
    return Select(names, sql("({rows}) a", rows=rows), order=order)


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
    """Pieces at their day's rate; those without one stay in their currency, in arrays beside the sums."""
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
    # A campaign out of scope is not shown; direct belongs to no campaign.
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
        other=quoted(UNKNOWN_CHANNEL),
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
    # Days matter only to rates.
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
    """The ledger entries of campaigns in scope."""
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
    """The campaign belongs to the requested project, itself or through its integration."""
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
    """Inside the requested days."""
    out = []
    if request.args.given("since"):
        day = request.args.param("since", cast="date")
        out.append(sql("{at} >= (SELECT {day}::timestamp AT TIME ZONE 'UTC')", at=at, day=day))
    if request.args.given("until"):
        day = request.args.param("until", cast="date")
        out.append(sql("{at} < (SELECT ({day} + 1)::timestamp AT TIME ZONE 'UTC')", at=at, day=day))
    return out


def window_of(request: AggregateRequest) -> Sql:
    """How long before the event a touch may be."""
    return sql("make_interval(days => {days})", days=request.args.param("windowDays", cast="int"))


def half_life_of(request: AggregateRequest) -> Sql:
    """In microseconds."""
    return request.args.param("halfLifeDays", cast="bigint", convert=_microseconds)


def _microseconds(days: Any) -> object:
    return days * 86_400_000_000
