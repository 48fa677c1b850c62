"""Taking events in: what waits is written together, and acknowledged after COMMIT.

Requests queue here; a writer takes whatever is waiting, up to 500, and stores it in one transaction: one insert per
group, the group's policies changing in between (`accept_events`, revision 0010). While it commits, the next batch
gathers, so batches grow with the load and nobody waits for a timer.

A repeat (same project and nonce, and vouched for or not) gets the id of the first: within a batch, from an earlier one
or another process.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from app.db.database import Database
from app.db.outages import outage
from app.db.pool import KeptConnection
from app.errors import Invalid, NotFound, Unavailable
from app.values.shares import Shares

MAX_BATCH = 500
MAX_BATCH_BYTES = 8 * 1024 * 1024
"""Of a batch's bodies: what one statement brings to the database. A single event may be larger."""
CAPACITY = 10_000
"""How many may wait in a process; more are told to try again. Groups share them, see `values/shares.py`."""
CAPACITY_BYTES = 64 * 1024 * 1024
"""How large their bodies may be together, those that are being stored among them; groups share that as well."""
SPARE_PART = 4
"""A quarter more of each, for groups below their share."""
MANY = 12
"""From this many on, events that wait to be stored come before those that wait to be processed."""
LONG_S = 0.02
"""The same while the last ones waited this long to be stored: there is too much to do for both."""
CHANNEL = "event_accepted"
"""Where pipelines in other processes hear of work. Only a hint: they also look by themselves."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An event as it was sent. `body` is JSON text of the whole request, `data` among its keys."""

    group_id: int
    project_id: int
    event_type: str
    nonce: str
    tracker_id: str | None
    occurred_at: datetime
    received_at: datetime
    body: str
    is_vouched: bool = False
    """Whether it came with a credential."""

    @property
    def size(self) -> int:
        """Of its body, in bytes."""
        return len(self.body) if self.body.isascii() else len(self.body.encode())

    @property
    def dedup_key(self) -> str:
        """Unique per source: the nonce deduplicates inside its project, strangers' events apart from vouched ones.

        Otherwise a stranger who uses a nonce first would suppress the honest event.
        """
        mark = "" if self.is_vouched else "~"
        return f"{mark}{self.project_id}:{self.nonce}"


@dataclass(slots=True)
class _Waiting:
    sent: Sent
    id: UUID
    key: tuple[int, str]
    at_once: bool
    """Whoever sent it also processes it: no need to notify anybody."""
    since_s: float
    """When it came, by the monotonic clock."""
    answers: "list[asyncio.Future[UUID]]" = field(default_factory=list)


_ACCEPT = """
SELECT place, id FROM accept_events(
  $1::bigint[], $2::int[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
  $9::timestamptz[], $10::text[], $11::boolean[])
"""
_NOTIFY = f"SELECT pg_notify('{CHANNEL}', given::text) FROM unnest($1::bigint[]) AS given"


