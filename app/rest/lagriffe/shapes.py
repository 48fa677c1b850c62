"""From the graph's values to the La Griffe API's, and from its requests to the graph's variables.

Source: La Griffe, "GET /api/campaigns", "GET /api/campaigns/{id}", "GET /api/campaigns/{id}/metrics",
"GET /api/customer-groups", "POST /api/campaigns". Where the document is silent see docs/legacy/lagriffe.md.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from starlette.datastructures import UploadFile

from app.errors import Invalid, NotFound
from app.rest.failing import MALFORMED_BODY, refuse
from app.rest.route import Data, Parts
from app.values.ids import read_whole, show_id
from app.values.instants import read_date
from app.values.json_text import kind_of
from app.values.money import show_decimal

LIST_CAP = 1000
"""The list is not paged: this many campaigns at most, and `X-Total-Count` says how many there are."""
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


# Requests → variables


def list_variables(_: Parts) -> dict[str, Any]:
    """The cap."""
    return {"first": LIST_CAP}


def campaign_id(parts: Parts) -> dict[str, Any]:
    """`/api/campaigns/42` → `camp_42`. What cannot be an id is not found, like an id of nobody."""
    value = read_whole(parts.path["id"])
    if value is None:
        raise NotFound("campaign")
    return {"id": show_id("camp", value)}


def create_variables(parts: Parts) -> dict[str, Any]:
    """JSON or form → the mutation's input. Keys nobody knows are left alone, as they always were."""
    body = parts.body
    if not isinstance(body, dict):
        raise Invalid(f"The body must be a JSON object, not {kind_of(body)}.", code=MALFORMED_BODY)
    sent = _without_blanks(body) if parts.is_form else body
    given = {
        "externalBeaconKey": _text(sent, "external_beacon_key"),
        "label": _text(sent, "label"),
        "channels": _channels(sent),
        "periodType": _optional_text(sent, "period_type"),
        "budgetTotal": _budget(sent),
        "startDate": _date(sent, "start_date"),
        "endDate": _date(sent, "end_date"),
    }
    found = {name: value for name, value in given.items() if value is not None}
    return {"input": found, "files": _files(sent, parts.is_form)}


def _without_blanks(form: Mapping[str, Any]) -> dict[str, Any]:
    """A form cannot send null: a field left empty was not sent."""
    return {name: value for name, value in form.items() if value != ""}


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = _optional_text(sent, name)
    if value is None:
        raise Invalid(f"`{name}` is required: send it as a text.", path=[name])
    return value


def _optional_text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    if value is None or isinstance(value, str):
        return value
    raise Invalid(f"`{name}` must be a text, not {_kind(value)}.", path=[name])


def _channels(sent: Mapping[str, Any]) -> list[str]:
    value = sent.get("channels")
    example = 'for example ["google_ads"]'
    if value is None or value == []:
        raise Invalid(f"`channels` is required: send at least one, {example}.", path=["channels"])
    if not isinstance(value, list):
        raise Invalid(f"`channels` must be a list, {example}, not {_kind(value)}.", path=["channels"])
    for index, channel in enumerate(value):
        if not isinstance(channel, str):
            raise Invalid(f"`channels` must hold texts, not {_kind(channel)}.", path=["channels", index])
    return value


def _budget(sent: Mapping[str, Any]) -> str:
    value = sent.get("budget_total")
    if value is None:
        raise Invalid("`budget_total` is required: send it as a number like 1200.", path=["budget_total"])
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return show_decimal(Decimal(value))
    if isinstance(value, str) and _AMOUNT.fullmatch(value.strip()):
        return value.strip()
    shown = f"{value[:40]!r}" if isinstance(value, str) else _kind(value)
    raise Invalid(
        f"`budget_total` must be a number like 1200 or 1200.50, not {shown}.", path=["budget_total"]
    )


def _date(sent: Mapping[str, Any], name: str) -> str | None:
    value = _optional_text(sent, name)
    if value is None:
        return None
    try:
        return read_date(value).isoformat()
    except ValueError as error:
        raise Invalid(f"`{name}`: {error}.", path=[name]) from None


