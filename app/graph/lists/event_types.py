"""Lists of event types and of their fields."""

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import EventFieldKind
from app.graph.declaring.listing import (
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
from app.graph.lists.conditions import CREATED_AT, NAME, is_archived
from app.plan.catalog import FilterArguments, Row
from app.plan.sql import Sql, sql


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


@input_type
class EventTypeFilter:
    """Which event types. All conditions given must hold."""

    project: str | None = filter_by("Of the project with this slug or id.", in_project)
    search: str | None = filter_by(
        "Part of the name or reference, upper or lower case.", contains_text("name", "reference")
    )
    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))
    storage_key: str | None = filter_by("With a field of this storage key now.", _has_field)
    archived: bool | None = filter_by(
        "True: archived event types instead of living ones.", is_archived, replaces_alive=True
    )


@input_type
class EventFieldFilter:
    """Which fields of event types. All conditions given must hold."""

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
    name=NAME, created_at=CREATED_AT,
    reference=(text_key("reference"), "By reference, by code point."),
    updated_at=(instant_key("updated_at"), "By the moment it last changed."),
)  # fmt: skip
EVENT_FIELDS = list_of(
    "EventField", EventFieldFilter, "POSITION",
    position=(number_key("position"), "In the order of its version."),
    version=(number_key("version"), "By version."),
    storage_key=(text_key("storage_key"), "By storage key, by code point."),
)  # fmt: skip
