"""States and statistics of events, and their history."""

import strawberry

from app.graph.declaring.enums import EventFieldKind
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, entity, listing, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import (
    CustomerRef,
    EventMetricChangeRef,
    EventMetricRef,
    EventRef,
    KnownCustomerRef,
    ProjectRef,
)
from app.graph.declaring.scalars import DateTime, Decimal
from app.plan.catalog import own, via
from app.plan.kinds import ident
from app.tables import event_metrics as tables

_OF_METRIC = via("metric_id", "EventMetric")


@entity(
    table=tables.EventMetric, prefix="metric", store=via("project_id", "Project"), project=own("project_id")
)
class EventMetric(Node):
    """A state or statistic of an event, as it is now."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("metric")
    kind: EventFieldKind = column("STATE or STATISTIC.")
    storage_key: str = column("Which one.")
    value: Decimal = column(
        "A state's is 1 or 0. A statistic's is in `currency` where it is money, else in the group's."
    )
    currency: str | None = column(
        "The currency that its event says (its field `currency`, ISO 4217), where it is a statistic; null: none."
    )
    metric_date: DateTime = column("When it changed to this value.")
    occurred_at: DateTime = column("When its event happened.")
    created_at: DateTime = column("When it was first told.")
    updated_at: DateTime = column("When the value that stands was told.")
    customer_id: strawberry.ID | None = column(
        "The customer's id, shown also where customers themselves are not, as to a credential for projects.",
        kind=ident("cust"),
    )  # fmt: skip
    history: list[EventMetricChangeRef] = listing(
        "Every value that was told of it, those too that came too late to stand; in the order they were told.",
        key="metric_id",
        order="id",
    )
    event: EventRef | None = to_one("The event.", "event_id")
    project: ProjectRef = to_one("The project.", "project_id")
    user: KnownCustomerRef | None = to_one(
        "Whom it is about, by id alone, so that whoever sees the event sees it.", "customer_id"
    )
    customer: CustomerRef | None = to_one("The event's customer.", "customer_id")


@entity(table=tables.EventMetricChange, prefix="mchange", store=_OF_METRIC, project=_OF_METRIC)
class EventMetricChange(Node):
    """A value that a state or statistic of an event had from a moment on."""

    value: Decimal = column("The value.")
    metric_date: DateTime = column("When it changed to it.")
    actor: str | None = column("Who told; null: it came with the event.")
    created_at: DateTime = column("When it was told.")
    metric: EventMetricRef = to_one("The state or statistic.", "metric_id")
