"""What Webmarketer prints → records.

Source: Webmarketer API 1.0.0. A row is told by its keys: an event type has a `reference`, a custom campaign a
`campaignSlug`, an outlay a `startDate`, a state or statistic of a user an `eventId`, an event as it was sent a `nonce`
(in the trash `errors` as well), an event as it was understood `event` and `metrics`. Insights are sums of these: they
are passed over.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Invalid
from app.importing.records import Lists, Record, Row
from app.importing.values import text
from app.values.json_text import kind_of
from app.values.systems import WEBMARKETER

_ENTITIES = {"event-type": "field", "user": "field", "state": "state", "statistic": "statistic"}
_TYPES = {"location": "json", "currency": "number"}
"""The vendor's types of values that are another one here."""
_MADE_HERE = frozenset({"_id", "createdAt", "errors"})
"""What a raw event has beside what was sent."""


class WebmarketerReader:
    """Reads event types, custom campaigns, outlays, events and metrics: pages of them, or single ones."""

    lists = Lists(frozenset({"data"}))

    def records(self, row: Row) -> Iterator[Record]:
        """What the row tells."""
        values = row.values
        if "reference" in values:
            yield _event_type(row)
        elif "campaignSlug" in values or "explicit" in values:
            yield from _campaign(row)
        elif "startDate" in values and "amount" in values:
            yield from _outlay(row)
        elif "eventId" in values and "storageKey" in values:
            yield _metric(row)
        elif "nonce" in values and "eventType" in values:
            yield _sent(row)
        elif "eventType" in values and ("metrics" in values or "event" in values):
            yield _understood(row)
        elif not ("date" in values and "_id" not in values and "id" not in values) and not _is_empty_page(
            values
        ):
            raise Invalid(
                "This is nothing that Webmarketer prints about event types, custom campaigns, outlays or events.",
                code="UNREADABLE",
            )


def _is_empty_page(values: Mapping[str, Any]) -> bool:
    return values.get("data") == [] and "count" in values


def _record(
    row: Row, concept: str, ident: Any, values: dict[str, Any], names: Mapping[str, str], read: set[str]
) -> Record:
    """A record; what of the row was not read is lost."""
    lost = {
        name: 1 for name, value in row.values.items() if name not in read and value not in (None, "", [], {})
    }
    ids = {} if ident is None else {WEBMARKETER: text(ident, "_id")}
    return Record(concept, values, row, ids, names, lost, WEBMARKETER)


_EVENT_TYPE = {
    "project": "projectId", "reference": "reference", "name": "name", "details": "metadata",
    "expiration_policy": "expirationPolicy", "phone_parsing": "phoneParsingConfig", "archived_at": "archivedAt",
    "created_at": "createdAt", "updated_at": "updatedAt",
}  # fmt: skip


def _event_type(row: Row) -> Record:
    told = _renamed(row, _EVENT_TYPE)
    declared = row.values.get("fields")
    if declared is not None:
        if not isinstance(declared, list):
            raise Invalid(f"`fields` is a list, not {kind_of(declared)}.", path=["fields"])
        told["fields"] = [_field(one, at) for at, one in enumerate(declared)]
    read = {"_id", "fields", *_EVENT_TYPE.values()}
    return _record(row, "event_types", row.values.get("_id"), told, {**_EVENT_TYPE, "fields": "fields"}, read)


def _field(declared: Any, at: int) -> dict[str, Any]:
    """A declaration, in our words; kept as it was printed beside them. The same reading as of `POST event-types`."""
    if not isinstance(declared, dict):
        raise Invalid(f"`fields.{at}` is an object, not {kind_of(declared)}.", path=["fields", at])
    key = next((declared[name] for name in ("storageKey", "key", "ingestionKey") if declared.get(name)), None)
    entity, kind = declared.get("entity") or "event-type", declared.get("type")
    if not isinstance(key, str) or entity not in _ENTITIES:
        raise Invalid(
            f"`fields.{at}` needs a `storageKey`, and an `entity` that is one of {', '.join(_ENTITIES)}.",
            path=["fields", at],
        )
    told = {
        "kind": _ENTITIES[entity],
        "storage_key": key,
        "ingestion_key": declared.get("ingestionKey") or declared.get("key"),
        "name": declared.get("label"),
        "data_type": _TYPES.get(str(kind), kind) if _ENTITIES[entity] == "field" else None,
        "is_required": declared.get("optional") is False,
        "sent": declared,
    }
    if entity == "user":
        told["identity"] = kind if kind in ("email", "phone") and declared.get("discriminant") else key
    elif kind == "integer":
        told["data_type"] = "integer" if _ENTITIES[entity] == "statistic" else told["data_type"]
    return {name: value for name, value in told.items() if value is not None}


def _integration(row: Row, currency: Any = None, campaign: Any = None) -> Record | None:
    """The integration that the row is of; in a pulled folder its tracking id is known."""
    ident = row.values.get("integrationId")
    if ident is None:
        return None
    names = row.asked.names if row.asked is not None else {}
    told = {
        "project": row.values.get("projectId") or names.get("project"), "wmkt_id": names.get("integration"),
        "currency": currency, "campaign": campaign,
    }  # fmt: skip
    return Record(
        "integrations",
        told,
        row,
        {WEBMARKETER: text(ident, "integrationId")},
        {"external_id": "integrationId"},
    )


