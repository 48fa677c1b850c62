"""Bringing in events of the past, in bulk: what follows from them follows as if they had come in when they did.

Each is stored once: known by its id there, else by its nonce. What was sent and how it was understood may come in any
order, and meet in one row. How another system understood an event holds; where nobody says, it is judged here by its
type as it is now, archived or not. Users, visits, funnel touches, metrics and hourly sums follow. Rewards do not: they
were granted there. Subscribers are not told.

An event that was understood is vouched for by whoever brings it in; of one in the trash nobody knows who sent it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db.database import Transaction
from app.domain.event_types.schemas import EventSchema, load_schemas
from app.domain.events import rollups
from app.domain.events.accepting import new_id
from app.domain.events.clocks import believed
from app.domain.events.past import Brought, Fate, PastEvent, PastFault, PastMetric, Understood
from app.domain.events.past_metric_rows import remember_late, store_metrics
from app.domain.events.past_rows import (
    Known,
    Write,
    drop_events,
    known_events,
    store_faults,
    store_new,
    store_sent,
    store_understood,
)
from app.domain.events.settling import FUNNEL_SOURCE
from app.domain.events.validating import judge_event
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.funnels.touches import Touch, record_touches
from app.domain.identities.bringing_in import PastUser, attach, bring_in_users
from app.domain.identities.identifying import identify, load_projects
from app.domain.identities.people import TRACKER, Person, Project
from app.domain.identities.values import identity_of
from app.domain.interactions.recording import Visit, record_online
from app.domain.sales.references import hold_sales, mark_events, sale_reference_of
from app.errors import Failure, NotFound
from app.tables.events import EventStatus
from app.tables.funnels import FunnelStage


@dataclass(slots=True)
class _One:
    """An event on its way in."""

    event: PastEvent
    brought: Brought
    known: Known | None
    key: str
    """What it is deduplicated by."""
    schema: EventSchema | None = None
    person: Person | None = None
    """Who it is by what it says; None where the other system tells."""
    customer_id: int | None = None
    sent_now: bool = False
    """Whether what was sent was not known before."""
    double: Known | None = None
    """The row that was made of how it was understood, where the event itself had come in here."""
    before: dict[rollups.RollupKey, Decimal] = field(default_factory=dict)
    """What it counted before."""

    row: Write | None = None

    @property
    def written(self) -> Write:
        """Its row."""
        assert self.row is not None
        return self.row

    @property
    def ident(self) -> UUID:
        """Our id."""
        return self.written.id


async def bring_in_events(tx: Transaction, events: Sequence[PastEvent], *, now: datetime) -> list[Brought]:
    """What became of each, in their order; one with a failure has written nothing."""
    brought = [Brought() for _ in events]
    for wave in _waves(events):
        await _bring_in(tx, [(events[at], brought[at]) for at in wave], now=now)
    return brought


def _waves(events: Sequence[PastEvent]) -> Iterator[list[int]]:
    """Events of one wave are different ones: another word about an event comes in the next."""
    wave: list[int] = []
    named: set[object] = set()
    for at, event in enumerate(events):
        names: list[object] = [*event.ids.items(), *event.keys]
        if not named.isdisjoint(names):
            yield wave
            wave, named = [], set()
        wave.append(at)
        named.update(names)
    if wave:
        yield wave


async def _bring_in(tx: Transaction, given: Sequence[tuple[PastEvent, Brought]], *, now: datetime) -> None:
    found, taken = await known_events(tx, [event for event, _ in given])
    schemas = await load_schemas(tx, {(event.project_id, event.event_type) for event, _ in given})
    projects = await load_projects(tx, {event.project_id for event, _ in given})
    going: list[_One] = []
    for (event, brought), (known, double) in zip(given, found, strict=True):
        schema = schemas.get((event.project_id, event.event_type))
        one = _One(event, brought, known, _key(event, known, taken), schema, double=double)
        try:
            if _plan(one):
                going.append(one)
        except Failure as failure:
            brought.failure = failure
    if not going:
        return
    await hold_sales(tx, _sales(going))
    await drop_events(tx, [one.double.id for one in going if one.double is not None])
    await _people(tx, going, projects, now=now)
    await _write(tx, going)
    await _follow(tx, going, now=now)


def _sales(going: Sequence[_One]) -> set[str]:
    """The sales these events tell, or did."""
    said = {sale_reference_of(one.event.understood.data) for one in going if one.event.understood is not None}
    return {
        one for one in (*said, *(one.known.sale_reference for one in going if one.known)) if one is not None
    }


def _key(event: PastEvent, known: Known | None, taken: Mapping[str, UUID]) -> str:
    """By its nonce, unless that is another event's. One whose nonce nobody knows has a key that is no nonce."""
    vouched = list(event.keys) if event.faults is None else list(reversed(event.keys))
    mine = None if known is None else known.id
    for key in vouched:
        if taken.get(key, mine) == mine:
            return key
    return f"!{event.project_id}:{mine or event.uuid or next(iter(event.ids.values()), new_id(event.received_at))}"


