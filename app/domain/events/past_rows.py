"""The rows of events that are brought in: those that are there already, and writing them in sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.event_types.schemas import EventSchema
from app.domain.events import rollups
from app.domain.events.past import KnownMetric, PastEvent, PastMetric, Understood, differs, stands
from app.domain.external_ids.finding import rows_with_ids
from app.domain.external_ids.giving import note_ids, set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.sales.references import sale_reference_of
from app.tables.events import EventStatus
from app.tables.projects import DEFAULT_CLOCK_AHEAD_S
from app.values.json_text import read_json, write_json

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """An event that is stored, its row held."""

    id: UUID
    status: str = EventStatus.PROCESSED
    is_unsent: bool = False
    """Whether what was sent is not known."""
    ids: Mapping[str, str] = field(default_factory=dict)
    customer_id: int | None = None
    users: Collection[tuple[str, str]] = ()
    """What its customer is known by: system and id."""
    event_type_id: int | None = None
    occurred_at: datetime = _LONG_AGO
    updated_at: datetime = _LONG_AGO
    is_attributable: bool = False
    data: Any = None
    user_data: Any = None
    metrics: Mapping[str, KnownMetric] = field(default_factory=dict)
    faults: Sequence[tuple[str, str | None, str]] = ()
    sale_reference: str | None = None
    """The sale it tells."""

    def lacks(self, ids: Mapping[str, str]) -> bool:
        """Whether it is not known by these yet."""
        return any(self.ids.get(system) != ident for system, ident in ids.items())

    def counted(self) -> dict[rollups.RollupKey, Decimal]:
        """What it counts in the hourly sums."""
        if self.status != EventStatus.PROCESSED or self.event_type_id is None:
            return {}
        hour = rollups.hour_of(self.occurred_at)
        return {(self.event_type_id, hour, rollups.EVENT_COUNT): Decimal(1)} | {
            (self.event_type_id, hour, key): metric.value for key, metric in self.metrics.items()
        }

    def differs(self, event: PastEvent) -> bool:
        """Whether it is not what is told."""
        if event.faults is not None:
            return list(self.faults) != [(one.code, one.field, one.message) for one in event.faults]
        told = event.understood
        assert told is not None
        return (
            self.status != EventStatus.PROCESSED
            or self.occurred_at != event.occurred_at
            or told.updated_at not in (None, self.updated_at)
            or self.is_attributable != told.is_attributable
            or (self.data or {}) != told.data
            or (self.user_data or {}) != told.user_data
            or (told.user is None) != (self.customer_id is None)
            or (told.user is not None and told.user not in self.users)
            or any(differs(one, self.metrics.get(one.storage_key)) for one in told.metrics)
        )


@dataclass(frozen=True, slots=True)
class Write:
    """An event as it is to be stored."""

    id: UUID
    key: str
    """Its deduplication key."""
    event: PastEvent
    schema: EventSchema | None
    customer_id: int | None
    known: Known | None = None

    @property
    def told(self) -> Understood:
        """How it was understood."""
        assert self.event.understood is not None
        return self.event.understood

    @property
    def standing(self) -> list[PastMetric]:
        """Of the states and statistics told those that hold, one for each key; the others are older."""
        latest: dict[str, PastMetric] = {}
        for one in self.told.metrics:
            other = latest.get(one.storage_key)
            if stands(one, self.stored(one)) and (other is None or one.rank > other.rank):
                latest[one.storage_key] = one
        return list(latest.values())

    def stored(self, told: PastMetric) -> KnownMetric | None:
        """The state or statistic of this key that is there."""
        return self.known.metrics.get(told.storage_key) if self.known is not None else None


_FIND = """
SELECT e.id, e.dedup_key FROM event e WHERE e.group_id = $1 AND e.source = 'tracker' AND e.dedup_key = ANY ($2)
"""
_FIND_OURS = "SELECT id FROM event WHERE group_id = $1 AND id = ANY ($2)"
_KNOWN = """
SELECT e.id, e.status, e.body IS NULL AS is_unsent, e.known_as_system, e.known_as_id, e.customer_id, e.event_type_id,
       e.occurred_at, e.updated_at, e.is_attributable, e.data::text AS data, e.user_data::text AS user_data,
       e.sale_reference, c.known_as_system AS user_system, c.known_as_id AS user_id
  FROM event e LEFT JOIN customer c ON c.group_id = $1 AND c.id = e.customer_id
 WHERE e.group_id = $1 AND e.id = ANY ($2) ORDER BY e.id FOR NO KEY UPDATE OF e
