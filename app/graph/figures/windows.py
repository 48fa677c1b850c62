"""The days that figures are asked of, in which zone, and those they are compared with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.plan.catalog import AggregateRequest
from app.plan.sql import NOTHING, NOW, Sql, joined, quoted, sql
from app.values.durations import Duration

MAX_STRETCHES = 1_500
MAX_STRETCHES_BROKEN_DOWN = 400
"""That are filled, without and with `by`: each for every value of it that occurs."""
_LENGTH = {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "quarter": 90, "semester": 181, "year": 365}
"""Of a stretch, in days, at least."""


@dataclass(frozen=True)
class Window:
    """First and last day, each NULL-free or not there, and how far back the former one lies."""

    since: Sql | None
    until: Sql | None
    shift: Sql | None = None
    former_until: Sql | None = None

    @property
    def has_ends(self) -> bool:
        """Whether it begins and ends."""
        return self.since is not None and self.until is not None

    @property
    def former_since(self) -> Sql | None:
        """The first day of the former window."""
        if self.shift is None or self.since is None:
            return None
        return sql("(SELECT ({since} - {shift})::date)", since=self.since, shift=self.shift)


def window_of(of: str, request: AggregateRequest, *, of_customers: bool) -> Window:
    """What the arguments say."""
    args = request.args
    since = args.param("since", cast="date") if args.given("since") else None
    until = args.param("until", cast="date") if args.given("until") else None
    length = None
    if args.given("last"):
        until = today(of, request, of_customers=of_customers)
        length = sql(
            "make_interval(months => {months}, days => {days})",
            months=args.param("last", cast="int", convert=_months),
            days=args.param("last", cast="int", convert=_days),
        )
        since = sql("(SELECT ({until} + 1 - {length})::date)", until=until, length=length)
    # A question with a fault is refused before it runs, but its statement is written before that.
    if not args.given("compare") or since is None or until is None:
        return Window(since, until)
    if args.structural("compare").value == "year":
        year = sql("interval '1 year'")
        return Window(
            since, until, year, sql("(SELECT ({until} + 1 - {year})::date - 1)", until=until, year=year)
        )
    return Window(since, until, length or _length(since, until), sql("({since} - 1)", since=since))


def _length(since: Sql, until: Sql) -> Sql:
    """Of whole months as many months, so that one is compared with the one before, whatever their lengths."""
    return sql(
        """
        CASE WHEN extract(day FROM {since}) = 1 AND extract(day FROM {until} + 1) = 1 THEN
            make_interval(months => (
                12 * (extract(year FROM {until} + 1) - extract(year FROM {since}))
                + extract(month FROM {until} + 1) - extract(month FROM {since})
            )::int)
        ELSE make_interval(days => {until} - {since} + 1) END
        """,
        since=since,
        until=until,
    )


def _months(value: Any) -> object:
    return None if value is None else value.months


def _days(value: Any) -> object:
    return None if value is None else value.days


def today(of: str, request: AggregateRequest, *, of_customers: bool) -> Sql:
    """The day it is: of the store that is asked about, else of the group."""
    return sql("(SELECT ({now} AT TIME ZONE {zone})::date)", now=NOW, zone=_zone(of, request, of_customers))


def _zone(of: str, request: AggregateRequest, of_customers: bool) -> Sql:
    group = group_zone(request, "zg")
    if of_customers or not (of in ("Store", "Campaign") or request.scope_shape.has_store):
        return group
    s = request.table("Store", "zs")
    which = NOTHING
    if of == "Store":
        which = sql("AND {s.id} = {parent}", s=s, parent=request.parent or NOTHING)
    elif of == "Campaign":
        which = sql(
            "AND {s.id} = (SELECT {c.store_id} FROM {c} WHERE {c.scope} AND {c.id} = {parent})",
            s=s,
            c=request.table("Campaign", "zc"),
            parent=request.parent or NOTHING,
        )
    return sql(
        "coalesce((SELECT {s.time_zone} FROM {s} WHERE {s.scope} {which}), {group})",
        s=s,
        which=which,
        group=group,
    )


def group_zone(request: AggregateRequest, alias: str = "gz") -> Sql:
    """The group's zone."""
    return sql("(SELECT {g.time_zone} FROM {g} WHERE {g.scope})", g=request.table("CustomerGroup", alias))


@dataclass(frozen=True)
class Instants:
    """How rows that have an instant are in a window: what to join, which ones, and each one's day and hour."""

    joins: Sql
    where: list[Sql]
    day: Sql
    hour: Sql


def of_group(request: AggregateRequest, at: Sql, since: Sql | None, until: Sql | None) -> Instants:
    """By the group's days."""
    zone = group_zone(request)
    where = []
    if since is not None:
        where.append(sql("{at} >= (SELECT {start})", at=at, start=_start(since, zone)))
    if until is not None:
        where.append(sql("{at} < (SELECT {end})", at=at, end=_end(until, zone)))
    return Instants(NOTHING, where, _day(at, zone), _hour(at, zone))


