"""From the graph's values to the bodies the La Griffe API prints.

Source: La Griffe, "GET /api/campaigns", "GET /api/campaigns/{id}", "GET /api/campaigns/{id}/metrics",
"GET /api/customer-groups", "POST /api/campaigns". Where the document is silent see docs/legacy/lagriffe.md.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.errors import Invalid, NotFound
from app.rest.failing import refuse
from app.rest.route import Data, RequestParts
from app.values.instants import day_printed, read_instant, zone_of
from app.values.money import show_decimal
from app.values.numbers import nearest_whole

BEACON = "beaconKey"
"""The input field of the mutation that names the store."""
FILLED_DAYS = 400
"""How many days a metrics series shows without gaps, at most."""
NOTHING: Mapping[str, Any] = {"impressions": 0, "clicks": 0, "conversions": "0", "spend": {"amount": "0"}}


def campaigns(data: Data, _: RequestParts) -> object:
    """The list, in the envelope."""
    return success([campaign_row(node) for node in data["campaigns"]["nodes"]])


def total_count(data: Data, _: RequestParts) -> dict[str, str]:
    """How many campaigns are in scope, in case the list was cut."""
    return {"X-Total-Count": str(data["campaigns"]["totalCount"])}


def campaign(data: Data, _: RequestParts) -> object:
    """One campaign in detail."""
    return success(campaign_detail(_found(data)))


def created(data: Data, _: RequestParts) -> object:
    """The campaign just made, as its detail shows it."""
    payload = data["mediaCampaignCreate"]
    for error in payload["errors"]:
        if error["code"] == NotFound.code and BEACON in error["path"]:
            # A store out of scope is wrong input here, not a missing route.
            message = "`external_beacon_key` names no store of this customer group."
            raise Invalid(message, path=["external_beacon_key"])
    refuse(payload["errors"])
    return success(campaign_detail(payload["campaign"]))


def metrics(data: Data, parts: RequestParts) -> object:
    """One entry per channel, its days in order and without gaps, and the sums of what is printed.

    A fraction of a conversion is rounded on its day; so the sums are those of whole conversions, whoever adds up.
    """
    node = _found(data)
    reported: dict[str, dict[str, Mapping[str, Any]]] = {name: {} for name in node["channels"]}
    today = parts.now.astimezone(_zone(node)).date().isoformat()
    for point in node["metricSeries"]:
        # What is planned for days to come is not spent.
        if point["period"] <= today:
            of_channel = reported.setdefault(point["channel"], {})
            of_channel[point["period"]] = _together(of_channel.get(point["period"]), point, node["currency"])
    days = _days(node, sorted(day for points in reported.values() for day in points), now=parts.now)
    channels: list[dict[str, Any]] = []
    for name, points in reported.items():
        series = [{"date": day, **_figures(points.get(day, NOTHING))} for day in days]
        channels.append({"channel": name, "totals": _sum(series), "series": series})
    return success(
        {
            "campaign_id": _number(node["id"]),
            "currency": node["currency"],
            "totals": _sum([entry["totals"] for entry in channels]),
            "channels": channels,
        }
    )


def _days(node: Mapping[str, Any], reported: Sequence[str], *, now: datetime) -> list[str]:
    """The campaign's days up to today, without gaps, and whatever was reported outside of them.

    Of a very long period only the last `FILLED_DAYS` are without gaps; before them there are only reported days.
    """
    start, end = _dates(node)
    today = now.astimezone(_zone(node)).date().isoformat()
    end = today if end is None else min(end, today)
    # ISO dates with four-digit years sort as texts.
    begin = min([day for day in (start, *reported[:1]) if day is not None], default=None)
    if begin is None:
        return []
    end = max([end, *reported[-1:]])
    if begin > end:
        return []
    last = date.fromisoformat(end)
    many = min((last - date.fromisoformat(begin)).days + 1, FILLED_DAYS)
    filled = [(last - timedelta(days=ago)).isoformat() for ago in range(many)]
    return sorted({*filled, *reported})


def customer_groups(data: Data, _: RequestParts) -> object:
    """A list, even of one group."""
    return success([{**group, "id": _group_number(group["id"])} for group in data["customerGroups"]])


def success(data: object) -> dict[str, object]:
    """The envelope of every successful answer."""
    return {"success": True, "data": data}


def campaign_row(node: Mapping[str, Any]) -> dict[str, Any]:
    """What the list and the detail have in common, in the order of the documented request body."""
    store = node["store"]
    start_date, end_date = _dates(node)
    return {
        "id": _number(node["id"]),
        "external_beacon_key": store["beaconKey"],
        "label": node["label"],
        "status": node["status"].lower(),
        "channels": node["channels"],
        "period_type": node["period_type"],
        "budget_total": None if node["budget"] is None else _amount(node["budget"]),
        "currency": node["currency"],
        "start_date": start_date,
        "end_date": end_date,
        "customer": {
            "id": _number(store["id"]),
            "name": store["name"],
            "external_beacon_key": store["beaconKey"],
        },
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
    }


def campaign_detail(node: Mapping[str, Any]) -> dict[str, Any]:
    """The row, and what belongs to the campaign."""
    group, project = node["store"]["group"], node["project"]
    return {
        **campaign_row(node),
        "customer_group": {"id": _group_number(group["id"]), "name": group["name"]},
        "project": None if project is None else {"id": _number(project["id"]), "name": project["name"]},
        "assets": [
            {
                "id": _number(asset["id"]),
                "name": asset["name"],
                "content_type": asset["contentType"],
                "size": asset["size"],
                "url": asset["url"],
            }
            for asset in node["assets"]["nodes"]
        ],
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
        "conversions": nearest_whole(str(values["conversions"])),
        "spend": _amount(values["spend"]),
    }


def _together(known: Mapping[str, Any] | None, point: Mapping[str, Any], currency: str) -> Mapping[str, Any]:
    """A day has a row for each currency that its sales were in; money is spent in the campaign's."""
    if known is None:
        return point
    own, other = (point, known) if point["spend"]["currency"] == currency else (known, point)
    summed = {name: own[name] + other[name] for name in ("impressions", "clicks")}
    conversions = nearest_whole(own["conversions"]) + nearest_whole(other["conversions"])
    return {**own, **summed, "conversions": str(conversions)}


