"""Insights: a project's metrics over time, straight from its events, without attribution.

Whole hours are read from the rollup that every write keeps, the rest of the window from the events themselves; so are
all hours of a time zone whose days do not begin with an hour of UTC. Buckets and breakdown are a full grid: where
nothing happened there are zeros. Source: Webmarketer API 1.0.0, "Event insights (without attribution)".
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

import strawberry

from app.domain.events.rollups import EVENT_COUNT
from app.graph.declare import aggregate, argument, column, entity, parts
from app.graph.scalars import DateTime, Decimal
from app.plan.catalog import AggregateRequest, Entity
from app.plan.sql import Select, Sql, all_of, joined, sql
from app.tables import events as tables
from app.values.ids import read_id
from app.values.zones import is_zone, whole_hours_since

ROWS = (
    Entity("EventRollup", tables.EventRollup.__tablename__),
    Entity("InsightEvent", tables.Event.__tablename__),
    Entity("InsightMetric", tables.EventMetric.__tablename__),
    Entity("InsightType", tables.EventType.__tablename__),
)
"""Tables read beside a project that is in scope already."""

MAX_BUCKETS = 4_000
"""More than ten years of days."""
MAX_METRICS = 100
MAX_VALUES = 100_000
"""Buckets times metrics."""


@strawberry.enum(description="How insights are put together in time.")
class InsightInterval(Enum):
    """Linear intervals follow one another; the others lay all years (or months, or weeks) over each other."""

    DAY = strawberry.enum_value("day", description="Days.")
    WEEK = strawberry.enum_value("week", description="ISO weeks, from Monday.")
    MONTH = strawberry.enum_value("month", description="Calendar months.")
    QUARTER = strawberry.enum_value("quarter", description="Calendar quarters.")
    SEMESTER = strawberry.enum_value("semester", description="Half years, from January and from July.")
    YEAR = strawberry.enum_value("year", description="Calendar years.")
    DAY_OF_WEEK = strawberry.enum_value("day_of_week", description="1 (Monday) to 7.")
    DAY_OF_MONTH = strawberry.enum_value("day_of_month", description="1 to 31.")
    DAY_OF_YEAR = strawberry.enum_value("day_of_year", description="1 to 366.")
    WEEK_OF_YEAR = strawberry.enum_value("week_of_year", description="ISO weeks, 1 to 53.")
    MONTH_OF_YEAR = strawberry.enum_value("month_of_year", description="1 to 12.")
    QUARTER_OF_YEAR = strawberry.enum_value("quarter_of_year", description="1 to 4.")
    SEMESTER_OF_YEAR = strawberry.enum_value("semester_of_year", description="1 and 2.")


@strawberry.enum(description="What insights are broken down by, beside time.")
class InsightBreakdown(Enum):
    """Source: `groupBy`."""

    PROJECT = strawberry.enum_value("project", description="Nothing more: one entry per interval.")
    EVENT_TYPE = strawberry.enum_value("event-type", description="One entry per interval and event type.")


_SEMESTER = "(extract(month FROM {0}) > 6)::int"
_LINEAR = {
    # interval: (its start from a local time, the step to the next, days it has at least)
    "day": ("date_trunc('day', {0})", "1 day", 1),
    "week": ("date_trunc('week', {0})", "7 days", 7),
    "month": ("date_trunc('month', {0})", "1 month", 28),
    "quarter": ("date_trunc('quarter', {0})", "3 months", 90),
    "semester": (f"(date_trunc('year', {{0}}) + {_SEMESTER} * interval '6 months')", "6 months", 181),
    "year": ("date_trunc('year', {0})", "1 year", 365),
}
_SEASONAL = {
    # interval: (its number from a local time, the last number)
    "day_of_week": ("extract(isodow FROM {0})::int", 7),
    "day_of_month": ("extract(day FROM {0})::int", 31),
    "day_of_year": ("extract(doy FROM {0})::int", 366),
    "week_of_year": ("extract(week FROM {0})::int", 53),
    "month_of_year": ("extract(month FROM {0})::int", 12),
    "quarter_of_year": ("extract(quarter FROM {0})::int", 4),
    "semester_of_year": (f"(1 + {_SEMESTER})", 2),
}


@entity(description="What one metric came to.")
class InsightValue:
    """What one metric came to."""

    metric: str = column("Its key, as asked for.")
    value: Decimal = column(
        "A statistic's sum, how often a state is 1, or how many events; 0 for a key that nothing has."
    )


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
        check=_faults,
    )  # fmt: skip


def _faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if not is_zone(values["timeZone"]):
        yield "timeZone", "timeZone is the name of a time zone, such as Europe/Paris."
    metrics = len(set(values["metrics"]))
    if metrics > MAX_METRICS:
        yield "metrics", f"At most {MAX_METRICS} metrics at a time."
    since, until, unit = values.get("since"), values.get("until"), values["interval"].value
    if since is None or until is None or unit not in _LINEAR:
        return
    _, _, days = _LINEAR[unit]
    buckets = max(0, (until - since) // timedelta(days=days)) + 2
    if buckets > MAX_BUCKETS or buckets * metrics > MAX_VALUES:
        yield (
            "interval",
            f"These could be {buckets} stretches of {metrics} metrics; {MAX_BUCKETS} stretches and {MAX_VALUES}"
            " values are the most. Ask for longer stretches, a shorter window, or fewer metrics.",
        )


# ── the statement ─────────────────────────────────────────────────────────────


def _insights(request: AggregateRequest) -> Select:
    unit: str = request.args.structural("interval").value
    by_type = request.args.structural("groupBy").value == "event-type"
    metrics = _metrics(request)
    facts = _facts(request, unit, by_type=by_type)
    zone = request.args.param("timeZone", cast="text")
    if unit in _LINEAR:
        buckets = _linear(request, unit)
        label = sql("to_char(b.bucket AT TIME ZONE ", zone, """, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""")
    else:
        buckets = sql(f"SELECT generate_series(1, {_SEASONAL[unit][1]}) AS bucket")
        label = sql("b.bucket::text")
    grid = sql(
        "(WITH facts AS MATERIALIZED (", facts, ") SELECT b.bucket, ", label, " AS label, ty.reference,"
        " coalesce(array_agg(coalesce(f.value, 0) ORDER BY k.place) FILTER (WHERE k.key IS NOT NULL), '{}')"
        " AS sums FROM (", buckets, ") b CROSS JOIN (", _breakdown(request, by_type=by_type), ") ty"
        " LEFT JOIN unnest(", metrics, ") WITH ORDINALITY k(key, place) ON true"
        " LEFT JOIN facts f ON f.bucket = b.bucket AND f.type_id = ty.id AND f.key = k.key"
        " GROUP BY b.bucket, ty.id, ty.reference) i",
    )  # fmt: skip
    return Select(
        {
            "date": sql("i.label"),
            "event_type": sql("i.reference"),
            "value_metric": metrics,
            "value_value": sql("i.sums"),
            "sort_1": sql("i.bucket"),
            "sort_2": sql("i.reference"),
        },
        grid,
    )


def _linear(request: AggregateRequest, unit: str) -> Sql:
    """Every bucket by its local start. Where the facts set an end, not too many empty ones."""
    start, step, _ = _LINEAR[unit]
    ends = [
        _shaped(start, _local(request, _instant(request, name)))
        if request.args.given(name)
        else sql(f"(SELECT {found}(bucket) FROM facts)")
        for name, found in (("since", "min"), ("until", "max"))
    ]
    every = sql("SELECT generate_series(", joined(", ", ends), f", interval '{step}') AS bucket")
    if request.args.given("since") and request.args.given("until"):
        return every
    return sql("SELECT bucket FROM (", every, f" LIMIT {MAX_BUCKETS}) filled UNION SELECT bucket FROM facts")


def _breakdown(request: AggregateRequest, *, by_type: bool) -> Sql:
    """The event types to show, those in the archive only where they have something to show or were asked for."""
    if not by_type:
        table, scope, p = request.table("Project", "p")
        return sql("SELECT 0::bigint AS id, NULL::text AS reference FROM ", table, " WHERE ",
                   all_of([*scope, sql(p("id"), " = ", _project(request, "pr"))]))  # fmt: skip
    table, scope, t = request.table("InsightType", "t")
    where = [*scope, sql(t("project_id"), " = ", _project(request, "pr"))]
    if request.args.given("eventTypes"):
        where.append(_asked(request, t("reference")))
    shown = sql(
        "(", t("archived_at"), " IS NULL OR EXISTS (SELECT 1 FROM facts WHERE type_id = ", t("id"), "))"
    )
    return sql("SELECT ", t("id"), ", ", t("reference"), " FROM ", table, " WHERE ", all_of([*where, shown]))


def _facts(request: AggregateRequest, unit: str, *, by_type: bool) -> Sql:
    """One row per bucket, event type (0: all) and key that something is known of."""
    shape = _LINEAR[unit][0] if unit in _LINEAR else _SEASONAL[unit][0]
    bucket = _shaped(shape, _local(request, sql("s.at")))
    type_id = sql("s.type_id" if by_type else "0::bigint")
    sources = joined(" UNION ALL ", [_hours(request, by_type), *_edges(request, by_type)])
    return sql("SELECT ", bucket, " AS bucket, ", type_id, " AS type_id, s.key, sum(s.value) AS value FROM (",
               sources, ") s GROUP BY 1, 2, 3")  # fmt: skip


def _hours(request: AggregateRequest, by_type: bool) -> Sql:
    """The rollup's hours that lie inside the window as a whole."""
    table, scope, r = request.table("EventRollup", "r")
    where = [
        *scope,
        sql(r("project_id"), " = ", _project(request, "pr")),
        sql(r("key"), " = ANY (", _metrics(request), ")"),
        sql(r("hour"), " >= ", _first_hour(request)),
    ]
    if request.args.given("until"):
        where.append(sql(r("hour"), " < ", _last_hour(request)))
    where += _of_types(request, r("event_type_id"), by_type)
    return sql("SELECT ", r("hour"), " AS at, ", r("event_type_id"), " AS type_id, ", r("key"), ", ", r("value"),
               " FROM ", table, " WHERE ", all_of(where))  # fmt: skip


