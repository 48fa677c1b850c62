"""Planned reads. One that is prepared uses its statement directly, without anything in between."""

from collections.abc import Sequence
from typing import cast

import asyncpg

from app.db.outages import told
from app.db.pool import Pool
from app.db.preparing import OUTDATED, PreparingConnection
from app.values.shares import OURS


class Readers(Pool):
    """A pool for reading."""

    async def fetch_bytes(self, sql: str, values: Sequence[object], *, group: int = OURS) -> bytes | None:
        """The one value of a planned statement. Unavailable where the database is away or takes too long."""
        tries = 0
        with told():
            while True:
                connection: PreparingConnection = self.take_now(group) or await self.take(group)
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
                    # The server has announced the end of this connection, and it is not closed yet: the driver
                    # refuses to send. All others may be like that, too; the one after them is new.
                    tries += 1
                    if (
                        not isinstance(problem, asyncpg.InternalClientError)
                        or tries > self.size + self.shares.spare
                    ):
                        raise
                else:
                    self.give_back(connection)
                    return cast("bytes | None", data)
