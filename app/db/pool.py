"""Connections to PostgreSQL, handed from one user to the next: the only kind of pool, for reading and for writing.

A checkout from a pool of asyncpg's or SQLAlchemy's costs bookkeeping, and a reset or a ping costs round trips; here it
is a list's `pop`. Nothing needs a reset, since nothing but SET LOCAL is ever set and it ends with its transaction. And
nothing needs a ping, since BEGIN fails on a connection that has ended unnoticed, before anything was done on it.

Groups share the connections (`values/shares.py`): whoever uses one says for which group.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from app.db.deadlines import not_too_late, uncut
from app.db.outages import Absence, Away, outage, told
from app.errors import Unavailable
from app.values.shares import OURS, Shares

Connection = Any
"""asyncpg's own, whatever its class."""

MENDS_WITHIN_S = 10.0
"""How long a cancelled statement may take to end before its connection is given up."""


class Pool:
    """At most `size` connections, the most recently used first (its plans are warm), and a few to spare."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        size: int,
        absence: Absence,
        waits_s: float | None = None,
        spare: int = 0,
    ) -> None:
        """`waits_s`: whoever has waited this long while all were in use is refused; None: nobody is.

        `spare`: how many more are opened for groups that have less than their share.
        """
        self.size = size
        self.shares = Shares(size, spare=spare)
        self.taken = 0
        """How often a connection was asked for."""
        self._connect = connect
        self._absence = absence
        self._waits_s = waits_s
        self._idle: list[Connection] = []
        self._users: dict[Connection, int] = {}
        """Whose share each connection in use is part of."""
        self._mending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    # ── whole uses ────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def transaction(self, begin: str = "BEGIN", *, group: int = OURS) -> AsyncIterator[Connection]:
        """A connection inside a transaction: COMMIT at the end, ROLLBACK where something is raised.

        `begin` opens it, settings included, in one message. An outage is raised as Unavailable.
        """
        with told():
            not_too_late()
            connection = await self._first(begin, group)
            try:
                yield connection
                with uncut():
                    status = await connection.execute("COMMIT")
            except BaseException:
                await self.mend(connection)
                raise
            self.give_back(connection)
            if status != "COMMIT":
                # The only sign of it: code that caught a statement's failure would think that all was committed.
                raise asyncpg.InFailedSQLTransactionError("a statement of this transaction failed")

    @asynccontextmanager
    async def connection(self, *, group: int = OURS) -> AsyncIterator[Connection]:
        """A connection outside any transaction. An outage is raised as Unavailable."""
        with told():
            connection = await self.take(group)
            try:
                yield connection
            except BaseException:
                await self.mend(connection)
                raise
            self.give_back(connection)

    async def keep(self) -> "KeptConnection":
        """A connection for as long as the caller wants it. Unavailable where there is none."""
        with told():
            return KeptConnection(self, await self._first("SELECT 1", OURS))

    async def close(self) -> None:
        """End every connection; those in use when they come back."""
        self._is_closed = True
        await asyncio.gather(*self._mending, return_exceptions=True)
        idle, self._idle = self._idle, []
        for connection in idle:
            # A connection that has ended by itself raises here.
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=MENDS_WITHIN_S)

    # ── one step at a time ────────────────────────────────────────────────────

    async def take(self, group: int = OURS) -> Connection:
        """A connection, which the caller hands to one of the three below. Unavailable where there is none."""
        self.taken += 1
        if not self.shares.take(group):
            await self._wait(group)
        # Whoever has a place finds a connection that lies ready, or there is room to open one.
        try:
            connection = self._ready() or await self._open()
        except BaseException:
            self.shares.give_back(group)
            raise
        self._users[connection] = group
        return connection

    def take_now(self, group: int = OURS) -> Connection | None:
        """The same without waiting, and without a coroutine for each read; None where none lies ready."""
        if self._idle and not self._idle[-1].is_closed() and self.shares.take(group):
            self.taken += 1
            connection = self._idle.pop()
            self._users[connection] = group
            return connection
        return None

    def give_back(self, connection: Connection) -> None:
        """The connection is whole, outside any transaction, and nothing runs on it."""
        if self._is_closed:
            self.drop(connection)
            return
        self._idle.append(connection)
        self.shares.give_back(self._users.pop(connection))

    async def mend(self, connection: Connection) -> None:
        """The connection was left in the middle of something: end that, or the connection, before anybody gets it."""
        task = asyncio.ensure_future(self._mend(connection))
        self._mending.add(task)
        task.add_done_callback(self._mending.discard)
        # Shielded: a cancelled request still has to give back its connection.
        await asyncio.shield(task)

    def drop(self, connection: Connection) -> None:
        """The connection is not used again; another one may be opened in its place."""
        connection.terminate()
        self.shares.give_back(self._users.pop(connection))

    # ── how it is done ────────────────────────────────────────────────────────

    async def _first(self, sql: str, group: int) -> Connection:
        """A connection on which this was done first; those that turn out to have ended are dropped."""
        most = self.size + self.shares.spare
        for tries in range(most + 1):
            connection = await self.take(group)
            try:
                await connection.execute(sql)
            except BaseException as problem:
                if tries < most and isinstance(outage(problem), Away):
                    self.drop(connection)
                    continue
                await self.mend(connection)
                raise
            return connection
        raise AssertionError("the last try returns or raises")

    async def _mend(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(MENDS_WITHIN_S):
                # The driver sends neither before a cancelled statement has ended. If that was BEGIN, it is
                # only known afterwards whether it was still done.
                await connection.execute("ROLLBACK" if connection.is_in_transaction() else "SELECT 1")
                if connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
        except Exception:
            self.drop(connection)
        except BaseException:
            self.drop(connection)
            raise
        else:
            self.give_back(connection)

    def _ready(self) -> Connection | None:
        """One that lies ready; those that have ended meanwhile are thrown away."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            connection.terminate()
        return None

    async def _open(self) -> Connection:
        with self._absence.giving():
            if self._is_closed:
                raise asyncpg.InterfaceError("the pool is closed")
            return await self._connect()

    async def _wait(self, group: int) -> None:
        try:
            await self.shares.turn(group, within_s=self._waits_s)
        except TimeoutError as problem:
            raise Unavailable(
                "All connections to the database are in use. Please try again shortly."
            ) from problem


class KeptConnection:
    """A connection that somebody keeps, outside any transaction of ours."""

    def __init__(self, pool: Pool, driver: Connection) -> None:
        self.driver = driver
        self._pool = pool

    def close(self) -> None:
        """Nobody gets it after that: it may still listen, or hold what a failure left behind."""
        self._pool.drop(self.driver)


__all__ = ["Connection", "KeptConnection", "Pool"]
