"""Finds out within seconds that a database hangs, so that nobody waits for the end of their own deadline.

A statement may take long because it has much to do. But where nothing has come back from a server for a second, and
somebody waits, the server is asked for a sign of life by a connection of its own. None, and still nothing has come
back: it hangs, and everybody who waits is told. While all is well this costs a comparison a second. While it is away
the same is asked until it answers.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import asyncpg

from app.db.absence import Absence
from app.db.pool import CONNECTS_WITHIN_S, Pool
from app.db.timers import later

LOOKS_EVERY_S = 1.0
ANSWERS_WITHIN_S = 2.0
MOST_SKIPPED = 3
"""Looks that are left out after signs of life, while a statement just takes long."""


class Pulse:
    """Feels the pulse of one server. Its timer ends with it, also where nobody closes it."""

    def __init__(self, pools: Sequence[Pool], absence: Absence) -> None:
        """`pools`: all that go there; the first one says how to connect."""
        self._pools = pools
        self._absence = absence
        self._seen = 0
        self._well = self._skipped = 0
        self.on_look: Callable[[Pulse], None] | None = None
        """Told at each look."""
        self._asking: asyncio.Task[None] | None = None
        self._timer = later(LOOKS_EVERY_S, self.look)

    @property
    def connections(self) -> tuple[int, int, int]:
        """How many are open, how many of them are in use, and how many wait for one."""
        pools = self._pools
        opened = sum(pool.opened for pool in pools)
        return opened, sum(pool.in_use for pool in pools), sum(pool.waiting for pool in pools)

    @property
    def is_away(self) -> bool:
        """Whether there is no connection to be had."""
        return self._absence.began is not None

    def stop(self) -> None:
        """Feel it no more."""
        self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def look(self) -> None:
        """Ask for a sign of life, if there was none and somebody waits."""
        self._timer = later(LOOKS_EVERY_S, self.look)
        before, self._seen = self._seen, self._returned()
        waited_for = any(pool.in_use for pool in self._pools)
        is_silent = waited_for and before == self._seen
        if not is_silent:
            self._well = self._skipped = 0
        elif self._skipped < min(self._well, MOST_SKIPPED):
            self._skipped += 1
            is_silent = False
        if self._asking is None and (is_silent or self._absence.began is not None):
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        if self.on_look is not None:
            self.on_look(self)

    def _returned(self) -> int:
        return sum(pool.returned for pool in self._pools)

    async def _ask(self) -> None:
        before, is_away = self._returned(), self._absence.began is not None
        connection = None
        try:
            async with asyncio.timeout(CONNECTS_WITHIN_S if is_away else ANSWERS_WITHIN_S):
                connection = await self._pools[0].connect()
                await connection.fetchval("SELECT 1")
            self._absence.over()
            self._well, self._skipped = self._well + 1, 0
        except TimeoutError:
            if self._returned() == before and not is_away:
                self._absence.hangs()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            pass  # It says something: that it is away is found out by whoever wants a connection.
        finally:
            if connection is not None:
                connection.terminate()

    def _asked(self, task: "asyncio.Task[None]") -> None:
        self._asking = None
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
