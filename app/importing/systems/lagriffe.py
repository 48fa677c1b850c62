"""What La Griffe prints: campaigns, one in detail, its metrics by channel and day, customer groups.

The document prints no body of these answers; their keys are those our own facade chose (docs/legacy/lagriffe.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Invalid
from app.importing.records import Lists, Record, Row
from app.importing.systems.printed import number_id, object_in, others
from app.values.systems import LAGRIFFE

_COUNTS = ("impressions", "clicks", "conversions", "spend")
_AS_THEY_ARE = ("status", "channels", "period_type", "budget_total", "currency", "created_at", "updated_at")
_NAMED = {"name": "label", "starts_on": "start_date", "ends_on": "end_date", "store": "customer.id"}
_CAMPAIGN = {
    "id", "external_beacon_key", "label", "start_date", "end_date", "customer", "customer_group", "project", "assets",
    "metrics", *_AS_THEY_ARE,
}  # fmt: skip
_METRICS = {"campaign_id", "currency", "totals", "channels"}
_GROUP = {"id", "name", "currency", "time_zone"}
_STORE = {"id", "name", "external_beacon_key"}
_PROJECT = {"id", "name"}
_ASSET = {"id", "name", "content_type", "size", "url"}


class LaGriffeReader:
    """Reads answers of La Griffe, whole or their `data` alone."""

    lists = Lists(frozenset({"data"}))

    def records(self, row: Row) -> Iterator[Record]:
        """What a campaign, its metrics or a customer group tells."""
        values: Mapping[str, Any] = row.values
        if "data" in values and "success" in values:
            values = object_in(values["data"], "data")
            if not values:
                return
        if "campaign_id" in values:
            yield from _metrics(values, row)
        elif "label" in values:
            yield from _campaign(values, row)
        elif "name" in values and "id" in values and values.keys() <= _GROUP:
            lost = {"id": 1}  # groups have the numbers of this installation
            yield Record("customer_groups", {n: v for n, v in values.items() if n != "id"}, row, lost=lost)
        else:
            raise Invalid(
                "This is nothing La Griffe prints: no campaign (`label`), metrics (`campaign_id`) or customer group.",
                code="NOT_PRINTED",
            )


def _campaign(values: Mapping[str, Any], row: Row) -> Iterator[Record]:
    if values.get("id") is None:
        raise Invalid(
            "The campaign has no `id`: it is what clients send, not what La Griffe answers.", path=["id"]
        )
    ids = number_id(LAGRIFFE, values["id"], "id")
    customer = object_in(values.get("customer"), "customer")
    beacon = values.get("external_beacon_key") or customer.get("external_beacon_key")
    store = customer.get("id")
    if store is not None or beacon is not None:
        yield Record(
            "stores",
            {"name": customer.get("name"), "beacon_key": beacon},
            row,
            {} if store is None else number_id(LAGRIFFE, store, "customer.id"),
            {"name": "customer.name", "beacon_key": "external_beacon_key"},
            others(customer, _STORE, "customer."),
        )
    named: str | None = beacon if store is None else str(store)
    project = object_in(values.get("project"), "project")
    if project.get("id") is not None:
        yield Record(
            "projects",
            {"name": project.get("name"), "store": named, "created_at": values.get("created_at")},
            row,
            number_id(LAGRIFFE, project["id"], "project.id"),
            {"name": "project.name"},
            others(project, _PROJECT, "project."),
        )
    told = {name: values.get(name) for name in _AS_THEY_ARE}
    told |= {
        "name": values.get("label"),
        "starts_on": values.get("start_date"),
        "ends_on": values.get("end_date"),
    }
    told |= {"store": named, "project": None if project.get("id") is None else str(project["id"])}
    yield Record("campaigns", told, row, ids, _NAMED, others(values, _CAMPAIGN))
    if (totals := object_in(values.get("metrics"), "metrics")) and any(totals.get(name) for name in _COUNTS):
        yield Record(
            "campaign_metrics",
            {"totals": {name: totals.get(name) for name in _COUNTS}},
            row,
            ids,
            {"totals": "metrics"},
            others(totals, set(_COUNTS), "metrics."),
        )
    for place, asset in enumerate(_list(values.get("assets"), "assets")):
        one = object_in(asset, "assets")
        if one.get("id") is None:
            raise Invalid("A file has no `id`.", path=["assets", place, "id"])
        yield Record(
            "assets",
            {
                **{name: one.get(name) for name in ("name", "content_type", "size", "url")},
                "campaign": ids[LAGRIFFE],
            },
            row,
            number_id(LAGRIFFE, one["id"], "assets.id"),
            {name: f"assets.{name}" for name in _ASSET},
            others(one, _ASSET, "assets."),
        )


def _metrics(values: Mapping[str, Any], row: Row) -> Iterator[Record]:
    lost = others(values, _METRICS)
    series: list[dict[str, Any]] = []
    for channel in _list(values.get("channels"), "channels"):
        of_channel = object_in(channel, "channels")
        lost |= others(of_channel, {"channel", "totals", "series"}, "channels.")
        for day in _list(of_channel.get("series"), "channels.series"):
            one = object_in(day, "channels.series")
            series.append(
                {
                    "day": one.get("date"),
                    "channel": of_channel.get("channel"),
                    **{n: one.get(n) for n in _COUNTS},
                }
            )
            for name, count in others(one, {"date", *_COUNTS}, "channels.series.").items():
                lost[name] = lost.get(name, 0) + count
    totals = object_in(values.get("totals"), "totals")
    yield Record(
        "campaign_metrics",
        {"series": series, "totals": {name: totals.get(name) for name in _COUNTS}},
        row,
        number_id(LAGRIFFE, values["campaign_id"], "campaign_id"),
        {"external_id": "campaign_id", "series": "channels.series"},
        lost | others(totals, set(_COUNTS), "totals."),
    )


def _list(value: Any, name: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Invalid(f"`{name}` is a list.", path=name.split("."))
    return value or []