def _edges(request: AggregateRequest, by_type: bool) -> Iterable[Sql]:
    """Events, and their metrics, before the first whole hour and after the last."""
    edges = _edge_windows(request)
    types, type_scope, t = request.table("InsightType", "t")
    events, event_scope, e = request.table("InsightEvent", "e")
    of_project = sql(_project(request, "pr"))
    counted = [sql("e.status = 'processed'"), *_of_types(request, e("event_type_id"), by_type)]
    yield sql(
        "SELECT ", e("occurred_at"), ", ", e("event_type_id"), f", '{EVENT_COUNT}', 1 FROM ", edges, " CROSS JOIN ",
        types, " JOIN ", events, " ON ",
        all_of([*event_scope, sql(e("event_type_id"), " = ", t("id")), *_inside(e("occurred_at")), *counted]),
        " WHERE ", all_of([*type_scope, sql(t("project_id"), " = ", of_project),
                           sql(f"'{EVENT_COUNT}' = ANY (", _metrics(request), ")")]),
    )  # fmt: skip
    table, scope, m = request.table("InsightMetric", "m")
    tie = [*scope, sql(m("project_id"), " = ", of_project), sql(m("storage_key"), " = k.key"),
           *_inside(m("occurred_at"))]  # fmt: skip
    typed = [sql(e("id"), " = ", m("event_id")), sql(e("event_type_id"), " IS NOT NULL")]
    yield sql(
        "SELECT ", m("occurred_at"), ", ", e("event_type_id"), ", ", m("storage_key"), ", ", m("value"),
        " FROM ", edges, " CROSS JOIN unnest(", _metrics(request), ") k(key) JOIN ", table, " ON ", all_of(tie),
        " JOIN ", events, " ON ", all_of([*event_scope, *typed, *counted]),
    )  # fmt: skip


