"""Processing events: claiming those that wait, and what happens when that fails.

A batch is events of one group in one transaction. Whoever claims an event holds its row (`FOR UPDATE SKIP LOCKED`),
so several workers never process the same one, and one that dies leaves it pending.

A failure is the database's trouble or an event's fault. Trouble costs no event: those that met it stay pending and are
tried again later (`postponing.py`). A fault is looked for in halves at once, and an event that fails twice by itself is
in the trash.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import asyncpg

from app.db.database import Database, Transaction
from app.db.outages import Busy
from app.db.troubles import is_the_databases
from app.domain.events.postponing import MOST, Postponed
from app.domain.events.settling import Claimed, settle_events, trash
from app.domain.events.validating import EventFault, FaultCode
from app.errors import OUR_FAULT, Conflict
from app.tables.events import EventStatus
from app.values.json_text import read_object
from app.values.scope import Scope

MAX_BATCH = 100
"""Larger batches hardly cost less per event, and hold up events that wait to be stored."""
TRIES = 5
"""Tries for a batch that collides with another one."""
LOCK_WAIT_MS = 2_000
"""How long a batch waits for a row that somebody holds. Other batches need milliseconds."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch: by event the reasons why it is in the trash; none: it is processed."""

    faults: Mapping[UUID, Sequence[EventFault]]

    @property
    def trashed(self) -> int:
        """How many went into the trash."""
        return sum(1 for some in self.faults.values() if some)


# Those that wait longest, without those that another worker has claimed, and without those that were put off.
_CLAIM = """
SELECT id, project_id, event_type, occurred_at, received_at, tracker_id, is_vouched, body::text AS body
  FROM event
 WHERE group_id = $1 AND status = 'pending' AND id <> ALL ($3)
 ORDER BY received_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
# Those that were put off, without those that another worker is trying now.
_CLAIM_AGAIN = """
SELECT id, project_id, event_type, occurred_at, received_at, tracker_id, is_vouched, body::text AS body
  FROM event
 WHERE group_id = $1 AND id = ANY ($2) AND status = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED
"""
# For single events and retries: exactly these. Waits for whoever has claimed them, who will have processed them then.
_CLAIM_THESE = """
SELECT id, project_id, event_type, occurred_at, received_at, tracker_id, is_vouched, body::text AS body
  FROM event
 WHERE group_id = $1 AND id = ANY ($2) AND status = $3 ORDER BY id FOR UPDATE
"""
_WAIT_BRIEFLY = f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}"


async def process_pending(
    db: Database, group_id: int, *, limit: int = MAX_BATCH, now: datetime, postponed: Postponed | None = None
) -> int:
    """Process a batch of what waits in a group; how many are done.

    Trouble of the database that met events puts these into `postponed`, whose turn comes here as well; without it, and
    where there was no way to any event, it is raised.
    """
    unit = postponed.take() if postponed is not None else None
    if unit is None and postponed is not None and len(postponed) >= MOST:
        return 0
    aside = postponed.ids if postponed is not None else []
    claimed: list[UUID] = []

    async def work() -> int:
        claimed.clear()
        async with db.transaction(Scope(group_id)) as tx:
            await tx.execute(_WAIT_BRIEFLY)
            rows = (
                await tx.fetch(_CLAIM, group_id, limit, aside)
                if unit is None
                else await tx.fetch(_CLAIM_AGAIN, group_id, list(unit.ids))
            )
            claimed.extend(row["id"] for row in rows)
            await _process(tx, rows, now=now)
            return len(rows)

    try:
        try:
            return await _again(work)
        except Exception as problem:
            if not claimed or is_the_databases(problem):
                raise
            log.exception("a batch of %d events failed; it is done in halves", len(claimed))
            await process_these(db, group_id, tuple(claimed), now=now)
            return len(claimed)
    except Exception as problem:
        if postponed is None:
            raise
        if not claimed:
            if unit is not None:
                postponed.put_back(unit)
            raise
        tries = 1 if unit is None else unit.tries + 1
        postponed.put_off(claimed, tries=tries)
        log.warning(
            "%d events of group %s wait, the database could not do them just now (time %d): %s: %s",
            len(claimed), group_id, tries, type(problem).__name__, problem,
        )  # fmt: skip
        return 0


async def process_these(
    db: Database,
    group_id: int,
    ids: Sequence[UUID],
    *,
    status: EventStatus = EventStatus.PENDING,
    now: datetime,
) -> Done:
    """Process those of these events that still have this status. One that fails unexpectedly stops no other.

    Trouble of the database is raised; what was not done yet stays as it is.
    """

    async def work() -> Done:
        async with db.transaction(Scope(group_id)) as tx:
            return await _process(tx, await tx.fetch(_CLAIM_THESE, group_id, list(ids), status), now=now)

    for chance in range(2):
        try:
            return await _again(work)
        except Exception as problem:
            if is_the_databases(problem):
                raise
            if len(ids) > 1:
                middle = len(ids) // 2
                first = await process_these(db, group_id, ids[:middle], status=status, now=now)
                second = await process_these(db, group_id, ids[middle:], status=status, now=now)
                return Done({**first.faults, **second.faults})
            if chance:
                log.exception("an event cannot be processed: %s", *ids)
    fault = EventFault(FaultCode.INTERNAL_ERROR, None, f"{OUR_FAULT}; it can be replayed.")
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_CLAIM_THESE, group_id, list(ids), status)
        faults = {row["id"]: [fault] for row in rows}
        await trash(tx, faults, now=now)
    return Done(faults)


SENT_BEFORE = "An event with this nonce was sent before, and it is in the trash for this reason."
_FAULTS = (
    "SELECT code, field, message, (SELECT body::text FROM event WHERE group_id = $1 AND id = $2) AS body"
    "  FROM event_fault WHERE group_id = $1 AND event_id = $2 ORDER BY position"
)


async def process_now(
    db: Database, group_id: int, ident: UUID, *, body: str | None, now: datetime
) -> list[EventFault]:
    """Process this event unless that is done; returns why it is in the trash, if it is.

    Messages quote what was sent. With a `body` they are told where this is what was sent: somebody else may have been
    the first with its nonce.
    """
    await process_these(db, group_id, [ident], now=now)
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_FAULTS, group_id, ident)
    return [
        EventFault(
            FaultCode(row["code"]),
            row["field"],
            row["message"] if body is None or row["body"] == body else SENT_BEFORE,
        )
        for row in rows
    ]


async def _again(work: Callable[[], Awaitable[T]]) -> T:
    """Repeat a whole transaction that collides with others, a few times at most."""
    for attempt in range(1, TRIES + 1):
        try:
            return await work()
        except (Conflict, Busy, asyncpg.UniqueViolationError) as problem:
            # Whoever waited for a lock in vain has waited long enough for now.
            if attempt == TRIES or isinstance(problem.__cause__, asyncpg.LockNotAvailableError):
                raise
            # A random pause, so that two that collided do not do so again.
            await asyncio.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311 - nothing secret
    raise AssertionError("unreachable")


async def _process(tx: Transaction, rows: "Sequence[asyncpg.Record]", *, now: datetime) -> Done:
    """Settle claimed rows."""
    events = [
        Claimed(
            row["id"],
            row["project_id"],
            row["event_type"],
            row["occurred_at"],
            row["received_at"],
            row["tracker_id"],
            row["is_vouched"],
            read_object(row["body"].encode(), long_numbers=True),
        )
        for row in rows
    ]
    return Done(await settle_events(tx, events, now=now))


__all__ = ["MAX_BATCH", "Done", "process_now", "process_pending", "process_these"]
