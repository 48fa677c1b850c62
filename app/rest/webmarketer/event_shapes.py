"""From the graph's values to the bodies the Webmarketer API prints for events and users, keys as in its samples."""

from decimal import Decimal
from typing import Any

from app.errors import NotFound
from app.rest.failing import PayloadErrors, Problem
from app.rest.route import Data, RequestParts
from app.rest.webmarketer.bodies import NAMES
from app.rest.webmarketer.event_requests import field_format
from app.rest.webmarketer.failures import EVENT_TRASHED, refuse
from app.rest.webmarketer.printing import Node, moment, page, show_event_id, show_id_of


def sent(data: Data, _: RequestParts) -> object:
    """The event's id, a bare text."""
    payload = data["eventSend"]
    refuse(payload["errors"], NAMES)
    return show_event_id(payload["id"])


def sent_now(data: Data, _: RequestParts) -> object:
    """The same for an event that was processed; else what is wrong with it and where it is now."""
    payload = data["eventSendNow"]
    if payload["errors"] and payload["id"] is not None:
        problems = [
            Problem(EVENT_TRASHED, error["message"], error["code"], tuple(error["path"]))
            for error in payload["errors"]
        ]
        where = Problem("INVALID", f"The event is in the trash as {show_event_id(payload['id'])}.")
        raise PayloadErrors([*problems, where])
    refuse(payload["errors"], NAMES)
    return show_event_id(payload["id"])


def raw_event(data: Data, parts: RequestParts) -> object:
    """What was sent, and what we gave it: its id and when it came in."""
    found = data["event"]
    # What came by a webhook or through a campaign's link was never sent to this API; of events brought in from another
    # host it may not be known.
    if found is None or found["source"] != "tracker" or found["body"] is None:
        raise NotFound("event", parts.path["id"])
    return _raw(found)


def trash(data: Data, parts: RequestParts) -> object:
    """A page of events that could not be processed, each as it was sent and with the reasons."""
    found, as_text = data["events"], field_format(parts) == "string"
    rows = [
        {**_raw(node), "errors": [_fault(one, as_text) for one in node["faults"]]} for node in found["nodes"]
    ]
    return page(parts, found["totalCount"], rows, "count", "total", "data")


def computed_event(data: Data, parts: RequestParts) -> object:
    """The event as it was understood."""
    found = data["event"]
    if found is None or found["status"] != "PROCESSED" or found["type"] is None:
        raise NotFound("event", parts.path["id"])
    return _computed(found)


def state(data: Data, _: RequestParts) -> object:
    """The event after the change."""
    return _changed(data["eventStateSet"])


def statistic(data: Data, _: RequestParts) -> object:
    """The event after the change."""
    return _changed(data["eventStatisticSet"])


def insights(data: Data, _: RequestParts) -> object:
    """An entry per interval, or per interval and event type, with every metric that was asked for."""
    return [_insight(entry) for entry in data["insights"]]


def user_events(data: Data, parts: RequestParts) -> object:
    """A page of the user's events, as they were understood."""
    _known(data, parts)
    found = data["events"]
    rows = [_computed(node) for node in found["nodes"]]
    return page(parts, found["totalCount"], rows, "count", "total", "data")


def user_metrics(data: Data, parts: RequestParts) -> object:
    """A page of the states and statistics of the user's events."""
    _known(data, parts)
    connection = data["eventMetrics"]
    rows = [
        {
            **_metric(node),
            "eventId": show_id_of(node["event"]),
            "userId": show_id_of(node["user"]),
            "projectId": node["project"]["slug"],
        }
        for node in connection["nodes"]
    ]
    return page(parts, connection["totalCount"], rows, "count", "total", "data")


def _raw(node: Node) -> dict[str, Any]:
    body = node["body"]
    known = {
        "_id": show_id_of(node),
        "projectId": node["project"]["slug"],
        # Events sent through the graph have these beside the body.
        "nonce": body.get("nonce", node["nonce"]),
        "eventType": body.get("eventType", node["eventType"]),
        "trackerId": body.get("trackerId", node["trackerId"]),
        "createdAt": moment(node["receivedAt"]),
        "data": body.get("data"),
    }
    return known | {name: value for name, value in body.items() if name not in known}


def _fault(fault: Node, as_text: bool) -> dict[str, Any]:
    field = fault["field"]
    shown = field if as_text or field is None else {"storageKey": field}
    return {"field": shown, "code": fault["code"], "message": fault["message"]}


def _computed(node: Node) -> dict[str, Any]:
    return {
        "_id": show_id_of(node),
        "projectId": node["project"]["slug"],
        "userId": node["user"] and show_id_of(node["user"]),
        "eventDate": moment(node["occurredAt"]),
        "eventType": node["eventType"],
        "attributable": node["isAttributable"],
        "expirationPolicy": node["type"] and node["type"]["expirationPolicy"],
        "event": node["data"] or {},
        "user": node["userData"] or {},
        "metrics": [_metric(metric) for metric in node["metrics"]],
        "createdAt": moment(node["createdAt"]),
        "updatedAt": moment(node["updatedAt"]),
    }


def _metric(node: Node) -> dict[str, Any]:
    return {
        "_id": show_id_of(node),
        "type": node["kind"].lower(),
        "storageKey": node["storageKey"],
        "data": {"value": Decimal(node["value"]), "date": moment(node["metricDate"])},
        "createdAt": moment(node["createdAt"]),
        "updatedAt": moment(node["updatedAt"]),
    }


def _insight(entry: Node) -> dict[str, Any]:
    date = entry["date"]
    shown: dict[str, Any] = {"date": int(date) if date.isdigit() else moment(date)}
    if entry["eventType"] is not None:
        shown["eventType"] = entry["eventType"]
    # A storage key may be called `date` as well.
    return shown | {
        one["metric"]: Decimal(one["value"]) for one in entry["values"] if one["metric"] not in shown
    }


def _changed(payload: Node) -> object:
    refuse(payload["errors"], NAMES)
    return _computed(payload["event"])


def _known(data: Data, parts: RequestParts) -> None:
    """A user whom this project does not know is not found."""
    if not data["known"]["nodes"]:
        raise NotFound("user", parts.path["id"])
