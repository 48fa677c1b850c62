"""The facts of insights: sums of events and their metrics, per interval and event type.

Whole hours are read from the rollup that every write updates, the rest of the window from the events themselves; so
are hours in which a day begins, where a time zone's days do not begin with an hour of UTC.
"""

from typing import Any

from app.domain.events.rollups import EVENT_COUNT
from app.graph.figures.insight_grid import after, bucket_of, grid, instant, metrics_asked, project_asked
from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import Select, Sql, also, joined, quoted, sql
from app.values.zones import is_zone, whole_hours_since


def insight_rows(request: AggregateRequest) -> Select:
    """One row per interval, and per event type where they are broken down."""
    by_type = request.args.structural("by").value == "event-type"
    breakdown = _breakdown(request, by_type=by_type)
    return grid(request, _facts(request, by_type=by_type), breakdown, {"event_type": "reference"})


def _breakdown(request: AggregateRequest, *, by_type: bool) -> Sql:
    """The event types to show; archived ones only where they have values or were requested."""
    project = project_asked(request, "pr")
    if not by_type:
        return sql(
            "SELECT 0::bigint AS part, NULL::text AS reference FROM {p} WHERE {p.scope} AND {p.id} = {project}",
            p=request.table("Project", "p"),
            project=project,
        )
    t = request.table("InsightType", "t")
    return sql(
        """
        SELECT {t.id} AS part, {t.reference}
        FROM {t}
        WHERE {t.scope} AND {t.project_id} = {project} {asked}
            AND ({t.archived_at} IS NULL OR EXISTS (SELECT 1 FROM facts WHERE part = {t.id}))
        """,
        t=t,
        project=project,
        asked=also([_asked(request, t)] if request.args.given("eventTypes") else []),
    )


def _facts(request: AggregateRequest, *, by_type: bool) -> Sql:
    """One row per bucket, event type (0: all) and key for which there are values."""
    edges = _edges(request)
    return sql(
        """
        SELECT {bucket} AS bucket, {part} AS part, s.key, sum(s.value) AS value
        FROM ({hours} UNION ALL {events} UNION ALL {metrics}) s
        GROUP BY 1, 2, 3
        """,
        bucket=bucket_of(request, sql("s.at")),
        part=sql("s.type_id") if by_type else sql("0::bigint"),
        hours=_hours(request, by_type),
        events=_events(request, edges, by_type),
        metrics=_metrics(request, edges, by_type),
    )


def _hours(request: AggregateRequest, by_type: bool) -> Sql:
    """The rollup's hours that are completely inside the window and inside one bucket."""
    r = request.table("EventRollup", "r")
    hour = r("hour")
    # The key in another collation, so that the index is read hour after hour and its keys are filtered, instead of
    # being searched for each of an unknown number of keys.
    return sql(
        """
        SELECT {hour} AS at, {r.event_type_id} AS type_id, {r.key}, {r.value}
        FROM {r}
        WHERE {r.scope} AND {r.project_id} = {project} AND {r.key} COLLATE "C" = ANY ({metrics}) {whole}
            AND ({hour} >= {unbroken} OR {in_one}) {of_types}
        """,
        hour=hour,
        r=r,
        project=project_asked(request, "pr"),
        metrics=metrics_asked(request),
        whole=also(_whole(request, hour)),
        unbroken=_unbroken(request),
        in_one=_same_bucket(request, hour),
        of_types=also(_of_types(request, r("event_type_id"), by_type)),
    )


def _events(request: AggregateRequest, edges: Sql, by_type: bool) -> Sql:
    """Events of the hours that are not read from the rollup."""
    e = request.table("InsightEvent", "e")
    # OFFSET 0: edge by edge. For a join, any window is estimated to have a ninth of all events.
    return sql(
        """
        SELECT v.at, v.type_id, {event_count}, 1
        FROM {edges}
        CROSS JOIN LATERAL (
            SELECT {e.occurred_at} AS at, {e.event_type_id} AS type_id
            FROM {t}
            JOIN {e} ON {e.scope} AND {e.event_type_id} = {t.id}
                AND {e.occurred_at} >= x.lo AND {e.occurred_at} < x.hi AND {counted}
            WHERE {t.scope} AND {t.project_id} = {project}
            OFFSET 0
        ) v
        WHERE {event_count} = ANY ({metrics})
        """,
        event_count=quoted(EVENT_COUNT),
        edges=edges,
        e=e,
        t=request.table("InsightType", "t"),
        counted=_counted(request, e, by_type),
        project=project_asked(request, "pr"),
        metrics=metrics_asked(request),
    )


