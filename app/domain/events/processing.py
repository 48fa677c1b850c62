"""What becomes of events: judged by their type, tied to their user, counted; or put into the trash with the reasons.

A batch of one group is one transaction and about a dozen statements, however many events it holds. Locks are taken in
the order of all writers: events, customers by id, what they are known by, campaigns, and the hourly sums last.

Whoever claims an event holds its row (`FOR UPDATE SKIP LOCKED`), so several workers never do the same one, and one
that dies leaves it pending.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import asyncpg

from app.db.database import Database, Transaction
from app.db.outages import outage
from app.domain.event_types.schemas import EventSchema, load_schemas
from app.domain.events import rollups
from app.domain.events.validating import Fault, FaultCode, Verdict, judge
from app.domain.funnels.touches import Touch, record_touches
from app.domain.identities.identifying import Person, identify, load_projects
from app.domain.interactions.recording import Visit, record_online
from app.domain.rewards.triggers import TriggeringEvent, process_event_triggers
from app.errors import Conflict
from app.tables.events import EventStatus
from app.tables.funnels import FunnelStage
from app.values.json_text import read_object, write_json
from app.values.scope import Scope

MAX_BATCH = 200
TRIES = 5
"""How often a batch is done again that met somebody else's."""
FUNNEL_SOURCE = "event"
"""Whose references touches made of events are: the event's id."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event whose row this transaction holds."""

    id: UUID
    project_id: int
    event_type: str
    occurred_at: datetime
    tracker_id: str | None
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch: by event the reasons why it is in the trash; none: it is processed."""

    faults: Mapping[UUID, Sequence[Fault]]

    @property
    def trashed(self) -> int:
        """How many could not be taken."""
        return sum(1 for some in self.faults.values() if some)


# Those that wait longest; those somebody else is at are left to them.
_CLAIM = """
SELECT id, project_id, event_type, occurred_at, tracker_id, body::text AS body FROM event
 WHERE group_id = $1 AND status = 'pending'
 ORDER BY received_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
# One by one or again: these, wherever they wait. Waiting for whoever is at them, who then has done them.
_CLAIM_THESE = """
SELECT id, project_id, event_type, occurred_at, tracker_id, body::text AS body FROM event
 WHERE group_id = $1 AND id = ANY ($2) AND status = $3 ORDER BY id FOR UPDATE
"""


async def process_pending(db: Database, group_id: int, *, limit: int = MAX_BATCH, now: datetime) -> int:
    """Process a batch of what waits in a group; how many there were. Unavailable while the database is away."""
    claimed: list[UUID] = []

    async def work() -> int:
        claimed.clear()
        async with db.transaction(Scope(group_id)) as tx:
            rows = await tx.fetch(_CLAIM, group_id, limit)
            claimed.extend(row["id"] for row in rows)
            await _process(tx, rows, now=now)
            return len(rows)

    try:
        return await _again(work)
    except Exception as problem:
        _raise_outage(problem)
        if not claimed:
            raise
        log.exception("a batch of %d events failed; it is done in halves", len(claimed))
        await process_these(db, group_id, tuple(claimed), now=now)
        return len(claimed)


async def process_these(
    db: Database,
    group_id: int,
    ids: Sequence[UUID],
    *,
    status: EventStatus = EventStatus.PENDING,
    now: datetime,
) -> Done:
    """Process these events as far as they are still in this status. What fails unexpectedly stops none but itself."""

    async def work() -> Done:
        async with db.transaction(Scope(group_id)) as tx:
            return await _process(tx, await tx.fetch(_CLAIM_THESE, group_id, list(ids), status), now=now)

    try:
        return await _again(work)
    except Exception as problem:
        _raise_outage(problem)
        if len(ids) > 1:
            middle = len(ids) // 2
            first = await process_these(db, group_id, ids[:middle], status=status, now=now)
            second = await process_these(db, group_id, ids[middle:], status=status, now=now)
            return Done({**first.faults, **second.faults})
        log.exception("an event cannot be processed: %s", *ids)
    fault = Fault(FaultCode.INTERNAL_ERROR, None, "Something went wrong on our side; it can be replayed.")
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_CLAIM_THESE, group_id, list(ids), status)
        faults = {row["id"]: [fault] for row in rows}
        await _trash(tx, faults, now=now)
    return Done(faults)


