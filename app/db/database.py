"""The two ways to PostgreSQL, each a pool of connections under a role of its own.

Operations, loaders and the worker use `Database.transaction(scope)`: role `gateway_app`, row-level policies on,
the group set for this transaction only. Planned reads use `Database.read(...)`: role `gateway_reader`, which can
only SELECT; its own predicates name the group (and READ_RLS=1 makes it `gateway_guarded_reader`, behind the policies
as well). SQLModel and SQLAlchemy declare tables and make migrations; nothing here goes through them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, cast

import asyncpg

from app.db.outages import Absence
from app.db.pool import Connection, KeptConnection, Pool
from app.db.reading import MAX_STATEMENTS, Readers, ReadingConnection
from app.values.scope import Scope

APP_ROLE = "gateway_app"
READ_ROLE = "gateway_reader"
GUARDED_READ_ROLE = "gateway_guarded_reader"

WRITER_WAITS_S = 30.0
"""How long a transaction waits for a connection while all are in use."""
WRITER_STATEMENTS = 200
"""Prepared on one writing connection, least recently used closed first; none over 15 kB, and none for more than five
minutes. Among them are statements for what clients select of payloads, so their number has no end."""


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

    async def fetch(self, sql: str, *values: object) -> "list[asyncpg.Record]":
        """All rows of a statement with `$1`… parameters."""
        _count()
        return list(await self.driver.fetch(sql, *values))

    async def fetchrow(self, sql: str, *values: object) -> "asyncpg.Record | None":
        """The first row, or None."""
        _count()
        return await self.driver.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        _count()
        return await self.driver.fetchval(sql, *values)

    async def execute(self, sql: str, *values: object) -> int:
        """Run a statement; how many rows it touched."""
        _count()
        status = await self.driver.execute(sql, *values)
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
        replica: Readers | None,
        guarded: bool,
        uses_share_of: int | None = None,
    ) -> None:
        self.writer = writer
        """As `gateway_app`, which owns nothing and is subject to the policies."""
        self.reader = reader
        """As `gateway_reader`, which can only SELECT; as `gateway_guarded_reader` where `guarded`."""
        self.replica = replica
        """The same on another server."""
        self.guarded = guarded
        self._uses_share_of = uses_share_of
        """Whose share of the connections is used; None: each scope's group's."""

    def at_cost_of(self, group: int) -> "Database":
        """The same for work in any group's name that takes nothing from their shares: `OURS` or `WORKER`."""
        return Database(
            writer=self.writer,
            reader=self.reader,
            replica=self.replica,
            guarded=self.guarded,
            uses_share_of=group,
        )

    def _user(self, scope: Scope) -> int:
        return scope.group_id if self._uses_share_of is None else self._uses_share_of

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[Transaction]:
        """A transaction as `gateway_app` inside the scope's group; commits at the end, rolls back on error."""
        begin = f"BEGIN; {group_setting(scope)}"
        async with self.writer.transaction(begin, group=self._user(scope)) as driver:
            yield Transaction(driver, scope)

    @asynccontextmanager
    async def directory(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A transaction as `gateway_app` outside any group: only the directory tables can be seen."""
        async with self.writer.transaction() as driver:
            yield driver

    async def connection(self) -> KeptConnection:
        """A connection as `gateway_app`, for the caller to keep and close; Unavailable where there is none."""
        return await self.writer.keep()

    async def read(
        self, sql: str, values: Sequence[object], scope: Scope, *, stale_ok: bool = False
    ) -> bytes | None:
        """Run a planned statement; its one column is the JSON text of the answer.

        `stale_ok`: a replica may answer, if there is one, although it lags behind.
        """
        reader = self.replica if stale_ok and self.replica is not None else self.reader
        if not self.guarded:
            return await reader.fetch_bytes(sql, values, group=self._user(scope))
        begin = f"BEGIN READ ONLY; {group_setting(scope)}"
        async with reader.transaction(begin, group=self._user(scope)) as connection:
            return cast("bytes | None", await connection.fetchval(sql, *values))

    async def search(self, sql: str, values: Sequence[object], scope: Scope) -> "list[asyncpg.Record]":
        """Rows of a hand-written statement whose best plan depends on its values, such as a segment's criteria.

        It runs on a reading connection, so it must name every border itself; its plan is made for these values.
        """
        _count()
        setting = f"{group_setting(scope)}; " if self.guarded else ""
        begin = f"BEGIN READ ONLY; {setting}SET LOCAL plan_cache_mode = force_custom_plan"
        async with self.reader.transaction(begin, group=self._user(scope)) as connection:
            return list(await connection.fetch(sql, *values))

    async def explain(self, sql: str, values: Sequence[object], *, analyze: bool = False) -> str:
        """PostgreSQL's plan of a planned statement, on the connection it would run on."""
        options = "ANALYZE, BUFFERS" if analyze else "COSTS"
        async with self.reader.connection() as connection:
            lines = await connection.fetch(f"EXPLAIN ({options}) {sql}", *values)
        return "\n".join(str(line[0]) for line in lines)

    async def close(self) -> None:
        """End every connection."""
        await self.reader.close()
        if self.replica is not None:
            await self.replica.close()
        await self.writer.close()


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
    readers: int = 4,
    writers: int = 16,
    spare: int = 2,
) -> Database:
    """Both ways; their connections are opened when they are needed.

    `url` may be the owner's: connections switch to the application roles as they start. `read_url` is a replica's,
    for reads that may be stale. `readers` and `writers`: the most connections; `spare`: how many more of each
    there may be for groups below their share.
    """
    common = {
        "timezone": "UTC",
        "datestyle": "ISO",
        "statement_timeout": str(statement_timeout_ms),
        "application_name": "campaign-gateway",
        "jit": "off",
    }
    absence = Absence()

    async def writing() -> Connection:
        return await asyncpg.connect(
            url,
            statement_cache_size=WRITER_STATEMENTS,
            server_settings={**common, "role": APP_ROLE, "idle_in_transaction_session_timeout": "60000"},
        )

    def reading(where: str) -> Readers:
        async def connect() -> Connection:
            return await asyncpg.connect(
                where,
                connection_class=ReadingConnection,
                statement_cache_size=MAX_STATEMENTS,
                max_cacheable_statement_size=0,
                max_cached_statement_lifetime=0,
                server_settings={
                    **common,
                    "role": GUARDED_READ_ROLE if guarded else READ_ROLE,
                    "plan_cache_mode": "force_generic_plan",
                    "default_transaction_read_only": "on",
                },
            )

        return Readers(connect, size=readers, spare=spare, absence=absence if where == url else Absence())

    return Database(
        writer=Pool(writing, size=writers, spare=spare, absence=absence, waits_s=WRITER_WAITS_S),
        reader=reading(url),
        replica=reading(read_url) if read_url else None,
        guarded=guarded,
    )
