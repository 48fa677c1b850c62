"""Systems that all number from 1, in any order, into a group that has rows already: no two rows ever look alike."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, UniqueConstraint
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import Text

from app.db.database import Database, Transaction
from app.domain.external_ids.finding import rows_known_as
from app.domain.external_ids.kinds import NUMBER_TAKEN, TABLES
from app.errors import Failure, Several
from app.importing.knowing import before_made, give_ids, give_many, known_row, known_rows
from app.tables.all import metadata
from app.values.scope import Scope
from app.values.systems import FACADES, show_own
from tests.given.rows import one_row_everywhere

KINDS = [kind for kind in TABLES if kind != "event"]
NUMBERS = st.lists(st.integers(1, 25), max_size=8, unique=True)
IMPORTS = st.lists(st.tuples(st.sampled_from(FACADES), NUMBERS), min_size=2, max_size=5)


@pytest.fixture(scope="module")
async def owner(database_url: str) -> AsyncIterator[Any]:
    """May do anything."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


class _Group:
    """A group with rows of one kind, and what has come in so far."""

    def __init__(self, db: Database, kind: str, group_id: int) -> None:
        self.db, self.kind, self.table = db, kind, metadata.tables[TABLES[kind]]
        self.scope = Scope(group_id)
        self.made: list[int] = []
        self.before: set[int] | None = None
        """What was made here until the first number came in."""
        self.came: dict[tuple[str, int], int] = {}
        """(system, number there) → row."""
        self.refused: set[tuple[str, int]] = set()

    async def make(self, tx: Transaction) -> int:
        """A row like the first one, in whatever must be unique a different one."""
        different = {
            column.name
            for rule in self.table.constraints
            if isinstance(rule, UniqueConstraint)
            for column in rule.columns
            if isinstance(column.type, (String, Text, TEXT)) and column.computed is None
        } | ({"code_key"} if self.kind == "promo" else set())
        plain = [
            column.name
            for column in self.table.columns
            if column.computed is None
            and column.name not in ("id", "known_as_system", "known_as_id", "is_default", "is_explicit")
        ]
        values = [
            f"left({name}, 20) || nextval('reward_attribute_id_seq')::text" if name in different else name
            for name in plain
        ]
        for name, value in (("is_default", "false"), ("is_explicit", "true")):
            if name in self.table.columns:
                plain, values = [*plain, name], [*values, value]
        row = await tx.fetchval(
            f"INSERT INTO {self.table.name} ({', '.join(plain)})"
            f" SELECT {', '.join(values)} FROM {self.table.name} WHERE group_id = $1 ORDER BY id LIMIT 1 RETURNING id",
            self.scope.group_id,
        )
        self.made.append(row)
        return int(row)

    async def bring_in(self, system: str, numbers: list[int], *, together: bool) -> None:
        """As writers do it: one by one, or many at once."""
        shown = {number: show_own(system, self.kind, number) for number in numbers}
        if numbers and self.before is None:
            self.before = set(self.made)
        async with self.db.transaction(self.scope) as tx:
            for number, text in shown.items():
                if together and (system, number) not in self.refused:
                    continue
                try:
                    async with tx.savepoint():
                        row = await known_row(tx, self.kind, {system: text})
                        if row is None:
                            await before_made(tx, self.kind, {system: text})
                            row = await self.make(tx)
                        await give_ids(tx, self.kind, row, {system: text})
                    self._take(system, number, row)
                except Failure as failure:
                    only_taken(failure)
                    self.made = self.made[:-1]
                    self.refused.add((system, number))
            if together:
                await self._at_once(tx, system, shown)

    async def _at_once(self, tx: Transaction, system: str, shown: dict[int, str]) -> None:
        left = {n: text for n, text in shown.items() if (system, n) not in self.refused}
        while left:
            try:
                async with tx.savepoint():
                    known = await known_rows(tx, self.kind, [{system: text} for text in left.values()])
                    before = list(self.made)
                    for text in left.values():
                        await before_made(tx, self.kind, {system: text})
                    rows = [await self.make(tx) if row is None else row for row in known]
                    ids = [(row, {system: text}) for row, text in zip(rows, left.values(), strict=True)]
                    await give_many(tx, self.kind, ids)  # type: ignore[arg-type]
            except Failure as failure:
                self.made = before
                numbers = list(left)
                for one in only_taken(failure):
                    self.refused.add((system, numbers[int(one.path[0])]))
                    del left[numbers[int(one.path[0])]]
            else:
                for number, row in zip(left, rows, strict=True):
                    assert isinstance(row, int)
                    self._take(system, number, row)
                return

    def _take(self, system: str, number: int, row: Any) -> None:
        assert (
            self.came.setdefault((system, number), row) == row
        )  # the same number is the same row, ever after

    async def check(self) -> None:
        """Nothing is lost, and each system shows each row by a number of its own."""
        async with self.db.transaction(self.scope) as tx:
            rows = await tx.fetch(
                f"SELECT id, known_as_system, known_as_id FROM {self.table.name} WHERE group_id = $1",
                self.scope.group_id,
            )
            assert {row["id"] for row in rows} == set(self.made)
            for system in FACADES:
                shown: dict[str, int] = {}
                for row in rows:
                    ids = dict(zip(row["known_as_system"], row["known_as_id"], strict=True))
                    text = ids.get(system, show_own(system, self.kind, row["id"]))
                    assert text not in shown, (system, text, row["id"], shown[text])
                    shown[text] = row["id"]
                assert dict(await rows_known_as(tx, self.kind, system, shown)) == shown
            for (system, number), row in self.came.items():
                text = show_own(system, self.kind, number)
                assert await rows_known_as(tx, self.kind, system, [text]) == {text: row}
            # Only a number of a row that was there before may have been refused.
            assert {number for _, number in self.refused} <= (self.before or set())


def only_taken(failure: Failure) -> list[Failure]:
    """What is refused, each because a row of ours is shown by that number."""
    failures = failure.failures if isinstance(failure, Several) else [failure]
    if {one.reason for one in failures} != {NUMBER_TAKEN}:
        raise failure
    return list(failures)


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=15, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(there=st.integers(0, 6), imports=IMPORTS, made_between=st.booleans(), together=st.booleans())
async def test_no_two_rows_look_alike_and_none_is_lost(
    db: Database,
    owner: Any,
    kind: str,
    there: int,
    imports: list[tuple[str, list[int]]],
    made_between: bool,
    together: bool,
) -> None:
    # Other groups' rows are in nobody's way: numbers are unique in a group.
    await owner.execute(f"ALTER SEQUENCE {TABLES[kind]}_id_seq RESTART WITH 3")
    group_id = await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    await one_row_everywhere(owner, group_id)
    group = _Group(db, kind, group_id)
    async with db.transaction(group.scope) as tx:
        for _ in range(there):
            await group.make(tx)
        rows = await tx.fetch(f"SELECT id FROM {TABLES[kind]} WHERE group_id = $1", group_id)
    group.made = [row["id"] for row in rows]
    for system, numbers in imports:
        await group.bring_in(system, numbers, together=together)
        if made_between:
            async with db.transaction(group.scope) as tx:
                await group.make(tx)
    await group.check()