def _sum(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = {name: sum(point[name] for point in points) for name in ("impressions", "clicks", "conversions")}
    return {**counts, "spend": _shortest(sum((point["spend"] for point in points), start=Decimal(0)))}


def _number(shown: Mapping[str, str]) -> int:
    """The id as this API shows it."""
    return int(shown["lagriffe"])


def _group_number(shown: str) -> int:
    """`group_42` → 42: groups are this installation's."""
    return int(shown.rpartition("_")[2])


def _amount(money: Mapping[str, str]) -> Decimal:
    """Money as a number with the digits it has: `1200.00` → 1200, `12.50` → 12.5."""
    return _shortest(Decimal(money["amount"]))


def _shortest(value: Decimal) -> Decimal:
    return Decimal(show_decimal(value))


def _dates(node: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The days as given, else the days of the instants in the store's zone; the last day is included.

    An end that is a day's last second in UTC was given as that day, in the form Marketing & CRM prints days in.
    """
    start, end = node["startsOn"], node["endsOn"]
    if start is None and node["startsAt"] is not None:
        start = read_instant(node["startsAt"]).astimezone(_zone(node)).date().isoformat()
    if end is None and node["endsAt"] is not None:
        printed = day_printed(node["endsAt"], ends=True)
        if printed is not None:
            return start, printed.isoformat()
        last = read_instant(node["endsAt"]) - timedelta(microseconds=1)
        end = last.astimezone(_zone(node)).date().isoformat()
    return start, end


def _zone(node: Mapping[str, Any]) -> ZoneInfo:
    store = node["store"]
    return zone_of(store["timeZone"] or store["group"]["timeZone"])
