"""Insights: a project's metrics over time, straight from its events, without attribution.

Buckets and breakdown are a full grid: where nothing happened there are zeros.
Source: Webmarketer API 1.0.0, "Event insights (without attribution)".
"""

from enum import Enum
from typing import Any

import strawberry

from app.graph.declaring.described import enum_type
from app.graph.declaring.fields import aggregate, argument, column, entity, parts, read_beside
from app.graph.declaring.scalars import DateTime
from app.graph.figures.insight_grid import CYCLE, INTERVAL, InsightValue, window_faults
from app.graph.figures.insights_sql import insight_rows
from app.tables.event_metrics import EventMetric, EventRollup
from app.tables.event_types import EventType
from app.tables.events import Event

ROWS = (
    read_beside("EventRollup", EventRollup, "project_id"),
    read_beside("InsightEvent", Event, "event_type_id", "id"),
    read_beside("InsightMetric", EventMetric, "project_id"),
    read_beside("InsightType", EventType, "project_id"),
)
"""Tables read beside a project that is in scope already."""


@enum_type
class InsightDimension(Enum):
    """What insights are broken down by, beside time.

    Source: `groupBy` of Webmarketer's insights.
    """

    PROJECT = strawberry.enum_value("project", description="Nothing more: one entry per interval.")
    EVENT_TYPE = strawberry.enum_value("event-type", description="One entry per interval and event type.")


@entity()
class InsightEntry:
    """Metrics of one stretch of time, and of one event type where they are broken down."""

    period: str = column("Where the stretch begins (2025-06-01T00:00:00Z), or its number, from 1.")
    event_type: str | None = column("The event type's reference; null: not broken down.")
    values: list[InsightValue] = parts("Each metric once, in the order asked for.", "value", always="metric")


def insights(description: str) -> Any:
    """Metrics of a project's events over time."""
    return aggregate(
        description,
        insight_rows,
        argument("project", str, "The project: its slug or its id."),
        argument("metrics", list[str], "Storage keys of statistics and states, or event-count."),
        INTERVAL,
        CYCLE,
        argument("by", InsightDimension, "What to break down by, beside time.", InsightDimension.PROJECT),
        argument(
            "since",
            DateTime | None,
            "From this instant on; null: from the first event. A day alone is one of timeZone.",
            None,
        ),
        argument(
            "until",
            DateTime | None,
            "Up to and including this instant, or all of a day alone; null: to the last event.",
            None,
        ),
        argument(
            "event_types",
            list[str] | None,
            "References of the event types to break down by; null or empty: all. Of no effect on PROJECT.",
            None,
        ),
        argument("time_zone", str, "Whose days, weeks and years these are, such as Europe/Paris.", "UTC"),
        many=True,
        check=window_faults, price=20_000)  # fmt: skip


__all__ = ["ROWS", "InsightEntry", "insights"]
