"""From the graph's values to the bodies the Webmarketer API prints, keys in the order of its samples.

Pages keep the order of each sample and carry `offset` and `limit` even where it shows neither: the vendor's client
needs them to go on (choice WM-C7).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.errors import NotFound
from app.rest.failing import Problem, Refused
from app.rest.route import Data, Parts
from app.rest.webmarketer import event_fields, parameters
from app.rest.webmarketer.failures import EVENT_TRASHED, refuse
from app.rest.webmarketer.parameters import show_object_id
from app.rest.webmarketer.requests import NAMES, field_format
from app.values.instants import read_instant

Node = Mapping[str, Any]


# ── events ────────────────────────────────────────────────────────────────────


def sent(data: Data, _: Parts) -> object:
    """The event's id, a bare text."""
    payload = data["eventSend"]
    refuse(payload["errors"], NAMES)
    return _event_id(payload["id"])


def sent_now(data: Data, _: Parts) -> object:
    """The same, of an event that was processed; else what is wrong with it and where it is now."""
    payload = data["eventSendNow"]
    if payload["errors"] and payload["id"] is not None:
        found = [
            Problem(EVENT_TRASHED, error["message"], error["code"], tuple(error["path"]))
            for error in payload["errors"]
        ]
        where = Problem("INVALID", f"The event is in the trash as {_event_id(payload['id'])}.")
        raise Refused([*found, where])
    refuse(payload["errors"], NAMES)
    return _event_id(payload["id"])


def raw_event(data: Data, parts: Parts) -> object:
    """What was sent, and what we gave it: its id and when it came in."""
    found = data["event"]
    # What a webhook delivered, or a campaign's link, was never sent to this API.
    if found is None or found["source"] != "tracker":
        raise NotFound("event", parts.path["id"])
    return _raw(found)


def trash(data: Data, parts: Parts) -> object:
    """A page of events that could not be processed, each as it was sent and with the reasons."""
    found, as_text = data["events"], field_format(parts) == "string"
    rows = [
        {**_raw(node), "errors": [_fault(one, as_text) for one in node["faults"]]} for node in found["nodes"]
    ]
    return _page(parts, found["totalCount"], rows, "count", "total", "data")


def computed_event(data: Data, parts: Parts) -> object:
    """The event as it was understood."""
    found = data["event"]
    if found is None or found["status"] != "PROCESSED" or found["type"] is None:
        raise NotFound("event", parts.path["id"])
    return _computed(found)


def state(data: Data, _: Parts) -> object:
    """The event after the change."""
    return _changed(data["eventStateSet"])


def statistic(data: Data, _: Parts) -> object:
    """The event after the change."""
    return _changed(data["eventStatisticSet"])


def insights(data: Data, _: Parts) -> object:
    """An entry per interval, or per interval and event type; every metric that was asked for is in it."""
    return [_insight(entry) for entry in data["insights"]]


# ── users ─────────────────────────────────────────────────────────────────────


def user_events(data: Data, parts: Parts) -> object:
    """A page of the user's events, as they were understood."""
    _known(data, parts)
    found = data["events"]
    rows = [_computed(node) for node in found["nodes"]]
    return _page(parts, found["totalCount"], rows, "count", "total", "data")


def user_metrics(data: Data, parts: Parts) -> object:
    """A page of the states and statistics of the user's events."""
    _known(data, parts)
    found = data["eventMetrics"]
    rows = [
        {
            **_metric(node),
            "eventId": _event_id(node["event"]["id"]),
            "userId": show_object_id(node["customerId"]),
            "projectId": node["project"]["slug"],
        }
        for node in found["nodes"]
    ]
    return _page(parts, found["totalCount"], rows, "count", "total", "data")


# ── event types ───────────────────────────────────────────────────────────────


def event_types(data: Data, parts: Parts) -> object:
    """A page of the project's event types."""
    found = data["eventTypes"]
    rows = [_event_type(node) for node in found["nodes"]]
    return _page(parts, found["totalCount"], rows, "total", "count", "data")


def event_type(data: Data, parts: Parts) -> object:
    """One of them."""
    found = [*data["live"]["nodes"], *data["archived"]["nodes"]]
    if not found:
        raise NotFound("event type", parts.path["reference"])
    return _event_type(found[0])


def event_type_created(data: Data, _: Parts) -> object:
    """The one just made."""
    payload = data["eventTypeCreate"]
    refuse(payload["errors"], NAMES)
    return _event_type(payload["eventType"])


# ── custom ads ────────────────────────────────────────────────────────────────


def campaigns(data: Data, parts: Parts) -> object:
    """A page of the integration's campaigns."""
    integration = _integration(data, parts)
    found = integration["campaigns"]
    rows = [_campaign(node, integration) for node in found["nodes"]]
    return _page(parts, found["totalCount"], rows, "data", "count", "total")


def campaign(data: Data, parts: Parts) -> object:
    """One of them."""
    integration = _integration(data, parts)
    return _campaign(_campaign_of(integration, parts, "id"), integration)


def campaign_created(data: Data, _: Parts) -> object:
    """Its id."""
    payload = data["customCampaignCreate"]
    refuse(payload["errors"], NAMES)
    return {"id": show_object_id(payload["campaign"]["id"])}


def campaign_updated(data: Data, _: Parts) -> object:
    """1, or 0 where nothing is another than before."""
    return _modified(data["customCampaignUpdate"])


def outlays(data: Data, parts: Parts) -> object:
    """A page of the campaign's outlays."""
    integration = _integration(data, parts)
    campaign = _campaign_of(integration, parts, "parentCampaignId")
    rows = [_outlay(node, campaign, integration) for node in campaign["outlays"]["nodes"]]
    return _page(parts, campaign["outlays"]["totalCount"], rows, "data", "count", "total")


