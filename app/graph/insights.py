"""Insights: a project's metrics over time, straight from its events, without attribution.

Whole hours are read from the rollup that every write keeps, the rest of the window from the events themselves; so are
hours in which a day begins, where a time zone's days do not begin with an hour of UTC. Buckets and breakdown are a full
grid: where nothing happened there are zeros.
Source: Webmarketer API 1.0.0, "Event insights (without attribution)".
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any

import strawberry

from app.domain.events.rollups import EVENT_COUNT
from app.graph.declare import aggregate, argument, column, entity, parts
from app.graph.insight_grid import (
    InsightInterval,
    InsightValue,
    after,
    bucket_of,
    grid,
    instant,
    metrics_asked,
    project_asked,
    window_faults,
)
from app.graph.scalars import DateTime
from app.plan.catalog import AggregateRequest, Entity
from app.plan.sql import Select, Sql, all_of, joined, put
from app.tables import events as tables
from app.values.zones import is_zone, whole_hours_since

ROWS = (
    Entity("EventRollup", tables.EventRollup.__tablename__),
    Entity("InsightEvent", tables.Event.__tablename__),
    Entity("InsightMetric", tables.EventMetric.__tablename__),
    Entity("InsightType", tables.EventType.__tablename__),
)
"""Tables read beside a project that is in scope already."""


@strawberry.enum(description="What insights are broken down by, beside time.")
class InsightBreakdown(Enum):
    """Source: `groupBy`."""

    PROJECT = strawberry.enum_value("project", description="Nothing more: one entry per interval.")
    EVENT_TYPE = strawberry.enum_value("event-type", description="One entry per interval and event type.")


@entity(description="Metrics of one stretch of time, and of one event type where they are broken down.")
class InsightEntry:
    """Metrics of one stretch of time."""

    date: str = column("Where the stretch begins (2025-06-01T00:00:00Z), or its number, from 1.")
    event_type: str | None = column("The event type's reference; null: not broken down.")
    values: list[InsightValue] = parts("Each metric once, in the order asked for.", "value", always="metric")


def insights(description: str) -> Any:
    """Metrics of a project's events over time."""
    return aggregate(
        description,
        _insights,
        argument("project", str, "The project: its slug or its id."),
        argument("metrics", list[str], "Storage keys of statistics and states, or event-count."),
        argument("interval", InsightInterval, "How long the stretches are."),
        argument(
            "group_by", InsightBreakdown, "What to break down by, beside time.", InsightBreakdown.PROJECT
        ),
        argument(
            "since", DateTime | None, "From this instant on; null: from the first event.", None
        ),
        argument("until", DateTime | None, "Up to and including this instant; null: to the last event.", None),
        argument(
            "event_types",
            list[str] | None,
            "References of the event types to break down by; null or empty: all. Of no effect on PROJECT.",
            None,
        ),
        argument("time_zone", str, "Whose days, weeks and years these are, such as Europe/Paris.", "UTC"),
        many=True,
        check=window_faults,
    )  # fmt: skip


# ── the statement ─────────────────────────────────────────────────────────────


def _insights(request: AggregateRequest) -> Select:
    by_type = request.args.structural("groupBy").value == "event-type"
    breakdown = _breakdown(request, by_type=by_type)
    return grid(request, _facts(request, by_type=by_type), breakdown, {"event_type": "reference"})


def _breakdown(request: AggregateRequest, *, by_type: bool) -> Sql:
    """The event types to show, those in the archive only where they have something to show or were asked for."""
    if not by_type:
        table, scope, p = request.table("Project", "p")
        return put("SELECT 0::bigint AS part, NULL::text AS reference FROM ", table, " WHERE ",
                   all_of([*scope, put(p("id"), " = ", project_asked(request, "pr"))]))  # fmt: skip
    table, scope, t = request.table("InsightType", "t")
    where = [*scope, put(t("project_id"), " = ", project_asked(request, "pr"))]
    if request.args.given("eventTypes"):
        where.append(_asked(request, t("reference")))
    shown = put("(", t("archived_at"), " IS NULL OR EXISTS (SELECT 1 FROM facts WHERE part = ", t("id"), "))")
    return put(
        "SELECT ", t("id"), " AS part, ", t("reference"), " FROM ", table, " WHERE ", all_of([*where, shown])
    )


