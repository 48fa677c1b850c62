"""The statement of attribution: revenue and cost in pieces, summed up by dimension, in each currency or one.

Where sums are converted, each piece is, and rounded, before it is added: so breakdowns add up to the same.
"""

from collections.abc import Mapping
from typing import Any

from app.domain.attribution.models import Model
from app.domain.events.rollups import EVENT_COUNT
from app.domain.metrics.entries import UNKNOWN_CHANNEL
from app.graph.figures.converting import rate_into
from app.graph.figures.event_worth import Wanted, event_worth
from app.graph.figures.of_projects import is_for_a_project, store_zones, tracked
from app.graph.figures.order_worth import not_told_by_orders, order_worth
from app.graph.figures.shares import Sharing, shares
from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import NOTHING, NOW, Alias, Select, Sql, also, joined, quoted, sql
from app.tables.event_metrics import TURNOVER


def attributed_rows(request: AggregateRequest) -> Select:
    """One row per value of the dimension and currency."""
    by = "" if request.parent is not None else request.args.structural("by").value
    dims = {
        "campaign_id": sql("p.campaign_id") if by == "campaign" else sql("NULL::bigint"),
        "channel": sql("p.channel") if by == "channel" else sql("NULL::text"),
        "store_id": sql("p.store_id") if by == "store" else sql("NULL::bigint"),
    }
    rows = _converted(request, dims) if request.args.given("currency") else _per_currency(request, dims, by)
    a = Alias("a")
    columns = ("currency", "revenue", "conversions", "cost", "left_currency", "left_revenue", "left_cost")
    names = {name: a(name) for name in (*dims, *columns)}
    names |= {"channel": sql("nullif(a.channel, {unknown})", unknown=UNKNOWN)}
    names |= {"is_unknown": sql("(a.channel IS NOT DISTINCT FROM {unknown})", unknown=UNKNOWN)}
    order = [a("currency"), sql("-a.revenue"), a("campaign_id"), a("channel"), a("store_id")]
    return Select(names, sql("({rows}) a", rows=rows), order=order)


UNKNOWN = quoted("")
"""The channel of what a campaign earned or cost where nobody knows which of its channels it was: no channel's name."""


def channel_of(c: Row, campaign: Sql, channel: Sql, *, carried: Sql) -> Sql:
    """The channel of a share: of a campaign with one channel that; else the touch's; else UNKNOWN. NULL: direct.

    Where sales are `carried`, what one says itself stands: the campaign may have run elsewhere then.
    """
    return sql(
        """
        CASE
            WHEN {campaign} IS NULL THEN {channel}
            WHEN cardinality({c.channels}) = 1 AND NOT ({carried} AND {channel} IS NOT NULL) THEN {c.channels}[1]
            ELSE coalesce(nullif({channel}, {other}), {unknown}) END
        """,
        c=c,
        campaign=campaign,
        channel=channel,
        carried=carried,
        other=quoted(UNKNOWN_CHANNEL),
        unknown=UNKNOWN,
    )


def _is_carried(request: AggregateRequest) -> Sql:
    """Whether the model is the one by which sales say themselves whose they are."""
    if request.args.given("model"):
        return sql("true") if request.args.structural("model") is Model.CARRIED else sql("false")
    g = request.table("CustomerGroup", "gc")
    return sql(
        "(SELECT {g.attribution_model} = {model} FROM {g} WHERE {g.scope})",
        g=g,
        model=quoted(Model.CARRIED.value),
    )


def _per_currency(request: AggregateRequest, dims: Mapping[str, Sql], by: str) -> Sql:
    return sql(
        """
        SELECT
            {dims}, p.currency, sum(p.revenue) AS revenue, sum(p.credit) AS conversions, sum(p.cost) AS cost,
            '{{}}'::text[] AS left_currency, '{{}}'::numeric[] AS left_revenue, '{{}}'::numeric[] AS left_cost
        FROM ({pieces}) p
        GROUP BY 1, 2, 3, 4
        """,
        dims=_named(dims),
        pieces=_pieces(request, by_channel=by == "channel"),
    )