"""
_METRICS = """
SELECT id, event_id, storage_key, value, metric_date, created_at, updated_at, known_as_system, known_as_id, decided_at,
       is_told
  FROM event_metric WHERE group_id = $1 AND event_id = ANY ($2)
"""
_FAULTS = """
SELECT event_id, code, field, message FROM event_fault
 WHERE group_id = $1 AND event_id = ANY ($2) ORDER BY event_id, position
"""


async def known_events(
    tx: Transaction, events: Sequence[PastEvent]
) -> tuple[list[tuple[Known | None, Known | None]], dict[str, UUID]]:
    """Each event's row if it has one, by its ids, else by its nonce; and the deduplication keys that are taken.

    What was understood may have come before anybody knew the nonce, and the event may have been sent here as well:
    then the second one is the row that was made of the first, and is to go.
    """
    by_id: dict[tuple[str, str], UUID] = {}
    for system in {system for event in events for system in event.ids}:
        ids = [event.ids[system] for event in events if system in event.ids]
        found = await rows_with_ids(tx, "event", system, ids)
        by_id |= {(system, ident): row for ident, row in found.items() if isinstance(row, UUID)}
    uuids = [uuid for event in events if (uuid := event.uuid) is not None]
    ours = {row["id"] for row in await tx.fetch(_FIND_OURS, tx.scope.group_id, uuids)} if uuids else set()
    keys = [key for event in events for key in event.keys]
    rows = await tx.fetch(_FIND, tx.scope.group_id, keys) if keys else []
    taken: dict[str, UUID] = {row["dedup_key"]: row["id"] for row in rows}
    known = await _load(tx, {*by_id.values(), *ours, *taken.values()})
    return [_match(event, by_id, known, taken) for event in events], taken


def _match(
    event: PastEvent,
    by_id: Mapping[tuple[str, str], UUID],
    known: Mapping[UUID, Known],
    taken: Mapping[str, UUID],
) -> tuple[Known | None, Known | None]:
    # With an id of its own there a row is another event that was sent with this nonce.
    sent = next(
        (
            found
            for key in event.keys
            if key in taken and not any(system in (found := known[taken[key]]).ids for system in event.ids)
        ),
        None,
    )
    named = next((by_id[one] for one in event.ids.items() if one in by_id), event.uuid)
    if named is None or named not in known:
        return sent, None
    mine = known[named]
    return (sent, mine) if mine.is_unsent and sent is not None and sent.id != mine.id else (mine, None)


_DROP = (
    "DELETE FROM external_id x USING event_metric m WHERE x.group_id = $1 AND x.kind = 'metric' AND m.group_id = $1"
    " AND m.event_id = ANY ($2) AND x.row_id = m.id",
    "DELETE FROM external_id WHERE group_id = $1 AND kind = 'event' AND row_uuid = ANY ($2)",
    # The event that stays has touched the same stage, so that the days' paths stay the same.
    "DELETE FROM funnel_touch WHERE group_id = $1 AND source = 'event'"
    " AND source_ref = ANY (SELECT given::text FROM unnest($2::uuid[]) AS given)",
    "DELETE FROM event WHERE group_id = $1 AND id = ANY ($2)",
)


async def drop_events(tx: Transaction, ids: Collection[UUID]) -> None:
    """Remove events that turned out to be others that are there; their sums are the caller's."""
    for statement in _DROP if ids else ():
        await tx.execute(statement, tx.scope.group_id, list(ids))


