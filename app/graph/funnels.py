"""Funnels: how many customers reach each stage, one after the other.

The documented funnels are read from each customer's paths of days: stages followed one another where the path matches
`%a%b%c%`. A funnel of the client's own is read from the touches themselves, since it may ask how long it took.
"""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry

from app.domain.funnels.stages import LETTERS, STAGES_OF
from app.graph.declare import aggregate, argument, column, computed, entity, parts, to_one
from app.graph.enums import FunnelBreakdown, FunnelStage, FunnelType
from app.graph.refs import CampaignRef, SegmentRef
from app.graph.scalars import Date, Long, Rate
from app.graph.touches import OF_CUSTOMER
from app.plan.arguments import plain
from app.plan.catalog import AggregateRequest, Entity, Row
from app.plan.kinds import share
from app.plan.sql import Select, Sql, joined, put
from app.tables import funnels as tables
from app.tables.orders import SegmentMember

ROWS = (
    Entity("FunnelDay", tables.FunnelDay.__tablename__, store=OF_CUSTOMER, project=OF_CUSTOMER),
    # Read beside customers that are in scope already.
    Entity("FunnelMember", SegmentMember.__tablename__),
)
"""Tables that only funnels read."""


def _as_it_is(name: str) -> Any:
    return lambda row: row(name)


@strawberry.interface(description="How many customers reached a stage. Source: Marketing & CRM API, funnels.")
class FunnelNumbers:
    """How many customers reached a stage."""

    stage: FunnelStage = column("The stage.")
    count: Long = column("Customers who reached it after the stages before it.")
    percentage: Rate = computed(
        "Of the first stage's customers, one decimal where needed; 0 where there are none.",
        _as_it_is("percentage"), kind=share(1),
    )  # fmt: skip
    drop_off: Rate | None = computed(
        "The percentage before less this one, in points; null on the first stage.",
        _as_it_is("drop_off"), kind=share(1),
    )  # fmt: skip


@entity(description="A stage of a documented funnel.")
class FunnelStep(FunnelNumbers):
    """A stage of a documented funnel."""


@entity(description="A stage of a funnel of one's own.")
class FunnelSliceStep(FunnelNumbers):
    """A stage of a funnel of one's own."""

    median_seconds: Long | None = column(
        "The median time from reaching the stage before to reaching this one; null on the first, and where nobody did."
    )


@entity(description="A documented funnel over whole days (UTC).")
class Funnel:
    """A documented funnel."""

    type: FunnelType = column("Which stages it looks at.")
    since: Date = column("The first day.")
    until: Date = column("The last day.")
    stages: list[FunnelStep] = parts("Its stages, in order.", "step", always="stage")
    overall_conversion: Rate = computed("The last stage's percentage.", _as_it_is("overall"), kind=share(1))


@entity(description="A funnel of one's own, or the slice of it that a breakdown asks for.")
class FunnelSlice:
    """A funnel of one's own, or a slice of it."""

    channel: str | None = column("The channel, where it is broken down by channel; null: none was said.")
    campaign: CampaignRef | None = to_one("The campaign, where it is broken down by campaign.", "campaign_id")
    segment: SegmentRef | None = to_one("The segment, where it is broken down by segment.", "segment_id")
    stages: list[FunnelSliceStep] = parts("Its stages, as asked for.", "step", always="stage")
    overall_conversion: Rate = computed("The last stage's percentage.", _as_it_is("overall"), kind=share(1))


SINCE = argument("since", Date, "From this day on (UTC).")
UNTIL = argument("until", Date, "Up to and including this day (UTC).")


def documented(description: str) -> Any:
    """One of the three documented funnels."""
    kind = argument("type", FunnelType, "Which stages to look at.")
    return aggregate(description, _documented, kind, SINCE, UNTIL)


def own(description: str) -> Any:
    """Any stages in any order, within a time, broken down."""
    return aggregate(
        description,
        own_slice,
        argument(
            "stages", list[FunnelStage], "The stages, in the order to be reached; repeated ones count once."
        ),
        SINCE,
        UNTIL,
        argument(
            "within_hours",
            int | None,
            "How long the whole way may take, from the first stage's touch to this one's; any time unless said.",
            None,
        ),
        argument("by", FunnelBreakdown | None, "What to break down by.", None),
        many=True,
    )


