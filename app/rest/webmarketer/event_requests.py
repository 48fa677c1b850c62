"""From the Webmarketer API's requests about events and users to the graph's variables.

Source: Webmarketer API 1.0.0, "Events". Unknown keys are ignored.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.errors import Invalid
from app.rest.fields import Fields
from app.rest.route import RequestParts
from app.rest.webmarketer import parameters
from app.rest.webmarketer.bodies import moment, needed_moment, object_in
from app.rest.webmarketer.parameters import present
from app.values.instants import read_moment, show_instant
from app.values.json_text import kind_of
from app.values.money import show_decimal

_DIGITS = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
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
}
CYCLES = {
    "dayOfWeek": "DAY_OF_WEEK",
    "dayOfMonth": "DAY_OF_MONTH",
    "dayOfYear": "DAY_OF_YEAR",
    "weekOfYear": "WEEK_OF_YEAR",
    "monthOfYear": "MONTH_OF_YEAR",
    "quarterOfYear": "QUARTER_OF_YEAR",
    "semesterOfYear": "SEMESTER_OF_YEAR",
}


def event(parts: RequestParts) -> dict[str, Any]:
    """An event as sent. Neither what its event type may object to nor a date that is a text is checked here."""
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
    object_in(body, "data", required=True)
    given = present(
        project=body["projectId"],
        eventType=kind,
        eventDate=_event_date(body.get("eventDate")),
        trackerId=tracker,
        nonce=nonce,
        # Kept to the letter; `data` is read from it.
        body=parts.text,
    )
    return {"input": given}


def event_of_path(parts: RequestParts) -> dict[str, Any]:
    """The event with this id."""
    return {"id": parameters.event_id(parts)}


def trash(parts: RequestParts) -> dict[str, Any]:
    """The page, and when they came in."""
    field_format(parts)
    since, until = parameters.instant(parts, "since"), parameters.until(parts)
    return {**parameters.page(parts), **present(since=since, until=until)}


def field_format(parts: RequestParts) -> str:
    """How the trash shows `errors[].field`: today's object, or the text that is announced (choice WM-C12)."""
    return parameters.choice(parts, "fieldFormat", {"object": "object", "string": "string"}) or "object"


def state(parts: RequestParts) -> dict[str, Any]:
    """0 or 1, and since when."""
    sent = Fields.of_body(parts.body)
    value = _number(sent, "value")
    if value not in ("0", "1"):
        raise Invalid(f"`value` of a state must be 0 or 1, not {value}.", path=["value"])
    return {"input": {**_metric(parts, sent), "value": value}}


def statistic(parts: RequestParts) -> dict[str, Any]:
    """Any number, and since when."""
    sent = Fields.of_body(parts.body)
    return {"input": {**_metric(parts, sent), "value": _number(sent, "value")}}


def insights(parts: RequestParts) -> dict[str, Any]:
    """`since` and `until` are required, as the schema says, though their text says optional (choice WM-C2)."""
    sent = Fields.of_body(parts.body)
    since, until = needed_moment(sent, "since"), needed_moment(sent, "until")
    metrics = sent.texts("metrics")
    if metrics is None:
        raise Invalid('`metrics` is required, for example ["event-count"].', path=["metrics"])
    grouping = parameters.chosen(
        sent.needed("groupBy", sent.text("groupBy"), '"project"'), "groupBy", GROUPINGS
    )
    interval = parameters.chosen(
        sent.needed("interval", sent.text("interval"), '"day"'), "interval", INTERVALS | CYCLES
    )
    types = sent.texts("filter") if grouping == "EVENT_TYPE" else None
    given = present(
        project=parameters.project(parts),
        since=since,
        until=parameters.whole_millisecond(until),
        metrics=list(dict.fromkeys(metrics)),
        by=grouping,
        interval=interval if interval in INTERVALS.values() else None,
        cycle=interval if interval in CYCLES.values() else None,
    )
    return {**given, **({"eventTypes": types} if types else {})}


def user_events(parts: RequestParts) -> dict[str, Any]:
    """The page of the user's events."""
    return {"id": _user(parts), **parameters.page(parts)}


def user_metrics(parts: RequestParts) -> dict[str, Any]:
    """The page, and which of the user's metrics."""
    kind = parameters.choice(parts, "type", METRIC_TYPES)
    return {
        "id": _user(parts),
        **parameters.page(parts),
        **present(
            kinds=None if kind is None else [kind],
            since=parameters.instant(parts, "since"),
            until=parameters.until(parts),
            orderBy=parameters.order(parts, METRIC_SORTS),
        ),
    }


def _user(parts: RequestParts) -> str:
    return parameters.object_id(parts.path["id"], "user")


def _number(sent: Fields, name: str) -> str:
    """A number; also as the vendor's client may send it: true or false, or a text of digits."""
    value = sent.values.get(name)
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = Decimal(value.strip())
    return sent.needed(name, Fields({name: value}).amount(name), "1")


def _metric(parts: RequestParts, sent: Fields) -> dict[str, Any]:
    key = parts.path["storageKey"]
    return present(
        id=parameters.event_id(parts), storageKey=key if key.isprintable() else "", date=moment(sent, "date")
    )


def _event_date(value: object) -> str | None:
    """A text is passed on as it is: an event whose date cannot be read belongs in the trash."""
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
