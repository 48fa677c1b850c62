"""Event types and their fields."""

from app.graph.declaring.enums import EventDataType, EventFieldKind, FunnelStage, RewardTrigger
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, connection, entity, listing, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import EventFieldRef, EventRef, EventTypeRef, ProjectRef
from app.graph.declaring.scalars import JSON, DateTime
from app.graph.lists.event_types import EVENT_FIELDS
from app.graph.lists.events import EVENTS
from app.plan.catalog import own, via
from app.tables import event_types as tables

_OF_TYPE = via("event_type_id", "EventType")


@entity(
    table=tables.EventType,
    prefix="evtype",
    store=via("project_id", "Project"),
    project=own("project_id"),
    alive="archived_at IS NULL",
)
class EventType(Node):
    """A kind of event that a project takes. Events keep the version they came under."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("evtype")
    reference: str = column("What events name it by, unique in the project.")
    name: str = column("What people call it.")
    version: int = column("How often its fields were declared, from 1.")
    details: JSON | None = column("Whatever else was said about it, as it was given.")
    expiration_policy: JSON | None = column("How long its events are of use, as it was given.")
    phone_parsing: JSON | None = column("How phone numbers in its events are read, as it was given.")
    funnel_stage: FunnelStage | None = column("The stage a customer reaches by such an event.")
    trigger: RewardTrigger | None = column("What such an event is to flows of reward campaigns.")
    trigger_by_strangers: bool = column("Whether events sent without a credential trigger as well.")
    archived_at: DateTime | None = column("When it was archived; null: its events are taken.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    project: ProjectRef | None = to_one("The project.", "project_id")
    fields: list[EventFieldRef] = listing(
        "Its fields, states and statistics in the latest version, in their order.", key="event_type_id"
    )
    field_history: Connection[EventFieldRef] = connection(
        "Fields of any version: those of the latest, unless the filter says otherwise.",
        EVENT_FIELDS, key="event_type_id",
    )  # fmt: skip
    events: Connection[EventRef] = connection("Its events.", EVENTS, key="event_type_id")


@entity(table=tables.EventField, prefix="evfield", store=_OF_TYPE, project=_OF_TYPE, alive="is_current")
class EventField(Node):
    """A field, state or statistic of an event type, in one version of it."""

    version: int = column("The version of the event type it belongs to.")
    is_current: bool = column("Whether that is the latest.")
    position: int = column("Its place, from 0.")
    kind: EventFieldKind = column("What it is for.")
    storage_key: str = column("What its value is kept under, unique in the version.")
    ingestion_key: str = column("What its value is called in the data of an event as sent.")
    name: str = column("What people call it.")
    data_type: EventDataType = column("What values it takes.")
    is_required: bool = column("Whether an event without it is refused.")
    identity: str | None = column(
        "Which of the user's attributes the value is: email, phone, name, or one of the project's own."
    )
    sent: JSON | None = column("Its declaration as another interface gave it.")
    event_type: EventTypeRef = to_one("The event type.", "event_type_id")