async def _load(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, Known]:
    if not ids:
        return {}
    rows = await tx.fetch(_KNOWN, tx.scope.group_id, list(ids))
    metrics: dict[UUID, dict[str, KnownMetric]] = {}
    for row in await tx.fetch(_METRICS, tx.scope.group_id, list(ids)):
        metrics.setdefault(row["event_id"], {})[row["storage_key"]] = KnownMetric(
            row["id"],
            row["value"],
            row["metric_date"],
            row["created_at"],
            row["updated_at"],
            _ids(row),
            row["decided_at"],
            row["is_told"],
        )
    faults: dict[UUID, list[tuple[str, str | None, str]]] = {}
    for row in await tx.fetch(_FAULTS, tx.scope.group_id, list(ids)):
        faults.setdefault(row["event_id"], []).append((row["code"], row["field"], row["message"]))
    return {
        row["id"]: Known(
            row["id"], row["status"], row["is_unsent"], _ids(row), row["customer_id"],
            [*zip(row["user_system"] or (), row["user_id"] or (), strict=True)], row["event_type_id"],
            row["occurred_at"], row["updated_at"], row["is_attributable"], _document(row["data"]),
            _document(row["user_data"]), metrics.get(row["id"], {}), faults.get(row["id"], ()),
            row["sale_reference"],
        )
        for row in rows
    }  # fmt: skip


def _ids(row: Mapping[str, Any]) -> dict[str, str]:
    return dict(zip(row["known_as_system"], row["known_as_id"], strict=True))


def _document(text: str | None) -> Any:
    return None if text is None else read_json(text.encode(), long_numbers=True)


# Their transaction is none that subscribers were told of.
_STORE_NEW = """
INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at, customer_id, body,
                   status, tracker_id, is_vouched, event_type_id, type_version, is_attributable, data, user_data,
                   updated_at, known_as_system, known_as_id, sale_reference, is_clock_doubtful, written_by, moved_by)
SELECT $1, given.id, given.project_id, 'tracker', given.key, given.type, given.received_at, given.occurred_at,
       given.customer_id, given.body::json, given.status, given.tracker, given.status = 'processed', given.type_id,
       given.version, given.is_attributable, given.data::json, given.user_data::json, given.updated_at,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.system] END,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.ident] END, given.sale_reference,
       given.occurred_at > given.received_at + $21::interval, NULL, NULL
  FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[],
              $9::text[], $10::text[], $11::text[], $12::bigint[], $13::int[], $14::boolean[], $15::text[],
              $16::text[], $17::timestamptz[], $18::text[], $19::text[], $20::text[])
    AS given (id, project_id, key, type, received_at, occurred_at, customer_id, body, status, tracker, type_id, version,
              is_attributable, data, user_data, updated_at, system, ident, sale_reference)
"""


async def store_new(tx: Transaction, rows: Sequence[Write]) -> None:
    """Store events that are not there yet."""
    if not rows:
        return
    columns = zip(*map(_columns, rows), strict=True)
    with refusals():
        await tx.execute(
            _STORE_NEW, tx.scope.group_id, *map(list, columns), timedelta(seconds=DEFAULT_CLOCK_AHEAD_S)
        )
    first = [(*next(iter(row.event.ids.items())), row.id) for row in rows if row.event.ids]
    await note_ids(tx, "event", first)
    more: dict[RowId, Ids] = {row.id: dict(row.event.ids) for row in rows if len(row.event.ids) > 1}
    if more:
        await set_ids(tx, "event", more)


