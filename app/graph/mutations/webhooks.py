"""Connecting webhook providers."""

from datetime import timedelta
from functools import lru_cache
from typing import Annotated

import strawberry

from app.auth.keys import require_may_manage
from app.auth.principal import ADMIN_ROLES
from app.auth.webhooks import connections
from app.auth.webhooks.sealing import SecretBox
from app.db.database import Transaction
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import Provider
from app.graph.declaring.payloads import shown
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.writing import (
    Administration,
    UserError,
    errors_field,
    given,
    optional,
    own_id,
    writes,
)
from app.graph.types.webhooks import WebhookEndpoint
from app.values.changes import UNSET


@object_type
class WebhookEndpointPayload:
    """A webhook endpoint that was written."""

    endpoint: WebhookEndpoint | None = strawberry.field(
        default=None, description="The endpoint as it is now; null: errors say why nothing was done."
    )
    secret: str | None = strawberry.field(
        default=None,
        description="Our secret, which deliveries in the documented way are signed with. It is shown this once;"
        " null where none was made.",
    )
    errors: list[UserError] = errors_field()


@input_type
class WebhookEndpointCreateInput:
    """A new endpoint for a webhook provider."""

    provider: Provider = strawberry.field(description="Whose deliveries it takes.")
    provider_secret: str | None = optional(
        "What the provider signs with itself: SendGrid's verification key, Twilio's auth token, HubSpot's client"
        " secret. Without it only deliveries in the documented way are taken. Mailchimp has none."
    )
    secret: str | None = optional(
        "Our secret, if it must be a certain one: 16 to 512 printable ASCII characters; a random one unless given."
    )
    tolerance_seconds: int | None = optional(
        "How many seconds a signed timestamp may be away from now, 1 to 31,536,000; null or 0: any age. Whatever comes"
        " twice counts once anyhow. 300 unless given."
    )


@input_type
class WebhookEndpointRotateInput:
    """New secrets for a webhook endpoint."""

    id: strawberry.ID = strawberry.field(description="The endpoint.")
    provider_secret: str | None = optional("What the provider signs with from now on; our secret then stays.")
    secret: str | None = optional(
        "Our new secret, if it must be a certain one; a random one unless given or providerSecret is."
    )
    keep_previous_hours: int = strawberry.field(
        default=24, description="How long the former secrets hold as well, 0 to 168 hours."
    )


@input_type
class WebhookEndpointUpdateInput:
    """A setting of a webhook endpoint."""

    id: strawberry.ID = strawberry.field(description="The endpoint.")
    tolerance_seconds: int | None = optional(
        "How many seconds a signed timestamp may be away from now, 1 to 31,536,000; null or 0: any age. Whatever comes"
        " twice counts once anyhow. Left out, it stays."
    )


@input_type
class WebhookEndpointDisconnectInput:
    """A webhook endpoint to end."""

    id: strawberry.ID = strawberry.field(description="The endpoint.")


@writes(
    roles=ADMIN_ROLES,
    secret=True,
    administration=Administration("webhook_endpoint.create", "webhook_connection", "hook"),
    shapes=WHOLE_GROUP,
)
async def create(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[WebhookEndpointCreateInput, strawberry.argument(description="The endpoint.")],
) -> WebhookEndpointPayload:
    """Makes an endpoint for a webhook provider: 10 live ones each at most. Needs a credential for the whole group."""
    _require_manager(info)
    made = await connections.create_connection(
        tx,
        box_of(info),
        provider=input.provider,
        secret=given(input.secret),
        provider_secret=given(input.provider_secret),
        tolerance_s=connections.DEFAULT_TOLERANCE_S
        if input.tolerance_seconds is strawberry.UNSET
        else input.tolerance_seconds,
        now=info.context.now,
    )
    row = await shown(info, tx, "WebhookEndpoint", made.connection_id)
    return WebhookEndpointPayload(endpoint=row, secret=made.secret)


@writes(
    roles=ADMIN_ROLES,
    secret=True,
    administration=Administration("webhook_endpoint.rotate", "webhook_connection", "hook"),
    shapes=WHOLE_GROUP,
)
async def rotate(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[WebhookEndpointRotateInput, strawberry.argument(description="Which one, and how.")],
) -> WebhookEndpointPayload:
    """Gives a webhook endpoint new secrets. The former ones hold for a while, so that no delivery is lost."""
    _require_manager(info)
    ident = own_id(input.id, "hook", "webhook endpoint", "id")
    made = await connections.rotate_connection(
        tx,
        box_of(info),
        ident,
        secret=given(input.secret),
        provider_secret=given(input.provider_secret),
        overlap=timedelta(hours=input.keep_previous_hours),
        now=info.context.now,
    )
    row = await shown(info, tx, "WebhookEndpoint", ident)
    return WebhookEndpointPayload(endpoint=row, secret=made.secret)


@writes(
    roles=ADMIN_ROLES,
    administration=Administration("webhook_endpoint.update", "webhook_connection", "hook"),
    shapes=WHOLE_GROUP,
)
async def update(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[WebhookEndpointUpdateInput, strawberry.argument(description="Which one, and how.")],
) -> WebhookEndpointPayload:
    """Sets how old a webhook endpoint's signed deliveries may be."""
    _require_manager(info)
    ident = own_id(input.id, "hook", "webhook endpoint", "id")
    said = UNSET if input.tolerance_seconds is strawberry.UNSET else input.tolerance_seconds
    await connections.set_tolerance(tx, ident, said)
    return WebhookEndpointPayload(endpoint=await shown(info, tx, "WebhookEndpoint", ident))


@writes(
    roles=ADMIN_ROLES,
    administration=Administration("webhook_endpoint.disconnect", "webhook_connection", "hook"),
    shapes=WHOLE_GROUP,
)
async def disconnect(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[WebhookEndpointDisconnectInput, strawberry.argument(description="Which one.")],
) -> WebhookEndpointPayload:
    """Ends a webhook endpoint: its deliveries are refused at once, for good."""
    _require_manager(info)
    ident = own_id(input.id, "hook", "webhook endpoint", "id")
    await connections.disconnect(tx, ident, now=info.context.now)
    row = await shown(info, tx, "WebhookEndpoint", ident)
    return WebhookEndpointPayload(endpoint=row)


def box_of(info: strawberry.Info) -> SecretBox:
    """Opens and seals the secrets of connections; one per process."""
    return _box(info.context.services.settings.secret_key)


@lru_cache(8)
def _box(secret_key: str) -> SecretBox:
    return SecretBox(secret_key)


def _require_manager(info: strawberry.Info) -> None:
    require_may_manage(info.context.principal, group_ids=[info.context.scope.group_id])
