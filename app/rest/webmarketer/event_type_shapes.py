"""From the graph's values to the bodies the Webmarketer API prints for event types, keys as in its samples."""

from typing import Any

from app.errors import NotFound
from app.rest.route import Data, RequestParts
from app.rest.webmarketer import event_fields
from app.rest.webmarketer.bodies import NAMES
from app.rest.webmarketer.failures import refuse
from app.rest.webmarketer.printing import Node, moment, page, show_id_of


def event_types(data: Data, parts: RequestParts) -> object:
    """A page of the project's event types."""
    found = data["eventTypes"]
    rows = [_event_type(node) for node in found["nodes"]]
    return page(parts, found["totalCount"], rows, "total", "count", "data")


def event_type(data: Data, parts: RequestParts) -> object:
    """One of them."""
    found = [*data["live"]["nodes"], *data["archived"]["nodes"]]
    if not found:
        raise NotFound("event type", parts.path["reference"])
    return _event_type(found[0])


def event_type_created(data: Data, _: RequestParts) -> object:
    """The one just made."""
    return _written(data["eventTypeCreate"])


def event_type_updated(data: Data, _: RequestParts) -> object:
    """As it is now."""
    return _written(data["eventTypeUpdate"])


def event_type_archived(data: Data, _: RequestParts) -> object:
    """As it is now: archived."""
    return _written(data["eventTypeArchive"])


def _written(payload: Node) -> object:
    refuse(payload["errors"], NAMES)
    return _event_type(payload["eventType"])


def _event_type(node: Node) -> dict[str, Any]:
    return {
        "_id": show_id_of(node),
        "createdAt": moment(node["createdAt"]),
        "updatedAt": moment(node["updatedAt"]),
        "archivedAt": moment(node["archivedAt"]),
        "projectId": node["project"]["slug"],
        "reference": node["reference"],
        "name": node["name"],
        "fields": [event_fields.show_field(field) for field in node["fields"]],
        "metadata": {} if node["details"] is None else node["details"],
        "phoneParsingConfig": [] if node["phoneParsing"] is None else node["phoneParsing"],
        "expirationPolicy": node["expirationPolicy"],
    }
