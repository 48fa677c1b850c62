"""The statements of funnels.

The dates say who enters: whose touch of the first stage lies in the window. The stages after it may be reached later.
A day is the customer's: of its store's time zone, else of the group's.

The documented funnels are read from each customer's daily paths: stages followed one another where the path matches
`%a%b%c%`. Paths are of UTC's days, so the few hours in which it depends on the zone whether the window has begun, or is
over, are read from the touches themselves. So is a client's own funnel, since it may limit the time it takes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from app.domain.funnels.stages import LETTERS, STAGES_OF
from app.graph.lists.moments import zone_by, zone_of_group
from app.plan.arguments import plain
from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import NOW, Alias, Select, Sql, joined, quoted, sql, verbatim, whole

DAYS = 30
"""How many days a documented funnel covers unless the request says."""


def documented_row(request: AggregateRequest) -> Select:
    """The one row of a documented funnel."""
    kind: str = plain(request.args.structural("type"))  # type: ignore[assignment]
    stages = STAGES_OF[kind]  # type: ignore[index]
    counts: dict[str, Sql] = {}
    pattern = "%"
    for at, stage in enumerate(stages):
        pattern += f"{LETTERS[stage]}%"
        counts[f"n{at}"] = sql("count(*) FILTER (WHERE w.path LIKE {pattern})", pattern=quoted(pattern))
    entered = sql("w.inside LIKE {pattern}", pattern=quoted(f"%{LETTERS[stages[0]]}%"))
    counted = Select(counts, _paths(request), [entered])
    since, until = window(request)
    return _shown({"type": quoted(kind), "since": since, "until": until}, counted, stages)


def _paths(request: AggregateRequest) -> Sql:
    """A row per customer: its path inside the window, and that path with all that came later.

    From `s1` until `e0` it is inside the window in every zone, from `e1` on in none. Touches of before and between are
    looked at one by one.
    """
    t, d = request.table("FunnelTouch", "t"), request.table("FunnelDay", "d")
    letters = [sql("WHEN {s} THEN {l}", s=quoted(s), l=quoted(letter)) for s, letter in LETTERS.items()]
    days = sql(
        """
        SELECT
            {d.customer_id} AS customer_id,
            string_agg({d.path}, '' ORDER BY {d.day}) FILTER (WHERE {d.day} < (SELECT e0::date FROM whole)) AS inside,
            string_agg({d.path}, '' ORDER BY {d.day}) FILTER (WHERE {d.day} >= (SELECT e1::date FROM whole)) AS later
        FROM {d} WHERE {d.scope} AND {asked} GROUP BY {d.customer_id}
        """,
        d=d,
        asked=_inside(
            sql("{d.day} >= (SELECT s1::date FROM whole)", d=d),
            sql("({d.day} < (SELECT e0::date FROM whole) OR {d.day} >= (SELECT e1::date FROM whole))", d=d),
        ),
    )
    between = sql(
        """
        SELECT
            b.customer_id,
            string_agg(b.letter, '' ORDER BY b.at, b.letter) FILTER (WHERE b.side = 0 AND b.at < b.s1) AS head,
            string_agg(b.letter, '' ORDER BY b.at, b.letter) FILTER (WHERE b.side = 0 AND b.at >= b.s1) AS tail,
            string_agg(b.letter, '' ORDER BY b.at, b.letter) FILTER (WHERE b.side = 1) AS later
        FROM (
            SELECT
                {t.customer_id} AS customer_id, {t.occurred_at} AS at, CASE {t.stage} {letters} END AS letter,
                {side} AS side, whole.s1
            FROM whole
            CROSS JOIN LATERAL (VALUES (whole.s0, whole.s1), (greatest(whole.s1, whole.e0), whole.e1)) r (since, until)
            JOIN {t} ON {t.scope} AND {t.occurred_at} >= r.since AND {t.occurred_at} < r.until
        ) b
        GROUP BY b.customer_id
        """,
        t=t,
        letters=joined(" ", letters),
        side=_side(request, t),
    )
    return sql(
        """
        (
            WITH edges AS MATERIALIZED ({edges}),
            whole AS MATERIALIZED (
                SELECT
                    s0,
                    date_trunc('day', s1 + {rest}, 'UTC') AS s1,
                    date_trunc('day', e0, 'UTC') AS e0,
                    date_trunc('day', e1 + {rest}, 'UTC') AS e1
                FROM edges
            )
            SELECT p.inside, p.inside || p.later AS path
            FROM (
                SELECT
                    coalesce(b.head, '') || coalesce(d.inside, '') || coalesce(b.tail, '') AS inside,
                    coalesce(b.later, '') || coalesce(d.later, '') AS later
                FROM ({days}) d FULL JOIN ({between}) b ON b.customer_id = d.customer_id
            ) p
        ) w
        """,
        edges=_edges(request),
        rest=sql("(interval '1 day' - interval '1 microsecond')"),
        days=days,
        between=between,
    )


def _edges(request: AggregateRequest) -> Sql:
    """The first and the last moment at which the window begins in any zone of the group (`s0`, `s1`), and ends."""
    return sql(
        """
        SELECT min(x.since) AS s0, max(x.since) AS s1, min(x.until) AS e0, max(x.until) AS e1
        FROM (
            (SELECT {zg.time_zone} AS zone FROM {zg} WHERE {zg.scope})
            UNION (SELECT {zs.time_zone} FROM {zs} WHERE {zs.scope} AND {zs.time_zone} IS NOT NULL)
        ) z
        CROSS JOIN LATERAL ({window}) x
        """,
        zg=request.table("CustomerGroup", "zg"),
        zs=request.table("Store", "zs"),
        window=_window_in(request, sql("z.zone")),
    )


def _side(request: AggregateRequest, t: Row) -> Sql:
    """Where a touch lies: -1 before the window, 0 in it, 1 after it. The customer is asked where zones disagree."""
    return sql(
        """
        CASE
            WHEN {t.occurred_at} >= (SELECT s1 FROM edges) AND {t.occurred_at} < (SELECT e0 FROM edges) THEN 0
            WHEN {t.occurred_at} < (SELECT s0 FROM edges) THEN -1
            WHEN {t.occurred_at} >= (SELECT e1 FROM edges) THEN 1
            ELSE (
                SELECT CASE WHEN {t.occurred_at} < own.since THEN -1 WHEN {t.occurred_at} < own.until THEN 0 ELSE 1 END
                FROM ({own}) own
            )
        END
        """,
        t=t,
        own=_window_in(request, zone_by("Customer", t("customer_id"), request.table)),
    )


def _window_in(request: AggregateRequest, zone: Sql) -> Sql:
    since, until = window(request)
    return sql(
        """
        SELECT {since}::timestamp AT TIME ZONE z.name AS since, ({until} + 1)::timestamp AT TIME ZONE z.name AS until
        FROM (SELECT {zone} AS name) z
        """,
        since=since,
        until=until,
        zone=zone,
    )


def window(request: AggregateRequest) -> tuple[Sql, Sql]:
    """The first and the last day. Without a last one it is today, in the group; without a first, thirty days it is."""
    if request.args.given("until"):
        until = _day(request, "until")
    else:
        until = sql("({now} AT TIME ZONE {zone})::date", now=NOW, zone=zone_of_group(request.table))
        if request.args.given("since"):
            until = sql("greatest({until}, {since})", until=until, since=_day(request, "since"))
    if request.args.given("since"):
        return _day(request, "since"), until
    return sql("greatest({until} - {days}, date '0001-01-01')", until=until, days=whole(DAYS - 1)), until


def _shown(names: dict[str, Sql], counted: Select, stages: Sequence[str]) -> Select:
    """Percentages and drop-offs over the counts `n0`, `n1`, … of each row."""
    places = range(len(stages))
    c, s = Alias("c"), Alias("s")
    shares = {
        f"p{at}": sql("coalesce(round(100.0 * {count} / nullif(c.n0, 0), 1), 0)", count=c(f"n{at}"))
        for at in places
    }
    kept = {name: c(name) for name in counted.names}
    shared = Select({**kept, **shares}, sql("({counted}) c", counted=counted.sql()))
    drops = [
        sql("{before} - {this}", before=s(f"p{at - 1}"), this=s(f"p{at}")) if at else sql("NULL")
        for at in places
    ]
    return Select(
        {
            **names,
            "step_stage": sql("{stages}::text[]", stages=_listed(stages)),
            "step_count": sql(
                "ARRAY[{counts}]::bigint[]", counts=joined(", ", [s(f"n{at}") for at in places])
            ),
            "step_percentage": sql(
                "ARRAY[{shares}]::numeric[]", shares=joined(", ", [s(f"p{at}") for at in places])
            ),
            "step_drop_off": sql("ARRAY[{drops}]::numeric[]", drops=joined(", ", drops)),
            "overall": s(f"p{len(stages) - 1}") if stages else sql("0::numeric"),
        },
        sql("({shared}) s", shared=shared.sql()),
    )


def _listed(stages: Sequence[str]) -> Sql:
    return quoted("{" + ",".join(stages) + "}")


def _inside(begun: Sql, not_over: Sql) -> Sql:
    # Not a plain range: prepared plans do not know the bounds, take any range for a small one and sort a million rows,
    # while the index has each customer's days in order. Conditions they cannot estimate they take for half.
    return sql("CASE WHEN {begun} THEN {not_over} ELSE false END", begun=begun, not_over=not_over)


def _day(request: AggregateRequest, name: str) -> Sql:
    # As text: the driver would send the calendar's last day as infinity.
    return sql("{day}::date", day=request.args.param(name, cast="text", convert=_day_text))


def _day_text(day: Any) -> object:
    return day.isoformat()


# ── one's own ─────────────────────────────────────────────────────────────────


Only = Callable[[AggregateRequest, Row], Sql]


def own_slice(request: AggregateRequest, *, only: Only | None = None) -> Select:
    """A client's own funnel, for the customers that `only` holds for: a condition on a row of touches."""
    stages = list(dict.fromkeys(plain(list(request.args.structural("stages")))))  # type: ignore[call-overload]
    asked = request.args.structural("by")
    by = plain(asked) if asked is not None else ""
    ways = _ways(request, stages, str(by), only)
    names: dict[str, Sql] = {
        "channel": sql("NULL::text"),
        "campaign_id": sql("NULL::bigint"),
        "segment_id": sql("NULL::bigint"),
    }
    counts = {f"n{at}": sql("count({reached})", reached=f"w.t{at}") for at in range(len(stages))}
    counts |= {f"m{at}": _median(at) for at in range(1, len(stages))}
    counted = Select(counts or {"n": sql("count(*)")}, ways)
    if stages and by in ("channel", "campaign"):
        # Those who never reached the first stage have no first touch to break down by.
        counted.where.append(sql("w.t0 IS NOT NULL"))
    if by:
        dim = Alias("w")("dim")
        counted.names |= {"dim": dim}
        counted.group = [dim]
        names["channel" if by == "channel" else f"{by}_id"] = sql("s.dim")
    shown = _shown(names, counted, stages)
    medians = [Alias("s")(f"m{at}") if at else sql("NULL") for at in range(len(stages))]
    shown.names["step_median_seconds"] = sql("ARRAY[{medians}]::bigint[]", medians=joined(", ", medians))
    if by:
        most_first = sql("-s.n0") if stages else whole(0)
        shown.order = [most_first, sql("s.dim")]
    return shown


