"""Base rows of metrics: sums of a store's campaigns from the rollup, where that knows enough, else each campaign's."""

from app.graph.figures.sources import (
    CAMPAIGN,
    CHANNEL,
    PARTNER,
    PROJECT,
    SEGMENT,
    STORE,
    Question,
    Sum,
    money,
    total,
    worth,
)
from app.graph.figures.windows import within
from app.plan.catalog import AggregateRequest, Row
from app.plan.references import ids_of
from app.plan.sql import NOTHING, NOW, Select, Sql, Table, also, sql
from app.tables.metrics import COUNTS, PAIRED

_PAIRED_COUNTS = tuple(name for name in PAIRED if name != "clicked_spend")
SUMS: dict[str, Sum] = {
    **{name: total(name) for name in (*COUNTS, *_PAIRED_COUNTS)},
    "clicked_spend": worth("clicked_spend"),
    **{name: money(name) for name in ("spend", "revenue", "planned_spend")},
}

_KEYS_OF_CAMPAIGNS = {
    "Store": "store_id",
    "Project": "project_id",
    "Segment": "segment_id",
    "Partner": "partner_id",
}
"""Whose campaigns they are, by the campaigns' column."""


def metric_rows(question: Question) -> Select:
    """Rows of one day and channel."""
    request = question.request
    if _rollup_knows(question):
        m = request.table("MetricRollup", "m")
        where = _chosen(question, m, None)
        return Select(_names(question, m, None), m, [*where, *_asked(request, m, m("store_id"))])
    m, c = request.table("CampaignMetric", "m"), request.table("Campaign", "c")
    where = _chosen(question, m, c)
    if question.of == "Campaign" and not _needs_campaign(question):
        return Select(_names(question, m, None), m, [*where, *_asked(request, m, None)])
    joins = sql("JOIN {c} ON {c.scope} AND {c.id} = {m.campaign_id}", c=c, m=m)
    where += _asked(request, m, c("store_id"))
    return Select(_names(question, m, c), m, where, joins=joins)


def _rollup_knows(question: Question) -> bool:
    """It knows days, channels and stores, not projects."""
    return (
        question.of in ("", "CustomerGroup", "Store")
        and not question.request.scope_shape.has_projects
        and not question.is_by(CAMPAIGN, PROJECT, SEGMENT, PARTNER)
    )


def _needs_campaign(question: Question) -> bool:
    return question.is_by(STORE, PROJECT, SEGMENT, PARTNER)


def _names(question: Question, m: Table, c: Row | None) -> dict[str, Sql]:
    names = {name: m(name) for name in ("day", "currency", CHANNEL.column, *COUNTS, *PAIRED, "revenue")}
    if c is None:
        names[STORE.column] = m("store_id")
        names[CAMPAIGN.column] = m("campaign_id")
    else:
        names[CAMPAIGN.column] = c("id")
        names |= {one.column: c(one.column) for one in (STORE, PROJECT, SEGMENT, PARTNER)}
    if question.needs_any("spend", "planned_spend"):
        past = _is_past(question.request, m, c)
        names["spend"] = sql("CASE WHEN {past} THEN {m.spend} ELSE 0 END", past=past, m=m)
        names["planned_spend"] = sql("CASE WHEN {past} THEN 0 ELSE {m.spend} END", past=past, m=m)
    return names


def _is_past(request: AggregateRequest, m: Table, c: Row | None) -> Sql:
    """The day is not to come, where the store is. It is asked for its zone only where zones can disagree."""
    # In a SELECT of its own, as elsewhere here, so that it is reckoned once and not for each row.
    today = sql("(SELECT ({now} AT TIME ZONE 'UTC')::date)", now=NOW)
    s, g = request.table("Store", "ps"), request.table("CustomerGroup", "pg")
    if c is None and m.name == "campaign_metric":
        of_row = sql(
            "(SELECT {pc.store_id} FROM {pc} WHERE {pc.scope} AND {pc.id} = {m.campaign_id})",
            pc=request.table("Campaign", "pc"),
            m=m,
        )
    else:
        of_row = m("store_id") if c is None else c("store_id")
    return sql(
        """
        CASE
            WHEN {m.day} < {today} THEN true
            WHEN {m.day} > {today} + 1 THEN false
            ELSE {m.day} <= ({now} AT TIME ZONE coalesce(
                (SELECT {s.time_zone} FROM {s} WHERE {s.scope} AND {s.id} = {of_row}),
                (SELECT {g.time_zone} FROM {g} WHERE {g.scope})
            ))::date
        END
        """,
        m=m,
        today=today,
        now=NOW,
        s=s,
        of_row=of_row,
        g=g,
    )


