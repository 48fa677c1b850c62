"""From the Webmarketer API's requests to the graph's variables. Keys nobody knows are left alone.

Source: Webmarketer API 1.0.0, path and query parameters and request bodies. PHP, which the vendor's client is written
in, writes an empty object as `[]` and a date as an object; both are understood.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.errors import Invalid, NotFound
from app.rest.fields import Fields
from app.rest.route import Parts
from app.rest.webmarketer import event_fields, parameters
from app.rest.webmarketer.parameters import present
from app.values.instants import read_moment, show_instant
from app.values.json_text import kind_of
from app.values.money import show_decimal

_DIGITS = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
EVENT_TYPE_SORTS = {
    "name": "NAME",
    "reference": "REFERENCE",
    "createdAt": "CREATED_AT",
    "updatedAt": "UPDATED_AT",
}
CAMPAIGN_SORTS = {"name": "NAME", "campaignId": "ID", "active": "STATUS"}
OUTLAY_SORTS = {
    "campaignId": "CAMPAIGN",
    "startDate": "STARTS_AT",
    "endDate": "ENDS_AT",
    "amount": "AMOUNT",
    "country": "COUNTRY",
    "region": "REGION",
}
METRIC_SORTS = {"createdAt": "CREATED_AT", "updatedAt": "UPDATED_AT", "metricDate": "METRIC_DATE"}
METRIC_TYPES = {"state": "STATE", "statistic": "STATISTIC"}
GROUPINGS = {"project": "PROJECT", "event-type": "EVENT_TYPE"}
INTERVALS = {
    "day": "DAY",
    "week": "WEEK",
    "month": "MONTH",
    "quarter": "QUARTER",
    "semester": "SEMESTER",
    "year": "YEAR",
    "dayOfWeek": "DAY_OF_WEEK",
    "dayOfMonth": "DAY_OF_MONTH",
    "dayOfYear": "DAY_OF_YEAR",
    "weekOfYear": "WEEK_OF_YEAR",
    "monthOfYear": "MONTH_OF_YEAR",
    "quarterOfYear": "QUARTER_OF_YEAR",
    "semesterOfYear": "SEMESTER_OF_YEAR",
}


# ── events ────────────────────────────────────────────────────────────────────


def event(parts: Parts) -> dict[str, Any]:
    """An event as sent. What its event type may object to is not looked at here, nor is a date that is a text."""
    body: dict[str, Any] = parts.body
    kind = _required(body, "eventType", str, "a text, the event type's reference")
    nonce = body.get("nonce")
    if isinstance(nonce, int | Decimal) and not isinstance(nonce, bool):
        # 123456789 and "123456789" are the same nonce (choice WM-C3).
        nonce = show_decimal(Decimal(nonce))
    if not isinstance(nonce, str):
        raise Invalid("`nonce` is required: a text or a number that tells events apart.", path=["nonce"])
    tracker = body.get("trackerId")
    if tracker is not None and not isinstance(tracker, str):
        raise Invalid(f"`trackerId` must be a text, not {kind_of(tracker)}.", path=["trackerId"])
    _object(body, "data", required=True)
    given = present(
        project=body["projectId"],
        eventType=kind,
        eventDate=_event_date(body.get("eventDate")),
        trackerId=tracker,
        nonce=nonce,
        # Kept to the letter; `data` is read out of it.
        body=parts.text,
    )
    return {"input": given}


def event_of_path(parts: Parts) -> dict[str, Any]:
    """The event with this id."""
    return {"id": parameters.event_id(parts)}


def trash(parts: Parts) -> dict[str, Any]:
    """The page, and when they came in."""
    field_format(parts)
    since, until = parameters.instant(parts, "since"), parameters.instant(parts, "until")
    return {**parameters.page(parts), **present(since=since, until=until)}


def field_format(parts: Parts) -> str:
    """How the trash shows `errors[].field`: the object of today, or the text that is announced (choice WM-C12)."""
    return parameters.choice(parts, "fieldFormat", {"object": "object", "string": "string"}) or "object"


def state(parts: Parts) -> dict[str, Any]:
    """0 or 1, and since when."""
    sent = Fields.of_body(parts.body)
    value = _number(sent, "value")
    if value not in ("0", "1"):
        raise Invalid(f"`value` of a state must be 0 or 1, not {value}.", path=["value"])
    return {"input": {**_metric(parts, sent), "value": value}}


def statistic(parts: Parts) -> dict[str, Any]:
    """Any number, and since when."""
    sent = Fields.of_body(parts.body)
    return {"input": {**_metric(parts, sent), "value": _number(sent, "value")}}


def insights(parts: Parts) -> dict[str, Any]:
    """`since` and `until` are required, as the schema says, though their text says optional (choice WM-C2)."""
    sent = Fields.of_body(parts.body)
    since, until = _needed_moment(sent, "since"), _needed_moment(sent, "until")
    metrics = sent.texts("metrics")
    if metrics is None:
        raise Invalid('`metrics` is required, for example ["event-count"].', path=["metrics"])
    grouping = parameters.chosen(
        sent.needed("groupBy", sent.text("groupBy"), '"project"'), "groupBy", GROUPINGS
    )
    interval = parameters.chosen(
        sent.needed("interval", sent.text("interval"), '"day"'), "interval", INTERVALS
    )
    types = sent.texts("filter") if grouping == "EVENT_TYPE" else None
    given = present(
        project=parameters.project(parts),
        since=since,
        until=until,
        metrics=list(dict.fromkeys(metrics)),
        groupBy=grouping,
        interval=interval,
    )
    return {**given, **({"eventTypes": types} if types else {})}


# ── users ─────────────────────────────────────────────────────────────────────


def user_events(parts: Parts) -> dict[str, Any]:
    """The page of the user's events."""
    return {"id": _user(parts), **parameters.page(parts)}


