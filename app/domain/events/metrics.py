"""States and statistics that are sent after their event, each with its own date. Every value is kept.

The one that is latest by its own date stands, in whatever order they come (`standing.py` has the rule).
Sources: Webmarketer API 1.0.0, "Update an event state", "Update an event statistic".
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.db.database import FetchedRow, Transaction
from app.domain import inputs
from app.domain.attribution.keeping import note_sales
from app.domain.borders import EVENT_BORDERS, borders
from app.domain.events import rollups
from app.domain.events.currencies import stored_currency
from app.domain.events.reading import read_statistic
from app.domain.events.standing import NEWER, decided_at
from app.domain.sales.references import hold_sales, mark_told_by_orders
from app.domain.settable import needed, optional, written
from app.errors import Invalid, NotFound
from app.tables.event_metrics import TURNOVER
from app.tables.event_types import EventFieldKind

NO_FIELD = "NO_STORAGE_KEY"
"""The code of what the document calls "No storageKey matching field in this eventType"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A value of a state or statistic, as sent."""

    storage_key: str = needed("Which of its states or statistics.")
    value: Decimal = needed("The value: 0 or 1 of a state; of a statistic any number of at most 4 decimals.")
    date: datetime | None = optional(
        "When it changed to the value; now unless said. The value that is latest by its date stands, in whatever order"
        " they are told; of two of one date the greater. The same value again without a date changes nothing.",
        check=inputs.moment,
    )
    kind: EventFieldKind
    """STATE or STATISTIC."""
    actor: str


# All who set states of one event queue at the event's row; its customer and type cannot change meanwhile.
_LOCK = f"""
SELECT event.project_id, event.event_type_id, event.type_version, event.occurred_at, event.customer_id,
       event.sale_reference, event.data::text AS data, event.body::text AS body
  FROM event
 WHERE {EVENT_BORDERS} AND event.id = $4 AND event.status = 'processed'
   FOR NO KEY UPDATE
"""
# Declared in the version the event came under, or given to the event since by backdating.
_DECLARED = """
SELECT 1 FROM event_field
 WHERE group_id = $1 AND event_type_id = $2 AND version = $3 AND kind = $4 AND storage_key = $5
UNION ALL
SELECT 1 FROM event_metric WHERE group_id = $1 AND event_id = $6 AND kind = $4 AND storage_key = $5
"""
_DECLARED_EVER = """
SELECT 1 FROM event_field WHERE group_id = $1 AND event_type_id = $2 AND kind = $3 AND storage_key = $4
"""
# The value it replaces comes from the very row that is written, so that two at once move the hourly sums by what truly
# changed. The same value sent again without a date changes nothing: it became true when it was first sent. Nor does a
# value that is older than what is there.
_STORE = f"""
INSERT INTO event_metric AS m (group_id, created_at, updated_at, event_id, project_id, customer_id, occurred_at, kind,
                               storage_key, value, metric_date, currency, decided_at, is_told)
VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10::timestamptz, $2), $11, $12, true)
ON CONFLICT (group_id, event_id, storage_key)
DO UPDATE SET value = excluded.value, metric_date = excluded.metric_date, decided_at = excluded.decided_at,
              is_told = true, updated_at = excluded.updated_at
        WHERE (m.value <> excluded.value OR $10 IS NOT NULL) AND {NEWER}
RETURNING new.id, new.metric_date, coalesce(old.value, 0) AS before
"""
_REMEMBER = """
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date, actor)
VALUES ($1, $2, $3, $4, $5, $6)
"""
# What came too late to stand is kept, each value with a date once; one without a date where it is another value.
_REMEMBER_LATE = """
INSERT INTO event_metric_change (group_id, created_at, metric_id, value, metric_date, actor)
SELECT $1, $2, m.id, $5, coalesce($6::timestamptz, $2), $7
  FROM event_metric m
 WHERE m.group_id = $1 AND m.event_id = $3 AND m.storage_key = $4 AND (m.value <> $5 OR $6 IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM event_metric_change c
                    WHERE c.group_id = $1 AND c.metric_id = m.id AND c.value = $5
                      AND c.metric_date = coalesce($6::timestamptz, $2))
