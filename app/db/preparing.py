"""Connections that keep the statements they have prepared: within a bound in bytes, and only those that come again.

What a prepared statement takes is taken in the database's process, for as long as the connection lives. Clients choose
what they select, so statements have no end in number or in length; one over 160 wide aliases takes 21 MB there. So each
connection has a budget, and a statement that has come once is run without being kept by either side.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from app.values.known import Known, Recurring

BYTES_OF_ONE = 20_000
BYTES_PER_CHARACTER = 200
"""What a statement is reckoned to take on the server. Measured of planned ones from 93 to 155,000 characters, by
`pg_backend_memory_contexts`: 107 to 198 bytes for each character, 22,000 for the shortest."""
MAX_READER_BYTES = 64 * 1024 * 1024
"""For all that one reading connection keeps; some 400 lists of ten fields, or two of 160 wide aliases."""
MAX_WRITER_BYTES = 32 * 1024 * 1024
"""The same of a writing connection. Among its statements are those for what clients select of payloads."""
MAX_HEAVY_BYTES = 16 * 1024 * 1024
"""The same of a connection for what is heavy: next to running those, planning them anew is little."""
MAX_STATEMENTS = 500
"""On one connection, however short they are."""
MAX_FIRSTS = 10_000
"""How many statements are noted as having come, in a pool; each is a number."""
LARGE = 20_000
"""Characters. What such a statement has left on the server after it was run once is freed at once."""

Statement = Any
"""A `PreparedStatement`; the driver has no types."""
OUTDATED = asyncpg.InvalidCachedStatementError
"""The server has thrown the plan away before it ran, since something that it reads was altered."""

DRIVERS_OWN: dict[str, Any] = {"statement_cache_size": 1, "max_cacheable_statement_size": 1}
"""Options of the driver: its own cache, which counts statements and not their size, keeps nothing. With none at all it
would parse each one twice, to suit PgBouncer."""


class PreparingConnection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection and its prepared statements. What is run on it is prepared when it comes for the second time."""

    __slots__ = ("begun", "come", "statements")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.statements: Known[str, Statement] = _within(0)
        self.come = Recurring(MAX_FIRSTS)
        self.begun: str | None = None
        """What began this transaction, as long as nothing was done in it."""

    def keep_within(self, most: int, come: Recurring) -> None:
        """Keep statements from now on, of so many bytes; `come`: what has come on any connection of the pool."""
        self.statements = _within(most)
        self.come = come

    async def kept(self, sql: str) -> Statement | None:
        """The prepared statement; None where it has not come before, or is too large."""
        statement = self.statements.get(sql)
        if statement is None and weight_of(sql) <= self.statements.heaviest and self.come.has_come(sql):
            statement = await self.prepare(sql)
            # asyncpg closes those that make room on the server when the next one is prepared.
            self.statements.keep(sql, statement)
        return statement

    # Each gives the coroutine of what it calls: one of its own would cost every statement as much as the look-up.

    def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        """All rows."""
        return self._run(PreparedStatement.fetch, super().fetch, query, args, options)

    def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        """The first row, or None."""
        return self._run(PreparedStatement.fetchrow, super().fetchrow, query, args, options)

    def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        """The first value, or None."""
        return self._run(PreparedStatement.fetchval, super().fetchval, query, args, options)

    def execute(self, query: str, *args: Any, **options: Any) -> Any:
        """Run a statement, or without arguments several; the status of the last one."""
        if not args:
            self.begun = None
            return super().execute(query, **options)
        return self._run(_execute, super().execute, query, args, options)

    async def _run(
        self,
        prepared: Callable[..., Awaitable[Any]],
        once: Callable[..., Awaitable[Any]],
        sql: str,
        args: Sequence[Any],
        options: dict[str, Any],
    ) -> Any:
        kept = self.statements.get(sql)
        if kept is None:
            kept = await self.kept(sql)
        begun, self.begun = self.begun, None
        if kept is not None:
            try:
                return await prepared(kept, *args, **options)
            except OUTDATED:
                self.statements.drop(sql)
                if self.is_in_transaction():
                    if begun is None:
                        raise
                    await super().execute(f"ROLLBACK; {begun}")
        given = await once(sql, *args, **options)
        if len(sql) > LARGE:
            # A plain message drops the statement without a name that was run before it.
            await super().execute("SELECT 1")
        return given


async def _execute(kept: Statement, *args: Any, **options: Any) -> str:
    await kept.fetch(*args, **options)
    return str(kept.get_statusmsg())


def weight_of(sql: str, _: object = None) -> int:
    """What a prepared statement is reckoned to take on the server, in bytes."""
    return BYTES_OF_ONE + BYTES_PER_CHARACTER * len(sql)


def _within(most: int) -> Known[str, Statement]:
    return Known(MAX_STATEMENTS, weight=most, weigh=weight_of, heaviest=most // 2)


__all__ = [
    "MAX_HEAVY_BYTES",
    "MAX_READER_BYTES",
    "MAX_STATEMENTS",
    "MAX_WRITER_BYTES",
    "PreparingConnection",
    "weight_of",
]