def _facts(request: AggregateRequest, *, by_type: bool) -> Sql:
    """One row per bucket, event type (0: all) and key that something is known of."""
    part = "s.type_id" if by_type else "0::bigint"
    sources = joined(" UNION ALL ", [_hours(request, by_type), *_edges(request, by_type)])
    return put("SELECT ", bucket_of(request, put("s.at")), f" AS bucket, {part} AS part, s.key, sum(s.value) AS value"
               " FROM (", sources, ") s GROUP BY 1, 2, 3")  # fmt: skip


def _hours(request: AggregateRequest, by_type: bool) -> Sql:
    """The rollup's hours that lie as a whole inside the window, and inside one bucket."""
    table, scope, r = request.table("EventRollup", "r")
    where = [
        *scope,
        put(r("project_id"), " = ", project_asked(request, "pr")),
        # In another collation, so that the index is read hour after hour and its keys are looked at, instead of being
        # searched for each of an unknown number of keys.
        put(r("key"), ' COLLATE "C" = ANY (', metrics_asked(request), ")"),
        *_whole(request, r("hour")),
        put("(", r("hour"), " >= ", _unbroken(request), " OR ", _same_bucket(request, r("hour")), ")"),
        *_of_types(request, r("event_type_id"), by_type),
    ]
    return put("SELECT ", r("hour"), " AS at, ", r("event_type_id"), " AS type_id, ", r("key"), ", ", r("value"),
               " FROM ", table, " WHERE ", all_of(where))  # fmt: skip


def _edges(request: AggregateRequest, by_type: bool) -> Iterable[Sql]:
    """Events, and their metrics, of the hours that are not read from the rollup."""
    edges = _edge_windows(request)
    types, type_scope, t = request.table("InsightType", "t")
    events, event_scope, e = request.table("InsightEvent", "e")
    of_project = put(project_asked(request, "pr"))
    counted = [put("e.status = 'processed'"), *_of_types(request, e("event_type_id"), by_type)]
    tie = [*event_scope, put(e("event_type_id"), " = ", t("id")), *_inside(e("occurred_at")), *counted]
    # OFFSET 0: edge by edge (and key by key). A join would expect a ninth of all events in any window.
    yield put(
        f"SELECT v.at, v.type_id, '{EVENT_COUNT}', 1 FROM ", edges, " CROSS JOIN LATERAL (SELECT ", e("occurred_at"),
        " AS at, ", e("event_type_id"), " AS type_id FROM ", types, " JOIN ", events, " ON ", all_of(tie), " WHERE ",
        all_of([*type_scope, put(t("project_id"), " = ", of_project)]), " OFFSET 0) v WHERE ",
        put(f"'{EVENT_COUNT}' = ANY (", metrics_asked(request), ")"),
    )  # fmt: skip
    table, scope, m = request.table("InsightMetric", "m")
    tie = [*scope, put(m("project_id"), " = ", of_project), put(m("storage_key"), " = k.key"),
           *_inside(m("occurred_at"))]  # fmt: skip
    typed = [put(e("id"), " = ", m("event_id")), put(e("event_type_id"), " IS NOT NULL")]
    yield put(
        "SELECT v.at, v.type_id, k.key, v.value FROM ", edges, " CROSS JOIN unnest(", metrics_asked(request),
        ") k(key) CROSS JOIN LATERAL (SELECT ", m("occurred_at"), " AS at, ", e("event_type_id"), " AS type_id, ",
        m("value"), " FROM ", table, " JOIN ", events, " ON ", all_of([*event_scope, *typed, *counted]), " WHERE ",
        all_of(tie), " OFFSET 0) v",
    )  # fmt: skip


