"""Sending events, and taking them out of the trash."""

from typing import Annotated, Any

import strawberry

from app.auth.principal import PERSONAL_READERS, WRITERS, Role
from app.domain.events.accepting import Sent
from app.domain.events.processing import process_now
from app.domain.events.replaying import MAX_REPLAYED, replay_events
from app.domain.events.sending import sent_event
from app.domain.groups.projects import is_archived, slug_of
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown
from app.graph.declaring.scalars import JSON
from app.graph.declaring.writing import UserError, errors_field, given, optional, writes
from app.graph.types.events import Event
from app.values.ids import read_uuid, show_id

SENDERS = WRITERS | {Role.TRACKER}


@object_type
class EventSendPayload:
    """An event that was taken in."""

    id: strawberry.ID | None = strawberry.field(
        default=None, description="The event's id: of the first, where its nonce had been sent before."
    )
    errors: list[UserError] = errors_field()


@object_type
class EventSendNowPayload:
    """An event that was taken in and processed."""

    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The event's id: of the first, where its nonce had been sent before. Also with errors, if the event"
        " is in the trash because of them.",
    )
    event: Event | None = strawberry.field(
        default=None, description="The event as it is now; null: it is in the trash, or was not taken in."
    )
    errors: list[UserError] = errors_field()


@object_type
class EventReplayPayload:
    """What a replay did."""

    replayed: int = strawberry.field(default=0, description="How many events are processed now.")
    still_failing: int = strawberry.field(
        default=0, description="How many are in the trash again, with the reasons of today."
    )
    errors: list[UserError] = errors_field()


@input_type
class EventSendInput:
    """An event."""

    project: str = strawberry.field(
        description="The project it is sent to: its slug, or, with a credential, its id."
    )
    event_type: str = strawberry.field(description="The reference of its event type.")
    nonce: str = strawberry.field(
        description="Your own name for it, 255 characters at most: the same one again, in the same project, is the"
        " same event."
    )
    data: JSON | None = optional("An object, as its event type says. Only `body` can take its place.")
    event_date: str | None = optional(
        "When it happened, as a date-time; now unless said, or blank. One that cannot be read puts it into the trash."
    )
    tracker_id: str | None = optional(
        "Which browser or device it came from; without it, it cannot be tied to what its user did before."
    )
    landing_url: str | None = optional(
        "The address its user came to the site by: it is recorded as an interaction of the tracker as well."
    )
    referrer: str | None = optional("Where its user came from then.")
    body: str | None = optional(
        "The whole of what was sent as it came through another interface: the JSON text of an object that holds `data`."
        " It is kept to the letter; unless given, one is made of these fields."
    )


@input_type
class EventReplayInput:
    """What to take out of the trash: all of a project's, or what these say."""

    project: str = strawberry.field(description="The project: its slug or its id.")
    ids: list[strawberry.ID] | None = optional(
        "These events; others than those in the trash are passed over."
    )
    code: str | None = optional("Those with this reason, such as field_required.")
    field: str | None = optional("Those with a reason about this field.")


@writes(roles=SENDERS)
async def send(
    info: strawberry.Info,
    input: Annotated[EventSendInput, strawberry.argument(description="The event.")],
) -> EventSendPayload:
    """Takes an event in: once this answers it is stored, and it is processed soon. What its event type objects to is
    found then, and puts it into the trash.
    """
    ident = await info.context.services.events.accept(await _sent(info, input))
    return EventSendPayload(id=strawberry.ID(show_id("event", ident)))


@writes(roles=SENDERS)
async def send_now(
    info: strawberry.Info,
    input: Annotated[EventSendInput, strawberry.argument(description="The event.")],
) -> EventSendNowPayload:
    """Takes an event in and processes it before this answers. An event that cannot be taken is in the trash, and the
    errors are its reasons.
    """
    context, sent = info.context, await _sent(info, input)
    ident = await context.services.events.accept(sent, at_once=True)
    own = None if context.principal.may(PERSONAL_READERS) else sent.body
    faults = await process_now(context.db, sent.group_id, ident, body=own, now=context.now)
    shown_id = strawberry.ID(show_id("event", ident))
    if faults:
        errors = [
            UserError(code=str(one.code), message=one.message, path=[one.field] if one.field else [])
            for one in faults
        ]
        return EventSendNowPayload(id=shown_id, errors=errors)
    async with context.transaction() as tx:
        return EventSendNowPayload(id=shown_id, event=await shown(info, tx, "Event", ident))


@writes(
    description=f"Judges events of the trash anew, by their types as they are now: {MAX_REPLAYED} at most, those first"
    " that came first. What is taken is processed and leaves the trash; doing it twice does nothing more.",
    roles=WRITERS,
)
async def replay_trash(
    info: strawberry.Info,
    input: Annotated[EventReplayInput, strawberry.argument(description="Which events.")],
) -> EventReplayPayload:
    """`eventReplay`."""
    context = info.context
    slug = await _slug(context, input.project)
    narrowed = await context.services.projects.inside(context.principal, slug, now=context.now)
    (project_id,) = narrowed.scope.project_ids
    ids = given(input.ids)
    done = await replay_events(
        context.db,
        narrowed.scope.group_id,
        project_id,
        ids=None if ids is None else [one for text in ids if (one := read_uuid("event", text)) is not None],
        code=given(input.code),
        field=given(input.field),
        now=context.now,
    )
    return EventReplayPayload(replayed=done.replayed, still_failing=done.still_failing)


async def _slug(context: Any, named: str) -> str:
    """The project's slug. Nothing is asked where it is given: events come too often."""
    if "_" not in named and ":" not in named:
        return named
    async with context.transaction(writes=False) as tx:
        return await slug_of(tx, named)


async def _sent(info: strawberry.Info, input: EventSendInput) -> Sent:
    """The event, sent to a project that this credential reaches."""
    context = info.context
    slug = await _slug(context, input.project)
    narrowed = await context.services.projects.inside(context.principal, slug, now=context.now)
    (project_id,) = narrowed.scope.project_ids
    if not await context.services.projects.takes_events(slug, now=context.now):
        raise is_archived(["project"])
    await context.services.quotas.check(narrowed.scope.group_id, now=context.now)
    return sent_event(
        narrowed.scope.group_id,
        project_id,
        project=slug,
        event_type=input.event_type,
        nonce=input.nonce,
        data=given(input.data),
        tracker_id=given(input.tracker_id),
        event_date=given(input.event_date),
        landing_url=given(input.landing_url),
        referrer=given(input.referrer),
        body=given(input.body),
        is_vouched=context.principal.may(WRITERS),
        max_bytes=await context.services.projects.max_event_bytes(slug, now=context.now),
        now=context.now,
    )
