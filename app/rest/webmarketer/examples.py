"""The samples of the Webmarketer document, with the elided parts filled in, for the OpenAPI document.

Its object ids come from another system; they are replaced by ours.
"""

from decimal import Decimal
from typing import Any

_PROJECT = "your-project"
_ID = "00000000000000000000002a"
NEW_EVENT: dict[str, Any] = {
    "projectId": _PROJECT,
    "eventType": "purchase",
    "eventDate": "1955-11-12T22:00:00Z",
    "trackerId": "23jkfs1ufeuih1fh",
    "nonce": 123456789,
    "data": {"order_amount": Decimal("120.50")},
}
RAW_EVENT: dict[str, Any] = {
    "_id": "e5be5b04-0721-4a6e-87eb-b880f81a12d2",
    "projectId": _PROJECT,
    "nonce": "e5be5b04-0721-4a6e-87eb-b880f81a12d2",
    "eventType": "complaint",
    "trackerId": "ru1cc7QHeklGu2_3MOzLkLncu3KJAQ",
    "createdAt": "2004-09-22T14:15:00.000Z",
    "data": {"subject": "It came late"},
}
TRASH: dict[str, Any] = {
    "count": 1,
    "total": 36,
    "data": [
        {
            **RAW_EVENT,
            "errors": [
                {
                    "field": {"storageKey": "email"},
                    "code": "field_required",
                    "message": "`email` is required.",
                }
            ],
        }
    ],
    "offset": 0,
    "limit": 1,
}
METRIC: dict[str, Any] = {
    "_id": "0000000000000000000001f4",
    "type": "statistic",
    "storageKey": "turnover",
    "data": {"value": 4000, "date": "2023-05-04T12:00:00.000Z"},
    "createdAt": "2024-07-11T13:36:53.922Z",
    "updatedAt": "2024-07-11T13:36:53.922Z",
}
EVENT: dict[str, Any] = {
    "_id": "7a67b6b7-14bc-4a91-aefa-c2cdc6fd4741",
    "projectId": "demo-ecommerce",
    "userId": "00000000000000000000002c",
    "eventDate": "2024-04-16T20:37:02.000Z",
    "eventType": "order",
    "attributable": True,
    "expirationPolicy": None,
    "event": {"order_id": "A-1"},
    "user": {"email": "customer@example.com"},
    "metrics": [METRIC],
    "createdAt": "2024-07-11T13:36:53.922Z",
    "updatedAt": "2024-07-11T13:36:53.922Z",
}
EVENTS: dict[str, Any] = {"count": 1, "total": 1, "data": [EVENT], "offset": 0, "limit": 10}
METRICS: dict[str, Any] = {
    "count": 1,
    "total": 1,
    "data": [{**METRIC, "eventId": EVENT["_id"], "userId": EVENT["userId"], "projectId": "demo-ecommerce"}],
    "offset": 0,
    "limit": 10,
}
STATE = {"value": 1, "date": "2023-05-04T12:00:00.000Z"}
STATISTIC = {"value": 4000, "date": "2023-05-04T12:00:00.000Z"}
INSIGHTS_WANTED: dict[str, Any] = {
    "since": "2023-08-01T22:00:00.000Z",
    "until": "2023-08-19T22:00:00.000Z",
    "metrics": ["turnover", "event-count"],
    "groupBy": "project",
    "interval": "day",
    "filter": None,
}
INSIGHTS: list[dict[str, Any]] = [
    {"date": "2023-08-01T00:00:00.000Z", "turnover": Decimal("4000"), "event-count": 2},
    {"date": "2023-08-02T00:00:00.000Z", "turnover": 0, "event-count": 0},
]
FIELD: dict[str, Any] = {
    "label": "E-mail",
    "entity": "user",
    "type": "email",
    "ingestionKey": "mail",
    "storageKey": "email",
    "optional": False,
    "discriminant": True,
}
NEW_EVENT_TYPE: dict[str, Any] = {
    "reference": "contact-form",
    "name": "Contact Form",
    "fields": [FIELD],
    "metadata": {},
    "expirationPolicy": {"from": "event-type", "retentionDurationInDays": 365},
}
EVENT_TYPE: dict[str, Any] = {
    "_id": _ID,
    "createdAt": "2023-07-21T10:57:00.000Z",
    "updatedAt": "2023-08-26T14:35:00.000Z",
    "archivedAt": None,
    "projectId": _PROJECT,
    "reference": "contact-form",
    "name": "Generic Contact form",
    "fields": [FIELD],
    "metadata": {},
    "phoneParsingConfig": [],
    "expirationPolicy": {"from": "event-type", "retentionDurationInDays": 365},
}
EVENT_TYPE_CHANGE: dict[str, Any] = {"name": "Generic Contact form", "fields": [FIELD]}
EVENT_TYPES: dict[str, Any] = {"total": 1, "count": 1, "data": [EVENT_TYPE], "offset": 0, "limit": 10}
NEW_CAMPAIGN: dict[str, Any] = {"campaignSlug": "spring", "name": "Spring", "active": True}
CAMPAIGN: dict[str, Any] = {
    "id": _ID,
    "integrationId": "000000000000000000000007",
    "projectId": _PROJECT,
    "name": "Spring",
    "campaignSlug": "spring",
    "active": True,
    "explicit": True,
    "createdAt": "2019-08-24T14:15:22.000Z",
    "updatedAt": "2019-08-24T14:15:22.000Z",
}
CAMPAIGNS: dict[str, Any] = {"data": [CAMPAIGN], "count": 1, "total": 1, "offset": 0, "limit": 10}
NEW_OUTLAY: dict[str, Any] = {
    "amount": Decimal("1200.50"),
    "startDate": "2019-08-24T14:15:22Z",
    "endDate": "2019-09-24T14:15:22Z",
    "country": "FR",
    "region": "Bretagne",
}
OUTLAY_CHANGE: dict[str, Any] = {"amount": 900, "campaignId": _ID}
OUTLAY: dict[str, Any] = {
    "_id": "000000000000000000000011",
    "projectId": _PROJECT,
    "integrationId": "000000000000000000000007",
    "campaignId": _ID,
    "amount": {"value": Decimal("1200.50"), "currency": "EUR"},
    "startDate": "2019-08-24T14:15:22.000Z",
    "endDate": "2019-09-24T14:15:22.000Z",
    "country": "FR",
    "region": "Bretagne",
    "deletedAt": None,
    "createdAt": "2019-08-24T14:15:22.000Z",
    "updatedAt": "2019-08-24T14:15:22.000Z",
}
OUTLAYS: dict[str, Any] = {"data": [OUTLAY], "count": 1, "total": 1, "offset": 0, "limit": 10}
NEW_INTERACTION: dict[str, Any] = {
    "date": "2023-08-01T22:00:00.000Z",
    "userData": {"email": "customer@example.com"},
    "nodeData": {"wmktId": "ab12cd", "cid": "spring"},
}
EVENT_ID = "da717cf8-cd33-4a6d-a052-68e2096f06b9"
NEW_ID: dict[str, Any] = {"id": _ID}
MODIFIED = {"modifiedCount": 1}
