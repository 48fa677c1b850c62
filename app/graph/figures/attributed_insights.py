"""Attributed insights: the metrics of insights, by the campaigns that led to the events."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from app.domain.attribution.models import Model
from app.domain.events.rollups import EVENT_COUNT
from app.graph.declaring.enums import AttributionModel
from app.graph.declaring.fields import aggregate, argument, column, entity, parts, to_one
from app.graph.declaring.refs import CampaignRef, StoreRef
from app.graph.declaring.scalars import DateTime
from app.graph.figures.attribution import PROJECT, AttributionDimension, journey_faults
from app.graph.figures.attribution_sql import channel_of, half_life_of, window_of
from app.graph.figures.event_worth import Wanted, event_worth
from app.graph.figures.insight_grid import (
    CYCLE,
    INTERVAL,
    InsightValue,
    after,
    bucket_of,
    grid,
    instant,
    metrics_asked,
    window_faults,
)
from app.graph.figures.shares import Sharing, shares
from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import Select, Sql, quoted, sql


@entity()
class AttributedInsightEntry:
    """Attributed metrics of one stretch of time, of one campaign, channel or store; without any: direct."""

    period: str = column("Where the stretch begins (2025-06-01T00:00:00Z), or its number, from 1.")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The channel, where it is by channel; null: direct, or unknown.")
    is_unknown: bool = column(
        "By channel: whether it is a campaign's, and nobody knows by which of its channels; else false."
    )
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")
    values: list[InsightValue] = parts("Each metric once, in the order asked for.", "value", always="metric")


def attributed_insights(description: str) -> Any:
    """Metrics over time, in the shares of those who led to them."""
    return aggregate(
        description,
        _attributed,
        argument("metrics", list[str], "Storage keys of statistics and states, or event-count."),
        INTERVAL,
        CYCLE,
        argument("by", AttributionDimension, "What to break down by, beside time."),
        # Not as the group chose: these are the metrics of insights, and the document's example is linear.
        argument("model", AttributionModel, "Who gets how much of an event.", AttributionModel.LINEAR),
        argument(
            "half_life_days",
            int,
            "For TIME_DECAY: a touch this much older than another counts half as much.",
            7,
        ),
        argument("window_days", int, "How many days before the event a touch may lie, to the second.", 30),
        PROJECT,
        argument(
            "since",
            DateTime | None,
            "Events from this instant on; null: from the first. A day alone is one of timeZone.",
            None,
        ),
        argument(
            "until",
            DateTime | None,
            "Events up to and including this instant, or all of a day alone; null: to the last.",
            None,
        ),
        argument("time_zone", str, "Whose days, weeks and years these are, such as Europe/Paris.", "UTC"),
        many=True,
        check=_faults,
        price=50_000,
    )


def _faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return chain(window_faults(values), journey_faults(values))


def _attributed(request: AggregateRequest) -> Select:
    by: str = request.args.structural("by").value
    metrics = metrics_asked(request)
    keyed = sql("= ANY ({metrics})", metrics=metrics)
    counted = sql("{event_count} = ANY ({metrics})", event_count=quoted(EVENT_COUNT), metrics=metrics)
    model: Model = request.args.structural("model")
    shared = shares(
        request,
        model,
        event_worth(request, keyed, counted, Wanted(model, _instants)),
        Sharing(
            window=window_of(request),
            half_life_us=half_life_of(request),
            carry=("at", "key"),
            channel=by == "channel",
        ),
    )
    c = request.table("Campaign", "c")
    facts = sql(
        """
        SELECT {bucket} AS bucket, {part} AS part, h.key, sum(h.value) * 0.0001 AS value
        FROM ({shared}) h LEFT JOIN {c} ON {c.scope} AND {c.id} = h.campaign_id
        WHERE (h.campaign_id IS NULL OR {c.id} IS NOT NULL)
        GROUP BY 1, 2, 3
        """,
        bucket=bucket_of(request, sql("h.at")),
        part=_part(by, c, carried=sql("true") if model is Model.CARRIED else sql("false")),
        shared=shared,
        c=c,
    )
    values = sql(
        """
        SELECT DISTINCT
            part, {campaign} AS campaign_id, {channel} AS channel, {unknown} AS is_unknown, {store} AS store_id
        FROM facts
        """,
        campaign=sql("nullif(part, 0)") if by == "campaign" else sql("NULL::bigint"),
        channel=sql("CASE WHEN part NOT IN ('-', '+') THEN substr(part, 2) END")
        if by == "channel"
        else sql("NULL::text"),
        unknown=sql("part = '+'") if by == "channel" else sql("false"),
        store=sql("nullif(part, 0)") if by == "store" else sql("NULL::bigint"),
    )
    return grid(
        request, facts, values, {name: name for name in ("campaign_id", "channel", "is_unknown", "store_id")}
    )


def _part(by: str, c: Row, *, carried: Sql) -> Sql:
    """The breakdown value of a share. Direct is 0, or among channels a value that no channel can have."""
    if by == "campaign":
        return sql("coalesce({c.id}, 0)", c=c)
    if by == "store":
        return sql("coalesce({c.store_id}, 0)", c=c)
    return sql(
        "coalesce('+' || {channel}, '-')",
        channel=channel_of(c, sql("h.campaign_id"), sql("h.channel"), carried=carried),
    )


def _instants(request: AggregateRequest, at: Sql, _: Sql) -> list[Sql]:
    out = []
    if request.args.given("since"):
        out.append(sql("{at} >= {since}", at=at, since=instant(request, "since")))
    if request.args.given("until"):
        out.append(sql("{at} < {after}", at=at, after=after(request)))
    return out


__all__ = ["AttributedInsightEntry", "attributed_insights"]