def user_metrics(parts: Parts) -> dict[str, Any]:
    """The page, and which of the user's metrics."""
    kind = parameters.choice(parts, "type", METRIC_TYPES)
    return {
        "id": _user(parts),
        **parameters.page(parts),
        **present(
            kinds=None if kind is None else [kind],
            since=parameters.instant(parts, "since"),
            until=parameters.instant(parts, "until"),
            orderBy=parameters.order(parts, METRIC_SORTS),
        ),
    }


# ── event types ───────────────────────────────────────────────────────────────


def event_types(parts: Parts) -> dict[str, Any]:
    """The page, the filters that were sent, and the order."""
    wanted = present(
        search=parameters.text(parts, "search"),
        storageKey=parameters.text(parts, "storageKey"),
        reference=parameters.text(parts, "reference"),
        archived=parameters.flag(parts, "archived") or None,
    )
    return {
        **parameters.page(parts),
        "filter": wanted,
        **present(orderBy=parameters.orders(parts, EVENT_TYPE_SORTS)),
    }


def event_type(parts: Parts) -> dict[str, Any]:
    """Its reference. What cannot be stored is nobody's."""
    reference = parts.path["reference"]
    return {"reference": reference if reference.isprintable() else ""}


def event_type_create(parts: Parts) -> dict[str, Any]:
    """Fields, states and statistics together; their declarations are kept as they were sent."""
    sent = Fields.of_body(parts.body)
    declared = sent.values.get("fields")
    if declared is not None and not isinstance(declared, list):
        raise Invalid(f"`fields` must be a list, not {kind_of(declared)}.", path=["fields"])
    given = present(
        project=parameters.project(parts),
        reference=sent.needed("reference", sent.text("reference"), '"contact-form"'),
        name=sent.text("name"),
        fields=[event_fields.read(one, at) for at, one in enumerate(declared or ())],
        details=_object(sent.values, "metadata"),
        expirationPolicy=_object(sent.values, "expirationPolicy"),
        phoneParsing=sent.values.get("phoneParsingConfig"),
    )
    return {"input": given}


# ── custom ads ────────────────────────────────────────────────────────────────


