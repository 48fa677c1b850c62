"""Planned reads. One that is prepared uses its statement directly, without anything in between."""

from collections.abc import Sequence
from typing import cast

import asyncpg

from app.db.outages import told
from app.db.pool import Pool
from app.db.preparing import OUTDATED, PreparingConnection


class Readers(Pool):
    """A pool for reading."""

    async def fetch_bytes(self, sql: str, values: Sequence[object]) -> bytes | None:
        """The one value of a planned statement. Unavailable where the database is away or takes too long."""
        tries = 0
        with told():
            while True:
                connection: PreparingConnection = self.take_now() or await self.take()
                try:
                    return await self._fetch_on(connection, sql, values)
                except asyncpg.InternalClientError:
                    # The server has announced the end of this connection, and it is not closed yet: the driver
                    # refuses to send. All others may be like that, too; the one after them is new.
                    tries += 1
                    if tries > self.size:
                        raise

    async def _fetch_on(
        self, connection: PreparingConnection, sql: str, values: Sequence[object]
    ) -> bytes | None:
        try:
            statement = connection.statements.get(sql)
            if statement is None:
                data = await connection.fetchval(sql, *values)
            else:
                try:
                    data = await statement.fetchval(*values)
                except OUTDATED:
                    connection.statements.drop(sql)
                    data = await connection.fetchval(sql, *values)
        except asyncpg.PostgresError:
            # The statement failed, not the connection, unless that has ended.
            if connection.is_closed():
                self.drop(connection)
            else:
                self.give_back(connection)
            raise
        except BaseException as problem:
            await self.left(connection, problem)
            raise
        self.give_back(connection)
        return cast("bytes | None", data)
