"""What becomes of events: judged by their type, tied to their user, counted; or put into the trash with the reasons.

Set-wise: about a dozen statements for a group's events, however many they are. Locks are taken in the order of all
writers: events, customers by id, what they are known by, campaigns, balances, and the hourly sums last.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.db.database import Transaction
from app.domain.event_types.schemas import EventSchema, load_schemas
from app.domain.events import rollups
from app.domain.events.validating import EventFault, EventVerdict, judge_event
from app.domain.funnels.touches import Touch, record_touches
from app.domain.identities.identifying import Person, identify, load_projects
from app.domain.interactions.recording import Visit, record_online
from app.domain.rewards.triggers import TriggeringEvent, process_event_triggers
from app.tables.funnels import FunnelStage
from app.values.json_text import write_json

FUNNEL_SOURCE = "event"
"""Whose references touches made of events are: the event's id."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event whose row this transaction holds."""

    id: UUID
    project_id: int
    event_type: str
    occurred_at: datetime
    tracker_id: str | None
    body: Mapping[str, object]


async def settle_events(
    tx: Transaction, events: Sequence[Claimed], *, now: datetime
) -> dict[UUID, Sequence[EventFault]]:
    """Judge these events and write what follows; by event why it is in the trash, none: it is processed."""
    if not events:
        return {}
    schemas = await load_schemas(tx, {(event.project_id, event.event_type) for event in events})
    verdicts = {
        event.id: judge_event(
            schemas.get((event.project_id, event.event_type)), event.body, event_type=event.event_type
        )
        for event in events
    }
    taken = [event for event in events if not verdicts[event.id].faults]
    faults = {ident: verdict.faults for ident, verdict in verdicts.items() if verdict.faults}
    if taken:
        await _take(tx, taken, verdicts, now=now)
    if faults:
        await trash(tx, faults, now=now)
    return {event.id: faults.get(event.id, ()) for event in events}


async def _take(
    tx: Transaction, events: Sequence[Claimed], verdicts: Mapping[UUID, EventVerdict], *, now: datetime
) -> None:
    projects = await load_projects(tx, {event.project_id for event in events})
    people = [Person(event.project_id, event.tracker_id, verdicts[event.id].identities) for event in events]
    found = await identify(tx, people, projects=projects, now=now)
    customers = dict(zip((event.id for event in events), found, strict=True))
    await record_online(tx, _visits(events, customers), now=now)
    await _store(tx, events, verdicts, customers, now=now)
    await _store_metrics(tx, events, verdicts, customers, now=now)
    await _touch(tx, events, verdicts, customers, now=now)
    await process_event_triggers(tx, _triggering(events, verdicts, customers), now=now)
    await _count(tx, events, verdicts)