def _chosen(question: Question, m: Table, c: Row | None) -> list[Sql]:
    return [*_owned(question, m, c), *within(m("day"), question.since, question.until)]


def _owned(question: Question, m: Table, c: Row | None) -> list[Sql]:
    parent = question.request.parent
    if parent is None or not question.of:
        return []
    if question.of == "CustomerGroup":
        return [sql("{m.group_id} = {parent}", m=m, parent=parent)]
    if question.of == "Campaign":
        return [sql("{m.campaign_id} = {parent}", m=m, parent=parent)]
    if question.of == "Promo":
        p = question.request.table("Promo", "pp")
        campaign = sql(
            "(SELECT {p.campaign_id} FROM {p} WHERE {p.scope} AND {p.id} = {parent})", p=p, parent=parent
        )
        return [sql("{m.campaign_id} = {campaign}", m=m, campaign=campaign)]
    row = m if c is None else c
    return [sql("{key} = {parent}", key=row(_KEYS_OF_CAMPAIGNS[question.of]), parent=parent)]


def _asked(request: AggregateRequest, m: Row, store: Sql | None) -> list[Sql]:
    out = []
    if request.args.given("channels"):
        out.append(
            sql("{m.channel} = ANY ({asked})", m=m, asked=request.args.param("channels", cast="text[]"))
        )
    if request.args.given("storeIds") and store is not None:
        stores = request.args.param("storeIds", cast="bigint[]", convert=ids_of("store"))
        out.append(sql("{store} = ANY ({stores})", store=store, stores=stores))
    return out


def campaign_total_rows(request: AggregateRequest) -> Select:
    """One row of a campaign, in its currency, whether there is anything or not."""
    assert request.parent is not None
    c, m = request.table("Campaign", "c"), request.table("CampaignMetric", "m")
    args = request.args
    since = args.param("since", cast="date") if args.given("since") else None
    until = args.param("until", cast="date") if args.given("until") else None
    spends = bool({"spend", "planned_spend"} & set(request.wanted))
    past = _is_past(request, m, c) if spends else NOTHING
    metrics = sql(
        "LEFT JOIN {m} ON {m.scope} AND {m.campaign_id} = {c.id} {within}",
        c=c,
        m=m,
        within=also([*within(m("day"), since, until), *_asked(request, m, None)]),
    )
    names = {"currency": c("currency")}
    names |= {name: sql("coalesce(sum({x}), 0)", x=m(name)) for name in (*COUNTS, *_PAIRED_COUNTS)}
    names["whole_conversions"] = sql("coalesce(sum(round({m.conversions})), 0)::bigint", m=m)
    # Sales in other currencies are counted; their amounts are no part of one in the campaign's.
    own = sql("FILTER (WHERE {m.currency} = {c.currency})", m=m, c=c)
    names |= {
        name: sql("coalesce(sum({x}) {own}, 0)", x=m(name), own=own) for name in ("revenue", "clicked_spend")
    }
    if spends:
        names["spend"] = sql("coalesce(sum({m.spend}) FILTER (WHERE {past}), 0)", m=m, past=past)
        names["planned_spend"] = sql("coalesce(sum({m.spend}) FILTER (WHERE NOT {past}), 0)", m=m, past=past)
    of_campaign = sql("{c.id} = {parent}", c=c, parent=request.parent)
    return Select(names, c, [of_campaign], joins=metrics, group=[c("currency")])