def _ways(request: AggregateRequest, stages: Sequence[str], by: str, only: Only | None) -> Sql:
    """A row per customer: when each stage was first reached (`t0`, `t1`, …), and the value to break down by."""
    t = request.table("FunnelTouch", "t")
    # Sub-selects, so that they are computed once and not for each row.
    begun = sql("{t.occurred_at} >= (SELECT s0 FROM edges)", t=t)
    not_over = sql("true")
    if request.args.given("withinHours"):
        not_over = sql(
            "{t.occurred_at} < (SELECT e1 + make_interval(hours => {hours}) FROM edges)",
            t=t,
            hours=request.args.param("withinHours", cast="int"),
        )
    where = [
        sql("{t.stage} = ANY ({stages})", t=t, stages=_listed(stages)),
        _inside(begun, not_over),
    ]
    if only is not None:
        where.append(only(request, t))
    names = {
        "customer_id": t("customer_id"),
        "at": t("occurred_at"),
        "place": _place(request, t, stages),
    }
    if by in ("channel", "campaign"):
        names |= {"dim": t("channel" if by == "channel" else "campaign_id"), "id": t("id")}
    within = _within(request)
    inner = Select(names, t, where).sql()
    carried = list(names)
    # The start of a path that is still open after each touch: for each stage, the latest first touch that leads there.
    for at in range(len(stages) - 1):
        latest = sql("CASE WHEN place = 0 THEN at END")
        if at:
            latest = sql(
                "CASE WHEN place = {place} AND {within} THEN {begun} END",
                place=whole(at),
                within=within(at),
                begun=f"b{at - 1}",
            )
        inner = sql(
            """
            SELECT
                {carried},
                max({latest}) OVER (PARTITION BY customer_id ORDER BY at, place ROWS UNBOUNDED PRECEDING) AS {begun}
            FROM ({inner}) {level}
            """,
            carried=verbatim(", ".join(carried)),
            latest=latest,
            begun=f"b{at}",
            inner=inner,
            level=f"l{at}",
        )
        carried.append(f"b{at}")
    reached = {"customer_id": sql("customer_id")}
    for at in range(len(stages)):
        condition = sql("place = 0")
        if at:
            condition = sql("place = {place} AND {within}", place=whole(at), within=within(at))
        reached[f"t{at}"] = sql("min(at) FILTER (WHERE {condition})", condition=condition)
    if "dim" in names:
        reached["dim"] = sql("(array_agg(dim ORDER BY at, id) FILTER (WHERE place = 0))[1]")
    touched = sql("({inner}) touched", inner=inner)
    ways = Select(reached, touched, group=[sql("customer_id")]).sql()
    edges = _edges(request)
    if by != "segment":
        return sql("(WITH edges AS MATERIALIZED ({edges}) {ways}) w", edges=edges, ways=ways)
    return sql(
        """
        (
            WITH edges AS MATERIALIZED ({edges})
            SELECT r.*, {m.segment_id} AS dim
            FROM ({ways}) r JOIN {m} ON {m.scope} AND {m.customer_id} = r.customer_id
        ) w
        """,
        m=request.table("FunnelMember", "m"),
        edges=edges,
        ways=ways,
    )


