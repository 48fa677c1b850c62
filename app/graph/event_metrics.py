"""States and statistics of events, as they are and as they were."""

import strawberry

from app.graph import lists
from app.graph.declare import column, entity, listing, to_one
from app.graph.enums import EventFieldKind
from app.graph.listing import compares, equals, filter_by, in_project, instant_key, list_of, one_of
from app.graph.nodes import Node
from app.graph.refs import CustomerRef, EventMetricChangeRef, EventRef, ProjectRef
from app.graph.scalars import DateTime, Decimal
from app.plan.catalog import own, via
from app.plan.kinds import ident
from app.tables import events as tables
from app.values.ids import read_id

_OF_METRIC = via("metric_id", "EventMetric")


@strawberry.input(description="Which states and statistics of events. All conditions given must hold.")
class EventMetricFilter:
    """Which states and statistics of events."""

    project: str | None = filter_by("Of the project with this slug or id.", in_project)
    customer_id: strawberry.ID | None = filter_by(
        "Of events of this customer.",
        equals("customer_id", "bigint", lambda text: read_id("cust", str(text))),
    )
    kinds: list[EventFieldKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))
    storage_key: str | None = filter_by("With this storage key, exactly.", equals("storage_key", "text"))
    since: DateTime | None = filter_by(
        "Changed to their value (`metricDate`) at this instant or later.",
        compares("metric_date", ">=", "timestamptz"),
    )
    until: DateTime | None = filter_by(
        "Changed to their value (`metricDate`) at this instant or before.",
        compares("metric_date", "<=", "timestamptz"),
    )


EVENT_METRICS = list_of(
    "EventMetric", EventMetricFilter, "CREATED_AT",
    created_at=lists.CREATED_AT,
    updated_at=(instant_key("updated_at"), "By the moment it was last told."),
    metric_date=(instant_key("metric_date"), "By the moment it changed to its value."),
)  # fmt: skip


@entity(
    table=tables.EventMetric, prefix="metric", store=via("project_id", "Project"), project=own("project_id"),
    description="A state or statistic of an event, as it is now.",
)  # fmt: skip
class EventMetric(Node):
    """A state or statistic of an event, as it is now."""

    kind: EventFieldKind = column("STATE or STATISTIC.")
    storage_key: str = column("Which one.")
    value: Decimal = column(
        "A state's is 1 or 0. A statistic's is in the group's currency where it is money."
    )
    metric_date: DateTime = column("When it changed to this value.")
    occurred_at: DateTime = column("When its event happened.")
    created_at: DateTime = column("When it was first told.")
    updated_at: DateTime = column("When it was last told.")
    customer_id: strawberry.ID | None = column(
        "The customer's id, shown also where customers themselves are not, as to a credential for projects.",
        kind=ident("cust"),
    )  # fmt: skip
    history: list[EventMetricChangeRef] = listing(
        "Every value it ever had, in the order they were told.", key="metric_id", order="id"
    )
    event: EventRef | None = to_one("The event.", "event_id")
    project: ProjectRef = to_one("The project.", "project_id")
    customer: CustomerRef | None = to_one("The event's customer.", "customer_id")


@entity(
    table=tables.EventMetricChange, prefix="mchange", store=_OF_METRIC, project=_OF_METRIC,
    description="A value that a state or statistic of an event had from a moment on.",
)  # fmt: skip
class EventMetricChange(Node):
    """A value that a state or statistic had."""

    value: Decimal = column("The value.")
    metric_date: DateTime = column("When it changed to it.")
    actor: str | None = column("Who told; null: it came with the event.")
    created_at: DateTime = column("When it was told.")
    metric: EventMetric = to_one("The state or statistic.", "metric_id")


__all__ = ["EVENT_METRICS", "EventMetric", "EventMetricChange"]
