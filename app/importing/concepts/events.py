"""Events, in bulk. A row tells what was sent, how it was understood, or why it is in the trash; rows of one event meet.

    external_id, nonce            one of them at least tells it apart
    project, event_type           the project's slug (or `proj_7`), the type's reference
    occurred_at, received_at      each is the other unless both are told
    tracker_id data landing_url referrer
                                  what was sent; or `body`, all of it as one object
    understood                    how it was read: `{user, data, user_data, is_attributable, metrics, updated_at}`, the
                                  user by what the record's system calls them, metrics as rows of `event_metrics`
    faults                        why it is in the trash: `[{code, field, message}]`

Columns `data.amount` of a table are keys of `data`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.events.bringing_in import bring_in_events
from app.domain.events.past import PastEvent, PastFault, PastMetric, Understood
from app.domain.events.reading import read_statistic
from app.domain.events.sending import MAX_NONCE, MAX_TRACKER, MAX_TYPE, read_event_date
from app.errors import Failure, Invalid
from app.importing.concepts.tracking import projects_of
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, document, flag, instant, text
from app.tables.event_types import EventFieldKind
from app.values.money import show_decimal


class EventWriter:
    """Brings events in, a batch at a time."""

    columns = Columns(
        known=(
            "external_id", "project", "event_type", "nonce", "tracker_id", "occurred_at", "received_at", "data",
            "landing_url", "referrer", "body", "understood", "faults",
        ),
        also={
            "id": "external_id", "event_id": "external_id", "project_id": "project", "type": "event_type",
            "event_date": "occurred_at", "date": "occurred_at", "created_at": "received_at",
        },
        moments=frozenset({"occurred_at", "received_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All that can be; the others say why not."""
        named = [str(record.values["project"]) for record in records if record.values.get("project")]
        projects = await projects_of(tx, named, now=now)
        outcomes: list[Outcome | None] = [None] * len(records)
        events: list[PastEvent] = []
        places: list[int] = []
        for at, record in enumerate(records):
            try:
                events.append(_event(record, projects, now=now))
                places.append(at)
            except Failure as failure:
                outcomes[at] = Outcome.refused(failure)
        for at, brought in zip(places, await bring_in_events(tx, events, now=now), strict=True):
            if brought.failure is not None:
                outcomes[at] = Outcome.refused(brought.failure)
            else:
                outcomes[at] = Outcome(
                    Verdict(brought.fate.value), None, ["metrics[]._id"] * brought.ids_lost
                )
        return [outcome for outcome in outcomes if outcome is not None]


def _event(record: Record, projects: Mapping[str, int | Failure], *, now: datetime) -> PastEvent:
    row = RowReader(record.values)
    project, kind = row.take("project", text), row.take("event_type", text)
    if not project or not kind:
        raise Invalid("An event has a `project` and an `event_type`.", path=["event_type"])
    project_id = projects[project]
    if isinstance(project_id, Failure):
        raise project_id
    ids = {system: ident for system, ident in record.external_ids.items() if ident}
    nonce = row.take("nonce", _nonce)
    if nonce is None and not ids:
        raise Invalid("An event is told apart by its `external_id` or its `nonce`.", path=["external_id"])
    tracker = row.take("tracker_id", text)
    occurred, received = row.take("occurred_at", instant), row.take("received_at", instant)
    understood, faults = row.take("understood", _object), row.take("faults", document)
    body = row.take("body", _object)
    if body is None:
        body = _sent(row, project, kind, nonce, tracker, occurred)
    row.nothing_left(EventWriter.columns.known)
    if body is None and understood is None:
        raise Invalid("There is neither what was sent (`data`) nor how it was understood.", path=["data"])
    if occurred is None and body is not None:
        occurred = read_event_date(body.get("eventDate"))
    at = received or occurred or now
    return PastEvent(
        project_id=project_id,
        event_type=inputs.text(kind, ["event_type"], longest=MAX_TYPE, blank=False),
        occurred_at=occurred or at,
        received_at=at,
        ids=ids,
        nonce=nonce,
        tracker_id=None if tracker is None else inputs.text(tracker, ["tracker_id"], longest=MAX_TRACKER),
        body=body,
        understood=None if understood is None else _understood(understood, next(iter(ids), ""), at),
        faults=None if faults is None else _faults(faults),
    )


