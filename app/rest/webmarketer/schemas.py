"""JSON Schemas (2020-12) of the Webmarketer API's bodies, for the OpenAPI document."""

from typing import Any

from app.rest.webmarketer.event_fields import ENTITIES, TYPES
from app.rest.webmarketer.event_requests import CYCLES, GROUPINGS, INTERVALS


def _object(properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _page(items: dict[str, Any], *keys: str) -> dict[str, Any]:
    known = {"data": _list(items), "count": COUNT, "total": COUNT, "offset": COUNT, "limit": COUNT}
    return _object({name: known[name] for name in (*keys, "offset", "limit")})


TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
ANY_OBJECT = {"type": "object"}
ANYTHING: dict[str, Any] = {}
INSTANT = {**TEXT, "format": "date-time"}
OBJECT_ID = {**TEXT, "pattern": "^[0-9a-f]{24}$"}
UUID = {**TEXT, "format": "uuid"}
PROJECT = {
    **TEXT,
    "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$",
    "minLength": 3,
    "maxLength": 64,
    "examples": ["your-project"],
}

_AMOUNT = {
    "anyOf": [NUMBER, _object({"value": NUMBER, "currency": TEXT}, optional=("currency",))],
    "description": "In the currency of the integration: a number, or the object that is shown on reading.",
}
_TIMES = {"createdAt": INSTANT, "updatedAt": INSTANT}
_METRIC = {
    "_id": OBJECT_ID,
    "type": {**TEXT, "enum": ["state", "statistic"]},
    "storageKey": TEXT,
    "data": _object({"value": NUMBER, "date": INSTANT}),
    **_TIMES,
}
_RAW = {
    "_id": UUID,
    "projectId": PROJECT,
    "nonce": {"type": ["string", "number"], "description": "As it was sent."},
    "eventType": TEXT,
    "trackerId": _or_null(TEXT),
    "createdAt": {**INSTANT, "description": "When it came in."},
    "data": {**ANYTHING, "description": "As it was sent."},
}
_FAULT = _object(
    {
        "field": {
            "anyOf": [_object({"storageKey": TEXT}), TEXT, {"type": "null"}],
            "description": "An object, or with `fieldFormat=string` the storage key alone; null: the whole event.",
        },
        "code": TEXT,
        "message": TEXT,
    }
)

SCHEMAS: dict[str, dict[str, Any]] = {
    "WmNewEvent": _object(
        {
            "projectId": PROJECT,
            "eventType": {**TEXT, "description": "The event type's reference."},
            "eventDate": {**INSTANT, "description": "When it happened; now unless said."},
            "trackerId": {**TEXT, "description": "Whose it is; without it nothing is attributed."},
            "nonce": {
                "type": ["string", "number"],
                "description": "Sent again with the same one it is the same event, in this project.",
            },
            "data": {**ANY_OBJECT, "description": "By ingestion key, as the event type says."},
        },
        optional=("eventDate", "trackerId"),
    ),
    "WmEventId": UUID,
    "WmRawEvent": _object(_RAW),
    "WmTrash": _page(_object({**_RAW, "errors": _list(_FAULT)}), "count", "total", "data"),
    "WmEvent": _object(
        {
            "_id": UUID,
            "projectId": PROJECT,
            "userId": _or_null(OBJECT_ID),
            "eventDate": INSTANT,
            "eventType": TEXT,
            "attributable": {
                **FLAG,
                "description": "Whether it has a tracker, so that interactions can be found.",
            },
            "expirationPolicy": _or_null(ANY_OBJECT),
            "event": ANY_OBJECT,
            "user": ANY_OBJECT,
            "metrics": _list(_object(_METRIC)),
            **_TIMES,
        }
    ),
    "WmEvents": _page(_ref("WmEvent"), "count", "total", "data"),
    "WmMetrics": _page(
        _object({**_METRIC, "eventId": UUID, "userId": OBJECT_ID, "projectId": PROJECT}),
        "count",
        "total",
        "data",
    ),
    "WmMetricValue": _object(
        {
            "value": {**NUMBER, "description": "0 or 1 of a state."},
            "date": {**INSTANT, "description": "Since when; now unless said."},
        },
        optional=("date",),
    ),
    "WmInsightsWanted": _object(
        {
            "since": INSTANT,
            "until": {**INSTANT, "description": "Inclusive."},
            "metrics": _list({**TEXT, "description": "Storage keys, or `event-count`. Others give 0."}),
            "groupBy": {**TEXT, "enum": list(GROUPINGS)},
            "interval": {**TEXT, "enum": [*INTERVALS, *CYCLES]},
            "filter": {**_or_null(_list(TEXT)), "description": "Only these event types; none or empty: all."},
        },
        optional=("filter",),
    ),
    "WmInsights": _list(
        {
            "type": "object",
            "properties": {
                "date": {
                    "anyOf": [INSTANT, {"type": "integer"}],
                    "description": "Where the interval begins, or its number.",
                },
                "eventType": TEXT,
            },
            "required": ["date"],
            "additionalProperties": NUMBER,
        }
    ),
    "WmField": {
        "type": "object",
        "description": "A field, state or statistic. What else is sent is kept and shown again.",
        "properties": {
            "label": TEXT,
            "entity": {**TEXT, "enum": list(ENTITIES)},
            "type": {**TEXT, "enum": list(TYPES)},
            "ingestionKey": {**TEXT, "description": "Its key in the data of an event."},
            "storageKey": {**TEXT, "description": "What it is called everywhere else."},
            "optional": FLAG,
        },
    },
    "WmNewEventType": _object(
        {
            "reference": TEXT,
            "name": TEXT,
            "fields": _list(_ref("WmField")),
            "metadata": ANY_OBJECT,
            "expirationPolicy": ANY_OBJECT,
            "phoneParsingConfig": ANYTHING,
        },
        optional=("name", "fields", "metadata", "expirationPolicy", "phoneParsingConfig"),
    ),
    "WmEventTypeChange": _object(
        {
            "name": TEXT,
            "fields": {**_list(_ref("WmField")), "description": "All of them: those left out are gone."},
            "metadata": ANY_OBJECT,
            "expirationPolicy": ANY_OBJECT,
            "phoneParsingConfig": ANYTHING,
        },
        optional=("name", "fields", "metadata", "expirationPolicy", "phoneParsingConfig"),
    ),
    "WmEventType": _object(
        {
            "_id": OBJECT_ID,
            **_TIMES,
            "archivedAt": _or_null(INSTANT),
            "projectId": PROJECT,
            "reference": TEXT,
            "name": TEXT,
            "fields": _list(_ref("WmField")),
            "metadata": ANYTHING,
            "phoneParsingConfig": ANYTHING,
            "expirationPolicy": ANYTHING,
        }
    ),
    "WmEventTypes": _page(_ref("WmEventType"), "total", "count", "data"),
    "WmCampaign": _object(
        {
            "id": OBJECT_ID,
            "integrationId": OBJECT_ID,
            "projectId": PROJECT,
            "name": TEXT,
            "campaignSlug": {**_or_null(TEXT), "description": "Null: implicit."},
            "active": FLAG,
            "explicit": FLAG,
            **_TIMES,
        }
    ),
    "WmCampaigns": _page(_ref("WmCampaign"), "data", "count", "total"),
    "WmNewCampaign": _object({"campaignSlug": TEXT, "name": TEXT, "active": FLAG}, optional=("active",)),
    "WmCampaignChange": _object({"name": TEXT, "active": FLAG}, optional=("name", "active")),
    "WmOutlay": _object(
        {
            "_id": OBJECT_ID,
            "projectId": PROJECT,
            "integrationId": OBJECT_ID,
            "campaignId": OBJECT_ID,
            "amount": _object({"value": NUMBER, "currency": TEXT}),
            "startDate": INSTANT,
            "endDate": INSTANT,
            "country": _or_null(TEXT),
            "region": _or_null(TEXT),
            "deletedAt": _or_null(INSTANT),
            **_TIMES,
        }
    ),
    "WmOutlays": _page(_ref("WmOutlay"), "data", "count", "total"),
    "WmNewOutlay": _object(
        {
            "amount": _AMOUNT,
            "startDate": INSTANT,
            "endDate": {**INSTANT, "description": "After the start."},
            "country": TEXT,
            "region": TEXT,
        },
        optional=("country", "region"),
    ),
    "WmOutlayChange": _object(
        {
            "amount": _AMOUNT,
            "startDate": INSTANT,
            "endDate": INSTANT,
            "campaignId": {
                "anyOf": [TEXT, ANY_OBJECT],
                "description": "Moves it to this campaign of the same integration: an id, or an object with one.",
            },
            "country": _or_null(TEXT),
            "region": _or_null(TEXT),
        },
        optional=("amount", "startDate", "endDate", "campaignId", "country", "region"),
    ),
    "WmNewInteraction": _object(
        {
            "date": {**INSTANT, "description": "Now unless said."},
            "userData": {**ANY_OBJECT, "description": "Identity fields of the project alone, such as email."},
            "nodeData": {
                **ANY_OBJECT,
                "description": "`wmktId`, the integration; and what the advertiser needs, such as `cid`.",
            },
        },
        optional=("date", "userData"),
    ),
    "WmId": _object({"id": OBJECT_ID}),
    "WmModified": _object({"modifiedCount": COUNT}),
    "WmError": {
        "type": "object",
        "properties": {
            "statusCode": {"type": "integer"},
            "message": TEXT,
            "error": {**TEXT, "description": "Not of a 401."},
            "errors": {**_list(ANY_OBJECT), "description": "Why an event is in the trash."},
        },
        "required": ["statusCode", "message"],
    },
}