def _columns(row: Write) -> tuple[object, ...]:
    event, told = row.event, row.event.understood
    type_id, version = (row.schema.id, row.schema.version) if told and row.schema else (None, None)
    system, ident = next(iter(event.ids.items()), (None, None))
    return (
        row.id, event.project_id, row.key, event.event_type, event.received_at, event.occurred_at, row.customer_id,
        None if event.body is None else _text(event.body), "trashed" if told is None else "processed",
        event.tracker_id or None, type_id, version, told is not None and told.is_attributable,
        None if told is None else _text(told.data), None if told is None else _text(told.user_data),
        (told and told.updated_at) or event.received_at, system, ident, told and sale_reference_of(told.data),
    )  # fmt: skip


def _text(value: Mapping[str, Any]) -> str:
    return write_json(value).decode()


_STORE_SENT = """
UPDATE event e SET body = given.body::json, tracker_id = given.tracker, dedup_key = given.key
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS given (id, body, tracker, key)
 WHERE e.group_id = $1 AND e.id = given.id
"""


async def store_sent(tx: Transaction, rows: Sequence[Write]) -> None:
    """Keep what was sent of events of which only the rest was known."""
    if rows:
        with refusals():
            await tx.execute(
                _STORE_SENT, tx.scope.group_id, [row.id for row in rows],
                [_text(row.event.body or {}) for row in rows], [row.event.tracker_id or None for row in rows],
                [row.key for row in rows],
            )  # fmt: skip


_STORE_UNDERSTOOD = """
UPDATE event e
   SET status = 'processed', event_type_id = given.type_id, customer_id = given.customer_id,
       type_version = CASE WHEN e.event_type_id = given.type_id THEN e.type_version ELSE given.version END,
       occurred_at = given.occurred_at, is_attributable = given.is_attributable, data = given.data::json,
       user_data = given.user_data::json, updated_at = coalesce(given.updated_at, e.updated_at),
       sale_reference = given.sale_reference
  FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::bigint[], $6::timestamptz[], $7::boolean[], $8::text[],
              $9::text[], $10::timestamptz[], $11::text[])
    AS given (id, type_id, version, customer_id, occurred_at, is_attributable, data, user_data, updated_at,
              sale_reference)
 WHERE e.group_id = $1 AND e.id = given.id
"""
_FORGIVE = "DELETE FROM event_fault WHERE group_id = $1 AND event_id = ANY ($2)"


async def store_understood(tx: Transaction, rows: Sequence[Write]) -> None:
    """Keep how events that are there were understood, in place of what was thought of them."""
    rows = [row for row in rows if row.schema is not None]
    if not rows:
        return
    ids = [row.id for row in rows]
    with refusals():
        await tx.execute(
            _STORE_UNDERSTOOD, tx.scope.group_id, ids, [row.schema and row.schema.id for row in rows],
            [row.schema and row.schema.version for row in rows], [row.customer_id for row in rows],
            [row.event.occurred_at for row in rows], [row.told.is_attributable for row in rows],
            [_text(row.told.data) for row in rows], [_text(row.told.user_data) for row in rows],
            [row.told.updated_at for row in rows], [sale_reference_of(row.told.data) for row in rows],
        )  # fmt: skip
    await tx.execute(_FORGIVE, tx.scope.group_id, ids)


_BLAME = """
INSERT INTO event_fault (group_id, created_at, event_id, position, code, field, message)
SELECT $1, given.* FROM unnest($2::timestamptz[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[]) AS given
"""


async def store_faults(tx: Transaction, rows: Sequence[Write]) -> None:
    """Keep why events are in the trash, in place of what was said before."""
    known = [row.id for row in rows if row.known is not None]
    if known:
        await tx.execute(_FORGIVE, tx.scope.group_id, known)
    faults = [
        (row.event.received_at, row.id, at, fault.code, fault.field, fault.message)
        for row in rows
        for at, fault in enumerate(row.event.faults or ())
    ]
    if faults:
        await tx.execute(_BLAME, tx.scope.group_id, *map(list, zip(*faults, strict=True)))