_FAULTS = (
    "SELECT code, field, message FROM event_fault WHERE group_id = $1 AND event_id = $2 ORDER BY position"
)


async def process_now(db: Database, group_id: int, ident: UUID, *, now: datetime) -> list[Fault]:
    """Process this event, unless that is done; why it is in the trash, if it is."""
    await process_these(db, group_id, [ident], now=now)
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_FAULTS, group_id, ident)
    return [Fault(FaultCode(row["code"]), row["field"], row["message"]) for row in rows]


async def _again(work: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction again while others are in its way, a few times at most."""
    for attempt in range(1, TRIES + 1):
        try:
            return await work()
        except (Conflict, asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError):
            if attempt == TRIES:
                raise
            # So that two that met go apart.
            await asyncio.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311 - nothing secret
    raise AssertionError("unreachable")


def _raise_outage(problem: Exception) -> None:
    """A database that is away is nobody's fault: the events stay as they are. One that takes too long is."""
    if not isinstance(problem, asyncpg.QueryCanceledError):
        failure = outage(problem)
        if failure is not None:
            raise failure from problem


async def _process(tx: Transaction, rows: "Sequence[asyncpg.Record]", *, now: datetime) -> Done:
    """Process claimed rows; what the event types object to goes to the trash."""
    if not rows:
        return Done({})
    events = [
        Claimed(
            row["id"],
            row["project_id"],
            row["event_type"],
            row["occurred_at"],
            row["tracker_id"],
            read_object(row["body"].encode()),
        )
        for row in rows
    ]
    schemas = await load_schemas(tx, {(event.project_id, event.event_type) for event in events})
    verdicts = {
        event.id: judge(
            schemas.get((event.project_id, event.event_type)), event.body, event_type=event.event_type
        )
        for event in events
    }
    taken = [event for event in events if not verdicts[event.id].faults]
    faults = {ident: verdict.faults for ident, verdict in verdicts.items() if verdict.faults}
    if taken:
        await _take(tx, taken, verdicts, now=now)
    if faults:
        await _trash(tx, faults, now=now)
    return Done({event.id: faults.get(event.id, ()) for event in events})


async def _take(
    tx: Transaction, events: Sequence[Claimed], verdicts: Mapping[UUID, Verdict], *, now: datetime
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
    verdicts: Mapping[UUID, Verdict],
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
    verdicts: Mapping[UUID, Verdict],
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
    verdicts: Mapping[UUID, Verdict],
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
    events: Sequence[Claimed], verdicts: Mapping[UUID, Verdict], customers: Mapping[UUID, int | None]
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


async def _count(tx: Transaction, events: Sequence[Claimed], verdicts: Mapping[UUID, Verdict]) -> None:
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
        await rollups.add(tx, project_id, deltas)


_TRASH = "UPDATE event SET status = 'trashed', updated_at = $3 WHERE group_id = $1 AND id = ANY ($2)"
_BLAME = """
INSERT INTO event_fault (group_id, created_at, event_id, position, code, field, message)
SELECT $1, $2, given.* FROM unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[]) AS given
"""


async def _trash(tx: Transaction, faults: Mapping[UUID, Sequence[Fault]], *, now: datetime) -> None:
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


def _schema(verdict: Verdict) -> EventSchema:
    """The type of an event that was taken."""
    assert verdict.schema is not None
    return verdict.schema


__all__ = ["MAX_BATCH", "Done", "process_now", "process_pending", "process_these"]