_CAMPAIGN = {
    "name": "name", "slug": "campaignSlug", "is_active": "active", "is_explicit": "explicit",
    "integration": "integrationId", "created_at": "createdAt", "updated_at": "updatedAt",
}  # fmt: skip


def _campaign(row: Row) -> Iterator[Record]:
    integration = _integration(row, campaign=row.values.get("id"))
    if integration is not None:
        yield integration
    read = {"id", "projectId", *_CAMPAIGN.values()}
    yield _record(row, "campaigns", row.values.get("id"), _renamed(row, _CAMPAIGN), _CAMPAIGN, read)


_OUTLAY = {
    "campaign": "campaignId", "starts_at": "startDate", "ends_at": "endDate", "country": "country", "region": "region",
    "deleted_at": "deletedAt", "created_at": "createdAt", "updated_at": "updatedAt",
}  # fmt: skip


def _outlay(row: Row) -> Iterator[Record]:
    amount = row.values.get("amount")
    money = amount if isinstance(amount, dict) else {"value": amount}
    integration = _integration(row, money.get("currency"))
    if integration is not None:
        yield integration
    told = _renamed(row, _OUTLAY) | {"amount": money.get("value"), "currency": money.get("currency")}
    read = {"_id", "projectId", "integrationId", "amount", *_OUTLAY.values()}
    names = {**_OUTLAY, "amount": "amount", "currency": "amount"}
    yield _record(row, "outlays", row.values.get("_id"), told, names, read)


_EVENT = {"project": "projectId", "event_type": "eventType", "received_at": "createdAt"}


def _sent(row: Row) -> Record:
    """An event as it was sent; in the trash with the reasons."""
    told = _renamed(row, {**_EVENT, "nonce": "nonce", "tracker_id": "trackerId"})
    told["project"] = _project(row)
    told["body"] = {
        name: value
        for name, value in row.values.items()
        # What was not sent is shown as null.
        if name not in _MADE_HERE and not (value is None and name in ("trackerId", "data"))
    }
    if "errors" in row.values:
        told["faults"] = [_fault(one) for one in row.values["errors"] or ()]
    names = {**_EVENT, "nonce": "nonce", "tracker_id": "trackerId", "faults": "errors", "body": "data"}
    return _record(row, "events", row.values.get("_id"), told, names, set(row.values))


def _fault(told: Any) -> dict[str, Any]:
    """Its `field` is an object today; the document announces a text."""
    if not isinstance(told, dict):
        return {"message": text(told, "errors")}
    field = told.get("field")
    if isinstance(field, dict):
        field = field.get("storageKey")
    return {"code": told.get("code"), "field": field, "message": told.get("message")}


def _understood(row: Row) -> Record:
    """An event as it was understood."""
    values = row.values
    told = _renamed(row, {**_EVENT, "occurred_at": "eventDate"})
    told["project"] = _project(row)
    told["understood"] = {
        "user": values.get("userId"),
        "data": values.get("event"),
        "user_data": values.get("user"),
        "is_attributable": values.get("attributable"),
        "updated_at": values.get("updatedAt"),
        "metrics": [_value(one) for one in values.get("metrics") or ()],
    }
    read = {
        "_id", "projectId", "eventType", "createdAt", "eventDate", "userId", "event", "user", "attributable",
        "updatedAt", "metrics", "expirationPolicy",
    }  # fmt: skip
    names = {**_EVENT, "occurred_at": "eventDate", "understood": "event"}
    return _record(row, "events", values.get("_id"), told, names, read)


def _value(told: Any) -> dict[str, Any]:
    """A state or statistic."""
    if not isinstance(told, dict):
        raise Invalid("A metric is an object.", path=["metrics"])
    data = told.get("data")
    inner = data if isinstance(data, dict) else {"value": data}
    return {
        "external_id": told.get("_id"),
        "kind": told.get("type"),
        "storage_key": told.get("storageKey"),
        "value": inner.get("value"),
        "metric_date": inner.get("date"),
        "created_at": told.get("createdAt"),
        "updated_at": told.get("updatedAt"),
    }


def _metric(row: Row) -> Record:
    told = {"event": row.values.get("eventId"), **_value(row.values)}
    ident = told.pop("external_id")
    read = {
        "_id", "eventId", "userId", "projectId", "type", "storageKey", "data", "createdAt", "updatedAt",
    }  # fmt: skip
    names = {"event": "eventId", "storage_key": "storageKey", "kind": "type", "value": "data"}
    return _record(row, "event_metrics", ident, told, names, read)


def _project(row: Row) -> Any:
    """The row's; in a pulled folder also that of the path."""
    return row.values.get("projectId") or (row.asked.names.get("project") if row.asked is not None else None)


def _renamed(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    return {ours: row.values[theirs] for ours, theirs in names.items() if row.values.get(theirs) is not None}
