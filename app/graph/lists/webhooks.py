"""Lists of webhook endpoints."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import ConnectionStatus, Provider
from app.graph.declaring.listing import equals, filter_by, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.graph.lists.conditions import CREATED_AT
from app.plan.references import id_of
from app.plan.sql import sql


@input_type
class WebhookEndpointFilter:
    """Which webhook endpoints. All conditions given must hold."""

    provider: list[Provider] | None = filter_by("Of any of these providers.", one_of("provider", "text"))
    status: list[ConnectionStatus] | None = filter_by("In any of these states.", one_of("status", "text"))


WEBHOOK_ENDPOINTS = list_of(
    "WebhookEndpoint", WebhookEndpointFilter, "CREATED_AT", descending=True, created_at=CREATED_AT
)


@input_type
class WebhookRefusalFilter:
    """Which refused elements of deliveries. All conditions given must hold."""

    provider: list[Provider] | None = filter_by("Of any of these providers.", one_of("provider", "text"))
    endpoint_id: strawberry.ID | None = filter_by(
        "Through this endpoint.", equals("connection_id", "bigint", id_of("hook"))
    )
    reason: list[str] | None = filter_by("For any of these reasons.", one_of("reason", "text"))
    taken: bool | None = filter_by(
        "Whether they were taken after all.",
        lambda row, args, path: sql(
            "({row.taken_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean")
        ),
    )
    since: DateTime | None = filter_by(
        "First received at this instant or later.", moments.since("received_at", moments.of_group)
    )


WEBHOOK_REFUSALS = list_of(
    "WebhookRefusal", WebhookRefusalFilter, "RECEIVED_AT", descending=True,
    received_at=(instant_key("received_at"), "By the moment it first came in."),
)  # fmt: skip
