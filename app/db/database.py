"""The two ways to PostgreSQL, each a pool of connections under a role of its own.

Operations, loaders and the worker use `Database.transaction(scope)`: role `gateway_app`, row-level policies on,
the group set for this transaction only. Planned reads use `Database.read(...)`: role `gateway_reader`, which can
only SELECT; its own predicates name the group (and READ_RLS=1 makes it `gateway_guarded_reader`, behind the policies
as well). SQLModel and SQLAlchemy declare tables and make migrations; nothing here goes through them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import asyncpg

from app.db.absence import Absence
from app.db.connecting import connected
from app.db.giving_way import GIVES_WAY, Aside, Niceness
from app.db.pool import CONNECTS_WITHIN_S, Connection, KeptConnection, Pool
from app.db.preparing import (
    DRIVERS_OWN,
    MAX_FIRSTS,
    MAX_HEAVY_BYTES,
    MAX_READER_BYTES,
    MAX_WRITER_BYTES,
    PreparingConnection,
)
from app.db.pulse import Pulse
from app.db.reading import Readers
from app.db.replica import Replica
from app.values.known import Recurring
from app.values.scope import Scope

APP_ROLE = "gateway_app"
READ_ROLE = "gateway_reader"
GUARDED_READ_ROLE = "gateway_guarded_reader"

WAITS_S = 30.0
"""How long one waits for a connection while all are in use."""
MARGIN_S = 1.0
"""How much longer than the server's own limit we wait for a statement: a server that hangs keeps no limits."""
IDLE_TIMEOUT_MS = 60_000
TRANSACTION_TIMEOUT_MS = 60_000
"""How long a transaction may be idle, and take in all; those that go through much say so (`Transaction.patiently`)."""