def _sent(
    row: RowReader, project: str, kind: str, nonce: str | None, tracker: str | None, occurred: datetime | None
) -> dict[str, Any] | None:
    """What was sent, out of a row's columns."""
    data = row.take("data", _object)
    single = {name: row.rest.pop(name) for name in [*row.rest] if name.startswith("data.")}
    if single:
        data = {**(data or {}), **{name.removeprefix("data."): value for name, value in single.items()}}
    landing, referrer = row.take("landing_url", text), row.take("referrer", text)
    if data is None:
        return None
    date = None if occurred is None else occurred.isoformat()
    told = {
        "projectId": project, "eventType": kind, "nonce": nonce, "data": data, "eventDate": date, "trackerId": tracker,
        "landingUrl": landing, "referrer": referrer,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _understood(told: Mapping[str, Any], system: str, at: datetime) -> Understood:
    row = RowReader(told)
    user = row.take("user", text)
    data, user_data = row.take("data", _object), row.take("user_data", _object)
    metrics = row.take("metrics", document) or []
    attributable, updated = row.take("is_attributable", flag), row.take("updated_at", instant)
    row.nothing_left(("user", "data", "user_data", "is_attributable", "metrics", "updated_at"))
    if user is not None and not system:
        raise Invalid(
            "Whose user is it? The event needs an `external_id` of that system.", path=["understood"]
        )
    return Understood(
        user=None if user is None else (system, user),
        data=data or {},
        user_data=user_data or {},
        is_attributable=bool(attributable),
        metrics=[metric_of(one, system, at) for one in metrics],
        updated_at=updated,
    )


def metric_of(told: Any, system: str, at: datetime) -> PastMetric:
    """A state or statistic: `{external_id, kind, storage_key, value, metric_date, created_at, updated_at}`."""
    row = RowReader(_object(told, "metrics"))
    ident, kind, key = row.take("external_id", text), row.take("kind", text), row.take("storage_key", text)
    value = row.take("value", _number)
    date, created, updated = (row.take(name, instant) for name in ("metric_date", "created_at", "updated_at"))
    row.nothing_left(
        ("external_id", "kind", "storage_key", "value", "metric_date", "created_at", "updated_at")
    )
    if not key or value is None or kind not in (EventFieldKind.STATE, EventFieldKind.STATISTIC):
        raise Invalid(
            "A metric has a `kind` (state or statistic), a `storage_key` and a `value`.", path=["metrics"]
        )
    if kind == EventFieldKind.STATE and value not in (0, 1):
        raise Invalid(f"The state {key[:64]} is 0 or 1.", path=["metrics"])
    created = created or at
    return PastMetric(
        kind=EventFieldKind(kind), storage_key=inputs.text(key, ["metrics"], longest=inputs.MAX_CODE), value=value,
        metric_date=date or created, created_at=created, updated_at=updated or created,
        ids={system: ident} if ident and system else {},
    )  # fmt: skip


def _faults(told: Any) -> list[PastFault]:
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise Invalid("`faults` is a list of objects.", path=["faults"])
    return [
        PastFault(
            text(one.get("code") or "unknown", "code")[: inputs.MAX_CODE],
            None if one.get("field") is None else text(one["field"], "field"),
            text(one.get("message") or "", "message"),
        )
        for one in told
    ]


def _nonce(value: Any, name: str) -> str:
    """123456789 and "123456789" are the same nonce."""
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        value = show_decimal(Decimal(value))
    if not isinstance(value, str):
        raise Invalid(f"`{name}` is a text or a number.", path=[name])
    return inputs.text(value, [name], longest=MAX_NONCE, blank=False)


def _number(value: Any, name: str) -> Decimal:
    try:
        return read_statistic(int(value) if isinstance(value, bool) else value)
    except ValueError as why:
        raise Invalid(f"`{name}` {why}.", path=[name]) from None


def _object(value: Any, name: str) -> dict[str, Any]:
    found = document(value, name)
    if found == []:
        return {}  # as PHP writes an empty object
    if not isinstance(found, dict):
        raise Invalid(f"`{name}` is an object.", path=[name])
    return found
