"""From the graph's values to the bodies the Criteo API prints, keys in the order of its samples.

Reads print `advertiserId` as a number, the answer to a creation prints it as a text (CR-C1).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domain.spend.rules import SAME_CAMPAIGN
from app.errors import NotFound
from app.rest.criteo.failures import ignored, update_error, waits
from app.rest.criteo.requests import GOALS, KIND, UNDEFINED, Item, items_of, number_of
from app.rest.failing import PayloadErrors, Problem, refuse
from app.rest.route import Data, RequestParts
from app.values.money import show_decimal

Node = Mapping[str, Any]


def campaign(data: Data, parts: RequestParts) -> object:
    """One campaign."""
    found = data["campaign"]
    if found is None:
        raise NotFound("campaign", parts.path["campaign_id"])
    return {"data": resource(found), "errors": []}


def search(data: Data, _: RequestParts) -> object:
    """Every campaign that matches the filters."""
    return {"data": [resource(node) for node in data["campaigns"]["nodes"]], "errors": []}


def total_count(data: Data, _: RequestParts) -> dict[str, str]:
    """How many there are, including those beyond the cap."""
    return {"X-Total-Count": str(data["campaigns"]["totalCount"])}


def created(data: Data, _: RequestParts) -> object:
    """The campaign just made: an object, not the array that the text mentions (CR-C2)."""
    payload = data["adCampaignCreate"]
    _refuse(payload["errors"])
    node = payload["campaign"]
    limit = spend_limit(node["spendLimit"])
    return {
        "data": {
            "id": number(node),
            "type": KIND,
            "attributes": {
                "name": node["name"],
                "advertiserId": number(node["store"]),
                "spendLimit": {
                    "spendLimitType": limit["spendLimitType"],
                    "spendLimitRenewal": limit["spendLimitRenewal"],
                    "spendLimitAmount": limit["spendLimitAmount"],
                },
                "goal": node["objective"].capitalize(),
            },
        },
        "warnings": [],
        "errors": [],
    }


def updated(data: Data, parts: RequestParts) -> object:
    """What was done, what was refused, and the warnings, each in the order of the request."""
    payload = data["adCampaignsUpdate"]
    refuse(payload["errors"])
    outcomes, nodes = iter(payload["outcomes"]), iter(payload["campaigns"])
    done: list[object] = []
    errors: list[object] = []
    warnings: list[object] = []
    for item in items_of(parts.body):
        outcome = next(outcomes) if item.id else None
        node = next(nodes) if outcome and outcome["isDone"] else None
        why = outcome["errors"][0] if outcome and not outcome["isDone"] else None
        if why and (why["code"] == SAME_CAMPAIGN or not item.fault):
            errors.append(update_error(item.index, why["code"], why["message"]))
        elif item.fault:
            errors.append(update_error(item.index, item.fault, item.why))
        elif outcome and node:
            done.append({"type": KIND, "id": number(node)})
            if outcome["effectiveFrom"] is not None:
                warnings.append(waits(item.index, outcome["effectiveFrom"]))
            warnings += [ignored(item.index, name) for name in _differing(item, node)]
    return {"data": done, "errors": errors, "warnings": warnings}


def resource(node: Node) -> dict[str, Any]:
    """A campaign, as it is read."""
    return {
        "type": KIND,
        "id": number(node),
        "attributes": {
            "name": node["name"],
            "advertiserId": int(number(node["store"])),
            "goal": node["objective"].capitalize(),
            "spendLimit": spend_limit(node["spendLimit"]),
        },
    }


def spend_limit(limit: Node | None) -> dict[str, Any]:
    """A limit; a campaign without one is uncapped. The amount is a number with the digits it needs."""
    if limit is None or limit["amount"] is None:
        return {"spendLimitRenewal": UNDEFINED, "spendLimitType": "uncapped", "spendLimitAmount": None}
    return {
        "spendLimitRenewal": limit["renewal"].lower(),
        "spendLimitType": "capped",
        "spendLimitAmount": Decimal(show_decimal(Decimal(limit["amount"]["amount"]))),
    }


def number(node: Node) -> str:
    """`"99999"`."""
    return str(node["id"]["criteo"])


def _differing(item: Item, node: Node) -> list[str]:
    """Fields that cannot be changed but were sent with another value than the campaign has (CR-C9)."""
    told = []
    if (name := item.sent.get("name")) is not None and name != node["name"]:
        told.append("name")
    if (advertiser := item.sent.get("advertiserId")) is not None and number_of(advertiser) != number(
        node["store"]
    ):
        told.append("advertiserId")
    goal = item.sent.get("goal")
    if goal is not None and goal not in list(GOALS) and goal != node["objective"].capitalize():
        told.append("goal")
    return told


NAMES = {
    "storeId": "advertiserId",
    "objective": "goal",
    "renewal": "spendLimitRenewal",
    "amount": "spendLimitAmount",
}


def _refuse(errors: list[Node]) -> None:
    """Raise what is wrong with a new campaign, with the place it has in the body."""
    if errors:
        raise PayloadErrors(
            [
                Problem(
                    "INVALID",
                    error["message"],
                    # An advertiser that does not exist is a wrong value in the body, not a wrong address.
                    "INVALID" if error["code"] == NotFound.code else error["code"],
                    ("data", "attributes", *(NAMES.get(part, part) for part in error["path"])),
                )
                for error in errors
            ]
        )
