"""Importing files, batch by batch. What cannot be imported goes to a file of its own, in the form it came in.

A file on its way through:

    reading/          file     → `Row`      encodings, separators, JSON answers element by element, gzip
    systems/<name>.py `Row`    → `Record`   a `Reader`: what that system prints, in our names
    reading/columns.py `Row`   → `Record`   the same for files whose columns are ours, with the user's mapping
    reading/pulled.py         a folder of `gateway pull` → `Row`s that know the request they answer (`Row.asked`)
    concepts/<name>.py `Record`s → rows     a `Writer`: a batch in one transaction → an `Outcome` for each

The types are in `records.py`; `registry.py` has a line for each system and for each concept.

**A reader** says which lists of an answer hold rows (`lists`), and turns a row into its records: a campaign with its
metrics is a record of `campaigns` and one of `campaign_metrics`. It names values as our columns are named, gives ids as
`external_ids={"benji": "500"}`, counts in `lost` what has no place here, and raises a Failure for what it cannot read.
A record of a concept that nobody writes only tells what is lost.

**A writer** is made for each import and gets at most `BATCH` records of its concept inside a transaction. It finds
rows by the records' ids, makes or changes them, and leaves those alone that are as the file says: the same file again
is `SAME` throughout. How it says no is in the docstring of `Writer.write`.

**The runner** writes a batch of rows as one transaction, concept after concept in the order of `registry.WRITERS`, so
what others point at is there before them. Where a row has several records and one prevents the batch, the row is
refused as a whole. A row that names what is not there waits until all files are through, and is tried again then: what
it names may stand in a later one. A batch that fails without saying why is tried again by halves. A dry run does all of
it inside one transaction that is rolled back, with a savepoint for each batch: rows see those of earlier batches, and
other writers of the same rows wait for its end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import asyncpg

from app.db.database import Database, Transaction
from app.db.outages import Away
from app.domain.assets.storage import AssetStorage
from app.errors import Failure, Invalid, NotFound
from app.importing.concepts.assets import AssetWriter
from app.importing.reading.columns import ColumnReader
from app.importing.reading.files import RowFile
from app.importing.reading.opening import open_rows
from app.importing.reading.pulled import PulledFolder, with_requests
from app.importing.reading.sources import Source
from app.importing.reading.told import Told
from app.importing.records import Outcome, Reader, Record, RefusedTogether, Row, Verdict, Writer
from app.importing.refusing import Refusals
from app.importing.registry import FIRST, READERS, WRITERS
from app.importing.report import Report
from app.values.scope import Scope

BATCH = 1_000
AS_OF = "totals_as_of"
MAX_PUT_OFF = 20_000
"""How many rows of a file wait for others; further ones are refused at once."""
DRY_S = 600.0
"""How long a statement of a dry run may take."""

Progress = Callable[[int, int, int], None]
"""How many rows are done, how many of them were refused, and how many there are."""


async def import_files(
    db: Database,
    scope: Scope,
    what: str,
    sources: Sequence[Source],
    *,
    now: datetime,
    told: Told | None = None,
    dry: bool = False,
    refused_into: Path | None = None,
    storage: AssetStorage | None = None,
    progress: Progress = lambda done, refused, total: None,
) -> Report:
    """Import every row of the files, or write it down as refused. Doing it again with the same files is harmless.

    `what` is a concept or a system. Refused rows go beside each file, or into `refused_into`: a folder, or for one
    file the file. A dry run writes them only there, if it is given. Without `storage` files of a folder are lost.
    """
    told = told or Told()
    async with db.transaction(scope, writes=False) as tx:
        if not await tx.fetchval("SELECT EXISTS (SELECT FROM customer_group WHERE id = $1)", scope.group_id):
            raise NotFound("customer group", scope.group_id)
    opened: list[tuple[RowFile, Reader]] = []
    report = Report(what=what, dry=dry)
    writers = {concept: make() for concept, make in WRITERS.items()}
    if isinstance(assets := writers["assets"], AssetWriter):
        assets.storage, assets.dry = storage, dry
    try:
        for source in sources:
            reader = _reader(what, writers, told)
            opened.append((_open(source, what, told, reader), reader))
        opened.sort(key=lambda one: _rank(_told(one[0], one[1], what), one[1], list(writers)))
        total = sum(file.total for file, _ in opened)
        async with _beginning(db, scope, dry=dry) as parts, AsyncExitStack() as stack:
            runs: list[_Run] = []
            for file, reader in opened:
                refusals = stack.enter_context(
                    Refusals(file, refused_into, silent=dry and refused_into is None)
                )
                run = _Run(reader, writers, refusals, report, parts, now, told.totals_as_of)
                runs.append(run)
                async for rows in _ahead(_batches(_told(file, reader, what))):
                    await run.batch(rows)
                    progress(report.rows, report.refused, max(total, report.rows))
            await _once_more(runs)
            progress(report.rows, report.refused, max(total, report.rows))
            for (file, _), run in zip(opened, runs, strict=True):
                report.read(file, run.refusals)
    finally:
        for file, _ in opened:
            file.close()
    return report


def names() -> list[str]:
    """What can be imported: concepts and systems."""
    return [*WRITERS, *READERS]


def _open(source: Source, what: str, told: Told, reader: Reader) -> RowFile:
    if not source.path.is_dir():
        watcher = reader if isinstance(reader, ColumnReader) else None
        return open_rows(source, told, reader.lists, watcher=watcher)
    if what not in READERS:
        raise Invalid(
            f"{source.name} was pulled: import it as a system's answers, not as {what}.", path=["what"]
        )
    return PulledFolder(source, what, reader.lists, first=FIRST.get(what, ()))


def _reader(what: str, writers: Mapping[str, Writer], told: Told) -> Reader:
    if what in writers:
        return ColumnReader(what, writers[what].columns, told)
    if what in READERS:
        return READERS[what]
    raise Invalid(f"There are no {what} to import; there are {', '.join(names())}.", path=["what"])


def _told(file: RowFile, reader: Reader, what: str) -> Iterator[Row]:
    """Its rows; where it has lines of a pulled folder, those that are in them."""
    return with_requests(file.rows(), what, reader.lists) if what in READERS else file.rows()


def _rank(rows: Iterator[Row], reader: Reader, concepts: Sequence[str]) -> int:
    """Files about what others point at come first; the first row tells what a file is about."""
    try:
        row = next(rows, None)
        found = (
            [record.concept for record in reader.records(row)] if row is not None and not row.fault else []
        )
    except Failure:
        found = []
    return min((concepts.index(one) for one in found if one in concepts), default=len(concepts))


async def _once_more(runs: "Sequence[_Run]") -> None:
    """Write rows that named what only came after them, as long as that helps; then refuse the others."""
    waiting = sum(len(run.put_off) for run in runs)
    while waiting:
        for run in runs:
            await run.again()
        left = sum(len(run.put_off) for run in runs)
        if left == waiting:
            for run in runs:
                run.is_last = True
        waiting = left


class _Parts:
    """Where batches are written: each in a transaction, or in a part of one that is rolled back at the end."""

    def __init__(self, db: Database, scope: Scope, around: Transaction | None) -> None:
        self._db, self._scope, self._around = db, scope, around

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Transaction]:
        if self._around is None:
            async with self._db.transaction(self._scope) as tx:
                yield tx
        else:
            async with self._around.savepoint():
                yield self._around


@asynccontextmanager
async def _beginning(db: Database, scope: Scope, *, dry: bool) -> AsyncIterator[_Parts]:
    if not dry:
        yield _Parts(db, scope, None)
        return
    try:
        async with db.transaction(scope) as tx:
            await tx.patiently(DRY_S)
            yield _Parts(db, scope, tx)
            raise _Undone
    except _Undone:
        pass


class _Undone(Exception):
    """Rolls a dry run back."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A row that could be read."""

    row: Row
    records: Sequence[Record]


