"""How a segment grew: its size at the end of each stretch of time."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.graph.declaring.enums import Interval
from app.graph.declaring.fields import aggregate, argument, column, entity
from app.graph.declaring.scalars import Date, Duration, Long
from app.graph.figures.windows import Window, length_of, stretches, today, window_faults, window_of
from app.plan.catalog import AggregateRequest, Entity
from app.plan.sql import NOTHING, Select, Sql, quoted, sql
from app.tables.segments import SegmentSize

ROWS = (Entity("SegmentSize", str(SegmentSize.__tablename__)),)
"""Read by this alone. A segment is the whole group's, and so are its sizes."""


@entity()
class SegmentGrowth:
    """How large a segment was at the end of a stretch of time, and how that changed in it."""

    period: Date = column("The first day of the stretch.")
    size: Long | None = column(
        "How many customers it was last counted at, up to its end; null: not counted yet."
    )
    change: Long | None = column("How many more than before the stretch; null where that is not known.")


def segment_growth(description: str) -> Any:
    """The sizes of one segment over time."""
    return aggregate(
        description, _growth,
        argument("interval", Interval, "How long stretches are; not HOUR.", Interval.DAY),
        argument("since", Date | None, "From this day on, in the group's zone.", None),
        argument("until", Date | None, "Up to and including this day.", None),
        argument("last", Duration | None, "So many days up to and including today; 30 unless anything is said.", None),
        many=True, check=_faults, price=100,
    )  # fmt: skip


def _faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    told = any(values.get(name) is not None for name in ("since", "until", "last"))
    yield from window_faults({**values, "fill": told}, has_hours=False)


def _window(request: AggregateRequest) -> Window:
    found = window_of("Segment", request, of_customers=True)
    now = today("Segment", request, of_customers=True)
    return Window(
        found.since or sql("({until} - 29)", until=found.until or now),
        found.until or now,
    )


def _growth(request: AggregateRequest) -> Select:
    interval: Interval = request.args.structural("interval")
    unit = "day" if interval is Interval.HOUR else str(interval.value)
    window = _window(request)
    end = sql(
        "least((s.period + {step}::interval)::date - 1, {until})",
        step=quoted(length_of(unit)),
        until=window.until or NOTHING,
    )
    rows = sql(
        """
        (
            SELECT s.period, {size} AS size, {before} AS before
            FROM {stretches}
        ) x
        """,
        size=_size_on(request, end, "z"),
        before=_size_on(
            request, sql("(greatest(s.period, {since}) - 1)", since=window.since or NOTHING), "y"
        ),
        stretches=stretches(unit, window),
    )
    names = {"period": sql("x.period"), "size": sql("x.size"), "change": sql("(x.size - x.before)")}
    return Select(names, rows, order=[sql("x.period")])


def _size_on(request: AggregateRequest, day: Sql, alias: str) -> Sql:
    """What it was last counted at, up to that day."""
    z = request.table("SegmentSize", alias)
    return sql(
        """
        (
            SELECT {z.size} FROM {z}
            WHERE {z.scope} AND {z.segment_id} = {segment} AND {z.day} <= {day}
            ORDER BY {z.day} DESC LIMIT 1
        )
        """,
        z=z,
        segment=request.parent or NOTHING,
        day=day,
    )


__all__ = ["ROWS", "SegmentGrowth", "segment_growth"]
