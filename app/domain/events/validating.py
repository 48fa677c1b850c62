"""Judging an event by its event type: what it says, in the declared types, or every reason why not.

Pure: the same event under the same schema always gets the same verdict. Source: Webmarketer API 1.0.0, "Create an
event asynchronously" (data must match the declared schema), "Get Trashed events".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from app.domain.event_types.schemas import EventSchema, FieldSchema
from app.domain.events.currencies import CURRENCY, currency_of
from app.domain.events.reading import READERS, read_state, read_statistic
from app.domain.events.sending import read_event_date
from app.domain.identities.values import identity_of, read_phone
from app.tables.event_types import EventDataType, EventFieldKind


class FaultCode(StrEnum):
    """Why an event is in the trash."""

    EVENT_TYPE_UNKNOWN = "event_type_unknown"
    EVENT_TYPE_ARCHIVED = "event_type_archived"
    DATE_INVALID = "date_invalid"
    DATA_MISSING = "data_missing"
    FIELD_REQUIRED = "field_required"
    FIELD_INVALID = "field_invalid"
    CLOCK_DOUBTFUL = "clock_doubtful"
    """Never alone: it says that the event's date may be a wrong clock's."""
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class EventFault:
    """One reason why an event is in the trash."""

    code: FaultCode
    field: str | None
    """The storage key it is about, or the name of a part of the event."""
    message: str


@dataclass(slots=True)
class EventVerdict:
    """What an event says under its type. One with faults is not taken."""

    schema: EventSchema | None = None
    data: dict[str, object] = field(default_factory=dict)
    """By storage key, without the user's attributes, states and statistics."""
    user: dict[str, object] = field(default_factory=dict)
    """What it says about the user, by attribute."""
    identities: dict[str, str] = field(default_factory=dict)
    """The user's attributes in the form that compares."""
    metrics: list[tuple[EventFieldKind, str, Decimal]] = field(default_factory=list)
    """States and statistics that were sent: kind, storage key, value."""
    currency: str | None = None
    """Of the statistics; None: the group's."""
    faults: list[EventFault] = field(default_factory=list)


def judge_event(
    schema: EventSchema | None, body: Mapping[str, object], *, event_type: str, region: str | None = None
) -> EventVerdict:
    """The verdict on an event's whole body. `schema`: the type it names, if there is one.

    `region`: the country of telephone numbers that say none, unless the type says another; what it says of its user is
    kept as it was read without.
    """
    verdict = EventVerdict(schema)
    date = body.get("eventDate")
    if date not in (None, "") and read_event_date(date) is None:
        message = "eventDate must be a date-time such as 2025-06-01T08:00:00Z."
        verdict.faults.append(EventFault(FaultCode.DATE_INVALID, "eventDate", message))
    if schema is None:
        message = f"There is no event type {event_type[:80]} in this project."
        verdict.faults.append(EventFault(FaultCode.EVENT_TYPE_UNKNOWN, "eventType", message))
        return verdict
    if schema.is_archived:
        message = f"The event type {event_type[:80]} is archived and takes no more events."
        verdict.faults.append(EventFault(FaultCode.EVENT_TYPE_ARCHIVED, "eventType", message))
    # PHP writes an empty object as a list.
    data = body.get("data") or {}
    if not isinstance(data, Mapping):
        verdict.faults.append(EventFault(FaultCode.DATA_MISSING, "data", "data must be an object."))
        return verdict
    for one in schema.fields:
        value = data.get(one.ingestion_key)
        if value is None or value == "":
            if one.is_required:
                message = f"{one.ingestion_key} is required."
                verdict.faults.append(EventFault(FaultCode.FIELD_REQUIRED, one.storage_key, message))
            continue
        try:
            _read(verdict, schema, one, value, region)
        except ValueError as why:
            verdict.faults.append(
                EventFault(FaultCode.FIELD_INVALID, one.storage_key, f"{one.ingestion_key} {why}.")
            )
    if any(kind is EventFieldKind.STATISTIC for kind, _, _ in verdict.metrics):
        _read_currency(verdict, schema, data)
    return verdict


def _read_currency(verdict: EventVerdict, schema: EventSchema, data: Mapping[object, object]) -> None:
    """A type that declares the field stands by it: money in a currency that nobody knows is not taken."""
    declared = next((one for one in schema.fields if one.storage_key == CURRENCY), None)
    if declared is None:
        verdict.currency = currency_of({CURRENCY: data.get(CURRENCY)})
    elif CURRENCY in verdict.data:
        verdict.currency = currency_of(verdict.data)
        if verdict.currency is None:
            message = f"{declared.ingestion_key} must be a currency's code such as EUR."
            verdict.faults.append(EventFault(FaultCode.FIELD_INVALID, CURRENCY, message))


def _read(
    verdict: EventVerdict, schema: EventSchema, one: FieldSchema, value: object, region: str | None
) -> None:
    if one.kind is EventFieldKind.STATISTIC:
        verdict.metrics.append((one.kind, one.storage_key, read_statistic(value)))
    elif one.kind is EventFieldKind.STATE:
        verdict.metrics.append((one.kind, one.storage_key, read_state(value)))
    else:
        if one.data_type is EventDataType.PHONE:
            value = read_phone(value, schema.phone_parsing)
        else:
            value = READERS[one.data_type](value)
        if one.identity is None:
            verdict.data[one.storage_key] = value
            return
        known = identity_of(one.identity, value, region)
        verdict.user[one.identity] = value
        if known is not None:
            verdict.identities[one.identity] = known


__all__ = ["EventFault", "EventVerdict", "FaultCode", "judge_event"]
