"""A database all of whose transactions are parts of one: what an operation does is done as a whole, or not at all.

    async with one_transaction(db, scope, lock=number) as one:
        ...                        # `one` takes the place of `db`
        await one.settle(KEEP, …)  # the last thing to be written

What an operation does in several transactions, one after the other or at the same time, is done in turns on one
connection. A part that fails is undone alone. The first part needs no savepoint for that, as there is nothing before
it: where it fails, the whole begins anew.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg

from app.db.database import Database, Transaction, group_setting
from app.db.outages import Away, outage, told
from app.values.scope import Scope

LOCK_WAITS_MS = 1_000
"""How long the lock is waited for."""


class _Part:
    """Under way, until it is not."""

    def __init__(self, of: "OneTransaction") -> None:
        self.of: OneTransaction | None = of


_INSIDE: ContextVar[_Part | None] = ContextVar("inside", default=None)
"""What is begun inside a part belongs to it."""


class Undo(Exception):
    """Raised inside: nothing of it is kept. It does not leave the block."""


class OneTransaction(Database):
    """Takes the place of a `Database` while an operation runs."""

    def __init__(self, db: Database, driver: Any, scope: Scope, *, begin: str) -> None:
        super().__init__(writer=db.writer, reader=db.reader, replica=None, guarded=db.guarded)
        self.scope = scope
        self._driver = driver
        self._begin = begin
        self._turn = asyncio.Lock()
        self._has_written = False
        self._is_spoiled = False
        self.broken: BaseException | None = None
        """What made the connection unfit for use."""

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, writes: bool = True) -> AsyncIterator[Transaction]:
        """A part of it."""
        assert scope.group_id == self.scope.group_id, "settings of another group would be needed"
        async with self._part():
            yield Transaction(self._driver, scope)

    @asynccontextmanager
    async def directory(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A part of it; the group stays set, which directory tables do not mind."""
        async with self._part():
            yield self._driver

    async def search(self, sql: str, values: Sequence[object], scope: Scope) -> "list[asyncpg.Record]":
        """As ever, but what was just written is seen."""
        async with self.transaction(scope, writes=False) as tx:
            return await tx.fetch(sql, *values)

    async def read(self, sql: str, values: Sequence[object], scope: Scope) -> bytes | None:
        """As ever, but what was just written is seen."""
        async with self.transaction(scope, writes=False) as tx:
            found: bytes | None = await tx.fetchval(sql, *values)
            return found

    async def settle(self, sql: str, *values: object) -> "asyncpg.Record | None":
        """A statement outside all parts, before the first or after the last; the first row it returns."""
        with told():
            await self._begin_anew()
            found: asyncpg.Record | None = await self._driver.fetchrow(sql, *values)
            return found

    @asynccontextmanager
    async def _part(self) -> AsyncIterator[None]:
        around = _INSIDE.get()
        if around is not None and around.of is self:
            yield
            return
        async with self._turn:
            part = _Part(self)
            token = _INSIDE.set(part)
            try:
                with told():
                    if self.broken is not None:
                        raise Away
                    await self._begin_anew()
                    try:
                        if self._has_written:
                            async with Transaction(self._driver, self.scope).savepoint():
                                yield
                        else:
                            yield
                            self._has_written = True
                    except BaseException as problem:
                        self._note(problem)
                        raise
            finally:
                # Tasks that were begun inside may live longer.
                part.of = None
                _INSIDE.reset(token)

    def _note(self, problem: BaseException) -> None:
        if isinstance(problem, TimeoutError | asyncio.CancelledError) or self._driver.is_closed():
            self.broken = problem
        elif isinstance(failure := outage(problem), Away):
            self.broken = failure
        elif not self._has_written:
            self._is_spoiled = True

    async def _begin_anew(self) -> None:
        """After a first part that failed."""
        if self._is_spoiled:
            self._is_spoiled = False
            await self._driver.execute(f"ROLLBACK; {self._begin}")


@asynccontextmanager
async def one_transaction(db: Database, scope: Scope, *, lock: int) -> AsyncIterator[OneTransaction]:
    """Open one, which nobody else has open under this lock; COMMIT at the end.

    Busy where somebody has it; Unknown where COMMIT's answer was lost. The lock is a courtesy: it spares the second
    one the work. That only one of them is kept must rest on a key of what they settle.
    """
    begin = (
        f"BEGIN; {group_setting(scope)}; SET LOCAL lock_timeout = {LOCK_WAITS_MS};"
        f" SELECT pg_advisory_xact_lock({int(lock)}); SET LOCAL lock_timeout TO DEFAULT"
    )
    try:
        async with db.writer.transaction(begin, group=db.user(scope)) as driver:
            one = OneTransaction(db, driver, scope, begin=begin)
            try:
                yield one
            finally:
                # Whatever became of the work: a connection that broke has kept nothing of it.
                if one.broken is not None:
                    raise one.broken
    except Undo:
        pass


__all__ = ["OneTransaction", "Undo", "one_transaction"]
