"""Event types. Source: Webmarketer API 1.0.0, "Event Types"."""

from app.rest.route import Gives, LegacyRoute, Parameter, Takes, stored
from app.rest.webmarketer import event_type_requests as requests
from app.rest.webmarketer import event_type_shapes as shapes
from app.rest.webmarketer import examples, parameters
from app.rest.webmarketer.route_parts import PAGE, PROJECT_ID

HERE = __package__ or ""
PATH = "/projects/{projectId}/event-types"

_REFERENCE = Parameter(
    "reference", "path", "Its reference.", {"type": "string", "examples": ["contact-form"]}
)

EVENT_TYPES = (
    LegacyRoute(
        method="GET",
        path=PATH,
        document=stored(HERE, "event_types"),
        project=parameters.project,
        variables=requests.event_types,
        shape=shapes.event_types,
        summary="List event types",
        description="Oldest first, unless `sort` says otherwise.",
        parameters=(
            PROJECT_ID,
            *PAGE,
            Parameter("search", "query", "Part of the name or reference, upper or lower case."),
            Parameter(
                "archived",
                "query",
                "true: archived ones instead of living ones.",
                {"type": "boolean"},
            ),
            Parameter("storageKey", "query", "With a field of this storage key."),
            Parameter("reference", "query", "With this reference."),
            Parameter(
                "sort",
                "query",
                f"{', '.join(requests.EVENT_TYPE_SORTS)}, with commas between; a minus before one: descending.",
                {"type": "string", "examples": ["name,-createdAt"]},
            ),
        ),
        gives=Gives("WmEventTypes", examples.EVENT_TYPES),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="POST",
        path=PATH,
        document=stored(HERE, "event_type_create"),
        project=parameters.project,
        variables=requests.event_type_create,
        shape=shapes.event_type_created,
        status=201,
        summary="Create an event type",
        description="Its fields, states and statistics come together.",
        parameters=(PROJECT_ID,),
        takes=Takes("WmNewEventType", examples.NEW_EVENT_TYPE),
        gives=Gives("WmEventType", examples.EVENT_TYPE),
        fails=("INVALID", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    ),
    LegacyRoute(
        method="GET",
        path=PATH + "/{reference}",
        document=stored(HERE, "event_type"),
        project=parameters.project,
        variables=requests.event_type,
        shape=shapes.event_type,
        summary="Show an event type",
        parameters=(
            PROJECT_ID,
            _REFERENCE,
        ),
        gives=Gives("WmEventType", examples.EVENT_TYPE),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="PATCH",
        path=PATH + "/{reference}",
        document=stored(HERE, "event_type_update"),
        project=parameters.project,
        variables=requests.event_type_update,
        shape=shapes.event_type_updated,
        summary="Change an event type",
        description="Not in the document: the vendor's client calls it. Other fields are a new version.",
        parameters=(PROJECT_ID, _REFERENCE),
        takes=Takes("WmEventTypeChange", examples.EVENT_TYPE_CHANGE),
        gives=Gives("WmEventType", examples.EVENT_TYPE),
        fails=("INVALID", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    ),
    LegacyRoute(
        method="DELETE",
        path=PATH + "/{reference}",
        document=stored(HERE, "event_type_archive"),
        project=parameters.project,
        variables=requests.event_type_archive,
        shape=shapes.event_type_archived,
        summary="Archive an event type",
        description="Not in the document: the vendor's client calls it. Its events stay.",
        parameters=(PROJECT_ID, _REFERENCE),
        gives=Gives("WmEventType", examples.EVENT_TYPE),
        fails=("INVALID", "NOT_FOUND"),
    ),
)
