"""Base rows of metrics: sums of a store's campaigns from the rollup, where that knows enough, else each campaign's."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.domain.metrics.headline import SEEN
from app.graph.figures.figure_fields import LISTED
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
from app.plan.sql import NOTHING, NOW, Alias, Select, Sql, Table, also, joined, quoted, sql
from app.tables.metrics import COUNTS, PAIRED, REPORTED

_PAIRED_COUNTS = tuple(name for name in PAIRED if name != "clicked_spend")
SUMS: dict[str, Sum] = {
    **{name: total(name) for name in (*COUNTS, *_PAIRED_COUNTS)},
    "clicked_spend": worth("clicked_spend"),
    **{name: money(name) for name in ("spend", "revenue", "planned_spend")},
}

REPORTED_PREFIX, MEASURED_PREFIX = "reported_", "measured_"
"""What columns of them begin with."""
LISTED_FIGURES = (
    "source", "impressions", "clicks", "conversions", "sent", "delivered", "opened", "clicked", "unsubscribed",
    "spend", "revenue",
)  # fmt: skip
"""What is listed of each source."""
Names = Callable[[Question, Table, Row | None], dict[str, Sql]]
_KEYS_OF_CAMPAIGNS = {
    "Store": "store_id",
    "Project": "project_id",
    "Segment": "segment_id",
    "Partner": "partner_id",
}
"""Whose campaigns they are, by the campaigns' column."""


def metric_rows(question: Question) -> Select:
    """Rows of one day and channel: the headline."""
    return _rows(question, "CampaignMetric", "MetricRollup", _names)


def said_rows(question: Question, *sources: str) -> Select:
    """The same of what these sources say, each for itself; one that ends with `%` is all that begin so."""
    select = _rows(question, "MetricFact", "MetricFactRollup", _said_names)
    return select if not sources else replace(select, where=[*select.where, _of_sources(Alias("m"), sources)])


def reported_rows(question: Question) -> Select:
    """What platforms report."""
    return said_rows(question, f"{REPORTED}%")


def measured_rows(question: Question) -> Select:
    """What we count ourselves."""
    return said_rows(question, *SEEN)


def _of_sources(m: Row, sources: Sequence[str]) -> Sql:
    return sql(
        "{m.source} LIKE ANY ({sources})",
        m=m,
        sources=sql("ARRAY[{names}]", names=joined(", ", [quoted(name) for name in sources])),
    )


def _rows(question: Question, of_campaigns: str, of_stores: str, names: Names) -> Select:
    request = question.request
    if _rollup_knows(question):
        m = request.table(of_stores, "m")
        where = _chosen(question, m, None)
        return Select(names(question, m, None), m, [*where, *_asked(request, m, m("store_id"))])
    m, c = request.table(of_campaigns, "m"), request.table("Campaign", "c")
    where = _chosen(question, m, c)
    if question.of == "Campaign" and not _needs_campaign(question):
        return Select(names(question, m, None), m, [*where, *_asked(request, m, None)])
    joins = sql("JOIN {c} ON {c.scope} AND {c.id} = {m.campaign_id}", c=c, m=m)
    where += _asked(request, m, c("store_id"))
    return Select(names(question, m, c), m, where, joins=joins)


def _rollup_knows(question: Question) -> bool:
    """It knows days, channels and stores, not projects. What is converted is, and rounded, campaign by campaign."""
    if question.request.args.given("currency"):
        # Whether money is among what is asked or not, so that a figure does not depend on what stands beside it.
        return False
    return (
        question.of in ("", "CustomerGroup", "Store")
        and not question.request.scope_shape.has_projects
        and not question.is_by(CAMPAIGN, PROJECT, SEGMENT, PARTNER)
    )


def _needs_campaign(question: Question) -> bool:
    return question.is_by(STORE, PROJECT, SEGMENT, PARTNER)


def _names(question: Question, m: Table, c: Row | None) -> dict[str, Sql]:
    return _columns(question, m, c, (*COUNTS, *PAIRED, "revenue"))


def _said_names(question: Question, m: Table, c: Row | None) -> dict[str, Sql]:
    # Rates are of the headline alone.
    return {
        **_columns(question, m, c, ("source", *COUNTS, "revenue")),
        **{name: sql("0::numeric") for name in PAIRED},
    }


def _columns(question: Question, m: Table, c: Row | None, figures: Sequence[str]) -> dict[str, Sql]:
    names = {name: m(name) for name in ("day", "currency", CHANNEL.column, *figures)}
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
    if c is None and m.name in ("campaign_metric", "metric_fact"):
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
        link = question.request.table("PromoCampaign", "pp")
        campaigns = sql(
            "(SELECT {l.campaign_id} FROM {l} WHERE {l.scope} AND {l.promo_id} = {parent})",
            l=link,
            parent=parent,
        )
        return [sql("{m.campaign_id} IN {campaigns}", m=m, campaigns=campaigns)]
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
    said, beside = _said_of_campaign(request, c, since, until)
    return Select(
        {**names, **said}, c, [of_campaign], joins=sql("{m} {beside}", m=metrics, beside=beside),
        group=[c("currency")],
    )  # fmt: skip


def _said_of_campaign(
    request: AggregateRequest, c: Table, since: Sql | None, until: Sql | None
) -> tuple[dict[str, Sql], Sql]:
    """What sources say of the campaign, in its currency: columns, and the joins they are read from."""
    names: dict[str, Sql] = {}
    joins: list[Sql] = []
    figures = (*COUNTS, "spend", "revenue")
    for prefix, sources in ((REPORTED_PREFIX, (f"{REPORTED}%",)), (MEASURED_PREFIX, SEEN)):
        if any(name.startswith(prefix) for name in request.wanted):
            m = request.table("MetricFact", f"{prefix}f")
            where = [*_of_campaign(request, m, c, since, until), _of_sources(m, sources)]
            summed = {name: sql("coalesce(sum({x}), 0)", x=m(name)) for name in figures}
            joins.append(_lateral(Select(summed, m, where), f"{prefix}said"))
            names |= {
                prefix + name: sql("max({said}.{name})", said=f"{prefix}said", name=name) for name in figures
            }
    if any(name.startswith(LISTED) for name in request.wanted):
        m = request.table("MetricFact", "listed_f")
        summed = {"source": m("source")}
        summed |= {name: sql("coalesce(sum({x}), 0)", x=m(name)) for name in LISTED_FIGURES[1:]}
        each = Select(summed, m, _of_campaign(request, m, c, since, until), group=[m("source")])
        lists = joined(
            ", ",
            [sql("array_agg(l.{name} ORDER BY l.source) AS {name}", name=name) for name in LISTED_FIGURES],
        )
        listed = sql("SELECT {lists} FROM ({each}) l", lists=lists, each=each.sql())
        joins.append(sql("CROSS JOIN LATERAL ({listed}) listed", listed=listed))
        names |= {
            LISTED + name: sql("coalesce(max(listed.{name}), '{{}}')", name=name) for name in LISTED_FIGURES
        }
    return names, joined(" ", joins) if joins else NOTHING


def _of_campaign(
    request: AggregateRequest, m: Table, c: Table, since: Sql | None, until: Sql | None
) -> list[Sql]:
    own = sql("{m.campaign_id} = {c.id} AND {m.currency} = {c.currency}", m=m, c=c)
    return [own, *within(m("day"), since, until), *_asked(request, m, None)]


def _lateral(select: Select, alias: str) -> Sql:
    return sql("CROSS JOIN LATERAL ({rows}) {alias}", rows=select.sql(), alias=alias)
