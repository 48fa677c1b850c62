"""The rows of events that are brought in: those that are there already, and writing them in sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.event_types.schemas import EventSchema
from app.domain.events import rollups
from app.domain.events.currencies import currency_of
from app.domain.events.past import PastEvent, PastMetric, Understood
from app.domain.external_ids.finding import rows_known_as, rows_with_ids
from app.domain.external_ids.giving import note_ids, set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.external_ids.room import make_room
from app.domain.sales.references import sale_reference_of
from app.tables.events import EventStatus
from app.values.json_text import read_json, write_json

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """A state or statistic that is stored."""

    id: int
    value: Decimal
    metric_date: datetime
    created_at: datetime
    updated_at: datetime
    ids: Mapping[str, str]


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


def differs(told: PastMetric, stored: KnownMetric | None) -> bool:
    """Whether a metric is not what is told."""
    return stored is None or (stored.value, stored.metric_date, stored.created_at, stored.updated_at) != (
        told.value, told.metric_date, told.created_at, told.updated_at,
    )  # fmt: skip


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
SELECT id, event_id, storage_key, value, metric_date, created_at, updated_at, known_as_system, known_as_id
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
            row["id"], row["value"], row["metric_date"], row["created_at"], row["updated_at"], _ids(row)
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
                   updated_at, known_as_system, known_as_id, sale_reference, written_by, moved_by)
SELECT $1, given.id, given.project_id, 'tracker', given.key, given.type, given.received_at, given.occurred_at,
       given.customer_id, given.body::json, given.status, given.tracker, given.status = 'processed', given.type_id,
       given.version, given.is_attributable, given.data::json, given.user_data::json, given.updated_at,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.system] END,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.ident] END, given.sale_reference, NULL, NULL
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
        await tx.execute(_STORE_NEW, tx.scope.group_id, *map(list, columns))
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


_NEW_METRICS = """
INSERT INTO event_metric (group_id, created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind,
                               storage_key, value, metric_date, known_as_system, known_as_id, currency)
SELECT $1, given.created_at, given.updated_at, given.event_id, given.project_id, given.customer_id, given.occurred_at,
       given.kind, given.key, given.value, given.metric_date,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.system] END,
       CASE WHEN given.system IS NULL THEN '{}' ELSE ARRAY[given.ident] END,
       CASE given.kind WHEN 'statistic' THEN given.currency END
  FROM unnest($2::timestamptz[], $3::timestamptz[], $4::uuid[], $5::bigint[], $6::bigint[], $7::timestamptz[],
              $8::text[], $9::text[], $10::numeric[], $11::timestamptz[], $12::text[], $13::text[], $14::text[])
    WITH ORDINALITY AS given (created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind, key, value,
                              metric_date, system, ident, currency, place)
 ORDER BY place
RETURNING id, event_id, storage_key
"""
# Of new events nothing can be there; being ready for it costs each row a further look into an index.
_STORE_METRICS = _NEW_METRICS.replace(
    "RETURNING",
    """ON CONFLICT (group_id, event_id, storage_key) DO UPDATE
   SET value = excluded.value, metric_date = excluded.metric_date, created_at = excluded.created_at,
       updated_at = excluded.updated_at, customer_id = excluded.customer_id, occurred_at = excluded.occurred_at,
       currency = coalesce(excluded.currency, event_metric.currency)
RETURNING""",
)
_REMEMBER = """
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date)
SELECT $1, given.* FROM unnest($2::timestamptz[], $3::bigint[], $4::numeric[], $5::timestamptz[]) AS given
"""


async def store_metrics(tx: Transaction, rows: Sequence[Write]) -> dict[UUID, int]:
    """Store what events are worth; by event, how many of its metrics could not keep the id they had there."""
    # In the order of their ids there: where lists of a user's metrics are ordered by nothing else, it is by ids.
    told = sorted(((row, one) for row in rows for one in row.told.metrics), key=lambda pair: _age(pair[1]))
    if not told:
        return {}
    free = await _free(tx, told)
    stored = {(row.id, one.storage_key): _stored(row, one) for row, one in told}
    written: list[tuple[object, ...]] = []
    for row, one in told:
        system, ident = next(iter(one.ids.items()), (None, None))
        is_new = ident is not None and (system, ident) in free and stored[row.id, one.storage_key] is None
        written.append((
            one.created_at, one.updated_at, row.id, row.event.project_id, row.customer_id, row.event.occurred_at,
            one.kind.value, one.storage_key, one.value, one.metric_date, *((system, ident) if is_new else (None, None)),
            currency_of(row.told.data or (None if row.known is None else row.known.data)),
        ))  # fmt: skip
    are_new = all(row.known is None for row, _ in told)
    with refusals():
        made = await tx.fetch(
            _NEW_METRICS if are_new else _STORE_METRICS,
            tx.scope.group_id,
            *map(list, zip(*written, strict=True)),
        )
    ids = {(row["event_id"], row["storage_key"]): row["id"] for row in made}
    changed = [
        (one.updated_at, ids[row.id, one.storage_key], one.value, one.metric_date)
        for row, one in told
        if (before := stored[row.id, one.storage_key]) is None
        or (before.value, before.metric_date) != (one.value, one.metric_date)
    ]
    if changed:
        await tx.execute(_REMEMBER, tx.scope.group_id, *map(list, zip(*changed, strict=True)))
    await note_ids(
        tx, "metric", [(str(line[10]), str(line[11]), ids[line[2], line[7]]) for line in written if line[10]]
    )
    late = {
        ids[row.id, one.storage_key]: dict(one.ids)
        for row, one in told
        if (before := stored[row.id, one.storage_key]) is not None
        and any(pair in free and before.ids.get(pair[0]) != pair[1] for pair in one.ids.items())
    }
    if late:
        await set_ids(tx, "metric", late)
    lost: dict[UUID, int] = {}
    for row, one in told:
        if any(pair not in free for pair in one.ids.items()):
            lost[row.id] = lost.get(row.id, 0) + 1
    return lost


def _age(metric: PastMetric) -> tuple[int, str]:
    ident = next(iter(metric.ids.values()), "")
    return len(ident), ident


def _stored(row: Write, one: PastMetric) -> KnownMetric | None:
    return row.known.metrics.get(one.storage_key) if row.known is not None else None


async def _free(tx: Transaction, told: Sequence[tuple[Write, PastMetric]]) -> set[tuple[str, str]]:
    """Of the metrics' ids there, those that no other metric has, or is shown by; our numbers go on after them."""
    mine: dict[tuple[str, str], int | None] = {}
    for row, one in told:
        stored = _stored(row, one)
        for pair in one.ids.items():
            mine.setdefault(pair, None if stored is None else stored.id)
    free: set[tuple[str, str]] = set()
    for system in {system for system, _ in mine}:
        ids = [ident for other, ident in mine if other == system]
        there = await rows_known_as(tx, "metric", system, ids)
        free |= {(system, ident) for ident in ids if there.get(ident) in (None, mine[system, ident])}
        await make_room(tx, "metric", system, [ident for ident in ids if (system, ident) in free])
    return free
