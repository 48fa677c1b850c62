"""Lists of webhook endpoints."""

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import ConnectionStatus, Provider
from app.graph.declaring.listing import filter_by, list_of, one_of
from app.graph.lists.conditions import CREATED_AT


@input_type
class WebhookEndpointFilter:
    """Which webhook endpoints. All conditions given must hold."""

    provider: list[Provider] | None = filter_by("Of any of these providers.", one_of("provider", "text"))
    status: list[ConnectionStatus] | None = filter_by("In any of these states.", one_of("status", "text"))


WEBHOOK_ENDPOINTS = list_of(
    "WebhookEndpoint", WebhookEndpointFilter, "CREATED_AT", descending=True, created_at=CREATED_AT
)
