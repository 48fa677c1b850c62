"""From the graph's values to the body Benji prints, keys in the order of its sample.

Source: Benji, "GET /campaigns". Flags are 0 and 1, ids are whole numbers, lists are empty where there is nothing.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.rest.route import Data, RequestParts
from app.values.instants import read_instant, show_instant

Node = Mapping[str, Any]


def campaigns(data: Data, _: RequestParts) -> object:
    """Every campaign that matches, complete."""
    return {"campaigns": [_campaign(node) for node in data["campaigns"]["nodes"]]}


def total_count(data: Data, _: RequestParts) -> dict[str, str]:
    """How many match, in case the list was cut."""
    return {"X-Total-Count": str(data["campaigns"]["totalCount"])}


def _campaign(node: Node) -> dict[str, Any]:
    rewards, ident = node["rewards"], _number(node["id"])
    return {
        "id": ident,
        "name": node["name"],
        "campaign_type": rewards["campaign_type"],
        "created_date": node["created_date"],
        "description": node["description"],
        "campaign_logo": node["campaign_logo"],
        "merchant_id": _of(node["store"]),
        "partner_id": _of(rewards["partner"]),
        "partnership_id": _of(rewards["partnership"]),
        "is_active": int(node["status"] == "ACTIVE"),
        "is_deleted": int(node["deletedAt"] is not None),
        "start_date": node["startsAt"],
        "end_date": _end(node),
        "activation_date": node["activation_date"],
        "owner_id": rewards["owner_id"],
        "is_template": int(node["isTemplate"]),
        "template_id": _of(node["template"]),
        "total_rewards": rewards["total_rewards"],
        "campaign_flows": [_flow(flow, ident) for flow in node["flows"]],
        "goals": [_child(goal) for goal in node["goals"]],
    }


def _flow(node: Node, campaign_id: int) -> dict[str, Any]:
    return {
        "id": _number(node["id"]),
        "campaign_id": campaign_id,
        "trigger_type": node["trigger_type"],
        "is_active": int(node["isActive"]),
        "is_deleted": int(node["deletedAt"] is not None),
        "created_date": node["created_date"],
        "custom_trigger_id": node["custom_trigger_id"],
        "actions": [
            {**_child(action), "extra_data": {} if action["extra_data"] is None else action["extra_data"]}
            for action in node["actions"]
        ],
        "conditions": [_child(condition) for condition in node["conditions"]],
        "multipliers": [
            {**_child(one), "multiplier_amount": Decimal(one["multiplier_amount"])}
            for one in node["multipliers"]
        ],
    }


def _child(node: Node) -> dict[str, Any]:
    """An action, condition, multiplier or goal: the document's aliases already are the printed keys."""
    return {
        "partner_id" if key == "partner" else key: _number(value)
        if key == "id"
        else _of(value)
        if key == "partner"
        else value
        for key, value in node.items()
    }


def _of(node: Node | None) -> int | None:
    return None if node is None else _number(node["id"])


def _number(shown: Node) -> int:
    """The id as this API shows it."""
    return int(shown["benji"])


def _end(node: Node) -> str | None:
    """An instant; where a last day was given, that day's last second."""
    end: str | None = node["endsAt"]
    if end is None or node["endsOn"] is None:
        return end
    return show_instant(read_instant(end) - timedelta(seconds=1))
