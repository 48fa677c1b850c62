"""Planned reads: a pool whose connections keep the statements they have prepared.

A read goes straight to the statement it runs, past everything the driver does to find it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from app.db.outages import told
from app.db.pool import Pool

MAX_STATEMENTS = 500
"""Prepared on one connection; about 200 kB each, on the server."""


class ReadingConnection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection and what it has prepared, used longest ago first."""

    __slots__ = ("statements",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.statements: OrderedDict[str, PreparedStatement[asyncpg.Record]] = OrderedDict()

    async def first(self, sql: str) -> "PreparedStatement[asyncpg.Record]":
        """A statement that is asked for the first time, prepared."""
        statement: PreparedStatement[asyncpg.Record] = await self.prepare(sql)
        self.statements[sql] = statement
        if len(self.statements) > MAX_STATEMENTS:
            # asyncpg closes it on the server when the next one is prepared.
            self.statements.popitem(last=False)
        return statement


class Readers(Pool):
    """A pool of `ReadingConnection`s."""

    async def fetch_bytes(self, sql: str, values: Sequence[object]) -> bytes | None:
        """The one value of a planned statement. Unavailable where the database is away or takes too long."""
        tries = 0
        with told():
            while True:
                connection: ReadingConnection = await self.take()
                try:
                    return await self._fetch_on(connection, sql, values)
                except asyncpg.InternalClientError:
                    # The server has said goodbye on this connection, and its end has not come yet: the driver
                    # refuses to send. As many as there are may be like that; the one after them is new.
                    tries += 1
                    if tries > self.size:
                        raise

    async def _fetch_on(
        self, connection: ReadingConnection, sql: str, values: Sequence[object]
    ) -> bytes | None:
        try:
            statement = connection.statements.get(sql)
            if statement is None:
                statement = await connection.first(sql)
            else:
                connection.statements.move_to_end(sql)
            data = await statement.fetchval(*values)
        except asyncpg.PostgresError:
            # The statement failed, not the connection; one that ended is found out by whoever takes it next.
            self.give_back(connection)
            raise
        except BaseException:
            await self.mend(connection)
            raise
        self.give_back(connection)
        return cast("bytes | None", data)