# ── the documented ones ───────────────────────────────────────────────────────


def _documented(request: AggregateRequest) -> Select:
    kind: str = plain(request.args.structural("type"))  # type: ignore[assignment]
    stages = STAGES_OF[kind]  # type: ignore[index]
    source, where, d = request.table("FunnelDay", "d")
    since, until = (request.args.param(name, cast="date") for name in ("since", "until"))
    within = _inside(put(d("day"), " >= ", since), put(d("day"), " <= ", until))
    path = {"path": put("string_agg(", d("path"), ", '' ORDER BY ", d("day"), ")")}
    paths = Select(path, source, [*where, within], group=[d("customer_id")])
    counts: dict[str, Sql] = {}
    pattern = "%"
    for at, stage in enumerate(stages):
        pattern += f"{LETTERS[stage]}%"
        counts[f"n{at}"] = put(f"count(*) FILTER (WHERE w.path LIKE '{pattern}')")
    counted = Select(counts, put("(", paths.sql(), ") w"))
    names = {
        "type": put(f"'{kind}'"),
        "since": _shown_day(request, "since"),
        "until": _shown_day(request, "until"),
    }
    return _shown(names, counted, stages)


def _shown(names: dict[str, Sql], counted: Select, stages: Sequence[str]) -> Select:
    """Percentages and drop-offs over the counts `n0`, `n1`, … of each row."""
    shares = {
        f"p{at}": put(f"coalesce(round(100.0 * c.n{at} / nullif(c.n0, 0), 1), 0)")
        for at in range(len(stages))
    }
    kept = {name: put(f"c.{name}") for name in counted.names}
    shared = Select({**kept, **shares}, put("(", counted.sql(), ") c"))
    places = range(len(stages))
    drops = ["NULL", *(f"s.p{at - 1} - s.p{at}" for at in places[1:])]
    return Select(
        {
            **names,
            "step_stage": put(f"'{{{','.join(stages)}}}'::text[]"),
            "step_count": _array([f"s.n{at}" for at in places], "bigint"),
            "step_percentage": _array([f"s.p{at}" for at in places], "numeric"),
            "step_drop_off": _array(drops[: len(stages)], "numeric"),
            "overall": put(f"s.p{len(stages) - 1}" if stages else "0::numeric"),
        },
        put("(", shared.sql(), ") s"),
    )


def _inside(begun: Sql, not_over: Sql) -> Sql:
    # Not a plain range: prepared plans know no bounds, take any range for a sliver and sort what is a million rows,
    # while the index has each customer's days in order. What they cannot judge they take for half.
    return put("CASE WHEN ", begun, " THEN ", not_over, " ELSE false END")


def _shown_day(request: AggregateRequest, name: str) -> Sql:
    # As text: the driver sends the calendar's last day as infinity, and would show it so.
    return put(request.args.param(name, cast="text", convert=_day_text), "::date")


def _day_text(day: Any) -> object:
    return day.isoformat()


def _array(items: Sequence[str], kind: str) -> Sql:
    return put(f"ARRAY[{', '.join(items)}]::{kind}[]")


# ── one's own ─────────────────────────────────────────────────────────────────


Only = Callable[[AggregateRequest, Row], Sql]


def own_slice(request: AggregateRequest, *, only: Only | None = None) -> Select:
    """A funnel of one's own, of the customers that `only` holds for: a condition over a row of touches."""
    stages = list(dict.fromkeys(plain(list(request.args.structural("stages")))))  # type: ignore[call-overload]
    asked = request.args.structural("by")
    by = plain(asked) if asked is not None else ""
    ways = _ways(request, stages, str(by), only)
    names: dict[str, Sql] = {"channel": put("NULL::text"), "campaign_id": put("NULL::bigint")}
    names |= {"segment_id": put("NULL::bigint")}
    counts = {f"n{at}": put(f"count(w.t{at})") for at in range(len(stages))}
    counts |= {f"m{at}": _median(at) for at in range(1, len(stages))}
    counted = Select(counts or {"n": put("count(*)")}, ways)
    if stages and by in ("channel", "campaign"):
        # What the first touch said is unknown of those who never reached the first stage.
        counted.where.append(put("w.t0 IS NOT NULL"))
    if by:
        counted.names |= {"dim": put("w.dim")}
        counted.group = [put("w.dim")]
        names["channel" if by == "channel" else f"{by}_id"] = put("s.dim")
    shown = _shown(names, counted, stages)
    medians = ["NULL", *(f"s.m{at}" for at in range(1, len(stages)))][: len(stages)]
    shown.names["step_median_seconds"] = _array(medians, "bigint")
    if by:
        shown.names |= {
            "sort_1": put("-s.n0") if stages else put("0"),
            "sort_2": put("s.dim"),
        }
    return shown