def _metrics(request: AggregateRequest, edges: Sql, by_type: bool) -> Sql:
    """Metrics of the events of those hours."""
    e = request.table("InsightEvent", "e")
    # OFFSET 0: edge by edge, and key by key.
    return sql(
        """
        SELECT v.at, v.type_id, k.key, v.value
        FROM {edges}
        CROSS JOIN unnest({metrics}) k(key)
        CROSS JOIN LATERAL (
            SELECT {m.occurred_at} AS at, {e.event_type_id} AS type_id, {m.value}
            FROM {m}
            JOIN {e} ON {e.scope} AND {e.id} = {m.event_id} AND {e.event_type_id} IS NOT NULL AND {counted}
            WHERE {m.scope} AND {m.project_id} = {project} AND {m.storage_key} = k.key
                AND {m.occurred_at} >= x.lo AND {m.occurred_at} < x.hi
            OFFSET 0
        ) v
        """,
        edges=edges,
        metrics=metrics_asked(request),
        m=request.table("InsightMetric", "m"),
        e=e,
        counted=_counted(request, e, by_type),
        project=project_asked(request, "pr"),
    )


def _counted(request: AggregateRequest, e: Row, by_type: bool) -> Sql:
    """The event counts: it is processed, and of a requested type."""
    of_types = also(_of_types(request, e("event_type_id"), by_type))
    return sql("{e.status} = 'processed' {of_types}", e=e, of_types=of_types)


def _edges(request: AggregateRequest) -> Sql:
    """From the window's start to the first whole hour, from the last one to the window's end, and broken hours."""
    edges: list[Sql] = []
    since, until = request.args.given("since"), request.args.given("until")
    if since:
        to = _first_hour(request)
        if until:
            to = sql("least({to}, {after})", to=to, after=after(request))
        edges.append(sql("({since}, {to})", since=instant(request, "since"), to=to))
    if until:
        behind = _last_hour(request)
        if since:
            behind = sql("greatest({first}, {last})", first=_first_hour(request), last=behind)
        edges.append(sql("({behind}, {after})", behind=behind, after=after(request)))
    b = request.table("EventRollup", "b")
    hour = b("hour")
    broken = sql(
        """
        SELECT DISTINCT {hour} AS lo, {hour} + interval '1 hour' AS hi
        FROM {b}
        WHERE {b.scope} AND {b.project_id} = {project} AND {b.key} COLLATE "C" = {event_count} {whole}
            AND {hour} < {unbroken} AND NOT {in_one}
        """,
        hour=hour,
        b=b,
        project=project_asked(request, "pb"),
        event_count=quoted(EVENT_COUNT),
        whole=also(_whole(request, hour)),
        unbroken=_unbroken(request),
        in_one=_same_bucket(request, hour),
    )
    if not edges:
        return sql("({broken}) x", broken=broken)
    return sql(
        "(SELECT lo, hi FROM (VALUES {edges}) v(lo, hi) UNION ALL {broken}) x",
        edges=joined(", ", edges),
        broken=broken,
    )


def _whole(request: AggregateRequest, hour: Sql) -> list[Sql]:
    """The hour is completely inside the window."""
    out = []
    if request.args.given("since"):
        out.append(sql("{hour} >= {first}", hour=hour, first=_first_hour(request)))
    if request.args.given("until"):
        out.append(sql("{hour} < {last}", hour=hour, last=_last_hour(request)))
    return out


def _same_bucket(request: AggregateRequest, hour: Sql) -> Sql:
    """The hour's first and last moment are in the same bucket."""
    last = sql("({hour} + interval '1 hour' - interval '1 microsecond')", hour=hour)
    return sql("({first} = {last})", first=bucket_of(request, hour), last=bucket_of(request, last))


def _unbroken(request: AggregateRequest) -> Sql:
    """Since when no hour can contain the beginning of a day, so that none need be looked for."""
    since = request.args.param("timeZone", cast="text", convert=_whole_hours)
    return sql("{since}::timestamptz", since=since)


def _first_hour(request: AggregateRequest) -> Sql:
    """The first whole hour, where the window has a start."""
    return sql(
        "date_trunc('hour', {since} + interval '1 hour' - interval '1 microsecond')",
        since=instant(request, "since"),
    )


def _last_hour(request: AggregateRequest) -> Sql:
    """The first hour that is not whole any more."""
    return sql("date_trunc('hour', {after})", after=after(request))


def _of_types(request: AggregateRequest, type_id: Sql, by_type: bool) -> list[Sql]:
    """Only the requested event types."""
    if not by_type or not request.args.given("eventTypes"):
        return []
    t = request.table("InsightType", "ft")
    of_types = sql(
        """
        {type_id} = ANY (ARRAY(
            SELECT {t.id} FROM {t} WHERE {t.scope} AND {t.project_id} = {project} AND {asked}
        ))
        """,
        type_id=type_id,
        t=t,
        project=project_asked(request, "pf"),
        asked=_asked(request, t),
    )
    return [of_types]


def _asked(request: AggregateRequest, t: Row) -> Sql:
    return sql(
        "(cardinality({asked}) = 0 OR {t.reference} = ANY ({asked}))",
        asked=request.args.param("eventTypes", cast="text[]"),
        t=t,
    )


def _whole_hours(zone: Any) -> object:
    return whole_hours_since(zone).isoformat() if is_zone(zone) else None