def _plan(one: _One) -> bool:
    """Find out what is to be done; whether there is anything."""
    event, known = one.event, one.known
    if known is not None and known.status == EventStatus.PENDING:
        return False  # It came in by itself, and is understood here any moment.
    if event.understood is not None and one.schema is None:
        raise NotFound("event type", event.event_type, path=["event_type"])
    if known is None:
        if event.understood is None and event.faults is None:
            _judge(one)
        one.sent_now = event.body is not None
        return True
    one.sent_now = known.is_unsent and event.body is not None
    if event.understood is None and event.faults is None:
        return one.sent_now or known.lacks(event.ids)
    one.before = known.counted()
    if event.faults is not None and known.status == EventStatus.PROCESSED:
        one.event = replace(event, faults=None)  # It was understood since.
        return one.sent_now or known.lacks(event.ids)
    return one.sent_now or known.lacks(event.ids) or known.differs(event)


def _judge(one: _One) -> None:
    """Read what was sent by the type as it is now."""
    event = one.event
    schema = one.schema and replace(one.schema, is_archived=False)
    verdict = judge_event(schema, event.body or {}, event_type=event.event_type)
    if verdict.faults:
        faults = [PastFault(fault.code.value, fault.field, fault.message) for fault in verdict.faults]
        one.event = replace(event, faults=faults)
        return
    at, received = event.occurred_at, event.received_at
    metrics = [
        PastMetric(
            kind=kind,
            storage_key=key,
            value=value,
            metric_date=at,
            created_at=received,
            updated_at=received,
            is_told=False,
        )
        for kind, key, value in verdict.metrics
    ]
    one.event = replace(
        event,
        understood=Understood(
            user=None, data=verdict.data, user_data=verdict.user, metrics=metrics,
            is_attributable=event.tracker_id is not None,
        ),
    )  # fmt: skip
    one.person = Person(event.project_id, event.tracker_id, verdict.identities, is_vouched=True)


async def _people(
    tx: Transaction, going: Sequence[_One], projects: Mapping[int, Project], *, now: datetime
) -> None:
    users: dict[tuple[str, str], PastUser] = {}
    for one in going:
        if one.event.understood is not None and one.event.understood.user is not None:
            _add_user(users, one, projects)
    told = await bring_in_users(tx, list(users.values()), projects=projects, now=now)
    for one in going:
        if one.event.understood is not None and one.event.understood.user is not None:
            one.customer_id = told[one.event.understood.user]
        elif one.known is not None and one.person is None:
            one.customer_id = one.known.customer_id
    found = [one for one in going if one.person is not None]
    people = [one.person for one in found if one.person is not None]
    for one, customer in zip(found, await identify(tx, people, projects=projects, now=now), strict=True):
        one.customer_id = customer
    trackers = {
        (one.event.project_id, TRACKER, one.event.tracker_id): one.customer_id
        for one in going
        if one.sent_now and one.event.tracker_id and one.customer_id is not None and one.person is None
    }
    await attach(tx, trackers, projects=projects, now=now)


def _add_user(users: dict[tuple[str, str], PastUser], one: _One, projects: Mapping[int, Project]) -> None:
    event = one.event
    assert event.understood is not None
    assert event.understood.user is not None
    user = users.setdefault(event.understood.user, PastUser(event.project_id, *event.understood.user))
    for name in ("name", *projects[event.project_id].identity_fields):
        value = event.understood.user_data.get(name)
        try:
            known = None if value is None else identity_of(name, value, projects[event.project_id].region)
        except ValueError:
            known = None  # It was good enough there, and is kept with the event.
        if known is not None:
            user.identities.setdefault(name, known)
    user.since = min(user.since or event.received_at, event.received_at)
    if one.known is not None and user.customer_id is None:
        user.customer_id = one.known.customer_id


