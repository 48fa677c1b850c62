"""The grid of insights: every interval of a window with every value of a breakdown, zeros where nothing is known.

What is counted comes as facts, one per interval, value and metric; where they come from is up to the reader.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, LiteralString

from app.graph.declaring.enums import Cycle, Interval
from app.graph.declaring.fields import argument, column, entity
from app.graph.declaring.scalars import Decimal
from app.plan.catalog import AggregateRequest
from app.plan.references import id_of
from app.plan.sql import Alias, Select, Sql, joined, quoted, sql, whole
from app.values.zones import is_zone

MAX_BUCKETS = 4_000
"""More than ten years of days."""
MAX_METRICS = 100
MAX_VALUES = 100_000
"""Buckets times metrics."""


Shape = Callable[[Sql], Sql]
"""What stretch a local time lies in: its start, or its number."""


def _truncated(unit: str) -> Shape:
    return lambda at: sql("date_trunc({unit}, {at})", unit=quoted(unit), at=at)


def _extracted(field: LiteralString) -> Shape:
    return lambda at: sql("extract({field} FROM {at})::int", field=field, at=at)


def _is_second_half(at: Sql) -> Sql:
    return sql("(extract(month FROM {at}) > 6)::int", at=at)


def _semester(at: Sql) -> Sql:
    return sql("(date_trunc('year', {at}) + {half} * interval '6 months')", at=at, half=_is_second_half(at))


def _semester_of_year(at: Sql) -> Sql:
    return sql("(1 + {half})", half=_is_second_half(at))


_LINEAR: Mapping[str, tuple[Shape, str, int]] = {
    # interval: (its start, the step to the next, days it has at least)
    "day": (_truncated("day"), "1 day", 1),
    "week": (_truncated("week"), "7 days", 7),
    "month": (_truncated("month"), "1 month", 28),
    "quarter": (_truncated("quarter"), "3 months", 90),
    "semester": (_semester, "6 months", 181),
    "year": (_truncated("year"), "1 year", 365),
}
_SEASONAL: Mapping[str, tuple[Shape, int]] = {
    # interval: (its number, the last number)
    "day_of_week": (_extracted("isodow"), 7),
    "day_of_month": (_extracted("day"), 31),
    "day_of_year": (_extracted("doy"), 366),
    "week_of_year": (_extracted("week"), 53),
    "month_of_year": (_extracted("month"), 12),
    "quarter_of_year": (_extracted("quarter"), 4),
    "semester_of_year": (_semester_of_year, 2),
}


@entity()
class InsightValue:
    """What one metric came to."""

    metric: str = column("Its key, as asked for.")
    value: Decimal = column(
        "A statistic's sum, how often a state is 1, or how many events; 0 for a key that nothing has."
    )


INTERVAL = argument(
    "interval",
    Interval | None,
    "How long the stretches are, DAY at least; null: they are those of a cycle.",
    None,
)
CYCLE = argument("cycle", Cycle | None, "What is laid over each other, instead of interval.", None)


def window_faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    interval, cycle = values.get("interval"), values.get("cycle")
    if (interval is None) == (cycle is None):
        yield "interval", "Give interval, such as DAY, or cycle, such as DAY_OF_WEEK: exactly one."
        return
    if interval is Interval.HOUR:
        yield "interval", "Insights come in days or longer stretches; eventFigures has hours."
        return
    if not is_zone(values["timeZone"]):
        yield "timeZone", "timeZone is the name of a time zone, such as Europe/Paris."
    metrics = len(set(values["metrics"]))
    if metrics > MAX_METRICS:
        yield "metrics", f"At most {MAX_METRICS} metrics at a time."
    since, until = values.get("since"), values.get("until")
    if since is None or until is None or interval is None:
        return
    _, _, days = _LINEAR[interval.value]
    buckets = max(0, (until - since) // timedelta(days=days)) + 2
    if buckets > MAX_BUCKETS or buckets * metrics > MAX_VALUES:
        yield (
            "interval",
            f"These could be {buckets} stretches of {metrics} metrics; {MAX_BUCKETS} stretches and {MAX_VALUES}"
            " values are the most. Ask for longer stretches, a shorter window, or fewer metrics.",
        )


def grid(request: AggregateRequest, facts: Sql, breakdown: Sql, shown: Mapping[str, str]) -> Select:
    """One row per interval and breakdown value.

    `facts` selects `bucket, part, key, value`, `breakdown` the values to show: `part` and what `shown` reads of it
    (output column → column of the breakdown). The sub-select of facts can be read as `facts` in the breakdown.
    """
    unit = _unit(request)
    metrics = metrics_asked(request)
    if unit in _LINEAR:
        buckets = _linear(request, unit)
        label = sql(
            """to_char(b.bucket AT TIME ZONE {zone}, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
            zone=request.args.param("timeZone", cast="text"),
        )
    else:
        buckets = sql("SELECT generate_series(1, {last}) AS bucket", last=whole(_SEASONAL[unit][1]))
        label = sql("b.bucket::text")
    i, ty = Alias("i"), Alias("ty")
    rows = sql(
        """
        (
            WITH facts AS MATERIALIZED ({facts})
            SELECT
                b.bucket, {label} AS label, {columns},
                coalesce(
                    array_agg(coalesce(f.value, 0) ORDER BY k.place) FILTER (WHERE k.key IS NOT NULL), '{{}}'
                ) AS sums
            FROM ({buckets}) b
            CROSS JOIN ({breakdown}) ty
            LEFT JOIN unnest({metrics}) WITH ORDINALITY k(key, place) ON true
            LEFT JOIN facts f ON f.bucket = b.bucket AND f.part = ty.part AND f.key = k.key
            GROUP BY b.bucket, ty.part, {columns}
        ) i
        """,
        facts=facts,
        label=label,
        columns=joined(", ", [ty(column) for column in shown.values()]),
        buckets=buckets,
        breakdown=breakdown,
        metrics=metrics,
    )
    names = {"period": i("label"), "value_metric": metrics, "value_value": i("sums")}
    names |= {name: i(column) for name, column in shown.items()}
    return Select(names, rows, order=[i("bucket"), *(i(column) for column in shown.values())])


