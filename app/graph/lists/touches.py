"""Lists of funnel touches."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import FunnelStage
from app.graph.declaring.listing import equals, filter_by, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.plan.references import id_of, ids_of


@input_type
class FunnelTouchFilter:
    """Which touches. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "At this instant or later.", moments.since("occurred_at", moments.of_customer)
    )
    until: DateTime | None = filter_by(
        "Before this instant.", moments.until("occurred_at", moments.of_customer)
    )
    stages: list[FunnelStage] | None = filter_by("Of any of these stages.", one_of("stage", "text"))
    channels: list[str] | None = filter_by("In any of these channels.", one_of("channel", "text"))
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    customer_id: strawberry.ID | None = filter_by(
        "Of this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    source: str | None = filter_by("From this source.", equals("source", "text"))


TOUCHES = list_of(
    "FunnelTouch", FunnelTouchFilter, "OCCURRED_AT", descending=True,
    occurred_at=(instant_key("occurred_at"), "By the moment it happened."),
)  # fmt: skip
