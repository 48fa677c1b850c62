"""Attributed insights: what insights show of events, shown of the campaigns that led to them."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from app.domain.events.rollups import EVENT_COUNT
from app.domain.metrics.entries import OTHER_CHANNEL
from app.graph.attribution import (
    HALF_LIFE,
    MODEL,
    PROJECT,
    WINDOW,
    AttributionDimension,
    half_life_of,
    journey_faults,
    window_of,
)
from app.graph.declare import aggregate, argument, column, entity, parts, to_one
from app.graph.event_worth import worth
from app.graph.groups import Store
from app.graph.insight_grid import (
    InsightInterval,
    InsightValue,
    after,
    bucket_of,
    grid,
    instant,
    metrics_asked,
    window_faults,
)
from app.graph.refs import CampaignRef
from app.graph.scalars import DateTime
from app.graph.shares import shares
from app.plan.catalog import AggregateRequest
from app.plan.sql import Select, Sql, all_of, put


@entity(
    description="Attributed metrics of one stretch of time, of one campaign, channel or store; without any: direct."
)
class AttributedInsightEntry:
    """Attributed metrics of one stretch of time."""

    date: str = column("Where the stretch begins (2025-06-01T00:00:00Z), or its number, from 1.")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The campaign's channel, where it is by channel.")
    store: Store | None = to_one("The store, where it is by store.", "store_id")
    values: list[InsightValue] = parts("Each metric once, in the order asked for.", "value", always="metric")


def attributed_insights(description: str) -> Any:
    """Metrics over time, in the shares of those who led to them."""
    return aggregate(
        description,
        _attributed,
        argument("metrics", list[str], "Storage keys of statistics and states, or event-count."),
        argument("interval", InsightInterval, "How long the stretches are."),
        argument("by", AttributionDimension, "What to break down by, beside time."),
        MODEL,
        HALF_LIFE,
        WINDOW,
        PROJECT,
        argument("since", DateTime | None, "Events from this instant on; null: from the first.", None),
        argument(
            "until", DateTime | None, "Events up to and including this instant; null: to the last.", None
        ),
        argument("time_zone", str, "Whose days, weeks and years these are, such as Europe/Paris.", "UTC"),
        many=True,
        check=_faults,
    )


def _faults(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return chain(window_faults(values), journey_faults(values))


def _attributed(request: AggregateRequest) -> Select:
    by: str = request.args.structural("by").value
    metrics = metrics_asked(request)
    of_events = worth(
        request, put("= ANY (", metrics, ")"), put(f"'{EVENT_COUNT}' = ANY (", metrics, ")"), _instants
    )
    shared = shares(
        request, of_events, window=window_of(request), half_life_us=half_life_of(request), credit=False
    )
    campaign, scope, c = request.table("Campaign", "c")
    # Direct is nobody's: 0, and among channels what no channel can be.
    part = {
        "campaign": "coalesce(c.id, 0)",
        "store": "coalesce(c.store_id, 0)",
        "channel": "CASE WHEN c.id IS NULL THEN '-' WHEN cardinality(c.channels) = 1 THEN '+' || c.channels[1]"
        f" ELSE '+{OTHER_CHANNEL}' END",
    }[by]
    in_scope = all_of([*scope, put(c("id"), " = h.campaign_id")])
    facts = put(
        "SELECT ", bucket_of(request, put("h.at")), f" AS bucket, {part} AS part, h.key,"
        " sum(h.value) * 0.0001 AS value FROM (", shared, ") h LEFT JOIN ", campaign, " ON ", in_scope,
        " WHERE (h.campaign_id IS NULL OR ", c("id"), " IS NOT NULL) GROUP BY 1, 2, 3",
    )  # fmt: skip
    shown = {
        "campaign_id": "nullif(part, 0)" if by == "campaign" else "NULL::bigint",
        "channel": "CASE WHEN part <> '-' THEN substr(part, 2) END" if by == "channel" else "NULL::text",
        "store_id": "nullif(part, 0)" if by == "store" else "NULL::bigint",
    }
    columns = ", ".join(f"{expression} AS {name}" for name, expression in shown.items())
    values = put(f"SELECT DISTINCT part, {columns} FROM facts")
    return grid(request, facts, values, {name: name for name in shown})


def _instants(request: AggregateRequest, at: Sql) -> list[Sql]:
    out = []
    if request.args.given("since"):
        out.append(put(at, " >= ", instant(request, "since")))
    if request.args.given("until"):
        out.append(put(at, " < ", after(request)))
    return out


__all__ = ["AttributedInsightEntry", "attributed_insights"]
