"""The connections planned reads run on: taken from asyncpg's pool once, then handed from request to request.

A checkout from asyncpg's own pool costs a task and a round of bookkeeping per read, about as much as the rest of a
planned request; here it is a list's `pop`. A connection that failed or was cancelled goes back to the pool, which
mends or replaces it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg

Connection = Any
"""asyncpg's pooled connection."""


class Readers:
    """At most `size` connections, the most recently used first (its plans are warm)."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", size: int) -> None:
        self.pool = pool
        self._idle: list[Connection] = []
        self._unopened = size
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def fetch_bytes(self, sql: str, values: Sequence[object]) -> bytes | None:
        """The one value of a planned statement."""
        connection = await self._checked_out()
        try:
            data = await connection.fetchval(sql, *values)
        except BaseException:
            await self._retire(connection)
            raise
        self._give_back(connection)
        return cast("bytes | None", data)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for more than one statement."""
        connection = await self._checked_out()
        try:
            yield connection
        except BaseException:
            await self._retire(connection)
            raise
        self._give_back(connection)

    async def close(self) -> None:
        """Give every idle connection back, and close the pool when the others have come back too."""
        for connection in self._idle:
            await self.pool.release(connection)
        self._idle.clear()
        await self.pool.close()

    async def _checked_out(self) -> Connection:
        while True:
            connection = self._idle.pop() if self._idle else await self._take()
            # The pool takes back a connection that the server ended; it then says so instead of answering.
            with contextlib.suppress(asyncpg.InterfaceError):
                if not connection.is_closed():
                    return connection
            await self._retire(connection)

    async def _take(self) -> Connection:
        while not self._idle:
            if self._unopened:
                self._unopened -= 1
                try:
                    return await self.pool.acquire()
                except BaseException:
                    self._unopened += 1
                    self._wake()
                    raise
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._wake()  # our turn came as we left: the next one has it
                raise
        return self._idle.pop()

    def _give_back(self, connection: Connection) -> None:
        self._idle.append(connection)
        if self._waiting:
            self._wake()

    async def _retire(self, connection: Connection) -> None:
        self._unopened += 1
        self._wake()
        # Shielded: a request that was cancelled still has to bring its connection home.
        await asyncio.shield(self.pool.release(connection))

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