def bucket_of(request: AggregateRequest, at: Sql) -> Sql:
    """The interval of an instant: its local start, or its number."""
    unit = _unit(request)
    shape = _LINEAR[unit][0] if unit in _LINEAR else _SEASONAL[unit][0]
    return shape(_local(request, at))


def metrics_asked(request: AggregateRequest) -> Sql:
    """Their keys, each once."""
    return request.args.param("metrics", cast="text[]", convert=_once_each)


def project_asked(request: AggregateRequest, alias: str) -> Sql:
    """The id of the requested project; NULL where it is not in scope."""
    return sql(
        "(SELECT {p.id} FROM {p} WHERE {p.scope} AND ({p.slug} = {slug} OR {p.id} = {own}) LIMIT 1)",
        p=request.table("Project", alias),
        slug=request.args.param("project", cast="text"),
        own=request.args.param("project", cast="bigint", convert=id_of("proj")),
    )


def instant(request: AggregateRequest, name: str) -> Sql:
    """The argument `since` or `until`; a day alone is a day of the zone asked for, `until` its last moment."""
    # As text: the driver would send the calendar's ends as infinity, where a series never stops.
    if request.args.is_day(name):
        return sql(
            "((({day}::timestamptz AT TIME ZONE 'UTC') + {length}::interval) AT TIME ZONE {zone} - {least}::interval)",
            day=request.args.param(name, cast="text", convert=_as_text),
            length=quoted("1 day" if name == "until" else "0"),
            least=quoted("1 microsecond" if name == "until" else "0"),
            zone=request.args.param("timeZone", cast="text"),
        )
    return sql("{text}::timestamptz", text=request.args.param(name, cast="text", convert=_as_text))


def after(request: AggregateRequest) -> Sql:
    """The instant after the window: `until` belongs to it."""
    return sql("({until} + interval '1 microsecond')", until=instant(request, "until"))


def _linear(request: AggregateRequest, unit: str) -> Sql:
    """Every bucket by its local start. Where the facts set the ends, the number of empty ones is limited."""
    start, step, _ = _LINEAR[unit]
    since, until = request.args.given("since"), request.args.given("until")
    every = sql(
        "SELECT generate_series({first}, {last}, interval {step}) AS bucket",
        first=start(_local(request, instant(request, "since")))
        if since
        else sql("(SELECT min(bucket) FROM facts)"),
        last=start(_local(request, instant(request, "until")))
        if until
        else sql("(SELECT max(bucket) FROM facts)"),
        step=quoted(step),
    )
    if since and until:
        return every
    return sql(
        "SELECT bucket FROM ({every} LIMIT {most}) filled UNION SELECT bucket FROM facts",
        every=every,
        most=whole(MAX_BUCKETS),
    )


def _unit(request: AggregateRequest) -> str:
    """The interval or cycle asked for; days where neither is sound, which is refused before it runs."""
    cycle, interval = request.args.structural("cycle"), request.args.structural("interval")
    if cycle is not None:
        return str(cycle.value)
    return "day" if interval in (None, Interval.HOUR) else str(interval.value)


def _local(request: AggregateRequest, at: Sql) -> Sql:
    return sql("({at} AT TIME ZONE {zone})", at=at, zone=request.args.param("timeZone", cast="text"))


def _once_each(keys: Any) -> object:
    return list(dict.fromkeys(keys))


def _as_text(instant: Any) -> object:
    return instant.isoformat()
