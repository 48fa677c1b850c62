"""Importing a file, batch by batch. Rows that cannot be imported go to a file of their own, with the reason."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.errors import Failure, NotFound, Several
from app.importing import campaigns, customers, segments
from app.importing.customers import NamedCustomers
from app.importing.reading import FileLine, read_lines
from app.values.json_text import write_json
from app.values.scope import Scope

BATCH = 1_000

Progress = Callable[[int, int], None]
"""How many rows are done, and how many of them were refused."""


class RowKind(StrEnum):
    """What a file holds."""

    CUSTOMERS = "customers"
    SEGMENTS = "segments"
    CAMPAIGNS = "campaigns"


@dataclass(slots=True)
class Outcome:
    """What became of the rows: each is counted in one of the two."""

    imported: int = 0
    refused: int = 0


class _Refused:
    """The file of refused rows: a JSON object a line, made with the first one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.count = 0
        self._opened: TextIO | None = None

    def add(self, line: FileLine, failure: Failure | None) -> None:
        """Write down a row and what is wrong with it."""
        if self._opened is None:
            self._opened = self.file.open("w", encoding="utf-8")
        told = {"line": line.number, "code": "UNREADABLE", "message": line.fault, "path": []}
        if failure is not None:
            told |= {"code": failure.reason, "message": failure.message, "path": failure.path}
        told["row"] = line.values if failure is not None else line.raw
        self._opened.write(write_json(told).decode(errors="replace") + "\n")
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        if self._opened is not None:
            self._opened.close()


async def import_file(
    db: Database,
    scope: Scope,
    kind: RowKind,
    file: Path,
    *,
    refused_into: Path,
    now: datetime,
    progress: Progress = lambda done, refused: None,
) -> Outcome:
    """Import every row of the file, or write it to `refused_into`. Doing it again with the same file is harmless."""
    async with db.transaction(scope) as tx:
        if not await tx.fetchval("SELECT EXISTS (SELECT FROM customer_group WHERE id = $1)", scope.group_id):
            raise NotFound("customer group", scope.group_id)
    outcome, refused, seen = Outcome(), _Refused(refused_into), NamedCustomers()
    try:
        for lines in _batches(read_lines(file)):
            readable = []
            for line in lines:
                if line.fault:
                    refused.add(line, None)
                else:
                    readable.append(line)
            if kind is RowKind.CUSTOMERS:
                outcome.imported += await _customers(db, scope, readable, refused, seen, now=now)
            else:
                outcome.imported += await _one_by_one(db, scope, kind, readable, refused, now=now)
            outcome.refused = refused.count
            progress(outcome.imported + outcome.refused, outcome.refused)
    finally:
        refused.close()
    return outcome


async def _customers(
    db: Database,
    scope: Scope,
    lines: Sequence[FileLine],
    refused: _Refused,
    seen: NamedCustomers,
    *,
    now: datetime,
) -> int:
    """Import a batch as a whole. Rows that prevent it are taken out, and the rest is tried again."""
    async with db.transaction(scope) as tx:
        stores = await customers.stores_of(tx, lines)
    left: list[tuple[FileLine, CustomerEntry]] = []
    for line in lines:
        try:
            entry = customers.entry_of(line, stores)
            seen.check(line, entry)
            left.append((line, entry))
        except Failure as failure:
            refused.add(line, failure)
    while left:
        try:
            async with db.transaction(scope) as tx:
                await upsert_customers(tx, [entry for _, entry in left], now=now)
            return len(left)
        except Several as several:
            faulty = {int(failure.path[1]): failure for failure in several.failures}
        except Failure as failure:
            faulty = {}
            if len(left) == 1:
                faulty = {0: failure}
            else:
                # The failure does not say which row it is about: find out row by row.
                half = len(left) // 2
                parts = [[line for line, _ in left[:half]], [line for line, _ in left[half:]]]
                return sum([await _customers(db, scope, part, refused, seen, now=now) for part in parts])
        for at, problem in faulty.items():
            problem.path = problem.path[2:]
            if problem.reason == "REPEATED":
                problem.message = (
                    "Another row is about the same customer: it is known by this one's id and by its e-mail."
                )
            refused.add(left[at][0], problem)
        left = [pair for at, pair in enumerate(left) if at not in faulty]
    return 0


async def _one_by_one(
    db: Database, scope: Scope, kind: RowKind, lines: Sequence[FileLine], refused: _Refused, *, now: datetime
) -> int:
    write = segments.write if kind is RowKind.SEGMENTS else campaigns.write
    done = 0
    for line in lines:
        try:
            async with db.transaction(scope) as tx:
                await write(tx, line, now=now)
            done += 1
        except Failure as failure:
            refused.add(line, failure)
    return done


def _batches(lines: Iterable[FileLine]) -> Iterator[list[FileLine]]:
    batch: list[FileLine] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


__all__ = ["Outcome", "RowKind", "import_file"]
