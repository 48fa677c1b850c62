"""Planned reads that all see the database as it was in one moment: a connection and a transaction of their own.

The connection does not belong to the pool, since such a reader keeps it for as long as its client takes.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from app.db.database import Database, group_setting
from app.db.outages import told
from app.db.pool import CLOSES_WITHIN_S, Connection
from app.values.scope import Scope


class Snapshot:
    """One moment of the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, sql: str, values: Sequence[object]) -> bytes | None:
        """Run a planned statement; its one column is the JSON text of the answer."""
        with told():
            return cast("bytes | None", await self._connection.fetchval(sql, *values))


@asynccontextmanager
async def snapshot(db: Database, scope: Scope, *, lasts_s: float, idle_s: float) -> AsyncIterator[Snapshot]:
    """A snapshot that the server ends after `lasts_s` in all, or `idle_s` in which nothing was read.

    Vacuum has to keep what it can see, so no client may hold one for good. Unavailable where there is no connection.
    """
    limits = (
        f"SET LOCAL transaction_timeout = {int(lasts_s * 1000)};"
        f" SET LOCAL idle_in_transaction_session_timeout = {int(idle_s * 1000)}"
    )
    group = f"; {group_setting(scope)}" if db.guarded else ""
    with told():
        # One whose process gives way to others, as with everything that takes long.
        connection = await (db.reader if db.aside is None else db.aside.reader).connect()
    try:
        with told():
            await connection.execute(
                f"BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; {limits}{group}"
            )
        yield Snapshot(connection)
        await connection.close(timeout=CLOSES_WITHIN_S)
    finally:
        connection.terminate()


__all__ = ["Snapshot", "snapshot"]
