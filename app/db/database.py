"""Connections to PostgreSQL: the writing engine and the reading pool, each under its own role.

Operations, loaders and the worker use `Database.transaction(scope)`: role `gateway_app`, row-level policies on,
the group set for this transaction alone. Planned reads use `Database.read(...)`: role `gateway_reader`, which can
only SELECT; its own predicates name the group (and READ_RLS=1 puts it behind the policies as well).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from app.db.outages import Absence, told
from app.db.reading import Readers
from app.values.scope import Scope

APP_ROLE = "gateway_app"
READ_ROLE = "gateway_reader"
GUARDED_READ_ROLE = "gateway_guarded_reader"


class Row(Protocol):
    """A row as the driver gives it: by column name or position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def keys(self) -> Any: ...


COUNTED: ContextVar[list[int] | None] = ContextVar("counted", default=None)
"""Where statements are counted, if somebody wants to know: a list of one number."""


def _count() -> None:
    counted = COUNTED.get()
    if counted is not None:
        counted[0] += 1


@dataclass(slots=True)
class Transaction:
    """One transaction inside one scope. `session` for SQLModel, `fetch`/`execute` for written SQL."""

    session: AsyncSession
    driver: "asyncpg.Connection[asyncpg.Record]"
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


class Database:
    """The two ways in. Made by `connect`, closed with the app."""

    def __init__(
        self,
        engine: AsyncEngine,
        reader: Readers,
        *,
        replica: Readers | None,
        guarded: bool,
        absence: Absence,
    ) -> None:
        self.engine = engine
        self.reader = reader
        self.replica = replica
        self.guarded = guarded
        self._absence = absence

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[Transaction]:
        """A transaction as `gateway_app` inside the scope's group; commits at the end, rolls back on error."""
        async with self._connection() as connection, connection.begin():
            yield await _enter(connection, scope)

    @asynccontextmanager
    async def directory(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A transaction outside any group: only the directory tables can be seen."""
        async with self._connection() as connection, connection.begin():
            yield await _driver_of(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            stack.enter_context(told())
            with self._absence.giving():
                connection = await stack.enter_async_context(self.engine.connect())
            yield connection

    async def connection(self) -> AsyncConnection:
        """A connection of the engine, to keep and to close; Unavailable where the database gives none."""
        with self._absence.giving():
            return await self.engine.connect()

    async def read(
        self, sql: str, values: Sequence[object], scope: Scope, *, stale_ok: bool = False
    ) -> bytes | None:
        """Run a planned statement; its one column is the JSON text of the answer.

        `stale_ok`: a replica may answer, where there is one, though it lags behind what was just written.
        """
        reader = self.replica if stale_ok and self.replica is not None else self.reader
        if not self.guarded:
            return await reader.fetch_bytes(sql, values)
        async with reader.connection() as connection, connection.transaction(readonly=True):
            await connection.execute(group_setting(scope))
            return cast("bytes | None", await connection.fetchval(sql, *values))

    async def search(self, sql: str, values: Sequence[object], scope: Scope) -> "list[asyncpg.Record]":
        """Rows of a written statement whose values decide how it is best done, such as a segment's criteria.

        It runs on a reading connection, so it names every border itself; its plan is made for these values.
        """
        _count()
        async with self.reader.connection() as connection, connection.transaction(readonly=True):
            setting = f"{group_setting(scope)}; " if self.guarded else ""
            await connection.execute(f"{setting}SET LOCAL plan_cache_mode = force_custom_plan")
            return list(await connection.fetch(sql, *values))

    async def explain(self, sql: str, values: Sequence[object], *, analyze: bool = False) -> str:
        """PostgreSQL's plan of a planned statement, on the connection it would run on."""
        options = "ANALYZE, BUFFERS" if analyze else "COSTS"
        async with self.reader.connection() as connection:
            lines = await connection.fetch(f"EXPLAIN ({options}) {sql}", *values)
        return "\n".join(str(line[0]) for line in lines)

    async def close(self) -> None:
        """Give back every connection."""
        await self.reader.close()
        if self.replica is not None:
            await self.replica.close()
        await self.engine.dispose()


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
    writers: int = 8,
) -> Database:
    """Open both ways. `url` may be the owner's: connections switch to the application roles as they start.

    `read_url` is a replica's, for reads that may be stale.
    """
    common = {
        "timezone": "UTC",
        "datestyle": "ISO",
        "statement_timeout": str(statement_timeout_ms),
        "application_name": "campaign-gateway",
    }
    engine = create_async_engine(
        sqlalchemy_url(url),
        pool_size=writers,
        max_overflow=writers,
        pool_pre_ping=True,
        connect_args={
            "server_settings": {
                **common,
                "role": APP_ROLE,
                "idle_in_transaction_session_timeout": "60000",
                "jit": "off",
            }
        },
    )

    absence = Absence()

    async def reading(where: str) -> Readers:
        pool = await asyncpg.create_pool(
            where,
            # Not one: the pool would keep trying to have it, with a traceback for each time it cannot.
            min_size=0,
            max_size=readers,
            reset=_no_reset,
            statement_cache_size=500,
            max_cacheable_statement_size=0,
            max_cached_statement_lifetime=0,
            server_settings={
                **common,
                "role": GUARDED_READ_ROLE if guarded else READ_ROLE,
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
                "default_transaction_read_only": "on",
            },
        )
        return Readers(pool, readers, absence if where == url else Absence())

    replica = await reading(read_url) if read_url else None
    return Database(engine, await reading(url), replica=replica, guarded=guarded, absence=absence)


def sqlalchemy_url(url: str) -> str:
    """The same DSN for SQLAlchemy's asyncpg dialect (it reads `ssl` where libpq says `sslmode`)."""
    parts = urlsplit(url)
    query = [("ssl" if key == "sslmode" else key, value) for key, value in parse_qsl(parts.query)]
    return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), ""))


async def _no_reset(_: object) -> None:
    """Planned reads leave nothing behind on their connection, and a reset would cost a round trip."""


async def _driver_of(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    # SQLAlchemy begins lazily, with the first statement through its own cursor.
    await connection.exec_driver_sql("SELECT 1")
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection[asyncpg.Record]", raw.driver_connection)


async def _enter(connection: AsyncConnection, scope: Scope) -> Transaction:
    driver = await _driver_of(connection)
    await driver.execute(group_setting(scope))
    return Transaction(AsyncSession(bind=connection, expire_on_commit=False), driver, scope)
