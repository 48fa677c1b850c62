"""Settling events: they are judged by their type, tied to their user and counted, or put into the trash with reasons.

In sets: about a dozen statements for a group's events, however many they are. Locks are taken in the order of all
writers: events, the sales they tell, customers by id, what they are known by, campaigns, balances, hourly sums last.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.event_types.schemas import EventSchema, load_schemas
from app.domain.events import rollups
from app.domain.events.clocks import believed, doubtful_of, fault_of
from app.domain.events.validating import EventFault, EventVerdict, judge_event
from app.domain.funnels.touches import Touch, record_touches
from app.domain.identities.identifying import Found, Person, Project, find, load_projects
from app.domain.interactions.recording import Visit, record_online
from app.domain.rewards.of_sales import campaigns_of, follow_sales
from app.domain.rewards.triggers import TriggeringEvent, process_event_triggers
from app.domain.sales.references import hold_sales, mark_told_by_orders, sale_reference_of
from app.tables.event_metrics import TURNOVER
from app.tables.funnels import FunnelStage
from app.values.json_text import write_json

FUNNEL_SOURCE = "event"
"""The source of touches made from events; their reference is the event's id."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event whose row this transaction holds."""

    id: UUID
    project_id: int
    event_type: str
    occurred_at: datetime
    received_at: datetime
    tracker_id: str | None
    is_vouched: bool
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that passed: its type, what it says under that type, and whose it is."""

    event: Claimed
    schema: EventSchema
    verdict: EventVerdict
    customer_id: int | None
    identity_id: int | None
    """What says whose it is."""
    sale_reference: str | None
    """The sale it tells."""
    is_clock_doubtful: bool


async def settle_events(
    tx: Transaction, events: Sequence[Claimed], *, now: datetime
) -> dict[UUID, Sequence[EventFault]]:
    """Judge these events and write what follows. By event, why it is in the trash; no reasons: it is processed."""
    if not events:
        return {}
    schemas = await load_schemas(tx, {(event.project_id, event.event_type) for event in events})
    projects = await load_projects(tx, {event.project_id for event in events})
    verdicts = {
        event.id: judge_event(
            schemas.get((event.project_id, event.event_type)),
            event.body,
            event_type=event.event_type,
            region=projects[event.project_id].region,
        )
        for event in events
    }
    doubtful = await doubtful_of(tx, events)
    taken = [event for event in events if not verdicts[event.id].faults]
    faults = {
        event.id: [*some, fault_of(event)] if event.id in doubtful else some
        for event in events
        if (some := verdicts[event.id].faults)
    }
    if taken:
        await _take(tx, taken, verdicts, doubtful, projects, now=now)
    if faults:
        await trash(tx, faults, doubtful=doubtful, now=now)
    return {event.id: faults.get(event.id, ()) for event in events}


async def _take(
    tx: Transaction,
    events: Sequence[Claimed],
    verdicts: Mapping[UUID, EventVerdict],
    doubtful: Collection[UUID],
    projects: Mapping[int, Project],
    *,
    now: datetime,
) -> None:
    sales = [sale_reference_of(verdicts[event.id].data) for event in events]
    references = {reference for reference in sales if reference is not None}
    await hold_sales(tx, references)
    people = [
        Person(event.project_id, event.tracker_id, verdicts[event.id].identities, is_vouched=event.is_vouched)
        for event in events
    ]
    customers = await find(tx, people, projects=projects, now=now)
    taken = [
        _taken(event, verdicts[event.id], customer, sale, is_clock_doubtful=event.id in doubtful)
        for event, customer, sale in zip(events, customers, sales, strict=True)
    ]
    await record_online(tx, _visits(taken), now=now)
    await _store(tx, taken, now=now)
    await _store_metrics(tx, taken, now=now)
    await mark_told_by_orders(tx, references)
    await note_sales(
        tx,
        (one.customer_id for one in taken if any(key == TURNOVER for _, key, _ in one.verdict.metrics)),
    )
    await _touch(tx, taken, now=now)
    await process_event_triggers(tx, _triggering(taken), now=now)
    # The order may have been cancelled before its event came.
    await follow_sales(tx, references, await campaigns_of(tx, references), now=now)
    await _count(tx, taken)


def _taken(
    event: Claimed, verdict: EventVerdict, whose: Found | None, sale: str | None, *, is_clock_doubtful: bool
) -> Taken:
    assert verdict.schema is not None, "an event without a type is not taken"
    customer, identity = (None, None) if whose is None else (whose.customer_id, whose.identity_id)
    return Taken(event, verdict.schema, verdict, customer, identity, sale, is_clock_doubtful)


def _visits(taken: Sequence[Taken]) -> list[Visit]:
    """The traffic in these events: those that say at which address their user landed."""
    return [
        Visit(
            project_id=one.event.project_id,
            tracker_id=one.event.tracker_id,
            landing_url=url,
            referrer=_text(one.event.body.get("referrer")),
            occurred_at=believed(one.event.occurred_at, received_at=one.event.received_at),
            dedup_key=f"event:{one.event.id}",
            customer_id=one.customer_id,
            identity_id=one.identity_id,
        )
        for one in taken
        if (url := _text(one.event.body.get("landingUrl"))) is not None
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_STORE = """
UPDATE event e
   SET status = 'processed', event_type_id = given.type_id, type_version = given.version,
       customer_id = given.customer_id, identity_id = given.identity_id,
       is_attributable = e.tracker_id IS NOT NULL, data = given.data::json,
       user_data = given.user_data::json, sale_reference = given.sale_reference, updated_at = $2,
       is_clock_doubtful = given.is_doubtful, moved_by = pg_current_xact_id()::text::bigint
  FROM unnest($3::uuid[], $4::bigint[], $5::int[], $6::bigint[], $7::text[], $8::text[], $9::text[],
              $10::boolean[], $11::bigint[])
    AS given (id, type_id, version, customer_id, data, user_data, sale_reference, is_doubtful, identity_id)
 WHERE e.group_id = $1 AND e.id = given.id