class _RowsPrevent(Exception):
    def __init__(self, faults: Mapping[int, list[Failure]]) -> None:
        super().__init__()
        self.faults = faults
        """Which of the pending rows, and why."""


@dataclass(slots=True)
class _Run:
    """The import of one file."""

    reader: Reader
    writers: Mapping[str, Writer]
    refusals: Refusals
    report: Report
    parts: _Parts
    now: datetime
    totals_as_of: datetime | None = None
    turned_down: list[tuple[Row, Sequence[tuple[Failure, Record | None]]]] = field(default_factory=list)
    """Of the batch at hand."""
    put_off: list[_Pending] = field(default_factory=list)
    """What names rows that are not there, or not yet: it is tried again when all files are through."""
    is_last: bool = False
    """Whether nothing is put off any more."""

    async def batch(self, rows: Sequence[Row]) -> None:
        pending: list[_Pending] = []
        for row in rows:
            self.report.rows += 1
            try:
                if row.fault is not None:
                    raise row.fault
                pending.append(_Pending(row, [self._dated(record) for record in self.reader.records(row)]))
            except Failure as failure:
                self._refuse(row, [failure])
        await self._keep_files(pending)
        await self._write(pending)
        self._turn_down()

    async def _keep_files(self, pending: Sequence[_Pending]) -> None:
        records = [record for one in pending for record in one.records if record.concept == "assets"]
        writer = self.writers["assets"]
        if not records or not isinstance(writer, AssetWriter):
            return
        async with self.parts.one() as tx:
            missing, group_id = await writer.missing(tx, records), tx.scope.group_id
        if missing:
            await writer.keep(missing, group_id=group_id)

    async def again(self) -> None:
        """Try again what was put off."""
        waiting, self.put_off = self.put_off, []
        for start in range(0, len(waiting), BATCH):
            await self._write(waiting[start : start + BATCH])
        self._turn_down()

    def _turn_down(self) -> None:
        for row, reasons in sorted(self.turned_down, key=lambda one: one[0].number):
            self.refusals.add(row, reasons)
        self.turned_down.clear()

    def _dated(self, record: Record) -> Record:
        """Let a record that may have totals say up to when they count, where that is known."""
        writer = self.writers.get(record.concept)
        as_of = self.totals_as_of or record.row.at
        if as_of is None or writer is None or AS_OF not in writer.columns.known or record.values.get(AS_OF):
            return record
        return replace(record, values={**record.values, AS_OF: as_of})

    async def _write(self, pending: Sequence[_Pending]) -> None:
        """Write them as a whole. Rows that prevent it are taken out, and the rest is tried again."""
        while pending:
            try:
                async with self.parts.one() as tx:
                    outcomes = await self._concepts(tx, pending)
            except _RowsPrevent as told:
                for at, failures in sorted(told.faults.items()):
                    if not self._puts_off(pending[at], failures):
                        self._refuse(pending[at].row, failures, pending[at].records)
                pending = [one for at, one in enumerate(pending) if at not in told.faults]
                continue
            except Away:
                raise  # the database is gone: what is written stays, and the same file can be imported again
            except (Failure, asyncpg.DataError, UnicodeEncodeError) as problem:
                failure = (
                    problem if isinstance(problem, Failure) else Invalid(f"It cannot be stored: {problem}.")
                )
                if len(pending) == 1:
                    if not self._puts_off(pending[0], [failure]):
                        self._refuse(pending[0].row, [failure], pending[0].records)
                    return
                # It does not say which row it is about: find out by halves.
                half = len(pending) // 2
                await self._write(pending[:half])
                await self._write(pending[half:])
                return
            self._account(pending, outcomes)
            return

    async def _concepts(
        self, tx: Transaction, pending: Sequence[_Pending]
    ) -> Sequence[tuple[int, Record, Outcome]]:
        """Write the records, concept after concept; each with the place of its row and what became of it."""
        by_concept: dict[str, list[tuple[int, Record]]] = {}
        for at, one in enumerate(pending):
            for record in one.records:
                by_concept.setdefault(record.concept, []).append((at, record))
        done: list[tuple[int, Record, Outcome]] = []
        for concept in [name for name in self.writers if name in by_concept]:
            found = by_concept[concept]
            for start in range(0, len(found), BATCH):
                some = found[start : start + BATCH]
                try:
                    outcomes = await self.writers[concept].write(tx, [one for _, one in some], now=self.now)
                except RefusedTogether as told:
                    faults: dict[int, list[Failure]] = {}
                    for place, failure in told.faults.items():
                        faults.setdefault(some[place][0], []).append(failure)
                    raise _RowsPrevent(faults) from None
                done += [(*pair, outcome) for pair, outcome in zip(some, outcomes, strict=True)]
        return done

    def _puts_off(self, pending: _Pending, failures: Iterable[Failure]) -> bool:
        if (
            self.is_last
            or len(self.put_off) >= MAX_PUT_OFF
            or not any(isinstance(f, NotFound) for f in failures)
        ):
            return False
        self.put_off.append(pending)
        return True

    def _account(self, pending: Sequence[_Pending], outcomes: Sequence[tuple[int, Record, Outcome]]) -> None:
        for one in pending:
            for record in one.records:
                if record.concept not in self.writers:
                    self.report.lose(record)
        refused: dict[int, list[tuple[Failure, Record, Outcome]]] = {}
        for at, record, outcome in outcomes:
            if outcome.verdict is Verdict.REFUSED:
                failure = outcome.failure or Invalid("It was refused.")
                refused.setdefault(at, []).append((failure, record, outcome))
            else:
                self.report.count(record, outcome)
        for at, found in sorted(refused.items()):
            row = pending[at].row
            if self._puts_off(_Pending(row, [record for _, record, _ in found]), [f for f, _, _ in found]):
                continue
            self.report.refused += 1
            for failure, record, outcome in found:
                self.report.count(record, outcome)
                self.report.because(failure, row)
            self.turned_down.append((row, [(failure, record) for failure, record, _ in found]))

    def _refuse(self, row: Row, failures: Sequence[Failure], records: Sequence[Record] = ()) -> None:
        """Refuse a row as a whole."""
        self.report.refused += 1
        for record in records:
            self.report.count(record, Outcome(Verdict.REFUSED))
        only = records[0] if len(records) == 1 else None
        for failure in failures:
            self.report.because(failure, row)
        self.turned_down.append((row, [(failure, only) for failure in failures]))


async def _ahead(batches: Iterator[list[Row]]) -> AsyncIterator[list[Row]]:
    """The batches; while one is written, the next is read from the file by another thread."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as reading:
        coming = loop.run_in_executor(reading, next, batches, None)
        while (rows := await coming) is not None:
            coming = loop.run_in_executor(reading, next, batches, None)
            yield rows


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


__all__ = ["Outcome", "Reader", "Record", "Report", "Writer", "import_files", "names"]