def campaigns(parts: Parts) -> dict[str, Any]:
    """The page, the filters that were sent, and the order."""
    ident = parameters.text(parts, "campaignId")
    wanted = present(
        isActive=parameters.flag(parts, "active"),
        ids=None if ident is None else [_nobodys_or(ident)],
        slug=parameters.text(parts, "campaignSlug"),
        nameLike=parameters.text(parts, "nameLike"),
        isExplicit=parameters.flag(parts, "explicit"),
    )
    return {
        "wmktId": _wmkt_id(parts),
        **parameters.page(parts),
        "filter": wanted,
        **present(orderBy=_campaign_order(parts)),
    }


def campaign(parts: Parts) -> dict[str, Any]:
    """One campaign of the integration."""
    return {"wmktId": _wmkt_id(parts), "id": _campaign(parts, "id")}


def campaign_create(parts: Parts) -> dict[str, Any]:
    """A slug of its own, a name, and whether it is active at once."""
    sent = Fields.of_body(parts.body)
    active = sent.flag("active")
    given = {
        "wmktId": _wmkt_id(parts),
        "slug": sent.needed("campaignSlug", sent.text("campaignSlug"), '"spring"'),
        "name": sent.needed("name", sent.text("name"), '"Spring"'),
        "active": True if active is None else active,
    }
    return {"input": given}


def campaign_update(parts: Parts) -> dict[str, Any]:
    """Name and active; anything else is left alone."""
    sent = Fields.of_body({} if parts.body == [] else parts.body)
    wmkt_id = _wmkt_id(parts) if "wmktId" in parts.path else None
    given = present(
        id=_campaign(parts, "id"), wmktId=wmkt_id, name=sent.text("name"), active=sent.flag("active")
    )
    return {"input": given}


def outlays(parts: Parts) -> dict[str, Any]:
    """The page, the stretch of time, and the order."""
    wanted = present(since=parameters.instant(parts, "since"), until=parameters.instant(parts, "until"))
    return {
        "wmktId": _wmkt_id(parts),
        "campaignId": _campaign(parts, "parentCampaignId"),
        **parameters.page(parts),
        "filter": wanted,
        **present(orderBy=parameters.order(parts, OUTLAY_SORTS)),
    }


def outlay(parts: Parts) -> dict[str, Any]:
    """One outlay of the campaign."""
    return {
        "wmktId": _wmkt_id(parts),
        "campaignId": _campaign(parts, "parentCampaignId"),
        "id": _outlay(parts),
    }


def outlay_create(parts: Parts) -> dict[str, Any]:
    """How much, from when until when, and perhaps where."""
    sent = Fields.of_body(parts.body)
    given = {
        "wmktId": _wmkt_id(parts),
        "campaignId": _campaign(parts, "parentCampaignId"),
        "amount": sent.needed("amount", _amount(sent), "1200.50"),
        "startsAt": _needed_moment(sent, "startDate"),
        "endsAt": _needed_moment(sent, "endDate"),
        "country": sent.text("country"),
        "region": sent.text("region"),
    }
    return {"input": present(**given)}


def outlay_update(parts: Parts) -> dict[str, Any]:
    """What is to change. Null clears country and region; of the others it counts as not sent."""
    sent = Fields.of_body({} if parts.body == [] else parts.body)
    given = present(
        id=_outlay(parts),
        wmktId=_wmkt_id(parts),
        parentCampaignId=_campaign(parts, "parentCampaignId"),
        campaignId=_target(sent),
        amount=_amount(sent),
        startsAt=_moment(sent, "startDate"),
        endsAt=_moment(sent, "endDate"),
    )
    return {"input": given | {name: sent.text(name) for name in ("country", "region") if name in sent.values}}


# ── interactions ──────────────────────────────────────────────────────────────


def offline_interaction(parts: Parts) -> dict[str, Any]:
    """Whom it was with, what led to it, and when; now, unless said (choice WM-C15)."""
    sent = Fields.of_body(parts.body)
    given = {
        "project": parameters.project(parts),
        "occurredAt": _moment(sent, "date"),
        "userData": _object(sent.values, "userData") or {},
        "nodeData": _object(sent.values, "nodeData") or {},
    }
    return {"input": present(**given)}


