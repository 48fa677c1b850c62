"""Setting states and statistics of events."""

from typing import Annotated
from uuid import UUID

import strawberry

from app.auth.principal import ADMIN_ROLES, WRITERS
from app.db.database import Transaction
from app.domain.events import metrics
from app.domain.events.metrics import Telling
from app.errors import NotFound
from app.graph.declaring.described import object_type
from app.graph.declaring.enums import EventFieldKind
from app.graph.declaring.payloads import shown
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import UserError, errors_field, writes
from app.graph.types.events import Event
from app.values.ids import read_uuid


@object_type
class EventMetricPayload:
    """An event whose state or statistic was told."""

    event: Event | None = strawberry.field(
        default=None, description="The event as it is now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(Telling, first=("id",))
class EventMetricInput:
    """A state or statistic of an event."""

    id: strawberry.ID = strawberry.field(description="The event.")


Input = Annotated[EventMetricInput, strawberry.argument(description="What is told.")]


@writes(roles=WRITERS)
async def set_state(info: strawberry.Info, tx: Transaction, input: Input) -> EventMetricPayload:
    """Sets a state of an event. Values it had before stay in its history. Its event type must have had the state when
    the event came (else NO_STORAGE_KEY).
    """
    return await _told(info, tx, input, EventFieldKind.STATE)


@writes(roles=WRITERS)
async def set_statistic(info: strawberry.Info, tx: Transaction, input: Input) -> EventMetricPayload:
    """Sets a statistic of an event, such as its turnover. Values it had before stay in its history. Its event type
    must have had the statistic when the event came (else NO_STORAGE_KEY).
    """
    return await _told(info, tx, input, EventFieldKind.STATISTIC)


@writes(roles=ADMIN_ROLES)
async def backdate_state(info: strawberry.Info, tx: Transaction, input: Input) -> EventMetricPayload:
    """Gives an event a state that its event type got only later. Beware of states whose meaning changed meanwhile."""
    return await _told(info, tx, input, EventFieldKind.STATE, backdated=True)


@writes(roles=ADMIN_ROLES)
async def backdate_statistic(info: strawberry.Info, tx: Transaction, input: Input) -> EventMetricPayload:
    """Gives an event a statistic that its event type got only later."""
    return await _told(info, tx, input, EventFieldKind.STATISTIC, backdated=True)


async def _told(
    info: strawberry.Info,
    tx: Transaction,
    sent: EventMetricInput,
    kind: EventFieldKind,
    *,
    backdated: bool = False,
) -> EventMetricPayload:
    ident: UUID | None = read_uuid("event", sent.id)
    if ident is None:
        raise NotFound("event", sent.id, path=["id"])
    told = entry_of(Telling, sent, kind=kind, actor=info.context.principal.name)
    write = metrics.backdate if backdated else metrics.tell
    await write(tx, ident, told, now=info.context.now)
    return EventMetricPayload(event=await shown(info, tx, "Event", ident))