def _visits(events: Sequence[Claimed], customers: Mapping[UUID, int | None]) -> list[Visit]:
    """The traffic these events tell of: those that say by which address their user came."""
    return [
        Visit(
            project_id=event.project_id,
            tracker_id=event.tracker_id,
            landing_url=url,
            referrer=_text(event.body.get("referrer")),
            occurred_at=event.occurred_at,
            dedup_key=f"event:{event.id}",
            customer_id=customers[event.id],
        )
        for event in events
        if (url := _text(event.body.get("landingUrl"))) is not None
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_STORE = """
UPDATE event e
   SET status = 'processed', event_type_id = given.type_id, type_version = given.version,
       customer_id = given.customer_id, is_attributable = e.tracker_id IS NOT NULL, data = given.data::json,
       user_data = given.user_data::json, updated_at = $2
  FROM unnest($3::uuid[], $4::bigint[], $5::int[], $6::bigint[], $7::text[], $8::text[])
    AS given (id, type_id, version, customer_id, data, user_data)
 WHERE e.group_id = $1 AND e.id = given.id
"""
# An event that was in the trash is out of it.
_FORGIVE = "DELETE FROM event_fault WHERE group_id = $1 AND event_id = ANY ($2)"


async def _store(
    tx: Transaction,
    events: Sequence[Claimed],
    verdicts: Mapping[UUID, EventVerdict],
    customers: Mapping[UUID, int | None],
    *,
    now: datetime,
) -> None:
    told = [verdicts[event.id] for event in events]
    ids = [event.id for event in events]
    await tx.execute(
        _STORE,
        tx.scope.group_id,
        now,
        ids,
        [_schema(one).id for one in told],
        [_schema(one).version for one in told],
        [customers[ident] for ident in ids],
        [write_json(one.data).decode() for one in told],
        [write_json(one.user).decode() for one in told],
    )
    await tx.execute(_FORGIVE, tx.scope.group_id, ids)


# The first value is a change too: every value there ever was is in the history.
_STORE_METRICS = """
WITH made AS (
  INSERT INTO event_metric (group_id, created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind,
                            storage_key, value, metric_date)
  SELECT $1, $2, $2, given.event_id, given.project_id, given.customer_id, given.at, given.kind, given.key, given.value,
         given.at
    FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[], $9::numeric[])
      AS given (event_id, project_id, customer_id, at, kind, key, value)
  RETURNING id, value, metric_date)
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date)
SELECT $1, $2, id, value, metric_date FROM made
"""


async def _store_metrics(
    tx: Transaction,
    events: Sequence[Claimed],
    verdicts: Mapping[UUID, EventVerdict],
    customers: Mapping[UUID, int | None],
    *,
    now: datetime,
) -> None:
    rows = [
        (event.id, event.project_id, customers[event.id], event.occurred_at, *metric)
        for event in events
        for metric in verdicts[event.id].metrics
    ]
    if rows:
        await tx.execute(_STORE_METRICS, tx.scope.group_id, now, *map(list, zip(*rows, strict=True)))


async def _touch(
    tx: Transaction,
    events: Sequence[Claimed],
    verdicts: Mapping[UUID, EventVerdict],
    customers: Mapping[UUID, int | None],
    *,
    now: datetime,
) -> None:
    """The stages customers reached with these events. A sender's clock may be ahead."""
    touches = [
        Touch(
            customer_id=customer_id,
            stage=FunnelStage(stage),
            occurred_at=min(event.occurred_at, now),
            reference=str(event.id),
        )
        for event in events
        if (customer_id := customers[event.id]) is not None
        and (stage := _schema(verdicts[event.id]).funnel_stage) is not None
    ]
    if touches:
        await record_touches(tx, touches, source=FUNNEL_SOURCE, now=now)


def _triggering(
    events: Sequence[Claimed], verdicts: Mapping[UUID, EventVerdict], customers: Mapping[UUID, int | None]
) -> list[TriggeringEvent]:
    """Those whose type makes reward campaigns look."""
    found = []
    for event in events:
        verdict = verdicts[event.id]
        schema = _schema(verdict)
        if schema.trigger is not None:
            metrics = {key: value for _, key, value in verdict.metrics}
            found.append(
                TriggeringEvent(
                    id=event.id,
                    project_id=event.project_id,
                    event_type_id=schema.id,
                    trigger=schema.trigger,
                    customer_id=customers[event.id],
                    occurred_at=event.occurred_at,
                    data={**verdict.data, **metrics},
                )
            )
    return found


async def _count(tx: Transaction, events: Sequence[Claimed], verdicts: Mapping[UUID, EventVerdict]) -> None:
    """Move the hourly sums, project by project; the last that locks."""
    by_project: defaultdict[int, defaultdict[rollups.RollupKey, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for event in events:
        verdict, deltas = verdicts[event.id], by_project[event.project_id]
        type_id, hour = _schema(verdict).id, rollups.hour_of(event.occurred_at)
        deltas[type_id, hour, rollups.EVENT_COUNT] += 1
        for _, key, value in verdict.metrics:
            deltas[type_id, hour, key] += value
    for project_id, deltas in sorted(by_project.items()):
        await rollups.add_to_sums(tx, project_id, deltas)


_TRASH = "UPDATE event SET status = 'trashed', updated_at = $3 WHERE group_id = $1 AND id = ANY ($2)"
_BLAME = """
INSERT INTO event_fault (group_id, created_at, event_id, position, code, field, message)
SELECT $1, $2, given.* FROM unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[]) AS given
"""


async def trash(tx: Transaction, faults: Mapping[UUID, Sequence[EventFault]], *, now: datetime) -> None:
    """Put events into the trash with their reasons, in place of those they had."""
    ids = list(faults)
    rows = [
        (ident, at, fault.code.value, fault.field, fault.message)
        for ident, some in faults.items()
        for at, fault in enumerate(some)
    ]
    if not rows:
        return
    await tx.execute(_TRASH, tx.scope.group_id, ids, now)
    await tx.execute(_FORGIVE, tx.scope.group_id, ids)
    await tx.execute(_BLAME, tx.scope.group_id, now, *map(list, zip(*rows, strict=True)))


def _schema(verdict: EventVerdict) -> EventSchema:
    """The type of an event that was taken."""
    assert verdict.schema is not None
    return verdict.schema


__all__ = ["Claimed", "settle_events", "trash"]