def _files(sent: Mapping[str, Any], is_form: bool) -> list[UploadFile]:
    value = sent.get("files")
    if value is None:
        return []
    if not is_form:
        raise Invalid("`files` can only be sent as multipart/form-data, as `files[]`.", path=["files"])
    if not isinstance(value, list) or not all(isinstance(file, UploadFile) for file in value):
        raise Invalid("`files[]` must be files, with a file name each.", path=["files"])
    return value


def _kind(value: object) -> str:
    return "a file" if isinstance(value, UploadFile) else kind_of(value)


# Data → bodies


def campaigns(data: Data) -> object:
    """The list, in the envelope."""
    return success([campaign_row(node) for node in data["campaigns"]["nodes"]])


def total_count(data: Data) -> dict[str, str]:
    """How many campaigns the scope has, should the list have been cut."""
    return {"X-Total-Count": str(data["campaigns"]["totalCount"])}


def campaign(data: Data) -> object:
    """One campaign in detail."""
    return success(campaign_detail(_found(data)))


def created(data: Data) -> object:
    """The campaign just made, as its detail shows it."""
    payload = data["mediaCampaignCreate"]
    refuse(payload["errors"])
    return success(campaign_detail(payload["campaign"]))


def metrics(data: Data) -> object:
    """One entry per channel, its days in order and without gaps, and the sums."""
    found = _found(data)
    channels: dict[str, list[dict[str, Any]]] = {name: [] for name in found["channels"]}
    for point in found["metricSeries"]:
        channels.setdefault(point["channel"], []).append({"date": point["date"], **_figures(point)})
    return success(
        {
            "campaign_id": _number(found["id"]),
            "currency": found["budget"]["currency"],
            "totals": _figures(found["metrics"]),
            "channels": [
                {"channel": name, "totals": _sum(points), "series": points}
                for name, points in channels.items()
            ],
        }
    )


def customer_groups(data: Data) -> object:
    """A list, also when there is one group only."""
    return success([{**group, "id": _number(group["id"])} for group in data["customerGroups"]])


def success(data: object) -> dict[str, object]:
    """The envelope every good answer has."""
    return {"success": True, "data": data}


def campaign_row(node: Mapping[str, Any]) -> dict[str, Any]:
    """What list and detail have in common, in the order of the documented request body."""
    budget = node["budget"]
    store = node["store"]
    return {
        "id": _number(node["id"]),
        "external_beacon_key": store["external_beacon_key"],
        "label": node["label"],
        "status": node["status"].lower(),
        "channels": node["channels"],
        "period_type": node["period_type"],
        "budget_total": _amount(budget["amount"]),
        "currency": budget["currency"],
        "start_date": node["start_date"],
        "end_date": node["end_date"],
        "customer": {**store, "id": _number(store["id"])},
        "created_at": node["created_at"],
        "updated_at": node["updated_at"],
    }


def campaign_detail(node: Mapping[str, Any]) -> dict[str, Any]:
    """The row, and what hangs on the campaign."""
    group, project = node["group"], node["project"]
    return {
        **campaign_row(node),
        "customer_group": {**group, "id": _number(group["id"])},
        "project": None if project is None else {**project, "id": _number(project["id"])},
        "assets": [{**asset, "id": _number(asset["id"])} for asset in node["assets"]["nodes"]],
        "metrics": _figures(node["metrics"]),
    }


def _found(data: Data) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = data["campaign"]
    if found is None:
        raise NotFound("campaign")
    return found


def _figures(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "impressions": values["impressions"],
        "clicks": values["clicks"],
        "conversions": values["conversions"],
        "spend": _amount(values["spend"]["amount"]),
    }


def _sum(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: sum((point[name] for point in points), start=Decimal(0) if name == "spend" else 0)
        for name in ("impressions", "clicks", "conversions", "spend")
    }


def _number(shown: str) -> int:
    """`camp_42` → 42."""
    return int(shown.rpartition("_")[2])


def _amount(text: str | None) -> Decimal | None:
    """Money as a number with the digits it has: `1200.00` → 1200, `12.50` → 12.5."""
    return None if text is None else Decimal(show_decimal(Decimal(text)))
