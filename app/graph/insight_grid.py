"""The grid of insights: every stretch of a window beside every value of a breakdown, zeros where nothing is known.

What is counted comes as facts, one per stretch, value and metric; where they come from is the reader's own matter.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

import strawberry

from app.graph.declare import column, entity
from app.graph.scalars import Decimal
from app.plan.catalog import AggregateRequest
from app.plan.sql import Select, Sql, all_of, joined, put
from app.values.ids import read_id
from app.values.zones import is_zone

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


def window_faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
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


def grid(request: AggregateRequest, facts: Sql, breakdown: Sql, shown: Mapping[str, str]) -> Select:
    """One row per stretch and breakdown value.

    `facts` selects `bucket, part, key, value`, `breakdown` the values to show: `part` and what `shown` reads of it
    (output column → column of the breakdown). The sub-select of facts can be read as `facts` in the breakdown.
    """
    unit: str = request.args.structural("interval").value
    metrics = metrics_asked(request)
    zone = request.args.param("timeZone", cast="text")
    if unit in _LINEAR:
        buckets = _linear(request, unit)
        label = put("to_char(b.bucket AT TIME ZONE ", zone, """, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""")
    else:
        buckets = put(f"SELECT generate_series(1, {_SEASONAL[unit][1]}) AS bucket")
        label = put("b.bucket::text")
    columns = "".join(f", ty.{name}" for name in shown.values())
    rows = put(
        "(WITH facts AS MATERIALIZED (", facts, ") SELECT b.bucket, ", label, f" AS label{columns},"
        " coalesce(array_agg(coalesce(f.value, 0) ORDER BY k.place) FILTER (WHERE k.key IS NOT NULL), '{}')"
        " AS sums FROM (", buckets, ") b CROSS JOIN (", breakdown, ") ty"
        " LEFT JOIN unnest(", metrics, ") WITH ORDINALITY k(key, place) ON true"
        " LEFT JOIN facts f ON f.bucket = b.bucket AND f.part = ty.part AND f.key = k.key"
        f" GROUP BY b.bucket, ty.part{columns}) i",
    )  # fmt: skip
    names = {"date": put("i.label"), "value_metric": metrics, "value_value": put("i.sums")}
    names |= {name: put(f"i.{column}") for name, column in shown.items()}
    names |= {"sort_1": put("i.bucket")}
    return Select(names | {f"sort_{at}": put(f"i.{c}") for at, c in enumerate(shown.values(), 2)}, rows)


def bucket_of(request: AggregateRequest, at: Sql) -> Sql:
    """The stretch an instant lies in: its local start, or its number."""
    unit: str = request.args.structural("interval").value
    shape = _LINEAR[unit][0] if unit in _LINEAR else _SEASONAL[unit][0]
    return _shaped(shape, _local(request, at))


def metrics_asked(request: AggregateRequest) -> Sql:
    """Their keys, each once."""
    return request.args.param("metrics", cast="text[]", convert=_once_each)


def project_asked(request: AggregateRequest, alias: str) -> Sql:
    """The id of the project asked for; NULL where none is in scope."""
    table, scope, p = request.table("Project", alias)
    named = put("(", p("slug"), " = ", request.args.param("project", cast="text"), " OR ", p("id"), " = ",
                request.args.param("project", cast="bigint", convert=_project_id), ")")  # fmt: skip
    return put("(SELECT ", p("id"), " FROM ", table, " WHERE ", all_of([*scope, named]), " LIMIT 1)")


def instant(request: AggregateRequest, name: str) -> Sql:
    """The argument `since` or `until`."""
    # As text: the driver sends the calendar's ends as infinity, where a series would never stop.
    return put(request.args.param(name, cast="text", convert=_as_text), "::timestamptz")


def after(request: AggregateRequest) -> Sql:
    """The instant after the window: `until` belongs to it."""
    return put("(", instant(request, "until"), " + interval '1 microsecond')")


def _linear(request: AggregateRequest, unit: str) -> Sql:
    """Every bucket by its local start. Where the facts set an end, not too many empty ones."""
    start, step, _ = _LINEAR[unit]
    ends = [
        _shaped(start, _local(request, instant(request, name)))
        if request.args.given(name)
        else put(f"(SELECT {found}(bucket) FROM facts)")
        for name, found in (("since", "min"), ("until", "max"))
    ]
    every = put("SELECT generate_series(", joined(", ", ends), f", interval '{step}') AS bucket")
    if request.args.given("since") and request.args.given("until"):
        return every
    return put("SELECT bucket FROM (", every, f" LIMIT {MAX_BUCKETS}) filled UNION SELECT bucket FROM facts")


def _local(request: AggregateRequest, at: Sql) -> Sql:
    return put("(", at, " AT TIME ZONE ", request.args.param("timeZone", cast="text"), ")")


def _shaped(shape: str, at: Sql) -> Sql:
    first, *others = shape.split("{0}")
    return put(first, *(put(at, words) for words in others))


def _once_each(keys: Any) -> object:
    return list(dict.fromkeys(keys))


def _as_text(instant: Any) -> object:
    return instant.isoformat()


def _project_id(text: Any) -> object:
    return read_id("proj", text)