def _edge_windows(request: AggregateRequest) -> Sql:
    """From the window's beginning to the first whole hour, from behind the last one to its end, and broken hours."""
    edges: list[Sql] = []
    since, until = request.args.given("since"), request.args.given("until")
    if since:
        first = _first_hour(request)
        to = put("least(", first, ", ", after(request), ")") if until else first
        edges.append(put("(", instant(request, "since"), ", ", to, ")"))
    if until:
        last = _last_hour(request)
        behind = put("greatest(", _first_hour(request), ", ", last, ")") if since else last
        edges.append(put("(", behind, ", ", after(request), ")"))
    table, scope, b = request.table("EventRollup", "b")
    where = [
        *scope,
        put(b("project_id"), " = ", project_asked(request, "pb")),
        put(b("key"), f" COLLATE \"C\" = '{EVENT_COUNT}'"),
        *_whole(request, b("hour")),
        put(b("hour"), " < ", _unbroken(request)),
        put("NOT ", _same_bucket(request, b("hour"))),
    ]
    broken = put("SELECT DISTINCT ", b("hour"), " AS lo, ", b("hour"), " + interval '1 hour' AS hi FROM ", table,
                 " WHERE ", all_of(where))  # fmt: skip
    if not edges:
        return put("(", broken, ") x")
    return put("(SELECT lo, hi FROM (VALUES ", joined(", ", edges), ") v(lo, hi) UNION ALL ", broken, ") x")


def _whole(request: AggregateRequest, hour: Sql) -> list[Sql]:
    """The hour lies inside the window as a whole."""
    out = []
    if request.args.given("since"):
        out.append(put(hour, " >= ", _first_hour(request)))
    if request.args.given("until"):
        out.append(put(hour, " < ", _last_hour(request)))
    return out


def _same_bucket(request: AggregateRequest, hour: Sql) -> Sql:
    """The hour's first moment and its last are in the same bucket."""
    last = put("(", hour, " + interval '1 hour' - interval '1 microsecond')")
    return put("(", bucket_of(request, hour), " = ", bucket_of(request, last), ")")


def _unbroken(request: AggregateRequest) -> Sql:
    """From when on no hour can hold the beginning of a day, so that it need not be looked for."""
    return put(request.args.param("timeZone", cast="text", convert=_whole_hours), "::timestamptz")


def _inside(at: Sql) -> list[Sql]:
    return [put(at, " >= x.lo"), put(at, " < x.hi")]


def _first_hour(request: AggregateRequest) -> Sql:
    """The first whole hour, where there is a beginning."""
    return put(
        "date_trunc('hour', ", instant(request, "since"), " + interval '1 hour' - interval '1 microsecond')"
    )


def _last_hour(request: AggregateRequest) -> Sql:
    """The hour that is not whole any more."""
    return put("date_trunc('hour', ", after(request), ")")


def _of_types(request: AggregateRequest, type_id: Sql, by_type: bool) -> list[Sql]:
    """Of the event types asked for alone."""
    if not by_type or not request.args.given("eventTypes"):
        return []
    table, scope, t = request.table("InsightType", "ft")
    where = [
        *scope,
        put(t("project_id"), " = ", project_asked(request, "pf")),
        _asked(request, t("reference")),
    ]
    return [put(type_id, " = ANY (ARRAY(SELECT ", t("id"), " FROM ", table, " WHERE ", all_of(where), "))")]


def _asked(request: AggregateRequest, reference: Sql) -> Sql:
    asked = request.args.param("eventTypes", cast="text[]")
    return put("(cardinality(", asked, ") = 0 OR ", reference, " = ANY (", asked, "))")


def _whole_hours(zone: Any) -> object:
    return whole_hours_since(zone).isoformat() if is_zone(zone) else None


__all__ = ["ROWS", "InsightEntry", "insights"]
