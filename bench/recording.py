"""What an operation says to the database inside its transaction, recorded, and said again without the operation.

A value that an earlier statement of the same transaction had returned (an id that was drawn, mostly) is taken from what
that statement returns when it is said again; every other value stays as it was.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from app.db.database import Database, Transaction, group_setting
from app.values.scope import Scope

DRAWN = 1_000_000
"""Ids are larger, other numbers of the requests smaller."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that an earlier statement returned."""

    step: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Step:
    """A statement and its values, with `Ref` where one was drawn."""

    sql: str
    values: tuple[Any, ...]
    has_refs: bool


@dataclass(slots=True)
class Recorded:
    """One transaction."""

    begin: str
    steps: list[Step] = field(default_factory=list)
    seen: dict[Any, Ref] = field(default_factory=dict)

    def note(self, sql: str, values: Sequence[Any], rows: Sequence[Any]) -> None:
        """A statement that was run."""
        referred = tuple(self._referred(value) for value in values)
        self.steps.append(Step(sql, referred, referred != tuple(values)))
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, UUID) or (type(value) is int and value > DRAWN):
                    self.seen.setdefault(value, Ref(len(self.steps) - 1, at, column))

    def _referred(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._referred(one) for one in value]
        return self.seen.get(value, value) if isinstance(value, UUID | int) else value


@dataclass(slots=True)
class _Recording(Transaction):
    recorded: Recorded

    async def fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        """As always, and noted."""
        rows = list(await self.driver.fetch(sql, *values))
        self.recorded.note(sql, values, rows)
        return rows

    async def fetchrow(self, sql: str, *values: object) -> asyncpg.Record | None:
        """As always, and noted."""
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *values: object) -> Any:
        """As always, and noted."""
        row = await self.fetchrow(sql, *values)
        return None if row is None else row[0]

    async def execute(self, sql: str, *values: object) -> int:
        """As always, and noted."""
        touched = await Transaction.execute(self, sql, *values)
        self.recorded.note(sql, values, [])
        return touched

    @asynccontextmanager
    async def savepoint(self, *, keep: bool = True) -> AsyncIterator[None]:
        """As always, and noted; what is undone is not expected here."""
        async with Transaction.savepoint(self, keep=keep):
            self.recorded.note("SAVEPOINT part", (), [])
            yield
        self.recorded.note("RELEASE SAVEPOINT part", (), [])


class RecordingDatabase(Database):
    """Keeps what is said in transactions of a group."""

    last: list[Recorded]

    @classmethod
    def over(cls, db: Database) -> "RecordingDatabase":
        """The same connections."""
        made = cls(writer=db.writer, reader=db.reader, replica=None, guarded=db.guarded)
        made.last = []
        return made

    @asynccontextmanager
    async def transaction(self, scope: Scope, *, writes: bool = True) -> AsyncIterator[Transaction]:
        """As always, and noted."""
        begin = f"BEGIN; {group_setting(scope)}"
        async with self.writer.transaction(begin, writes=writes) as driver:
            recorded = Recorded(begin)
            yield _Recording(driver, scope, recorded)
        self.last.append(recorded)


async def say_again(connection: Any, recorded: Recorded) -> str:
    """The transaction on the bare driver; the text that its last statement answered with, if it is one."""
    await connection.execute(recorded.begin)
    answers: list[list[asyncpg.Record]] = []
    for step in recorded.steps:
        values = [_value(one, answers) for one in step.values] if step.has_refs else step.values
        answers.append(await connection.fetch(step.sql, *values))
    await connection.execute("COMMIT")
    last = answers[-1][0][0] if answers and answers[-1] else ""
    return last if isinstance(last, str) else ""


def _value(value: Any, answers: Sequence[Sequence[Any]]) -> Any:
    if isinstance(value, Ref):
        return answers[value.step][value.row][value.column]
    return [_value(one, answers) for one in value] if isinstance(value, list) else value