def outlay(data: Data, parts: Parts) -> object:
    """One of them."""
    integration = _integration(data, parts)
    campaign = _campaign_of(integration, parts, "parentCampaignId")
    found = campaign["outlays"]["nodes"]
    if not found:
        raise NotFound("outlay", parts.path["outlayId"])
    return _outlay(found[0], campaign, integration)


def outlay_created(data: Data, _: Parts) -> object:
    """Its id."""
    payload = data["outlayCreate"]
    refuse(payload["errors"], NAMES)
    return {"id": show_object_id(payload["outlay"]["id"])}


def outlay_updated(data: Data, _: Parts) -> object:
    """1, or 0 where nothing is another than before."""
    return _modified(data["outlayUpdate"])


def offline_interaction(data: Data, _: Parts) -> object:
    """Its id."""
    payload = data["interactionRecordOffline"]
    refuse(payload["errors"], NAMES)
    return {"id": show_object_id(payload["interaction"]["id"])}


# ── parts of them ─────────────────────────────────────────────────────────────


def moment(text: str | None) -> str | None:
    """Milliseconds, always: `2024-04-16T20:37:02.000Z`."""
    if text is None:
        return None
    value = read_instant(text)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z".rjust(24, "0")


def _page(parts: Parts, total: int, rows: Sequence[object], *keys: str) -> dict[str, Any]:
    asked = parameters.page(parts)
    body: dict[str, Any] = {"count": len(rows), "total": total, "data": rows}
    return {**{key: body[key] for key in keys}, "offset": asked["offset"], "limit": asked["first"]}


def _event_id(ident: str) -> str:
    return ident.removeprefix("event_")


def _raw(node: Node) -> dict[str, Any]:
    body = node["body"]
    known = {
        "_id": _event_id(node["id"]),
        "projectId": node["project"]["slug"],
        "nonce": body["nonce"],
        "eventType": body["eventType"],
        "trackerId": body.get("trackerId"),
        "createdAt": moment(node["receivedAt"]),
        "data": body["data"],
    }
    return known | {name: value for name, value in body.items() if name not in known}


def _fault(fault: Node, as_text: bool) -> dict[str, Any]:
    field = fault["field"]
    shown = field if as_text or field is None else {"storageKey": field}
    return {"field": shown, "code": fault["code"], "message": fault["message"]}


def _computed(node: Node) -> dict[str, Any]:
    return {
        "_id": _event_id(node["id"]),
        "projectId": node["project"]["slug"],
        "userId": node["customerId"] and show_object_id(node["customerId"]),
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
        "_id": show_object_id(node["id"]),
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
    return shown | {one["metric"]: Decimal(one["value"]) for one in entry["values"]}


def _changed(payload: Node) -> object:
    refuse(payload["errors"], NAMES)
    return _computed(payload["event"])


def _known(data: Data, parts: Parts) -> None:
    """A user whom this project does not know is not found."""
    if not data["known"]["nodes"]:
        raise NotFound("user", parts.path["id"])


def _event_type(node: Node) -> dict[str, Any]:
    return {
        "_id": show_object_id(node["id"]),
        "createdAt": moment(node["createdAt"]),
        "updatedAt": moment(node["updatedAt"]),
        "archivedAt": moment(node["archivedAt"]),
        "projectId": node["project"]["slug"],
        "reference": node["reference"],
        "name": node["name"],
        "fields": [event_fields.show(field) for field in node["fields"]],
        "metadata": {} if node["details"] is None else node["details"],
        "phoneParsingConfig": [] if node["phoneParsing"] is None else node["phoneParsing"],
        "expirationPolicy": node["expirationPolicy"],
    }


def _integration(data: Data, parts: Parts) -> Node:
    found: list[Node] = data["integrations"]["nodes"]
    if not found:
        raise NotFound("integration", parts.path["wmktId"])
    return found[0]


def _campaign_of(integration: Node, parts: Parts, name: str) -> Node:
    found: list[Node] = integration["campaigns"]["nodes"]
    if not found:
        raise NotFound("campaign", parts.path[name])
    return found[0]


def _campaign(node: Node, integration: Node) -> dict[str, Any]:
    return {
        "id": show_object_id(node["id"]),
        "integrationId": show_object_id(integration["id"]),
        "projectId": integration["project"]["slug"],
        "name": node["name"],
        "campaignSlug": node["tracking"]["slug"],
        "active": node["status"] == "ACTIVE",
        "explicit": node["tracking"]["isExplicit"],
        "createdAt": moment(node["createdAt"]),
        "updatedAt": moment(node["updatedAt"]),
    }


def _outlay(node: Node, campaign: Node, integration: Node) -> dict[str, Any]:
    amount = node["amount"]
    return {
        "_id": show_object_id(node["id"]),
        "projectId": integration["project"]["slug"],
        "integrationId": show_object_id(integration["id"]),
        "campaignId": show_object_id(campaign["id"]),
        "amount": {"value": Decimal(amount["amount"]), "currency": amount["currency"]},
        "startDate": moment(node["startsAt"]),
        "endDate": moment(node["endsAt"]),
        "country": node["country"],
        "region": node["region"],
        "deletedAt": moment(node["deletedAt"]),
        "createdAt": moment(node["createdAt"]),
        "updatedAt": moment(node["updatedAt"]),
    }


def _modified(payload: Node) -> dict[str, Any]:
    refuse(payload["errors"], NAMES)
    return {"modifiedCount": payload["modifiedCount"]}
