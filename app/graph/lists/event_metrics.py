"""Lists of states and statistics of events."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import EventFieldKind
from app.graph.declaring.listing import equals, filter_by, in_project, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.graph.lists.conditions import CREATED_AT
from app.plan.references import id_of


@input_type
class EventMetricFilter:
    """Which states and statistics of events. All conditions given must hold."""

    project: str | None = filter_by("Of the project with this slug or id.", in_project)
    customer_id: strawberry.ID | None = filter_by(
        "Of events of this customer.",
        equals("customer_id", "bigint", id_of("cust")),
    )
    kinds: list[EventFieldKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))
    storage_key: str | None = filter_by("With this storage key, exactly.", equals("storage_key", "text"))
    since: DateTime | None = filter_by(
        "Changed to their value (`metricDate`) at this instant or later.",
        moments.since("metric_date", moments.of_group),
    )
    until: DateTime | None = filter_by(
        "Changed to their value (`metricDate`) at this instant or before.",
        moments.until("metric_date", moments.of_group, "<="),
    )


EVENT_METRICS = list_of(
    "EventMetric", EventMetricFilter, "CREATED_AT",
    created_at=CREATED_AT,
    updated_at=(instant_key("updated_at"), "By the moment the value that stands was told."),
    metric_date=(instant_key("metric_date"), "By the moment it changed to its value."),
)  # fmt: skip