def _ways(request: AggregateRequest, stages: Sequence[str], by: str, only: Only | None) -> Sql:
    """A row per customer: when each stage was first reached (`t0`, `t1`, …), and the value to break down by."""
    source, where, t = request.table("FunnelTouch", "t")
    place = " ".join(f"WHEN '{stage}' THEN {at}" for at, stage in enumerate(stages))
    codes = ",".join(stages)
    # Sub-selects, so that they are reckoned once and not for each row.
    begin = put("(SELECT ", request.args.param("since", cast="date"), "::timestamp AT TIME ZONE 'UTC')")
    end = put("(SELECT (", request.args.param("until", cast="date"), " + 1)::timestamp AT TIME ZONE 'UTC')")
    within_days = _inside(put(t("occurred_at"), " >= ", begin), put(t("occurred_at"), " < ", end))
    where = [*where, put(t("stage"), f" = ANY ('{{{codes}}}')"), within_days]
    if only is not None:
        where.append(only(request, t))
    names = {
        "customer_id": t("customer_id"),
        "at": t("occurred_at"),
        "place": put("CASE ", t("stage"), f" {place} END") if stages else put("0"),
    }
    if by in ("channel", "campaign"):
        names |= {"dim": t("channel" if by == "channel" else "campaign_id"), "id": t("id")}
    within = _within(request)
    inner = Select(names, source, where).sql()
    carried = list(names)
    # The start of a way that is still open after each touch: for each stage, the latest first touch that leads there.
    for at in range(len(stages) - 1):
        latest = (
            put("CASE WHEN place = 0 THEN at END")
            if at == 0
            else put(f"CASE WHEN place = {at} AND ", within(at), f" THEN b{at - 1} END")
        )
        window = "OVER (PARTITION BY customer_id ORDER BY at, place ROWS UNBOUNDED PRECEDING)"
        inner = put(
            f"SELECT {', '.join(carried)}, max(", latest, f") {window} AS b{at} FROM (", inner, f") l{at}"
        )
        carried.append(f"b{at}")
    reached = {"customer_id": put("customer_id")}
    for at in range(len(stages)):
        condition = put("place = 0") if at == 0 else put(f"place = {at} AND ", within(at))
        reached[f"t{at}"] = put("min(at) FILTER (WHERE ", condition, ")")
    if "dim" in names:
        reached["dim"] = put("(array_agg(dim ORDER BY at, id) FILTER (WHERE place = 0))[1]")
    ways = Select(reached, put("(", inner, ") touched"), group=[put("customer_id")]).sql()
    if by != "segment":
        return put("(", ways, ") w")
    members, scope, m = request.table("FunnelMember", "m")
    tie = joined(" AND ", [*scope, put(m("customer_id"), " = r.customer_id")])
    return put(
        "(SELECT r.*, ", m("segment_id"), " AS dim FROM (", ways, ") r JOIN ", members, " ON ", tie, ") w"
    )


def _within(request: AggregateRequest) -> Any:
    """The condition that a way open before this stage has lasted no longer than it may."""

    def condition(at: int) -> Sql:
        if not request.args.given("withinHours"):
            return put(f"b{at - 1} IS NOT NULL")
        hours = request.args.param("withinHours", cast="int")
        return put(f"at - b{at - 1} <= make_interval(hours => ", hours, ")")

    return condition


def _median(at: int) -> Sql:
    seconds = f"extract(epoch FROM w.t{at} - w.t{at - 1})::float8"
    return put(f"round((percentile_cont(0.5) WITHIN GROUP (ORDER BY {seconds}))::numeric)::bigint")


__all__ = ["ROWS", "Funnel", "FunnelSlice", "documented", "own", "own_slice"]
