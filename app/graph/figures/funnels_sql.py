"""The statements of funnels.

The documented funnels are read from each customer's paths of days: stages followed one another where the path matches
`%a%b%c%`. A funnel of the client's own is read from the touches themselves, since it may ask how long it took.
"""

from collections.abc import Callable, Sequence
from typing import Any

from app.domain.funnels.stages import LETTERS, STAGES_OF
from app.plan.arguments import plain
from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import Alias, Select, Sql, joined, quoted, sql, verbatim, whole


def documented_row(request: AggregateRequest) -> Select:
    """The one row of a documented funnel."""
    kind: str = plain(request.args.structural("type"))  # type: ignore[assignment]
    stages = STAGES_OF[kind]  # type: ignore[index]
    d = request.table("FunnelDay", "d")
    since, until = (request.args.param(name, cast="date") for name in ("since", "until"))
    within = _inside(sql("{d.day} >= {since}", d=d, since=since), sql("{d.day} <= {until}", d=d, until=until))
    path = {"path": sql("string_agg({d.path}, '' ORDER BY {d.day})", d=d)}
    paths = Select(path, d, [within], group=[d("customer_id")])
    counts: dict[str, Sql] = {}
    pattern = "%"
    for at, stage in enumerate(stages):
        pattern += f"{LETTERS[stage]}%"
        counts[f"n{at}"] = sql("count(*) FILTER (WHERE w.path LIKE {pattern})", pattern=quoted(pattern))
    counted = Select(counts, sql("({paths}) w", paths=paths.sql()))
    names = {
        "type": quoted(kind),
        "since": _shown_day(request, "since"),
        "until": _shown_day(request, "until"),
    }
    return _shown(names, counted, stages)


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
    # Not a plain range: prepared plans know no bounds, take any range for a sliver and sort what is a million rows,
    # while the index has each customer's days in order. What they cannot judge they take for half.
    return sql("CASE WHEN {begun} THEN {not_over} ELSE false END", begun=begun, not_over=not_over)


def _shown_day(request: AggregateRequest, name: str) -> Sql:
    # As text: the driver sends the calendar's last day as infinity, and would show it so.
    return sql("{day}::date", day=request.args.param(name, cast="text", convert=_day_text))


def _day_text(day: Any) -> object:
    return day.isoformat()


# ── one's own ─────────────────────────────────────────────────────────────────


Only = Callable[[AggregateRequest, Row], Sql]


def own_slice(request: AggregateRequest, *, only: Only | None = None) -> Select:
    """A funnel of one's own, of the customers that `only` holds for: a condition over a row of touches."""
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
        # What the first touch said is unknown of those who never reached the first stage.
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
    # Sub-selects, so that they are reckoned once and not for each row.
    since, until = (request.args.param(name, cast="date") for name in ("since", "until"))
    begun = sql("{t.occurred_at} >= (SELECT {since}::timestamp AT TIME ZONE 'UTC')", t=t, since=since)
    not_over = sql("{t.occurred_at} < (SELECT ({until} + 1)::timestamp AT TIME ZONE 'UTC')", t=t, until=until)
    where = [
        sql("{t.stage} = ANY ({stages})", t=t, stages=_listed(stages)),
        _inside(begun, not_over),
    ]
    if only is not None:
        where.append(only(request, t))
    names = {
        "customer_id": t("customer_id"),
        "at": t("occurred_at"),
        "place": _place(t, stages),
    }
    if by in ("channel", "campaign"):
        names |= {"dim": t("channel" if by == "channel" else "campaign_id"), "id": t("id")}
    within = _within(request)
    inner = Select(names, t, where).sql()
    carried = list(names)
    # The start of a way that is still open after each touch: for each stage, the latest first touch that leads there.
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
    if by != "segment":
        return sql("({ways}) w", ways=ways)
    return sql(
        """
        (
            SELECT r.*, {m.segment_id} AS dim
            FROM ({ways}) r JOIN {m} ON {m.scope} AND {m.customer_id} = r.customer_id
        ) w
        """,
        m=request.table("FunnelMember", "m"),
        ways=ways,
    )


def _place(t: Row, stages: Sequence[str]) -> Sql:
    """Which of the stages a touch is of."""
    if not stages:
        return whole(0)
    cases = [
        sql("WHEN {stage} THEN {at}", stage=quoted(stage), at=whole(at)) for at, stage in enumerate(stages)
    ]
    return sql("CASE {t.stage} {cases} END", t=t, cases=joined(" ", cases))


def _within(request: AggregateRequest) -> Callable[[int], Sql]:
    """The condition that a way open before this stage has lasted no longer than it may."""

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