def _place(request: AggregateRequest, t: Row, stages: Sequence[str]) -> Sql:
    """The number of a touch's stage in the funnel; NULL for one of the first stage that is outside of the window."""
    if not stages:
        return whole(0)
    cases = [
        sql(
            "WHEN {stage} THEN {at}",
            stage=quoted(stage),
            at=whole(at)
            if at
            else sql("CASE WHEN {enters} THEN 0 END", enters=sql("{side} = 0", side=_side(request, t))),
        )
        for at, stage in enumerate(stages)
    ]
    return sql("CASE {t.stage} {cases} END", t=t, cases=joined(" ", cases))


def _within(request: AggregateRequest) -> Callable[[int], Sql]:
    """The condition that a path open before this stage has taken no longer than it may."""

    def condition(at: int) -> Sql:
        begun = f"b{at - 1}"
        if not request.args.given("withinHours"):
            return sql("{begun} IS NOT NULL", begun=begun)
        hours = request.args.param("withinHours", cast="int")
        return sql("at - {begun} <= make_interval(hours => {hours})", begun=begun, hours=hours)

    return condition


def _median(at: int) -> Sql:
    return sql(
        """
        round((
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM {this} - {before})::float8)
        )::numeric)::bigint
        """,
        this=f"w.t{at}",
        before=f"w.t{at - 1}",
    )