def _edge_windows(request: AggregateRequest) -> Sql:
    """From the window's beginning to the first whole hour, and from behind the last one to the window's end."""
    args = request.args
    begin = _instant(request, "since") if args.given("since") else sql("'-infinity'::timestamptz")
    first = _first_hour(request)
    if not args.given("until"):
        return sql("(VALUES (", begin, ", ", first, ")) x(lo, hi)")
    end, last = _after(request), _last_hour(request)
    head = sql("(", begin, ", least(", first, ", ", end, "))")
    tail = sql("(greatest(", first, ", ", last, "), ", end, ")")
    return sql("(VALUES ", head, ", ", tail, ") x(lo, hi)")


def _inside(at: Sql) -> list[Sql]:
    return [sql(at, " >= x.lo"), sql(at, " < x.hi")]


def _first_hour(request: AggregateRequest) -> Sql:
    """The first hour to read from the rollup."""
    whole = sql(request.args.param("timeZone", cast="text", convert=_whole_hours), "::timestamptz")
    if not request.args.given("since"):
        return whole
    ceiling = sql(
        "date_trunc('hour', ", _instant(request, "since"), " + interval '1 hour' - interval '1 microsecond')"
    )
    return sql("greatest(", ceiling, ", ", whole, ")")


def _last_hour(request: AggregateRequest) -> Sql:
    """The hour that is not whole any more."""
    return sql("date_trunc('hour', ", _after(request), ")")