def _converted(request: AggregateRequest, dims: Mapping[str, Sql]) -> Sql:
    """What a campaign has in a channel on a day, at the day's rate: the pieces that figures of metrics convert, too.

    What has no rate stays in its currency, in arrays beside the sums.
    """
    into = request.args.param("currency", cast="text")
    rated = sql(
        """
        SELECT p.*, {rate} AS rate
        FROM (
            SELECT
                q.campaign_id, q.store_id, q.channel, q.day, q.currency, sum(q.revenue) AS revenue,
                sum(q.credit) AS credit, sum(q.cost) AS cost
            FROM ({pieces}) q
            GROUP BY 1, 2, 3, 4, 5
        ) p
        """,
        rate=rate_into(request, Alias("p"), into),
        pieces=_pieces(request, by_channel=True),
    )
    in_each = sql(
        """
        SELECT
            {dims}, p.currency, sum(p.credit) AS credit,
            coalesce(sum(round(p.revenue * p.rate, 4)), 0) AS revenue,
            coalesce(sum(round(p.cost * p.rate, 4)), 0) AS cost,
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
            {dims}, {into} AS currency, sum(e.revenue) AS revenue, sum(e.credit) AS conversions,
            sum(e.cost) AS cost,
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


def _pieces(request: AggregateRequest, *, by_channel: bool) -> Sql:
    """Revenue and cost per campaign (in scope; NULL: none), day, channel and currency."""
    g, c = request.table("CustomerGroup", "g"), request.table("Campaign", "c")
    # A campaign out of scope is not shown; what has none belongs to nobody.
    return sql(
        """
        SELECT
            r.campaign_id, {c.store_id}, {channel} AS channel, r.day,
            coalesce(r.currency, (SELECT {g.currency} FROM {g} WHERE {g.scope})) AS currency, r.revenue, r.credit,
            0::numeric AS cost
        FROM ({earned}) r
        LEFT JOIN {c} ON {c.scope} AND {c.id} = r.campaign_id
        WHERE (r.campaign_id IS NULL OR {c.id} IS NOT NULL)
        UNION ALL
        {spent}
        """,
        c=c,
        channel=channel_of(c, sql("r.campaign_id"), sql("r.channel"), carried=_is_carried(request)),
        g=g,
        earned=_earned(request, by_channel=by_channel),
        spent=_spent(request),
    )


def _earned(request: AggregateRequest, *, by_channel: bool) -> Sql:
    asked = NOTHING
    if request.parent is not None:
        asked = sql("WHERE h.campaign_id = {parent}", parent=request.parent)
    return sql(
        """
        SELECT
            h.campaign_id, h.channel, h.day, h.currency, sum(h.value) * 0.0001 AS revenue,
            sum(h.credit) * 0.0001 AS credit
        FROM ({shared}) h {asked}
        GROUP BY 1, 2, 3, 4
        """,
        shared=_shared(request, by_channel=by_channel),
        asked=asked,
    )


def _shared(request: AggregateRequest, *, by_channel: bool) -> Sql:
    """By the model asked for, else by the group's: each is there, and the database runs the one whose turn it is."""
    how = Sharing(
        window=window_of(request),
        half_life_us=half_life_of(request),
        # Days matter only to rates.
        carry=("day", "currency") if request.args.given("currency") else ("currency",),
        credit="conversions" in request.wanted,
        channel=by_channel,
    )

    def by(model: Model) -> Sql:
        shared = shares(request, model, _sales(request, model), how)
        return (
            shared if how.carry[0] == "day" else sql("SELECT d.*, NULL::date AS day FROM ({d}) d", d=shared)
        )

    if request.args.given("model"):
        return by(request.args.structural("model"))
    g = request.table("CustomerGroup", "gm")
    chosen = sql("(SELECT {g.attribution_model} FROM {g} WHERE {g.scope})", g=g)
    return joined(
        " UNION ALL ",
        [
            sql(
                "SELECT m.* FROM ({by}) m WHERE {chosen} = {model}",
                by=by(one),
                chosen=chosen,
                model=quoted(one.value),
            )
            for one in Model
        ],
    )


def _sales(request: AggregateRequest, model: Model) -> Sql:
    """What is shared: the metric of each event, and orders where it is the one that they tell as well."""
    metric = request.args.param("metric", cast="text")
    is_count = sql("{event_count} = {metric}", event_count=quoted(EVENT_COUNT), metric=metric)
    is_turnover = sql("{turnover} = {metric}", turnover=quoted(TURNOVER), metric=metric)
    dated = any(request.args.given(name) for name in ("since", "until", "currency"))
    wanted = Wanted(model, _days, dated=dated)
    return sql(
        "{events} UNION ALL {orders}",
        events=event_worth(
            request,
            sql("= {metric}", metric=metric),
            is_count,
            wanted,
            told=not_told_by_orders(request, is_turnover),
        ),
        orders=order_worth(request, is_turnover, wanted),
    )


def _spent(request: AggregateRequest) -> Sql:
    """The ledger entries of campaigns in scope, up to today: what a day to come will cost is planned, not spent."""
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
    elif is_for_a_project(request):
        where.append(tracked(request, c, "s"))
    return sql(
        """
        SELECT {c.id}, {c.store_id}, {channel}, {s.day}, {s.currency}, 0, 0, sum({s.amount})
        FROM {s} JOIN {c} ON {c.id} = {s.campaign_id}
        WHERE {s.scope} AND {c.scope} AND {spent} {asked}
        GROUP BY 1, 2, 3, 4, 5
        """,
        c=c,
        s=s,
        channel=_booked(c, s("channel")),
        spent=_is_past(request, s("day"), c("store_id")),
        asked=also(where),
    )


def _is_past(request: AggregateRequest, day: Sql, store_id: Sql) -> Sql:
    """The day is not to come, where the store is. Zones are looked at only where they can disagree."""
    return sql(
        """
        CASE
            WHEN {day} < {today} THEN true
            WHEN {day} > {today} + 1 THEN false
            ELSE {day} <= (SELECT ({now} AT TIME ZONE z.zone)::date FROM ({zones}) z WHERE z.id = {store_id})
        END
        """,
        day=day,
        today=sql("(SELECT ({now} AT TIME ZONE 'UTC')::date)", now=NOW),
        now=NOW,
        zones=store_zones(request, "sz"),
        store_id=store_id,
    )


def _booked(c: Row, channel: Sql) -> Sql:
    """The channel that it was booked under; where that is no name, as with what is earned."""
    return sql(
        "CASE WHEN {channel} <> {other} THEN {channel} ELSE {known} END",
        channel=channel,
        other=quoted(UNKNOWN_CHANNEL),
        known=channel_of(c, c("id"), sql("NULL"), carried=sql("false")),
    )


def _days(request: AggregateRequest, at: Sql, day: Sql) -> list[Sql]:
    """Before now, and inside the requested days, by the sale's zone. Instants a day further keep to the index."""
    out = [sql("{at} <= {now}", at=at, now=NOW)]
    if request.args.given("since"):
        since = request.args.param("since", cast="date")
        out.append(
            sql(
                "{at} >= (SELECT {since}::timestamp AT TIME ZONE 'UTC' - interval '1 day')",
                at=at,
                since=since,
            )
        )
        out.append(sql("{day} >= {since}", day=day, since=since))
    if request.args.given("until"):
        until = request.args.param("until", cast="date")
        out.append(
            sql(
                "{at} < (SELECT {until}::timestamp AT TIME ZONE 'UTC' + interval '2 days')",
                at=at,
                until=until,
            )
        )
        out.append(sql("{day} <= {until}", day=day, until=until))
    return out


def window_of(request: AggregateRequest) -> Sql:
    """How long before the sale a touch may be: as asked, else as the group chose."""
    if request.args.given("windowDays"):
        return sql("make_interval(days => {days})", days=request.args.param("windowDays", cast="int"))
    g = request.table("CustomerGroup", "gw")
    return sql("(SELECT make_interval(days => {g.attribution_window_days}) FROM {g} WHERE {g.scope})", g=g)


def half_life_of(request: AggregateRequest) -> Sql:
    """In microseconds."""
    if request.args.given("halfLifeDays"):
        return request.args.param("halfLifeDays", cast="bigint", convert=_microseconds)
    g = request.table("CustomerGroup", "gh")
    return sql("(SELECT {g.attribution_half_life_days} * 86400000000 FROM {g} WHERE {g.scope})", g=g)


def _microseconds(days: Any) -> object:
    return days * 86_400_000_000