class Acceptor:
    """The queue of a process and its writer. The writer runs while there is something to write."""

    def __init__(
        self, db: Database, *, capacity: int = CAPACITY, capacity_bytes: int = CAPACITY_BYTES
    ) -> None:
        self._db = db
        self._places = Shares(capacity, spare=-(-capacity // SPARE_PART))
        self._room = Shares(capacity_bytes, spare=capacity_bytes // SPARE_PART)
        """In bytes, of what waits and of what is being stored."""
        self._queue: deque[_Waiting] = deque()
        self._latest: dict[tuple[int, str], _Waiting] = {}
        """What is still in the queue, by group and key: a repeat joins it."""
        self._writer: asyncio.Task[None] | None = None
        self._kept: KeptConnection | None = None
        """A checkout per batch would cost more round trips than the batch."""
        self._is_new = True
        """Whether the connection has stored nothing yet."""
        self._waited_s = 0.0
        """How long the first one of the last batch waited to be stored."""
        self.on_accepted: Callable[[Collection[int]], None] | None = None
        """Called after each COMMIT with the groups that have work; without it, other processes are notified."""

    async def accept(self, sent: Sent, *, at_once: bool = False) -> UUID:
        """Store the event; its id, or that of the first with its key. Pending once this returns.

        `at_once`: the caller goes on to process it. Unavailable while the queue is full or the database is away,
        NotFound where the project has just gone.
        """
        key = (sent.group_id, sent.dedup_key)
        waiting = self._latest.get(key)
        if waiting is None:
            size = max(1, sent.size)
            if not self._room.take(sent.group_id, size):
                raise Unavailable("Too many events are waiting to be stored. Please send it again shortly.")
            if not self._places.take(sent.group_id):
                self._room.give_back(sent.group_id, size)
                raise Unavailable("Too many events are waiting to be stored. Please send it again shortly.")
            waiting = _Waiting(sent, new_id(sent.received_at), key, at_once, time.monotonic())
            self._latest[key] = waiting
            self._queue.append(waiting)
            if self._writer is None:
                self._writer = asyncio.create_task(self._write())
        answer: asyncio.Future[UUID] = asyncio.get_running_loop().create_future()
        waiting.answers.append(answer)
        return await answer

    def is_pressed(self) -> bool:
        """Whether so many events wait to be stored, or wait so long, that other work should give way."""
        return len(self._queue) >= MANY or (self._waited_s >= LONG_S and self._writer is not None)

    async def close(self) -> None:
        """Store what waits, then give the connection back."""
        while self._writer is not None:
            await asyncio.wait([self._writer])
        self._let_go()

    async def _write(self) -> None:
        """Batch after batch until nothing waits."""
        try:
            while self._queue:
                batch = self._next()
                for waiting in batch:
                    del self._latest[waiting.key]
                    self._places.give_back(waiting.sent.group_id)
                # In the order of keys, so that two processes that store the same events wait and cannot deadlock.
                batch.sort(key=_order)
                try:
                    await self._store(batch)
                finally:
                    for waiting in batch:
                        self._room.give_back(waiting.sent.group_id, max(1, waiting.sent.size))
        finally:
            self._writer = None

    def _next(self) -> list[_Waiting]:
        """The next batch, in the order they came."""
        batch = [self._queue.popleft()]
        total = batch[0].sent.size
        while self._queue and len(batch) < MAX_BATCH:
            size = self._queue[0].sent.size
            if total + size > MAX_BATCH_BYTES:
                break
            batch.append(self._queue.popleft())
            total += size
        return batch

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        try:
            try:
                await self._insert(batch)
            except Exception as problem:
                if self._is_new or not (isinstance(problem, asyncpg.InterfaceError) or outage(problem)):
                    raise
                # The connection may have broken while idle. If these were stored all the same, their keys show it.
                self._let_go()
                await self._insert(batch)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
            await self._one_by_one(batch, error)
        except Exception as problem:
            await self._give_up(batch, problem)
        else:
            self._is_new = False
            await self._tell(batch)

    async def _insert(self, batch: Sequence[_Waiting]) -> None:
        """One round trip, and a transaction by itself."""
        if self._kept is None:
            self._kept, self._is_new = await self._db.connection(), True
        groups: list[int] = []
        ends: list[int] = []
        for at, waiting in enumerate(batch, 1):
            if groups and groups[-1] == waiting.sent.group_id:
                ends[-1] = at
            else:
                groups.append(waiting.sent.group_id)
                ends.append(at)
        rows = await self._kept.driver.fetch(
            _ACCEPT,
            groups,
            ends,
            [waiting.id for waiting in batch],
            [waiting.sent.project_id for waiting in batch],
            [waiting.key[1] for waiting in batch],
            [waiting.sent.event_type for waiting in batch],
            [waiting.sent.tracker_id for waiting in batch],
            [waiting.sent.received_at for waiting in batch],
            [waiting.sent.occurred_at for waiting in batch],
            [waiting.sent.body for waiting in batch],
            [waiting.sent.is_vouched for waiting in batch],
        )
        # Only those that were there already come back.
        for place, ident in rows:
            batch[place - 1].id = ident
        self._waited_s = time.monotonic() - min(waiting.since_s for waiting in batch)
        for waiting in batch:
            _answer(waiting, waiting.id)

    async def _one_by_one(self, batch: Sequence[_Waiting], error: Exception) -> None:
        """Store singly: an event that cannot be stored (its project has just gone) takes no others with it."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._store(batch[:middle])
            await self._store(batch[middle:])
            return
        if isinstance(error, asyncpg.ForeignKeyViolationError):
            _refuse(batch[0], NotFound("project"))
        else:
            log.error("an event could not be stored", exc_info=error)
            _refuse(batch[0], Invalid("The event cannot be stored."))

    async def _give_up(self, batch: Sequence[_Waiting], problem: Exception) -> None:
        """The batch may have been stored or not; sending again with the same nonce tells."""
        self._let_go()
        failure = self._db.writer.noted(problem)
        if failure is None:  # Of an outage there is a line every few seconds already.
            log.warning("%d events could not be stored: %s", len(batch), problem)
            failure = Unavailable("The event could not be stored just now.")
        for waiting in batch:
            _refuse(waiting, failure)

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    async def _tell(self, batch: Sequence[_Waiting]) -> None:
        groups = {waiting.sent.group_id for waiting in batch if not waiting.at_once}
        if not groups:
            return
        if self.on_accepted is not None:
            self.on_accepted(groups)
            return
        try:
            assert self._kept is not None
            await self._kept.driver.execute(_NOTIFY, sorted(groups))
        except Exception as problem:
            log.warning("no pipeline was told of new events: %s", problem)


def new_id(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562): milliseconds, then random bits."""
    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    noise = int.from_bytes(os.urandom(10))
    return UUID(
        int=milliseconds << 80 | 0x7000 << 64 | (noise >> 68 & 0xFFF) << 64 | 1 << 63 | noise & (1 << 62) - 1
    )


def _order(waiting: _Waiting) -> tuple[int, str]:
    return waiting.key


def _answer(waiting: _Waiting, ident: UUID) -> None:
    for answer in waiting.answers:
        if not answer.done():  # Those who waited may have left.
            answer.set_result(ident)


def _refuse(waiting: _Waiting, failure: Exception) -> None:
    for answer in waiting.answers:
        if not answer.done():
            answer.set_exception(failure)


__all__ = ["CHANNEL", "Acceptor", "Sent", "new_id"]
