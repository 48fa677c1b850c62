"""From the graph's values to the bodies the Webmarketer API prints for custom ads, keys as in its samples."""

from decimal import Decimal
from typing import Any

from app.errors import NotFound
from app.rest.route import Data, RequestParts
from app.rest.webmarketer.bodies import NAMES
from app.rest.webmarketer.failures import refuse
from app.rest.webmarketer.printing import Node, moment, page, show_id_of


def campaigns(data: Data, parts: RequestParts) -> object:
    """A page of the integration's campaigns."""
    integration = _integration(data, parts)
    found = integration["campaigns"]
    rows = [_campaign(node, integration) for node in found["nodes"]]
    return page(parts, found["totalCount"], rows, "data", "count", "total")


def campaign(data: Data, parts: RequestParts) -> object:
    """One of them."""
    integration = _integration(data, parts)
    return _campaign(_campaign_of(integration, parts, "id"), integration)


def campaign_created(data: Data, _: RequestParts) -> object:
    """Its id."""
    payload = data["customCampaignCreate"]
    refuse(payload["errors"], NAMES)
    return {"id": show_id_of(payload["campaign"])}


def campaign_updated(data: Data, _: RequestParts) -> object:
    """1, or 0 where nothing is another than before."""
    return _modified(data["customCampaignUpdate"])


def outlays(data: Data, parts: RequestParts) -> object:
    """A page of the campaign's outlays."""
    integration = _integration(data, parts)
    campaign = _campaign_of(integration, parts, "parentCampaignId")
    rows = [_outlay(node, campaign, integration) for node in campaign["outlays"]["nodes"]]
    return page(parts, campaign["outlays"]["totalCount"], rows, "data", "count", "total")


def outlay(data: Data, parts: RequestParts) -> object:
    """One of them."""
    integration = _integration(data, parts)
    campaign = _campaign_of(integration, parts, "parentCampaignId")
    found = campaign["outlays"]["nodes"]
    if not found:
        raise NotFound("outlay", parts.path["outlayId"])
    return _outlay(found[0], campaign, integration)


def outlay_created(data: Data, _: RequestParts) -> object:
    """Its id."""
    payload = data["outlayCreate"]
    refuse(payload["errors"], NAMES)
    return {"id": show_id_of(payload["outlay"])}


def outlay_updated(data: Data, _: RequestParts) -> object:
    """1, or 0 where nothing is another than before."""
    return _modified(data["outlayUpdate"])


def offline_interaction(data: Data, _: RequestParts) -> object:
    """Its id."""
    payload = data["interactionRecordOffline"]
    refuse(payload["errors"], NAMES)
    return {"id": show_id_of(payload["interaction"])}


def _integration(data: Data, parts: RequestParts) -> Node:
    found: list[Node] = data["integrations"]["nodes"]
    if not found:
        raise NotFound("integration", parts.path["wmktId"])
    return found[0]


def _campaign_of(integration: Node, parts: RequestParts, name: str) -> Node:
    found: list[Node] = integration["campaigns"]["nodes"]
    if not found:
        raise NotFound("campaign", parts.path[name])
    return found[0]


def _campaign(node: Node, integration: Node) -> dict[str, Any]:
    return {
        "id": show_id_of(node),
        "integrationId": show_id_of(integration),
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
        "_id": show_id_of(node),
        "projectId": integration["project"]["slug"],
        "integrationId": show_id_of(integration),
        "campaignId": show_id_of(campaign),
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
