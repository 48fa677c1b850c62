"""A replica for reads that may be stale: while it is known to lag little, and never instead of an answer.

Once a second, beside all requests, it is asked how far it has come, and the primary how far it is. What the primary
had written at a moment, and the replica has done, was done then: so the lag is known also where nothing is written,
and where the replica has lost its primary without noticing. A replica that lags too much, hangs, is away, or has become
a server of its own answers nothing; the primary does, and that is counted.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

import asyncpg

from app.db.outages import Away, TookTooLong
from app.db.pool import Pool
from app.db.reading import Readers
from app.db.timers import later
from app.errors import Unavailable
from app.values.shares import OURS

LOOKS_EVERY_S = 1.0
ANSWERS_WITHIN_S = 1.0
MAX_LAG_S = 5.0

_WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint AS at"
_DONE = """
SELECT pg_is_in_recovery() AS follows, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint AS at
"""

log = logging.getLogger(__name__)


class Replica:
    """One replica and what is known of it."""

    def __init__(self, pool: Readers, primary: Pool, *, max_lag_s: float = MAX_LAG_S) -> None:
        self.pool = pool
        self.lag_s: float | None = None
        """How much of the primary's past it lacks, in seconds; None: not known, or too much to tell."""
        self.reason = ""
        """Why it is not asked; empty: it is."""
        self.on_look: Callable[[Replica], None] | None = None
        """Told after each look."""
        self._primary = primary
        self._max_lag_s = max_lag_s
        self._written: deque[tuple[float, int]] = deque()
        """Moments, and how far the primary was."""
        self._looking: asyncio.Task[None] | None = None
        self._timer = later(LOOKS_EVERY_S, self.tick)

    async def fetch_bytes(
        self, sql: str, values: Sequence[object], *, begin: str = "", group: int = OURS
    ) -> tuple[bool, bytes | None]:
        """Whether it answered, and what; what makes it fail is not raised, but a statement that takes too long.

        `begin`: what a transaction is begun with, if there must be one.
        """
        if self.reason:
            return False, None
        try:
            if not begin:
                return True, await self.pool.fetch_bytes(sql, values, group=group)
            async with self.pool.transaction(begin, writes=False, group=group) as connection:
                return True, await connection.fetchval(sql, *values)
        except TookTooLong:
            raise
        except (Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
            if isinstance(problem, Away):
                self._settle("it cannot be reached", None)
            return False, None

    async def look(self) -> None:
        """Find out how it is."""
        try:
            written = await self._primary.ask(_WRITTEN, within_s=ANSWERS_WITHIN_S)
            self._written.append((time.monotonic(), int(written["at"])))
        except (Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # The primary is away: the replica is as good as it was.
        try:
            done = await self.pool.ask(_DONE, within_s=ANSWERS_WITHIN_S)
        except (Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
            if isinstance(problem.__cause__, TimeoutError):
                self.pool.absence.hangs()
            self._settle("it cannot be reached", None)
            return
        if not done["follows"]:
            self._settle("it follows no primary", None)
            return
        lag_s = self._lag_s(int(done["at"] or 0))
        if lag_s is None or lag_s > self._max_lag_s:
            self._settle(f"it lags by more than {self._max_lag_s:g} s", lag_s)
        else:
            self._settle("", lag_s)

    def tick(self) -> None:
        """Look, unless the last look still goes on."""
        self._timer = later(LOOKS_EVERY_S, self.tick)
        if self._looking is None:
            self._looking = asyncio.create_task(self.look())
            self._looking.add_done_callback(self._looked)

    async def close(self) -> None:
        """End it."""
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
        await self.pool.close()

    def _looked(self, task: "asyncio.Task[None]") -> None:
        self._looking = None
        with contextlib.suppress(asyncio.CancelledError):
            task.result()

    def _lag_s(self, done: int) -> float | None:
        """Since when something is missing; None: since before we look."""
        if not self._written:
            return None
        latest, _ = self._written[-1]
        # Of the moments that it has reached the last one counts, and what is before that is of no use any more.
        while len(self._written) > 1 and self._written[1][1] <= done:
            self._written.popleft()
        moment, written = self._written[0]
        while len(self._written) > 1 and latest - moment > 100 * self._max_lag_s:
            self._written.popleft()
            moment, written = self._written[0]
        return latest - moment if written <= done else None

    def _settle(self, reason: str, lag_s: float | None) -> None:
        if reason != self.reason:
            if reason:
                log.warning("the replica is not asked, the primary answers: %s", reason)
            else:
                log.warning("the replica is asked again")
        self.reason, self.lag_s = reason, lag_s
        if self.on_look is not None:
            self.on_look(self)
