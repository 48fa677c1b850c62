"""Events, their states and statistics, and insights. Source: Webmarketer API 1.0.0, "Events"."""

from app.rest.route import Gives, LegacyRoute, Parameter, Takes, stored
from app.rest.webmarketer import event_requests as requests
from app.rest.webmarketer import event_shapes as shapes
from app.rest.webmarketer import examples, parameters, schemas
from app.rest.webmarketer.route_parts import PAGE, PROJECT_ID, STRETCH, id_parameter, sorting

HERE = __package__ or ""
HOME = "/projects/{projectId}"
_EVENT = Parameter(
    "id",
    "path",
    "The event's id.",
    {**schemas.UUID, "examples": ["bbee1c25-8718-4c95-b720-b00567113233"]},
)


def _storage_key(example: str) -> Parameter:
    return Parameter("storageKey", "path", "Its storage key.", {"type": "string", "examples": [example]})


INSIGHTS = LegacyRoute(
    method="POST",
    path=HOME + "/events/insights",
    document=stored(HERE, "insights"),
    project=parameters.project,
    variables=requests.insights,
    shape=shapes.insights,
    summary="Count and sum up events over time",
    description=(
        "Without attribution, and not paged. Every interval between `since` and `until` is there, with 0 where nothing"
        " happened, and so is every metric, those nobody knows with 0. Intervals are of the UTC calendar, weeks begin"
        " on Monday."
    ),
    parameters=(PROJECT_ID,),
    takes=Takes("WmInsightsWanted", examples.INSIGHTS_WANTED),
    gives=Gives("WmInsights", examples.INSIGHTS),
    fails=("INVALID", "NOT_FOUND", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
)
_BODY_FAILS = ("INVALID", "NOT_FOUND", "TOO_LARGE")

EVENTS: tuple[LegacyRoute, ...] = (
    LegacyRoute(
        method="POST",
        path="/events",
        document=stored(HERE, "event"),
        project=parameters.project_of_body,
        tracker=True,
        variables=requests.event,
        shape=shapes.sent,
        summary="Send an event, to be processed later",
        description=(
            "Answered as soon as it is kept. No token: any page may send to a project it knows, within the project's"
            " rate. One that cannot be processed is found in the trash. The same nonce is the same event."
        ),
        takes=Takes("WmNewEvent", examples.NEW_EVENT),
        gives=Gives("WmEventId", examples.EVENT_ID),
        fails=(*_BODY_FAILS, "RATE_LIMITED"),
    ),
    LegacyRoute(
        method="POST",
        path="/events/sync",
        document=stored(HERE, "event_sync"),
        project=parameters.project_of_body,
        tracker=True,
        variables=requests.event,
        shape=shapes.sent_now,
        summary="Send an event, and have it processed before the answer",
        description="One that cannot be processed is answered 400 with the reasons, and kept in the trash.",
        takes=Takes("WmNewEvent", examples.NEW_EVENT),
        gives=Gives("WmEventId", examples.EVENT_ID),
        fails=(*_BODY_FAILS, "RATE_LIMITED"),
    ),
    # Before the route that would take this segment for an id.
    INSIGHTS,
    LegacyRoute(
        method="GET",
        path=HOME + "/raw-events/{id}",
        document=stored(HERE, "raw_event"),
        project=parameters.project,
        variables=requests.event_of_path,
        shape=shapes.raw_event,
        summary="Show an event as it was sent",
        description="Whether it was processed or not. Keys that the document does not know follow the others.",
        parameters=(PROJECT_ID, _EVENT),
        gives=Gives("WmRawEvent", examples.RAW_EVENT),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="GET",
        path=HOME + "/trashed-events",
        document=stored(HERE, "trash"),
        project=parameters.project,
        variables=requests.trash,
        shape=shapes.trash,
        summary="List events that could not be processed",
        description="The latest first, each as it was sent and with every reason.",
        parameters=(
            PROJECT_ID,
            *STRETCH,
            *PAGE,
            Parameter(
                "fieldFormat",
                "query",
                "How `errors[].field` is shown: an object unless said, or the text that is announced to replace it.",
                {"type": "string", "enum": ["object", "string"]},
            ),
        ),
        gives=Gives("WmTrash", examples.TRASH),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="GET",
        path=HOME + "/events/{id}",
        document=stored(HERE, "computed_event"),
        project=parameters.project,
        variables=requests.event_of_path,
        shape=shapes.computed_event,
        summary="Show an event as it was understood",
        description="With its user and metrics. One that waits or is in the trash is not found here.",
        parameters=(PROJECT_ID, _EVENT),
        gives=Gives("WmEvent", examples.EVENT),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="PATCH",
        path=HOME + "/events/{id}/states/{storageKey}",
        document=stored(HERE, "state"),
        project=parameters.project,
        variables=requests.state,
        shape=shapes.state,
        summary="Change a state of an event",
        description="Each state has its own date; what it was before is kept. Answers with the event.",
        parameters=(PROJECT_ID, _EVENT, _storage_key("converted")),
        takes=Takes("WmMetricValue", examples.STATE),
        gives=Gives("WmEvent", examples.EVENT),
        fails=(*_BODY_FAILS, "UNSUPPORTED_MEDIA_TYPE"),
    ),
    LegacyRoute(
        method="PATCH",
        path=HOME + "/events/{id}/statistics/{storageKey}",
        document=stored(HERE, "statistic"),
        project=parameters.project,
        variables=requests.statistic,
        shape=shapes.statistic,
        summary="Change a statistic of an event",
        description="What the campaigns that led to the event are credited with follows. Answers with the event.",
        parameters=(PROJECT_ID, _EVENT, _storage_key("turnover")),
        takes=Takes("WmMetricValue", examples.STATISTIC),
        gives=Gives("WmEvent", examples.EVENT),
        fails=(*_BODY_FAILS, "UNSUPPORTED_MEDIA_TYPE"),
    ),
)

_USER = id_parameter("id", "The user's id.")
USERS: tuple[LegacyRoute, ...] = (
    LegacyRoute(
        method="GET",
        path=HOME + "/users/{id}/events",
        document=stored(HERE, "user_events"),
        project=parameters.project,
        variables=requests.user_events,
        shape=shapes.user_events,
        summary="List a user's events",
        description="In this project, the latest first.",
        parameters=(PROJECT_ID, _USER, *PAGE),
        gives=Gives("WmEvents", examples.EVENTS),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="GET",
        path=HOME + "/users/{id}/metrics",
        document=stored(HERE, "user_metrics"),
        project=parameters.project,
        variables=requests.user_metrics,
        shape=shapes.user_metrics,
        summary="List the states and statistics of a user's events",
        description="Those of this project. `since` and `until` are about the date of the value.",
        parameters=(
            PROJECT_ID,
            _USER,
            Parameter(
                "type",
                "query",
                "Of this kind; of both unless said.",
                {"type": "string", "enum": list(requests.METRIC_TYPES)},
            ),
            *STRETCH,
            *PAGE,
            *sorting(requests.METRIC_SORTS),
        ),
        gives=Gives("WmMetrics", examples.METRICS),
        fails=("INVALID", "NOT_FOUND"),
    ),
)