RETURNING id
"""
_TOUCH = "UPDATE event SET updated_at = $3 WHERE group_id = $1 AND id = $2"


async def tell(tx: Transaction, event_id: UUID, told: Telling, *, now: datetime) -> None:
    """Tell a state or statistic that the event's type had when the event came; it stands unless a later one does.

    NotFound for any other, with the code NO_FIELD. Hourly sums and the history move in the same transaction.
    """
    value = _checked(told)
    event = await _locked(tx, event_id)
    if not await tx.fetchval(
        _DECLARED,
        tx.scope.group_id,
        event["event_type_id"],
        event["type_version"],
        told.kind,
        told.storage_key,
        event_id,
    ):
        raise _no_field(told)
    await _store(tx, event_id, event, told, value, now=now)


async def backdate(tx: Transaction, event_id: UUID, told: Telling, *, now: datetime) -> None:
    """Give an event a state or statistic that its type has in some version, but did not have when the event came.

    A deliberate act: the key may have meant something else then. From now on the event has it like any other.
    """
    value = _checked(told)
    event = await _locked(tx, event_id)
    if not await tx.fetchval(
        _DECLARED_EVER, tx.scope.group_id, event["event_type_id"], told.kind, told.storage_key
    ):
        raise _no_field(told)
    await _store(tx, event_id, event, told, value, now=now)


def _checked(told: Telling) -> Decimal:
    """The value as it is stored: a state's is 0 or 1, a statistic's has at most 4 decimals."""
    written(told)
    if told.kind is EventFieldKind.STATE:
        if told.value not in (0, 1):
            raise Invalid("The value of a state is 0 or 1.", path=["value"])
        return told.value
    try:
        return read_statistic(told.value)
    except ValueError as why:
        raise Invalid(f"The value of a statistic {why}.", path=["value"]) from None


async def _locked(tx: Transaction, event_id: UUID) -> FetchedRow:
    row: FetchedRow | None = await tx.fetchrow(_LOCK, *borders(tx.scope), event_id)
    if row is None:
        raise NotFound("event", event_id, path=["id"])
    return row


async def _store(
    tx: Transaction, event_id: UUID, event: FetchedRow, told: Telling, value: Decimal, *, now: datetime
) -> None:
    group_id = tx.scope.group_id
    sale = [] if event["sale_reference"] is None else [event["sale_reference"]]
    await hold_sales(tx, sale)
    currency = (
        stored_currency(event["data"], event["body"]) if told.kind is EventFieldKind.STATISTIC else None
    )
    stored = await tx.fetchrow(
        _STORE,
        group_id,
        now,
        event_id,
        event["project_id"],
        event["customer_id"],
        event["occurred_at"],
        told.kind,
        told.storage_key,
        value,
        told.date,
        currency,
        decided_at(told.date or now, told_at=now),
    )
    if stored is None:
        await tx.execute(
            _REMEMBER_LATE, group_id, now, event_id, told.storage_key, value, told.date, told.actor
        )
        return
    await mark_told_by_orders(tx, sale)
    if told.storage_key == TURNOVER:
        await note_sales(tx, [event["customer_id"]])
    await tx.execute(_REMEMBER, group_id, now, stored["id"], value, stored["metric_date"], told.actor)
    await tx.execute(_TOUCH, group_id, event_id, now)
    place = (event["event_type_id"], rollups.hour_of(event["occurred_at"]), told.storage_key)
    await rollups.add_to_sums(tx, event["project_id"], {place: value - stored["before"]})


def _no_field(told: Telling) -> NotFound:
    failure = NotFound(told.kind, told.storage_key, path=["storageKey"])
    failure.message = f"The type of this event has no {told.kind} {told.storage_key:.80}."
    failure.reason = NO_FIELD
    return failure


__all__ = ["NO_FIELD", "Telling", "backdate", "tell"]