NAMES = {
    "startsAt": "startDate",
    "endsAt": "endDate",
    "slug": "campaignSlug",
    "details": "metadata",
    "phoneParsing": "phoneParsingConfig",
    "occurredAt": "date",
}
"""Fields of the graph's inputs in this API's words, where they differ."""


# ── parts of them ─────────────────────────────────────────────────────────────


def _wmkt_id(parts: Parts) -> str:
    name = parts.path["wmktId"]
    return name if name.isprintable() else ""


def _campaign(parts: Parts, name: str) -> str:
    return parameters.object_id(parts.path[name], "camp", "campaign")


def _outlay(parts: Parts) -> str:
    return parameters.object_id(parts.path["outlayId"], "outlay", "outlay")


def _user(parts: Parts) -> str:
    return parameters.object_id(parts.path["id"], "cust", "user")


def _nobodys_or(ident: str) -> str:
    """A filter by an id that cannot be one matches nothing."""
    try:
        return parameters.object_id(ident, "camp", "campaign")
    except NotFound:
        return "camp_0"


def _campaign_order(parts: Parts) -> list[dict[str, str]] | None:
    """`active` is false before true, and `active` the first of the graph's states."""
    asked = parameters.order(parts, CAMPAIGN_SORTS)
    if asked and asked[0]["field"] == "STATUS":
        return [{"field": "STATUS", "direction": "ASC" if asked[0]["direction"] == "DESC" else "DESC"}]
    return asked


def _target(sent: Fields) -> str | None:
    """Where an outlay moves to: an id, or an object that holds one (choice WM-C10)."""
    value = sent.values.get("campaignId")
    if isinstance(value, dict):
        value = value.get("id", value.get("_id"))
    if value is None or value == []:
        return None
    if not isinstance(value, str):
        raise Invalid(f"`campaignId` must be a campaign's id, not {kind_of(value)}.", path=["campaignId"])
    return parameters.object_id(value, "camp", "campaign")


def _amount(sent: Fields) -> str | None:
    """A number, or `{value}` as it is shown on reading (choice WM-C9)."""
    value = sent.values.get("amount")
    return sent.inside("amount").amount("value") if isinstance(value, dict) else sent.amount("amount")


def _number(sent: Fields, name: str) -> str:
    """A number; also as the vendor's client may send it: true or false, or a text of digits."""
    value = sent.values.get(name)
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = Decimal(value.strip())
    return sent.needed(name, Fields({name: value}).amount(name), "1")


def _metric(parts: Parts, sent: Fields) -> dict[str, Any]:
    key = parts.path["storageKey"]
    return present(
        id=parameters.event_id(parts), storageKey=key if key.isprintable() else "", date=_moment(sent, "date")
    )


def _moment(sent: Fields, name: str) -> str | None:
    value = sent.values.get(name)
    try:
        return None if value is None else show_instant(read_moment(value))
    except ValueError as why:
        raise Invalid(f"`{name}`: {why}.", path=[name]) from None


def _needed_moment(sent: Fields, name: str) -> str:
    return sent.needed(name, _moment(sent, name), '"2023-08-01T22:00:00.000Z"')


def _event_date(value: object) -> str | None:
    """A text goes on as it is: an event whose date cannot be read is for the trash to show."""
    if value is None or isinstance(value, str):
        return value
    try:
        return show_instant(read_moment(value))
    except ValueError as why:
        raise Invalid(f"`eventDate`: {why}.", path=["eventDate"]) from None


def _required(body: Mapping[str, Any], name: str, kind: type, wanted: str) -> Any:
    value = body.get(name)
    if not isinstance(value, kind):
        raise Invalid(f"`{name}` is required: {wanted}.", path=[name])
    return value


def _object(body: Mapping[str, Any], name: str, *, required: bool = False) -> dict[str, Any] | None:
    value = body.get(name)
    if value == []:
        return {}
    if isinstance(value, dict) or (value is None and not required):
        return value
    shown = "" if value is None else f", not {kind_of(value)}"
    raise Invalid(f"`{name}` must be an object{shown}.", path=[name])
