"""Connections to PostgreSQL, handed from one user to the next: the only kind of pool, for reading and for writing.

A checkout from a pool of asyncpg's or SQLAlchemy's costs bookkeeping, and a reset or a ping costs round trips; here it
is a list's `pop`. Nothing needs a reset, since nothing but SET LOCAL is ever set and it ends with its transaction. And
nothing needs a ping, since BEGIN fails on a connection that has ended unnoticed, before anything was done on it.

Groups share the connections (`values/shares.py`): whoever uses one says for which group.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from app.db.absence import Absence
from app.db.deadlines import not_too_late, uncut
from app.db.outages import Away, Full, ReadOnly, Unknown, doubts, outage, told
from app.db.preparing import OUTDATED, PreparingConnection
from app.errors import Unavailable
from app.values.shares import OURS, Shares

Connection = Any
"""asyncpg's own, whatever its class. Each statement on it has a deadline, see `connect` in `database.py`."""

CONNECTS_WITHIN_S = 4.0
TRIED_AGAIN_FOR_S = 1.5
"""How long somebody who waits tries to connect while it is away; the pulse takes longer (`pulse.py`)."""
BEGINS_WITHIN_S = 5.0
"""BEGIN waits for nobody: a server that has not answered it by then hangs."""
MENDS_WITHIN_S = 5.0
"""How long a cancelled statement may take to end before its connection is given up."""
CLOSES_WITHIN_S = 0.9
"""How long a closing pool waits for what is being mended, and then for farewells; what is left is cut off."""
RENEWS_EVERY_S = 1.0
"""How often all connections are made anew at most, while the server says that it has changed."""
CROWDED_FOR_S = 1.0
"""How long no further connection is asked for after the server had none to give, while there are some."""


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
        self.connect = connect
        """Opens one that does not belong to the pool."""
        self.absence = absence
        self._waits_s = waits_s
        self._idle: list[Connection] = []
        self._users: dict[Connection, int] = {}
        """Whose share each connection in use is part of."""
        self._mending: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.returned = 0
        """How often one came back, or was opened: a sign of life of the server."""
        self._open_ones: set[Connection] = set()
        self._kept = 0
        self._outdated: set[Connection] = set()
        """In use, and not to be used again."""
        self._renewed_at = float("-inf")
        self._opening = 0
        absence.pools.append(self)

    @property
    def opened(self) -> int:
        """How many connections there are."""
        return len(self._open_ones)

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return self.shares.waiting()

    @property
    def in_use(self) -> int:
        """How many connections have a user who waits for the server, or may do so; without those that are kept."""
        return len(self._open_ones) - len(self._idle) - self._kept

    # ── whole uses ────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def transaction(
        self, begin: str = "BEGIN", *, writes: bool = True, group: int = OURS
    ) -> AsyncIterator[Connection]:
        """A connection inside a transaction: COMMIT at the end, ROLLBACK where something is raised.

        `begin` opens it, settings included, in one message. An outage is raised as Unavailable: as Unknown where
        COMMIT's answer was lost and something was written.
        """
        with told():
            not_too_late()
            connection = await self._first(begin, group)
            if (
                type(connection) is PreparingConnection
            ):  # The driver's own answers to `isinstance` of any subclass.
                connection.begun = begin
            try:
                yield connection
            except BaseException as problem:
                await self.left(connection, problem)
                raise
            try:
                with uncut():
                    status = await connection.execute("COMMIT")
            except BaseException as problem:
                await self.left(connection, problem)
                if writes and doubts(problem):
                    raise Unknown from problem
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
            except BaseException as problem:
                await self.left(connection, problem)
                raise
            self.give_back(connection)

    async def keep(self) -> "KeptConnection":
        """A connection for as long as the caller wants it. Unavailable where there is none."""
        with told():
            kept = KeptConnection(self, await self._first("SELECT 1", OURS))
            self._kept += 1
            return kept

    async def ask(self, sql: str, *, within_s: float) -> "asyncpg.Record":
        """A row of a statement, on a connection that no request could use. Unavailable without it.

        It waits for nobody, so that whoever asks how the database is learns that, and not how busy we are.
        """
        with told():
            async with asyncio.timeout(within_s):
                connection = self.take_now()
                if connection is None:
                    connection = await self.connect()
                    try:
                        return await connection.fetchrow(sql)
                    finally:
                        connection.terminate()
            try:
                row = await connection.fetchrow(sql, timeout=within_s)
            except BaseException as problem:
                await self.left(connection, problem)
                raise
            self.give_back(connection)
            return row

    async def close(self) -> None:
        """End every connection; those in use when they come back. It takes twice `CLOSES_WITHIN_S` at most."""
        self._is_closed = True
        if self._mending:
            await asyncio.wait(self._mending, timeout=CLOSES_WITHIN_S)
        idle, self._idle = self._idle, []
        for connection in idle:
            self._open_ones.discard(connection)
        await asyncio.gather(*(_close(connection) for connection in idle))

    def abandon(self) -> None:
        """The server hangs: everybody who waits for it is told, and nothing that is open is used again."""
        idle, self._idle = self._idle, []
        for connection in idle:
            self.drop(connection)
        for connection in list(self._open_ones):
            # Its user finds that it has ended, and drops it.
            connection.terminate()
        self.shares.refuse(Away)

    def renew(self) -> None:
        """The server is another one than it was (it can only be read, say): connections are made anew."""
        now = time.monotonic()
        if now - self._renewed_at < RENEWS_EVERY_S:
            return
        self._renewed_at = now
        idle, self._idle = self._idle, []
        for connection in idle:
            self.drop(connection)
        self._outdated |= self._open_ones

    # ── one step at a time ────────────────────────────────────────────────────

    async def take(self, group: int = OURS) -> Connection:
        """A connection, which the caller hands to one of the three below. Unavailable where there is none."""
        self.taken += 1
        if not self.shares.take(group):
            await self._wait(group)
        # Whoever has a place finds a connection that lies ready, or there is room to open one.
        while True:
            try:
                connection = self._ready() or await self._open()
            except asyncpg.TooManyConnectionsError:
                # There are some of ours: wait for one of them.
                self._crowded()
                self.shares.give_back(group)
                await self._wait(group)
            except BaseException:
                self.shares.give_back(group)
                raise
            else:
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
        self.returned += 1
        if self._is_closed or (self._outdated and connection in self._outdated):
            self.drop(connection)
            return
        self._idle.append(connection)
        self.shares.give_back(self._users.pop(connection))

    async def left(self, connection: Connection, problem: BaseException) -> None:
        """This was raised while the connection was in use: it is made whole again, or ended."""
        failure = self.noted(problem)
        # A server that does not answer would not answer ROLLBACK either.
        if isinstance(problem, TimeoutError) or isinstance(failure, Away) or connection.is_closed():
            self.drop(connection)
        elif isinstance(problem, OUTDATED):
            # What else it has prepared is outdated as well, and so it is on the others.
            self.drop(connection)
            self.renew()
        else:
            await self.mend(connection)

    def noted(self, problem: BaseException) -> Unavailable | None:
        """The outage behind a problem, whose consequences for all connections are drawn."""
        failure = outage(problem)
        if isinstance(failure, ReadOnly):
            self.renew()
        elif isinstance(failure, Full):
            self.absence.full()
        return failure

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
        self._open_ones.discard(connection)
        self._outdated.discard(connection)
        group = self._users.pop(connection, None)
        if group is not None:
            self.shares.give_back(group)

    # ── how it is done ────────────────────────────────────────────────────────

    async def _first(self, sql: str, group: int) -> Connection:
        """A connection on which this was done first; those that turn out to have ended are dropped."""
        most = self.size + self.shares.spare
        for tries in range(most + 1):
            connection = await self.take(group)
            try:
                await connection.execute(sql, timeout=BEGINS_WITHIN_S)
            except TimeoutError:
                self.drop(connection)
                self.absence.hangs()
                raise
            except BaseException as problem:
                if tries < most and isinstance(outage(problem), Away):
                    self.drop(connection)
                    continue
                await self.left(connection, problem)
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
            self.drop(connection)
        return None

    def _has_others(self) -> bool:
        """Whether there are some that come back, or are being opened."""
        return len(self._open_ones) + self._opening > self._kept

    def _crowded(self) -> None:
        """The server gives no more just now: those there are have to do for a moment."""
        self.shares.limit(max(len(self._open_ones), self._kept + 1))
        asyncio.get_running_loop().call_later(CROWDED_FOR_S, self.shares.limit, None)

    def spare(self) -> bool:
        """End a connection that nobody uses, if there is another one, for a pool that has none."""
        if len(self._idle) < 2:
            return False
        self.drop(self._idle.pop(0))
        return True

    async def _open(self) -> Connection:
        """A new one. Away where there is none; TooManyConnectionsError where there is none, but we have others."""
        try:
            with self.absence.giving(others=self._has_others):
                connection = await self._opened()
        except asyncpg.TooManyConnectionsError as problem:
            self.absence.crowded(len(self._open_ones), problem)
            raise
        self._open_ones.add(connection)
        self.returned += 1
        return connection

    async def _opened(self) -> Connection:
        if self._is_closed:
            raise asyncpg.InterfaceError("the pool is closed")
        within_s = CONNECTS_WITHIN_S if self.absence.began is None else TRIED_AGAIN_FOR_S
        self._opening += 1
        try:
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        return await self.connect()
                    except asyncpg.TooManyConnectionsError:
                        alone = len(self._open_ones) + self._opening - 1 <= self._kept
                        if not (alone and any(pool.spare() for pool in self.absence.pools)):
                            raise
                        # The server takes a moment to notice.
                        await asyncio.sleep(0.02)
        finally:
            self._opening -= 1

    def _wait(self, group: int) -> Awaitable[None]:
        return self.shares.turn(group, within_s=self._waits_s, late=_all_in_use)


class KeptConnection:
    """A connection that somebody keeps, outside any transaction of ours."""

    def __init__(self, pool: Pool, driver: Connection) -> None:
        self.driver = driver
        self._pool = pool

    def close(self) -> None:
        """Nobody gets it after that: it may still listen, or hold what a failure left behind."""
        self._pool._kept -= 1
        self._pool.drop(self.driver)


def _all_in_use() -> Unavailable:
    return Unavailable("All connections to the database are in use. Please try again shortly.")


async def _close(connection: Connection) -> None:
    # A connection that has ended by itself raises here.
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        try:
            await connection.close(timeout=CLOSES_WITHIN_S)
        finally:
            connection.terminate()


__all__ = ["Connection", "KeptConnection", "Pool"]
