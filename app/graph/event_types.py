"""Event types: which events a project knows, and what they carry."""

import strawberry

from app.graph import lists
from app.graph.declare import column, connection, entity, listing, to_one
from app.graph.enums import EventDataType, EventFieldKind, FunnelStage, RewardTrigger
from app.graph.listing import (
    contains_text,
    equals,
    filter_by,
    in_project,
    instant_key,
    list_of,
    number_key,
    one_of,
    text_key,
)
from app.graph.nodes import Node
from app.graph.paging import Connection
from app.graph.refs import EventFieldRef, EventRef, ProjectRef
from app.graph.scalars import JSON, DateTime
from app.plan.catalog import Arguments, FilterArguments, Row, own, via
from app.plan.sql import Sql, sql
from app.tables import events as tables


def _is_archived(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.archived_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def _has_field(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    return sql(
        """
        EXISTS (
            SELECT 1 FROM {ef}
            WHERE {ef.scope} AND {ef.event_type_id} = {row.id} AND {ef.is_current} AND {ef.storage_key} = {key}
        )
        """,
        ef=args.table("EventField", "ef"),
        row=row,
        key=args.param(*path, cast="text"),
    )


@strawberry.input(description="Which event types. All conditions given must hold.")
class EventTypeFilter:
    """Which event types."""

    project: str | None = filter_by("Of the project with this slug or id.", in_project)
    search: str | None = filter_by(
        "Part of the name or reference, upper or lower case.", contains_text("name", "reference")
    )
    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))
    storage_key: str | None = filter_by("With a field of this storage key now.", _has_field)
    archived: bool | None = filter_by(
        "True: archived event types instead of living ones.", _is_archived, replaces_alive=True
    )


@strawberry.input(description="Which fields of event types. All conditions given must hold.")
class EventFieldFilter:
    """Which fields of event types."""

    version: int | None = filter_by(
        "Of this version of the event type, instead of the latest.",
        equals("version", "integer"),
        replaces_alive=True,
    )
    current: bool | None = filter_by(
        "False: fields of earlier versions instead of the latest.",
        equals("is_current", "boolean"),
        replaces_alive=True,
    )
    kinds: list[EventFieldKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))
    storage_key: str | None = filter_by("With this storage key, exactly.", equals("storage_key", "text"))


EVENT_TYPES = list_of(
    "EventType", EventTypeFilter, "CREATED_AT",
    name=lists.NAME, created_at=lists.CREATED_AT,
    reference=(text_key("reference"), "By reference, by code point."),
    updated_at=(instant_key("updated_at"), "By the moment it last changed."),
)  # fmt: skip
EVENT_FIELDS = list_of(
    "EventField", EventFieldFilter, "POSITION",
    position=(number_key("position"), "In the order of its version."),
    version=(number_key("version"), "By version."),
    storage_key=(text_key("storage_key"), "By storage key, by code point."),
)  # fmt: skip
_OF_TYPE = via("event_type_id", "EventType")


@entity(
    table=tables.EventType, prefix="evtype", store=via("project_id", "Project"), project=own("project_id"),
    alive="archived_at IS NULL",
    description="A kind of event that a project takes. Events keep the version they came under.",
)  # fmt: skip
class EventType(Node):
    """A kind of event that a project takes."""

    reference: str = column("What events name it by, unique in the project.")
    name: str = column("What people call it.")
    version: int = column("How often its fields were declared, from 1.")
    details: JSON | None = column("Whatever else was said about it, as it was given.")
    expiration_policy: JSON | None = column("How long its events are of use, as it was given.")
    phone_parsing: JSON | None = column("How phone numbers in its events are read, as it was given.")
    funnel_stage: FunnelStage | None = column("The stage a customer reaches by such an event.")
    trigger: RewardTrigger | None = column("What such an event is to flows of reward campaigns.")
    archived_at: DateTime | None = column("When it was archived; null: its events are taken.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    project: ProjectRef | None = to_one("The project.", "project_id")
    fields: list[EventFieldRef] = listing(
        "Its fields, states and statistics in the latest version, in their order.", key="event_type_id"
    )
    field_history: "Connection[EventField]" = connection(
        "Fields of any version: those of the latest, unless the filter says otherwise.",
        EVENT_FIELDS, key="event_type_id",
    )  # fmt: skip
    events: Connection[EventRef] = connection("Its events.", lists.EVENTS, key="event_type_id")


@entity(
    table=tables.EventField, prefix="evfield", store=_OF_TYPE, project=_OF_TYPE, alive="is_current",
    description="A field, state or statistic of an event type, in one version of it.",
)  # fmt: skip
class EventField(Node):
    """A field, state or statistic of an event type."""

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
    event_type: EventType = to_one("The event type.", "event_type_id")


__all__ = ["EVENT_FIELDS", "EVENT_TYPES", "EventField", "EventType"]