def _after(request: AggregateRequest) -> Sql:
    """The instant after the window: `until` belongs to it."""
    return sql("(", _instant(request, "until"), " + interval '1 microsecond')")


def _instant(request: AggregateRequest, name: str) -> Sql:
    # As text: the driver sends the calendar's ends as infinity, where a series would never stop.
    return sql(request.args.param(name, cast="text", convert=_as_text), "::timestamptz")


def _local(request: AggregateRequest, at: Sql) -> Sql:
    return sql("(", at, " AT TIME ZONE ", request.args.param("timeZone", cast="text"), ")")


def _shaped(shape: str, at: Sql) -> Sql:
    first, *others = shape.split("{0}")
    return sql(first, *(sql(at, words) for words in others))


def _project(request: AggregateRequest, alias: str) -> Sql:
    """The id of the project asked for; NULL where none is in scope."""
    table, scope, p = request.table("Project", alias)
    named = sql("(", p("slug"), " = ", request.args.param("project", cast="text"), " OR ", p("id"), " = ",
                request.args.param("project", cast="bigint", convert=_project_id), ")")  # fmt: skip
    return sql("(SELECT ", p("id"), " FROM ", table, " WHERE ", all_of([*scope, named]), " LIMIT 1)")


def _of_types(request: AggregateRequest, type_id: Sql, by_type: bool) -> list[Sql]:
    """Of the event types asked for alone."""
    if not by_type or not request.args.given("eventTypes"):
        return []
    table, scope, t = request.table("InsightType", "ft")
    where = [*scope, sql(t("project_id"), " = ", _project(request, "pf")), _asked(request, t("reference"))]
    return [sql(type_id, " = ANY (ARRAY(SELECT ", t("id"), " FROM ", table, " WHERE ", all_of(where), "))")]


def _asked(request: AggregateRequest, reference: Sql) -> Sql:
    asked = request.args.param("eventTypes", cast="text[]")
    return sql("(cardinality(", asked, ") = 0 OR ", reference, " = ANY (", asked, "))")


def _metrics(request: AggregateRequest) -> Sql:
    return request.args.param("metrics", cast="text[]", convert=_once_each)


def _once_each(keys: Any) -> object:
    return list(dict.fromkeys(keys))


def _as_text(instant: Any) -> object:
    return instant.isoformat()


def _whole_hours(zone: Any) -> object:
    return whole_hours_since(zone).isoformat() if is_zone(zone) else None


def _project_id(text: Any) -> object:
    return read_id("proj", text)


__all__ = ["ROWS", "InsightEntry", "insights"]