class FetchedRow(Protocol):
    """A row as the driver gives it: by column name or position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def keys(self) -> Any: ...


COUNTED: ContextVar[list[int] | None] = ContextVar("counted", default=None)
"""Where statements are counted, if anybody wants that: a list of one number."""


def _count() -> None:
    counted = COUNTED.get()
    if counted is not None:
        counted[0] += 1


@dataclass(slots=True)
class Transaction:
    """One transaction inside one scope."""

    driver: "asyncpg.Connection[asyncpg.Record]"
    """For what the methods below do not have: cursors and listeners. Its own `transaction()` refuses here."""
    scope: Scope
    timeout_s: float | None = field(default=None, init=False)
    """How long we wait for a statement; a little more than the server's own limit unless set (see `patiently`)."""

    async def patiently(self, timeout_s: float, *, reads_only: bool = False) -> None:
        """Statements of this transaction may take so long, and it may take as long as it does."""
        only = "SET TRANSACTION READ ONLY; " if reads_only else ""
        # Milliseconds as a literal, since SET takes no parameters.
        limits = f"SET LOCAL statement_timeout = {int(timeout_s * 1000)}; SET LOCAL transaction_timeout = 0"
        await self.driver.execute(f"{only}{limits}")
        self.timeout_s = timeout_s + MARGIN_S

    async def fetch(self, sql: str, *values: object) -> "list[asyncpg.Record]":
        """All rows of a statement with `$1`… parameters."""
        _count()
        return list(await self.driver.fetch(sql, *values, timeout=self.timeout_s))

    async def fetchrow(self, sql: str, *values: object) -> "asyncpg.Record | None":
        """The first row, or None."""
        _count()
        return await self.driver.fetchrow(sql, *values, timeout=self.timeout_s)

    async def fetchval(self, sql: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        _count()
        return await self.driver.fetchval(sql, *values, timeout=self.timeout_s)

    async def execute(self, sql: str, *values: object) -> int:
        """Run a statement; how many rows it touched."""
        _count()
        status = await self.driver.execute(sql, *values, timeout=self.timeout_s)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    @asynccontextmanager
    async def savepoint(self, *, keep: bool = True) -> AsyncIterator[None]:
        """A part that is undone if it raises, with the locks it took; without `keep` it is always undone."""
        # Nested savepoints may have the same name: the newest one is meant.
        await self.driver.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            await self.driver.execute(_UNDO_PART)
            raise
        await self.driver.execute("RELEASE SAVEPOINT part" if keep else _UNDO_PART)


_UNDO_PART = "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"


class Database:
    """The two ways in. Made by `connect`, closed with the app."""

    def __init__(
        self,
        *,
        writer: Pool,
        reader: Readers,
        replica: Replica | None,
        guarded: bool,
        pulses: Sequence[Pulse] = (),
        aside: Aside | None = None,
    ) -> None:
        self.writer = writer
        """As `gateway_app`, which owns nothing and is subject to the policies."""
        self.reader = reader
        """As `gateway_reader`, which can only SELECT; as `gateway_guarded_reader` where `guarded`."""
        self.replica = replica
        """For reads that may be stale."""
        self.guarded = guarded
        self.pulses = pulses
        """Of the primary, and of the replica if there is one."""
        self.aside = aside
        """For what is heavy and reads; None: that takes the others."""
        self._uses_share_of: int | None = None
        """Whose share of the connections is used; None: each scope's group's."""

    def at_cost_of(self, group: int) -> "Database":
        """The same for work in any group's name that takes nothing from their shares: `OURS` or `WORKER`."""
        other = copy(self)
        other._uses_share_of = group
        return other

    def user(self, scope: Scope) -> int:
        """Whose share of the connections somebody of this scope uses."""
        return scope.group_id if self._uses_share_of is None else self._uses_share_of

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, writes: bool = True) -> AsyncIterator[Transaction]:
        """A transaction as `gateway_app` inside the scope's group; commits at the end, rolls back on error.

        Unknown where COMMIT's answer was lost; Away, if it `writes` nothing.
        """
        begin = f"BEGIN; {group_setting(scope)}"
        pool = self.aside.writer if self.aside is not None and not writes and GIVES_WAY.get() else self.writer
        async with pool.transaction(begin, writes=writes, group=self.user(scope)) as driver:
            yield Transaction(driver, scope)

    @asynccontextmanager
    async def directory(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A transaction as `gateway_app` outside any group: only the directory tables can be seen."""
        async with self.writer.transaction(writes=False) as driver:
            yield driver

    async def connection(self) -> KeptConnection:
        """A connection as `gateway_app`, for the caller to keep and close; Unavailable where there is none."""
        return await self.writer.keep()

    def read(self, sql: str, values: Sequence[object], scope: Scope) -> Awaitable[bytes | None]:
        """Run a planned statement; its one column is the JSON text of the answer."""
        if self.guarded:
            return self._read_guarded(sql, values, scope)
        group = scope.group_id if self._uses_share_of is None else self._uses_share_of
        return self._reader().fetch_bytes(sql, values, group=group)

    async def _read_guarded(self, sql: str, values: Sequence[object], scope: Scope) -> bytes | None:
        begin = f"BEGIN READ ONLY; {group_setting(scope)}"
        async with self._reader().transaction(begin, group=self.user(scope)) as connection:
            return cast("bytes | None", await connection.fetchval(sql, *values))

    async def read_stale(self, sql: str, values: Sequence[object], scope: Scope) -> tuple[bytes | None, bool]:
        """The same, of a replica that lags behind if there is one; and whether it answered."""
        if self.replica is not None:
            begin = f"BEGIN READ ONLY; {group_setting(scope)}" if self.guarded else ""
            answered, data = await self.replica.fetch_bytes(sql, values, begin=begin, group=self.user(scope))
            if answered:
                return data, True
        return await self.read(sql, values, scope), False

    async def search(self, sql: str, values: Sequence[object], scope: Scope) -> "list[asyncpg.Record]":
        """Rows of a hand-written statement whose best plan depends on its values, such as a segment's criteria.

        It runs on a reading connection, so it must name every border itself; its plan is made for these values.
        """
        _count()
        setting = f"{group_setting(scope)}; " if self.guarded else ""
        begin = f"BEGIN READ ONLY; {setting}SET LOCAL plan_cache_mode = force_custom_plan"
        async with self._reader().transaction(begin, group=self.user(scope)) as connection:
            return list(await connection.fetch(sql, *values))

    async def explain(self, sql: str, values: Sequence[object], *, analyze: bool = False) -> str:
        """PostgreSQL's plan of a planned statement, on the connection it would run on."""
        options = "ANALYZE, BUFFERS" if analyze else "COSTS"
        async with self.reader.connection() as connection:
            lines = await connection.fetch(f"EXPLAIN ({options}) {sql}", *values)
        return "\n".join(str(line[0]) for line in lines)

    async def close(self) -> None:
        """End every connection; within seconds, whatever hangs."""
        for pulse in self.pulses:
            pulse.stop()
        aside = () if self.aside is None else self.aside.pools
        ways = (self.reader, self.replica, self.writer, *aside)
        await asyncio.gather(*(way.close() for way in ways if way is not None))

    def _reader(self) -> Readers:
        return self.reader if self.aside is None or not GIVES_WAY.get() else self.aside.reader


def group_setting(scope: Scope) -> str:
    """What the policies compare with. Literals, since SET takes no parameters; both are integers by type."""
    groups = ",".join(str(int(g)) for g in scope.group_ids)
    return f"SET LOCAL app.group_id = '{int(scope.group_id)}'; SET LOCAL app.group_ids = '{groups}'"


async def connect(
    url: str,
    *,
    read_url: str | None = None,
    guarded: bool = False,
    statement_timeout_ms: int = 15_000,
    replica_max_lag_ms: int = 5_000,
    readers: int = 4,
    writers: int = 16,
    spare: int = 2,
) -> Database:
    """Both ways; their connections are opened when they are needed.

    `url` may be the owner's: connections switch to the application roles as they start. `read_url` is a replica's,
    for reads that may be stale, by `replica_max_lag_ms` at most. `readers` and `writers`: the most connections;
    `spare`: how many more of each there may be for groups below their share. As many as `readers` again, of each
    role, are opened where something is heavy (`giving_way.py`).
    """
    common = {
        "timezone": "UTC",
        "datestyle": "ISO",
        "application_name": "campaign-gateway",
        "jit": "off",
        **_limits(statement_timeout_ms),
    }
    absence, come_to_writers = Absence(), Recurring(MAX_FIRSTS)

    niceness = Niceness()

    async def writing(most: int = MAX_WRITER_BYTES) -> Connection:
        return await opened(url, most, come_to_writers, role=APP_ROLE)

    async def reading_aside() -> Connection:
        connection = await writing(MAX_HEAVY_BYTES)
        await niceness.give(connection)
        return connection

    async def opened(where: str, most: int, come: Recurring, **settings: str) -> Connection:
        connection: PreparingConnection = await connected(
            where,
            {**common, **settings},
            connection_class=PreparingConnection,
            timeout=CONNECTS_WITHIN_S,
            command_timeout=statement_timeout_ms / 1000 + MARGIN_S,
            **DRIVERS_OWN,
        )
        connection.keep_within(most, come)
        return connection

    def reading(where: str, absence: Absence, *, gives_way: bool = False) -> Readers:
        come = Recurring(MAX_FIRSTS)

        async def connect() -> Connection:
            connection = await opened(
                where,
                MAX_HEAVY_BYTES if gives_way else MAX_READER_BYTES,
                come,
                role=GUARDED_READ_ROLE if guarded else READ_ROLE,
                plan_cache_mode="force_generic_plan",
                default_transaction_read_only="on",
            )
            if gives_way:
                await niceness.give(connection)
            return connection

        return Readers(connect, size=readers, spare=spare, absence=absence, waits_s=WAITS_S)

    writer = Pool(writing, size=writers, spare=spare, absence=absence, waits_s=WAITS_S)
    reader = reading(url, absence)
    aside = Aside(
        reading(url, absence, gives_way=True),
        Pool(reading_aside, size=readers, absence=absence, waits_s=WAITS_S),
    )
    pulses = [Pulse([writer, reader, *aside.pools], absence)]
    replica = None
    if read_url:
        elsewhere = Absence()
        replicas = reading(read_url, elsewhere)
        pulses.append(Pulse([replicas], elsewhere))
        replica = Replica(replicas, writer, max_lag_s=replica_max_lag_ms / 1000)
    return Database(
        writer=writer, reader=reader, replica=replica, guarded=guarded, pulses=pulses, aside=aside
    )


def _limits(statement_timeout_ms: int) -> dict[str, str]:
    """What ends by itself on the server: also a session whose client's machine has vanished, with the locks it has."""
    return {
        "statement_timeout": str(statement_timeout_ms),
        # Before the statement's own limit, so that who only waited for somebody is told so.
        "lock_timeout": str(max(1, statement_timeout_ms * 2 // 3)),
        "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
        "transaction_timeout": str(max(TRANSACTION_TIMEOUT_MS, 4 * statement_timeout_ms)),
        # Neither of these two limits ends a session that waits for a message its client never finished.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "20000",
        "client_connection_check_interval": "5000",
    }
