"""Taking in what webhook providers deliver, and again what was refused of it."""

from typing import Annotated

import strawberry

from app.auth.principal import ADMIN_ROLES, WRITERS, Role
from app.auth.webhooks.deliveries import read_provider
from app.db.database import Transaction
from app.db.outages import Busy
from app.domain.webhooks.elements import INVALID, MALFORMED, TOO_LARGE, Refused
from app.domain.webhooks.operations import Ingested, ingest
from app.domain.webhooks.reading import Delivered, read_delivery
from app.domain.webhooks.refusals import keep_refused, take_again
from app.errors import Failure, Invalid, Several, TooLarge
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.enums import Provider
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.writing import UserError, errors_field, given, optional, own_id, writes

TRIES = 4
"""Other writers may take the same rows in another order; PostgreSQL then undoes one of the two, which tries again."""


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
class WebhookDeliveryInput:
    """A delivery as a provider made it."""

    provider: str = strawberry.field(description="The provider's name in URLs, such as sendgrid.")
    body: str = strawberry.field(description="The body, as it was sent.")
    content_type: str | None = optional("Its media type; JSON unless it says that it is a form.")
    query: str | None = optional("The query of the address that was called: campaign_id is read there too.")


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
    """Looks again at what was refused of deliveries, after a newer version can read more. What can be read now takes
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
