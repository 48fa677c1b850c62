"""Connecting webhook providers, and taking in their deliveries."""

from datetime import timedelta
from functools import lru_cache
from typing import Annotated

import strawberry

from app.auth.keys import require_may_manage
from app.auth.principal import ADMIN_ROLES, WRITERS, Role
from app.auth.webhooks import connections
from app.auth.webhooks.deliveries import read_provider
from app.auth.webhooks.sealing import SecretBox
from app.db.database import Transaction
from app.db.outages import Busy
from app.domain.webhooks.elements import INVALID, MALFORMED, TOO_LARGE, Refused
from app.domain.webhooks.operations import Ingested, ingest
from app.domain.webhooks.reading import Delivered, read_delivery
from app.domain.webhooks.refusals import keep_refused, take_again
from app.errors import Failure, Invalid, Several, TooLarge
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

TRIES = 4
"""Other writers may take the same rows in another order; PostgreSQL then undoes one of the two, which tries again."""


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


@object_type
class WebhookIngestPayload:
    """What became of a delivery."""

    received: int = strawberry.field(default=0, description="How many events it held.")
    applied: int = strawberry.field(default=0, description="How many of them took effect now.")
    ignored: int = strawberry.field(
        default=0, description="How many are kept without effect: the provider's set does not hold them."
    )
    repeated: int = strawberry.field(default=0, description="How many were here before.")
    refused: int = strawberry.field(
        default=0, description="How many could not be taken; `webhookRefusals` lists them with their reasons."
    )
    errors: list[UserError] = errors_field()


@object_type
class WebhookRefusalsTakePayload:
    """What became of refused elements that were looked at again."""

    taken: int = strawberry.field(default=0, description="How many can be read now, and were let in.")
    refused: int = strawberry.field(default=0, description="How many still cannot.")
    taken_before: int = strawberry.field(default=0, description="How many had been taken already.")
    applied: int = strawberry.field(default=0, description="How many events took effect.")
    ignored: int = strawberry.field(default=0, description="How many events are kept without effect.")
    repeated: int = strawberry.field(default=0, description="How many events were here before.")
    errors: list[UserError] = errors_field()


@input_type
class WebhookRefusalsTakeInput:
    """Refused elements of deliveries to look at again."""

    ids: list[strawberry.ID] = strawberry.field(description="Which ones, 500 at most.")


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
    tolerance_seconds: int | None = strawberry.field(
        description="How many seconds a signed timestamp may be away from now, 1 to 31,536,000; null or 0: any age."
        " Whatever comes twice counts once anyhow."
    )


@input_type
class WebhookEndpointDisconnectInput:
    """A webhook endpoint to end."""

    id: strawberry.ID = strawberry.field(description="The endpoint.")


@input_type
class WebhookDeliveryInput:
    """A delivery as a provider made it."""

    provider: str = strawberry.field(description="The provider's name in URLs, such as sendgrid.")
    body: str = strawberry.field(description="The body, as it was sent.")
    content_type: str | None = optional("Its media type; JSON unless it says that it is a form.")
    query: str | None = optional("The query of the address that was called: campaign_id is read there too.")


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
    await connections.set_tolerance(tx, ident, input.tolerance_seconds)
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


@writes(roles=WRITERS | {Role.WEBHOOK}, shapes=WHOLE_GROUP)
async def take_in(
    info: strawberry.Info,
    input: Annotated[WebhookDeliveryInput, strawberry.argument(description="The delivery.")],
) -> WebhookIngestPayload:
    """Takes in a provider's delivery: what the webhook routes run once its signature held, and a way to send one
    again by hand. Each event counts once, however often it comes.
    """
    context = info.context
    await context.services.quotas.check(context.scope.group_id, now=context.now)
    provider = read_provider(input.provider)
    content_type, query = given(input.content_type) or "", given(input.query) or ""
    try:
        read = read_delivery(provider, input.body, content_type=content_type, query=query)
    except (Invalid, TooLarge) as why:
        whole = [Refused(input.body, why.reason, why.message)]
        await _keep(info, provider, whole, content_type=content_type, query=query)
        raise
    if read.refused and not read.is_list:
        await _keep(info, provider, read.refused, query=query)
        raise _whole(read.refused[0])
    done = await _ingested(info, provider, read, query=query)
    return WebhookIngestPayload(
        received=done.received + len(read.refused),
        applied=done.applied,
        ignored=done.ignored,
        repeated=done.repeated,
        refused=len(read.refused),
    )


@writes(roles=ADMIN_ROLES, shapes=WHOLE_GROUP)
async def take_refused(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[WebhookRefusalsTakeInput, strawberry.argument(description="Which ones.")],
) -> WebhookRefusalsTakePayload:
    """Looks again at what was refused of deliveries, after a limit or a mapping has changed. What can be read now takes
    effect once, as if it had come in when it did.
    """
    ids: list[int] = []
    failures: list[Failure] = []
    for at, text in enumerate(input.ids):
        try:
            ids.append(own_id(text, "refusal", "webhook refusal", "ids", at))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures)
    done = await take_again(tx, ids, now=info.context.now)
    return WebhookRefusalsTakePayload(
        taken=done.taken,
        refused=done.refused,
        taken_before=done.before,
        applied=done.ingested.applied,
        ignored=done.ingested.ignored,
        repeated=done.ingested.repeated,
    )


async def _keep(
    info: strawberry.Info, provider: Provider, refused: list[Refused], *, content_type: str = "", query: str
) -> None:
    async with info.context.transaction() as tx:
        await keep_refused(
            tx, provider, refused, connection_id=_connection_of(info), content_type=content_type, query=query,
            now=info.context.now,
        )  # fmt: skip


def _connection_of(info: strawberry.Info) -> int | None:
    """The endpoint that a delivery comes through; none where somebody sends it by hand."""
    kind, _, ident = info.context.principal.name.partition(":")
    return int(ident) if kind == "webhook" and ident.isdecimal() else None


def _whole(refused: Refused) -> Failure:
    """A body that is one element, which was refused."""
    if refused.reason == TOO_LARGE:
        return TooLarge(refused.message, path=refused.path)
    code = None if refused.reason == INVALID else MALFORMED
    return Invalid(refused.message, path=refused.path, code=code)


async def _ingested(info: strawberry.Info, provider: Provider, read: Delivered, *, query: str) -> Ingested:
    for attempt in range(1, TRIES + 1):
        try:
            async with info.context.transaction() as tx:
                await keep_refused(
                    tx, provider, read.refused, connection_id=_connection_of(info), query=query,
                    now=info.context.now,
                )  # fmt: skip
                return await ingest(tx, provider, read, now=info.context.now)
        except Busy:
            if attempt == TRIES:
                raise
    raise AssertionError("unreachable")


def box_of(info: strawberry.Info) -> SecretBox:
    """Opens and seals the secrets of connections; one per process."""
    return _box(info.context.services.settings.secret_key)


@lru_cache(8)
def _box(secret_key: str) -> SecretBox:
    return SecretBox(secret_key)


def _require_manager(info: strawberry.Info) -> None:
    require_may_manage(info.context.principal, group_ids=[info.context.scope.group_id])
