"""Lists of events."""

from collections.abc import Mapping
from typing import Any

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.described import input_type
from app.graph.declaring.enums import EventOutcome, EventStatus
from app.graph.declaring.listing import equals, filter_by, in_project, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.plan.catalog import FilterArguments, NewsColumns, Row
from app.plan.references import id_of, ids_of
from app.plan.sql import Sql, sql


def _has_fault(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "EXISTS (SELECT 1 FROM {ef} WHERE {ef.scope} AND {ef.event_id} = {row.id} AND {ef.code} = {code})",
        ef=args.table("EventFault", "ef"),
        row=row,
        code=args.param(*path, cast="text"),
    )


@input_type
class EventFilter:
    """Which events. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "Received at this instant or later.", moments.since("received_at", moments.of_group)
    )
    until: DateTime | None = filter_by(
        "Received at this instant or before.", moments.until("received_at", moments.of_group, "<=")
    )
    occurred_since: DateTime | None = filter_by(
        "Happened at this instant or later.", moments.since("occurred_at", moments.of_group)
    )
    occurred_until: DateTime | None = filter_by(
        "Happened at this instant or before.", moments.until("occurred_at", moments.of_group, "<=")
    )
    project: str | None = filter_by("Sent to the project with this slug or id.", in_project)
    status: list[EventStatus] | None = filter_by("In any of these states.", one_of("status", "text"))
    event_type: str | None = filter_by("The event type, exactly.", equals("event_type", "text"))
    customer_id: strawberry.ID | None = filter_by(
        "About this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "About any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    channels: list[str] | None = filter_by(
        "Of any of these channels, such as email.", one_of("channel", "text")
    )
    tracker_id: str | None = filter_by(
        "From this tracker, exactly.", equals("tracker_id", "text"), roles=PERSONAL_READERS
    )
    fault_code: str | None = filter_by("In the trash for a reason of this code.", _has_fault)
    is_clock_doubtful: bool | None = filter_by(
        "Whether the sender's clock may be wrong.", equals("is_clock_doubtful", "boolean")
    )
    source: str | None = filter_by(
        "The interface it came through, exactly, such as webhook.sendgrid.", equals("source", "text")
    )
    kind: str | None = filter_by("What happened in our words, exactly.", equals("kind", "text"))
    outcome: list[EventOutcome] | None = filter_by("With any of these outcomes.", one_of("outcome", "text"))


EVENTS = list_of(
    "Event", EventFilter, "RECEIVED_AT", descending=True,
    received_at=(instant_key("received_at"), "By the moment it came in."),
    occurred_at=(instant_key("occurred_at"), "By the moment it says it happened."),
)  # fmt: skip
ARRIVALS = NewsColumns("received_at", "written_by", "moved_by")


def asks_for_settled(given: Mapping[str, Any]) -> bool:
    """Whether a filter asks for what is only known of processed events."""
    status = given.get("status")
    if status is not None and EventStatus.PENDING in status:
        return False
    return any(given.get(key) is not None for key in ("status", "customerId", "faultCode", "isClockDoubtful"))


IN_TRASH = "status = 'trashed'"
"""Which events are in the trash: few among many, and so found by an index of their own."""