def of_store(
    request: AggregateRequest, at: Sql, store_id: Sql, since: Sql | None, until: Sql | None
) -> Instants:
    """By the days of each row's store; the group's where it has none.

    Where a window begins and ends is reckoned once per store: a zone takes longer than all else about a row.
    """
    s, group = request.table("Store", "sz"), group_zone(request)
    zone = sql("coalesce({s.time_zone}, {group})", s=s, group=group)
    names = [sql("{s.id}", s=s), sql("{zone} AS zone", zone=zone)]
    where = []
    if since is not None:
        names.append(sql("{start} AS first", start=_start(since, zone)))
        where.append(
            # The same for every store, so that an index can be used.
            sql("{at} >= (SELECT ({since} - 1)::timestamp AT TIME ZONE 'UTC')", at=at, since=since)
        )
        where.append(sql("{at} >= coalesce(z.first, (SELECT {start}))", at=at, start=_start(since, group)))
    if until is not None:
        names.append(sql("{end} AS beyond", end=_end(until, zone)))
        where.append(sql("{at} < (SELECT ({until} + 2)::timestamp AT TIME ZONE 'UTC')", at=at, until=until))
        where.append(sql("{at} < coalesce(z.beyond, (SELECT {end}))", at=at, end=_end(until, group)))
    joins = sql(
        "LEFT JOIN (SELECT {names} FROM {s} WHERE {s.scope} OFFSET 0) z ON z.id = {store_id}",
        names=joined(", ", names),
        s=s,
        store_id=store_id,
    )
    own = sql("coalesce(z.zone, {group})", group=group)
    return Instants(joins, where, _day(at, own), _hour(at, own))


def _start(day: Sql, zone: Sql) -> Sql:
    return sql("{day}::timestamp AT TIME ZONE {zone}", day=day, zone=zone)


def _end(day: Sql, zone: Sql) -> Sql:
    return sql("({day} + 1)::timestamp AT TIME ZONE {zone}", day=day, zone=zone)


def _hour(at: Sql, zone: Sql) -> Sql:
    return sql("extract(hour FROM {at} AT TIME ZONE {zone})::int", at=at, zone=zone)


def _day(at: Sql, zone: Sql) -> Sql:
    """The day of an instant; at the ends of the calendar the last one it has."""
    return sql(
        "least(greatest(({at} AT TIME ZONE {zone})::date, '0001-01-01'), '9999-12-31')", at=at, zone=zone
    )


def within(day: Sql, since: Sql | None, until: Sql | None) -> list[Sql]:
    """The day lies in the window."""
    out = []
    if since is not None:
        out.append(sql("{day} >= {since}", day=day, since=since))
    if until is not None:
        out.append(sql("{day} <= {until}", day=day, until=until))
    return out


def stretch_of(unit: str, day: Sql) -> Sql:
    """The first day of the stretch that a day is in."""
    if unit in ("hour", "day"):
        return day
    if unit == "semester":
        return sql(
            "(date_trunc('year', {day}::timestamp)"
            " + (extract(month FROM {day}) > 6)::int * interval '6 months')::date",
            day=day,
        )
    return sql("date_trunc({unit}, {day}::timestamp)::date", unit=quoted(unit), day=day)


def length_of(unit: str) -> str:
    """From one stretch to the next, as PostgreSQL writes it."""
    return {"hour": "1 day", "quarter": "3 months", "semester": "6 months"}.get(unit, f"1 {unit}")


def stretches(unit: str, window: Window) -> Sql:
    """Every stretch of the window, in FROM."""
    return sql(
        """
        (SELECT at::date AS period FROM generate_series({first}::timestamp, {until}::timestamp, {step}::interval) at) s
        """,
        first=stretch_of(unit, window.since or NOTHING),
        until=window.until or NOTHING,
        step=quoted(length_of(unit)),
    )


def window_faults(values: Mapping[str, Any], *, has_hours: bool) -> Iterable[tuple[str, str]]:
    """What is wrong with the arguments about time."""
    since, until, last = values.get("since"), values.get("until"), values.get("last")
    unit = values["interval"].value if values.get("interval") is not None else None
    if last is not None and (since is not None or until is not None):
        yield "last", "Give last, or since and until, not both."
        return
    if since is not None and until is not None and until < since:
        yield "until", f"until ({until}) lies before since ({since})."
        return
    if unit == "hour" and not has_hours:
        yield "interval", "These figures are kept by days: ask for DAY or longer stretches."
    ends = last is not None or (since is not None and until is not None)
    if values.get("compare") is not None and not ends:
        yield "compare", "compare needs a window with both ends: last, or since and until."
    if not values.get("fill") or unit is None:
        return
    if not ends:
        yield "fill", "fill needs a window with both ends: last, or since and until."
        return
    most = MAX_STRETCHES_BROKEN_DOWN if values.get("by") else MAX_STRETCHES
    days = last.most_days if isinstance(last, Duration) else (until - since).days + 1  # type: ignore[operator]
    if days / _LENGTH[unit] > most:
        yield (
            "fill",
            f"At most {most:,} stretches are filled{' for each value of by' if values.get('by') else ''}:"
            " ask for a shorter window, or longer stretches.",
        )
