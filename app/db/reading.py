"""The connections planned reads run on: taken from asyncpg's pool once, then handed from request to request.

A checkout from asyncpg's own pool costs a task and a round of bookkeeping per read, about as much as the rest of a
planned request; here it is a list's `pop`. Each connection keeps the statements it has prepared, so that a read goes
straight to the one it runs. A connection that was cancelled or failed by itself goes back to the pool, which mends
or replaces it.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from app.db.outages import Absence, told

Connection = Any
"""asyncpg's pooled connection."""

MAX_STATEMENTS = 500
"""Prepared on one connection; about 200 kB each, on the server."""


class _Reader:
    """A connection and what it has prepared, used longest ago first."""

    __slots__ = ("connection", "has_ended", "statements")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.statements: OrderedDict[str, PreparedStatement[asyncpg.Record]] = OrderedDict()
        self.has_ended = False
        """The server or the network closed it."""
        # Told, not asked: asking goes through the pool's proxy, at every read.
        connection.add_termination_listener(self._end)

    async def prepare(self, sql: str) -> "PreparedStatement[asyncpg.Record]":
        """A statement that is asked for the first time."""
        statement: PreparedStatement[asyncpg.Record] = await self.connection.prepare(sql)
        self.statements[sql] = statement
        if len(self.statements) > MAX_STATEMENTS:
            # asyncpg closes it on the server when the next one is prepared.
            self.statements.popitem(last=False)
        return statement

    async def release(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Give the connection back to the pool."""
        # A connection that has ended refuses; it tells nobody any more.
        with contextlib.suppress(asyncpg.InterfaceError):
            self.connection.remove_termination_listener(self._end)
        await pool.release(self.connection)

    def _end(self, _: object) -> None:
        self.has_ended = True


class Readers:
    """At most `size` connections, the most recently used first (its plans are warm)."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", size: int, absence: Absence) -> None:
        self.pool = pool
        self._absence = absence
        self._size = size
        self._idle: list[_Reader] = []
        self._unopened = size
        self._waiting: deque[asyncio.Future[_Reader | None]] = deque()
        """They are handed a connection, or told that there is room to open one."""

    async def fetch_bytes(self, sql: str, values: Sequence[object]) -> bytes | None:
        """The one value of a planned statement. Unavailable where the database is away or takes too long."""
        tries = 0
        with told():
            while True:
                reader = self._idle.pop() if self._idle else await self._take()
                if reader.has_ended:
                    await self._retire(reader)
                    continue
                try:
                    return await self._fetch_on(reader, sql, values)
                except asyncpg.InternalClientError:
                    # The server has said goodbye on this connection, and its end has not come yet: the driver
                    # refuses to send. As many as there are may be like that; the one after them is new.
                    tries += 1
                    if tries > self._size:
                        raise

    async def _fetch_on(self, reader: _Reader, sql: str, values: Sequence[object]) -> bytes | None:
        try:
            statement = reader.statements.get(sql)
            if statement is None:
                statement = await reader.prepare(sql)
            else:
                reader.statements.move_to_end(sql)
            data = await statement.fetchval(*values)
        except asyncpg.PostgresError:
            # The statement failed, not the connection; a connection that ended is found out by the next one.
            self._give_back(reader)
            raise
        except BaseException:
            await self._retire(reader)
            raise
        self._give_back(reader)
        return cast("bytes | None", data)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for more than one statement. Unavailable where the database is away or takes too long."""
        with told():
            reader = await self._take()
            while reader.has_ended:
                await self._retire(reader)
                reader = await self._take()
            try:
                yield reader.connection
            except BaseException:
                await self._retire(reader)
                raise
            self._give_back(reader)

    async def close(self) -> None:
        """Give every idle connection back, and close the pool when the others have come back too."""
        for reader in self._idle:
            await reader.release(self.pool)
        self._idle.clear()
        await self.pool.close()

    async def _take(self) -> _Reader:
        while not self._idle:
            if self._unopened:
                self._unopened -= 1
                try:
                    with self._absence.giving():
                        return _Reader(await self.pool.acquire())
                except BaseException:
                    self._unopened += 1
                    self._wake()
                    raise
            turn: asyncio.Future[_Reader | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                handed = await turn
            except BaseException:
                if turn.done() and not turn.cancelled():  # our turn came as we left: the next one has it
                    left = turn.result()
                    if left is None:
                        self._wake()
                    else:
                        self._give_back(left)
                raise
            if handed is not None:
                return handed
        return self._idle.pop()

    def _give_back(self, reader: _Reader) -> None:
        # From hand to hand: whoever comes in between would take it, and those who wait would wait again.
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(reader)
                return
        self._idle.append(reader)

    async def _retire(self, reader: _Reader) -> None:
        self._unopened += 1
        self._wake()
        # Shielded: a request that was cancelled still has to bring its connection home.
        await asyncio.shield(reader.release(self.pool))

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