"""
# For events that were in the trash.
_FORGIVE = "DELETE FROM event_fault WHERE group_id = $1 AND event_id = ANY ($2)"


async def _store(tx: Transaction, taken: Sequence[Taken], *, now: datetime) -> None:
    ids = [one.event.id for one in taken]
    await tx.execute(
        _STORE,
        tx.scope.group_id,
        now,
        ids,
        [one.schema.id for one in taken],
        [one.schema.version for one in taken],
        [one.customer_id for one in taken],
        [write_json(one.verdict.data).decode() for one in taken],
        [write_json(one.verdict.user).decode() for one in taken],
        [one.sale_reference for one in taken],
        [one.is_clock_doubtful for one in taken],
        [one.identity_id for one in taken],
    )
    await tx.execute(_FORGIVE, tx.scope.group_id, ids)


# The first value is a change too: every value there ever was is in the history.
_STORE_METRICS = """
WITH made AS (
  INSERT INTO event_metric (group_id, created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind,
                            storage_key, value, currency, metric_date)
  SELECT $1, $2, $2, given.event_id, given.project_id, given.customer_id, given.at, given.kind, given.key, given.value,
         CASE given.kind WHEN 'statistic' THEN given.currency END, given.at
    FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[], $9::text[],
                $10::numeric[])
      AS given (event_id, project_id, customer_id, at, currency, kind, key, value)
  RETURNING id, value, metric_date)
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date)
SELECT $1, $2, id, value, metric_date FROM made
"""


async def _store_metrics(tx: Transaction, taken: Sequence[Taken], *, now: datetime) -> None:
    rows = [
        (
            one.event.id,
            one.event.project_id,
            one.customer_id,
            one.event.occurred_at,
            one.verdict.currency,
            *metric,
        )
        for one in taken
        for metric in one.verdict.metrics
    ]
    if rows:
        await tx.execute(_STORE_METRICS, tx.scope.group_id, now, *map(list, zip(*rows, strict=True)))


async def _touch(tx: Transaction, taken: Sequence[Taken], *, now: datetime) -> None:
    """The stages customers reached with these events."""
    touches = [
        Touch(
            customer_id=one.customer_id,
            stage=FunnelStage(one.schema.funnel_stage),
            occurred_at=believed(one.event.occurred_at, received_at=one.event.received_at),
            reference=str(one.event.id),
        )
        for one in taken
        if one.customer_id is not None and one.schema.funnel_stage is not None
    ]
    if touches:
        await record_touches(tx, touches, source=FUNNEL_SOURCE, now=now)


def _triggering(taken: Sequence[Taken]) -> list[TriggeringEvent]:
    """Those whose type triggers rewards. Of strangers only where it says so: they could pay themselves."""
    return [
        TriggeringEvent(
            id=one.event.id,
            project_id=one.event.project_id,
            event_type_id=one.schema.id,
            trigger=one.schema.trigger,
            customer_id=one.customer_id,
            occurred_at=one.event.occurred_at,
            data={**one.verdict.data, **{key: value for _, key, value in one.verdict.metrics}},
        )
        for one in taken
        if one.schema.trigger is not None and (one.event.is_vouched or one.schema.trigger_by_strangers)
    ]


async def _count(tx: Transaction, taken: Sequence[Taken]) -> None:
    """Move the hourly sums, project by project. Nothing may lock after this."""
    by_project: defaultdict[int, defaultdict[rollups.RollupKey, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for one in taken:
        deltas = by_project[one.event.project_id]
        type_id, hour = one.schema.id, rollups.hour_of(one.event.occurred_at)
        deltas[type_id, hour, rollups.EVENT_COUNT] += 1
        for _, key, value in one.verdict.metrics:
            deltas[type_id, hour, key] += value
    for project_id, deltas in sorted(by_project.items()):
        await rollups.add_to_sums(tx, project_id, deltas)


_TRASH = """
UPDATE event SET status = 'trashed', is_clock_doubtful = id = ANY ($4), updated_at = $3,
                 moved_by = pg_current_xact_id()::text::bigint
 WHERE group_id = $1 AND id = ANY ($2)
"""
_BLAME = """
INSERT INTO event_fault (group_id, created_at, event_id, position, code, field, message)
SELECT $1, $2, given.* FROM unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[]) AS given
"""


async def trash(
    tx: Transaction,
    faults: Mapping[UUID, Sequence[EventFault]],
    *,
    doubtful: Collection[UUID] = (),
    now: datetime,
) -> None:
    """Put events into the trash with their reasons, in place of those they had. `doubtful`: those whose clock is."""
    ids = list(faults)
    rows = [
        (ident, at, fault.code.value, fault.field, fault.message)
        for ident, some in faults.items()
        for at, fault in enumerate(some)
    ]
    if not rows:
        return
    await tx.execute(_TRASH, tx.scope.group_id, ids, now, [ident for ident in ids if ident in doubtful])
    await tx.execute(_FORGIVE, tx.scope.group_id, ids)
    await tx.execute(_BLAME, tx.scope.group_id, now, *map(list, zip(*rows, strict=True)))


__all__ = ["Claimed", "settle_events", "trash"]