async def _write(tx: Transaction, going: Sequence[_One]) -> None:
    for one in going:
        one.brought.fate = Fate.MADE if one.known is None else Fate.CHANGED
        one.row = Write(
            one.known.id if one.known is not None else one.event.uuid or new_id(one.event.received_at),
            one.key, one.event, one.schema, one.customer_id, one.known,
        )  # fmt: skip
    await store_new(tx, [one.written for one in going if one.known is None])
    old = [one for one in going if one.known is not None]
    await store_sent(tx, [one.written for one in old if one.sent_now])
    await store_understood(tx, [one.written for one in old if one.event.understood is not None])
    lacking: dict[RowId, Ids] = {
        one.ident: dict(one.event.ids) for one in old if one.known and one.known.lacks(one.event.ids)
    }
    if lacking:
        await set_ids(tx, "event", lacking)
    await store_faults(tx, [one.written for one in going if one.event.faults is not None])
    understood = [one.written for one in going if one.event.understood is not None]
    lost = await store_metrics(tx, understood)
    await remember_late(
        tx,
        [(row.id, one) for row in understood for one in row.told.metrics if one not in row.standing],
    )
    if _sales(going):
        await mark_events(tx, [one.ident for one in going])
    for one in going:
        one.brought.ids_lost = lost.get(one.ident, 0)


async def _follow(tx: Transaction, going: Sequence[_One], *, now: datetime) -> None:
    """Visits, touches, and the hourly sums last."""
    visits = [
        Visit(
            project_id=one.event.project_id,
            tracker_id=one.event.tracker_id,
            landing_url=url,
            referrer=_text(one.event.body.get("referrer")),
            occurred_at=believed(one.event.occurred_at, received_at=one.event.received_at),
            dedup_key=f"event:{one.ident}",
            customer_id=one.customer_id,
        )
        for one in going
        if one.sent_now
        and one.event.body is not None
        and one.event.faults is None
        and (url := _text(one.event.body.get("landingUrl"))) is not None
    ]
    await record_online(tx, visits, now=now)
    touches = [
        Touch(
            customer_id=one.customer_id,
            stage=FunnelStage(one.schema.funnel_stage),
            occurred_at=min(believed(one.event.occurred_at, received_at=one.event.received_at), now),
            reference=str(one.ident),
        )
        for one in going
        if one.event.understood is not None
        and one.customer_id is not None
        and one.schema is not None
        and one.schema.funnel_stage is not None
    ]
    if touches:
        await record_touches(tx, touches, source=FUNNEL_SOURCE, now=now)
    by_project: defaultdict[int, defaultdict[rollups.RollupKey, Decimal]] = defaultdict(
        lambda: defaultdict(Decimal)
    )
    for one in going:
        deltas = by_project[one.event.project_id]
        for key, value in one.double.counted().items() if one.double is not None else ():
            deltas[key] -= value
        if one.event.understood is None or one.schema is None:
            continue
        for key, value in one.before.items():
            deltas[key] -= value
        for key, value in _counts(one).items():
            deltas[key] += value
    for project_id, deltas in sorted(by_project.items()):
        await rollups.add_to_sums(tx, project_id, deltas)


def _counts(one: _One) -> dict[rollups.RollupKey, Decimal]:
    """What it counts from now on. Metrics that nobody tells of stay."""
    assert one.event.understood is not None
    assert one.schema is not None
    type_id, hour = one.schema.id, rollups.hour_of(one.event.occurred_at)
    values: dict[str, Decimal] = {}
    if one.known is not None:
        values = {key: metric.value for key, metric in one.known.metrics.items()}
    values |= {metric.storage_key: metric.value for metric in one.written.standing}
    return {(type_id, hour, rollups.EVENT_COUNT): Decimal(1)} | {
        (type_id, hour, key): value for key, value in values.items()
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


__all__ = ["bring_in_events"]
