"""From the graph's values to the bodies the Marketing & CRM API prints, keys in the order of its samples.

Keys that the samples always show are always there, null where there is no value; those that a sample leaves out then
(`last_updated`, `events_received`, `last_event`, `drop_off`) are left out. See docs/legacy/crm.md.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.rest.crm.failures import CAMPAIGN_NOT_FOUND, not_found, refuse
from app.rest.crm.paging import LIMIT, WHOLE, page_headers
from app.rest.crm.requests import CAMPAIGN_NAMES, PROMO_NAMES, SEGMENT_NAMES
from app.rest.route import Data, RequestParts
from app.values.instants import show_printed
from app.values.money import show_decimal

Node = Mapping[str, Any]
CENT = Decimal("0.01")
NO_RATE = Decimal("0.0")
"""What the API prints where there is nothing to divide by."""


def campaigns(data: Data, _: RequestParts) -> object:
    """A page of the list."""
    return {"data": [campaign_row(node) for node in data["campaigns"]["nodes"]]}


def segments(data: Data, _: RequestParts) -> object:
    """A page of the list."""
    return {"data": [segment_row(node) for node in data["segments"]["nodes"]]}


def promos(data: Data, _: RequestParts) -> object:
    """A page of the list."""
    return {"data": [promo_row(node) for node in data["promos"]["nodes"]]}


def paged(name: str) -> Callable[[Data, RequestParts], dict[str, str]]:
    """The headers of this list."""
    limit = LIMIT if name == "campaigns" else WHOLE
    return lambda data, parts: page_headers(data[name], parts, limit=limit)


def campaign(data: Data, parts: RequestParts) -> object:
    """One campaign in detail, without an envelope."""
    found = data["campaign"]
    if found is None:
        raise not_found("campaign", parts.path["campaign_id"], CAMPAIGN_NOT_FOUND)
    return campaign_detail(found)


def campaign_created(data: Data, _: RequestParts) -> object:
    """The campaign just made, as its detail shows it."""
    payload = data["messageCampaignCreate"]
    refuse(payload["errors"], CAMPAIGN_NAMES)
    return campaign_detail(payload["campaign"])


def segment_created(data: Data, _: RequestParts) -> object:
    """The segment just made, as the list shows it."""
    payload = data["segmentCreate"]
    refuse(payload["errors"], SEGMENT_NAMES)
    return segment_row(payload["segment"])


def promo_created(data: Data, _: RequestParts) -> object:
    """The promo just made, as the list shows it."""
    payload = data["promoCreate"]
    refuse(payload["errors"], PROMO_NAMES)
    return promo_row(payload["promo"])


def providers(data: Data, _: RequestParts) -> object:
    """Every supported provider; keys that a disconnected one has no value for are left out."""
    return {"providers": [_provider(node) for node in data["webhookProviders"]]}


def provider(data: Data, parts: RequestParts) -> object:
    """The provider whose address was called."""
    return next(_provider(one) for one in data["webhookProviders"] if one["id"] == parts.path["provider"])


def received(data: Data, _: RequestParts) -> object:
    """How many events a delivery held, and what became of them; `refused` only where some could not be taken."""
    payload = data["webhookIngest"]
    refuse(payload["errors"], {})
    told = {name: payload[name] for name in ("received", "applied", "ignored", "repeated")}
    return told | ({"refused": payload["refused"]} if payload["refused"] else {})


def funnel(data: Data, _: RequestParts) -> object:
    """The stages in order; the first one has no `drop_off`."""
    numbers = data["funnel"]
    return {
        "funnel_type": numbers["type"].lower(),
        "period": {"start": numbers["since"], "end": numbers["until"]},
        "stages": [
            _without_nulls(
                stage=step["stage"].lower(),
                count=step["count"],
                percentage=step["percentage"],
                drop_off=step["dropOff"],
            )
            for step in numbers["stages"]
        ],
        "overall_conversion": numbers["overallConversion"],
    }


def campaign_row(node: Node) -> dict[str, Any]:
    """An item of the list, with the short set of metrics."""
    metrics = node["metrics"]
    return {
        **_head(node),
        "segment_id": node["segment"] and _id(node["segment"]),
        **_dates(node),
        "metrics": {
            "sent": metrics["sent"],
            "opened": metrics["opened"],
            "clicked": metrics["clicked"],
            "converted": metrics["conversions"],
        },
    }


def campaign_detail(node: Node) -> dict[str, Any]:
    """The detail, with all metrics; `start_date` and `end_date` go beyond the sample (CRM-C2)."""
    segment, metrics = node["segment"], node["metrics"]
    return {
        **_head(node),
        "segment": segment and {"id": _id(segment), "name": segment["name"], "size": segment["size"]},
        "content": _without_nulls(**(node["content"] or {})),
        "metrics": {
            "sent": metrics["sent"],
            "delivered": metrics["delivered"],
            "opened": metrics["opened"],
            "open_rate": metrics["open_rate"] or NO_RATE,
            "clicked": metrics["clicked"],
            "click_rate": metrics["click_rate"] or NO_RATE,
            "converted": metrics["conversions"],
            "conversion_rate": metrics["conversion_rate"] or NO_RATE,
            "revenue_attributed": Decimal(metrics["revenue"]["amount"]).quantize(CENT, ROUND_HALF_UP),
            "unsubscribed": metrics["unsubscribed"],
        },
        "created_at": node["createdAt"],
        **_dates(node),
    }


def segment_row(node: Node) -> dict[str, Any]:
    """A segment; `size` is as of `last_updated`."""
    row = {
        "id": _id(node),
        "name": node["name"],
        "type": node["type"].lower(),
        "size": node["size"],
        "criteria": {} if node["criteria"] is None else node["criteria"],
    }
    return row if node["sizedAt"] is None else {**row, "last_updated": node["sizedAt"]}


def promo_row(node: Node) -> dict[str, Any]:
    """The documented fields of a new promo that were set, its id, its uses and when it was made."""
    return _without_nulls(
        id=_id(node),
        code=node["code"],
        type=node["type"],
        value=Decimal(show_decimal(Decimal(node["value"]))),
        min_order_amount=_amount(node["minOrderAmount"]),
        max_discount=_amount(node["maxDiscount"]),
        usage_limit=node["usageLimit"],
        per_customer_limit=node["perCustomerLimit"],
        valid_from=_edge(node["validFrom"], node["validFromOn"]),
        valid_until=_edge(node["validUntil"], node["validUntilOn"], ends=True),
        applies_to=node["appliesTo"],
        customer_segment_id=node["segment"] and _id(node["segment"]),
        used=node["used"],
        created_at=node["createdAt"],
    )


def _provider(node: Node) -> dict[str, Any]:
    return _without_nulls(
        id=node["id"],
        name=node["name"],
        status=node["status"].lower(),
        events_received=node.get("eventsReceived"),
        last_event=node.get("lastEvent"),
    )


def _head(node: Node) -> dict[str, Any]:
    return {
        "id": _id(node),
        "name": node["name"],
        "type": node["type"].lower(),
        "status": node["status"].lower(),
        "channels": node["channels"],
    }


def _dates(node: Node) -> dict[str, Any]:
    """Instants; of a day its first or last second, in UTC as the samples print them, whatever the store's zone."""
    return {
        "start_date": _edge(node["startsAt"], node["startsOn"]),
        "end_date": _edge(node["endsAt"], node["endsOn"], ends=True),
    }


def _edge(instant: str | None, day: str | None, *, ends: bool = False) -> str | None:
    return instant if day is None else show_printed(day, ends=ends)


def _id(node: Node) -> str:
    """The id as this API shows it."""
    return str(node["id"]["crm"])


def _amount(money: Mapping[str, str] | None) -> Decimal | None:
    """A number with the digits of its currency: 25.00."""
    return None if money is None else Decimal(money["amount"])


def _without_nulls(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
