"""Planned reads: a pool whose connections keep the statements they have prepared.

A read uses its prepared statement directly, without the driver's own look-up.
"""

from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from app.db.outages import told
from app.db.pool import Pool
from app.values.known import Known
from app.values.shares import OURS

MAX_STATEMENTS = 500
"""Prepared on one connection; about 200 kB each, on the server."""


class ReadingConnection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection and its prepared statements, least recently used first."""

    __slots__ = ("statements",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.statements: Known[str, PreparedStatement[asyncpg.Record]] = Known(MAX_STATEMENTS)

    async def first(self, sql: str) -> "PreparedStatement[asyncpg.Record]":
        """Prepare a statement that is used for the first time."""
        statement: PreparedStatement[asyncpg.Record] = await self.prepare(sql)
        # asyncpg closes those that make room on the server when the next one is prepared.
        self.statements.keep(sql, statement)
        return statement


class Readers(Pool):
    """A pool of `ReadingConnection`s."""

    async def fetch_bytes(self, sql: str, values: Sequence[object], *, group: int = OURS) -> bytes | None:
        """The one value of a planned statement. Unavailable where the database is away or takes too long."""
        tries = 0
        with told():
            while True:
                connection: ReadingConnection = self.take_now(group) or await self.take(group)
                try:
                    return await self._fetch_on(connection, sql, values)
                except asyncpg.InternalClientError:
                    # The server has announced the end of this connection, and it is not closed yet: the driver
                    # refuses to send. All others may be like that, too; the one after them is new.
                    tries += 1
                    if tries > self.size + self.shares.spare:
                        raise

    async def _fetch_on(
        self, connection: ReadingConnection, sql: str, values: Sequence[object]
    ) -> bytes | None:
        try:
            statement = connection.statements.get(sql)
            if statement is None:
                statement = await connection.first(sql)
            data = await statement.fetchval(*values)
        except asyncpg.PostgresError:
            # The statement failed, not the connection; if that ended, whoever takes it next will find out.
            self.give_back(connection)
            raise
        except BaseException:
            await self.mend(connection)
            raise
        self.give_back(connection)
        return cast("bytes | None", data)
