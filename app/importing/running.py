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
refused as a whole. A batch that fails without saying why is tried again by halves. Rows of a system that fail with
NotFound are tried again when all files have been read, until no more go in. A dry run does all of it inside one
transaction that is rolled back, with a savepoint for each batch: rows see those of earlier batches, and other writers
of the same rows wait for its end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import asyncpg

from app.db.database import Database, Transaction
from app.db.outages import Away
from app.domain.assets.storage import AssetStorage
from app.errors import Failure, Invalid, NotFound
from app.importing.concepts.assets import AssetWriter
from app.importing.one_gateway import known_to_all
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
MAX_LATER = 100_000
"""How many rows of a file may wait for what they point at."""
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
    report: Report | None = None,
) -> Report:
    """Import every row of the files, or write it down as refused. Doing it again with the same files is harmless.

    `what` is a concept or a system. Refused rows go beside each file, or into `refused_into`: a folder, or for one
    file the file. A dry run writes them only there, if it is given. Without `storage` files of a folder are lost.
    `report`: an empty one, to be read meanwhile. What `progress` raises ends the import between two batches.
    """
    told = told or Told()
    async with db.transaction(scope, writes=False) as tx:
        if not await tx.fetchval("SELECT EXISTS (SELECT FROM customer_group WHERE id = $1)", scope.group_id):
            raise NotFound("customer group", scope.group_id)
    opened: list[tuple[RowFile, Reader]] = []
    report = report or Report(what=what, dry=dry)
    writers = {concept: make() for concept, make in WRITERS.items()}
    if isinstance(assets := writers["assets"], AssetWriter):
        assets.storage, assets.dry = storage, dry
    try:
        for source in sources:
            reader = _reader(what, writers, told)
            opened.append((_open(source, what, told, reader), reader))
        opened.sort(key=lambda one: _rank(_told(one[0], one[1], what), one[1], list(writers)))
        total = sum(file.total for file, _ in opened)
        async with _beginning(db, scope, dry=dry) as parts:
            runs: list[_Run] = []
            for file, reader in opened:
                refusals = Refusals(file, refused_into, silent=dry and refused_into is None)
                # Rows of one concept are told at once; those of a system may point at what comes in a later file.
                later = MAX_LATER if what in READERS else 0
                run = _Run(
                    reader, writers, refusals, report, parts, now, later, told.totals_as_of, told.one_gateway
                )
                runs.append(run)
                async for rows in _ahead(_batches(_told(file, reader, what))):
                    await run.batch(rows)
                    progress(report.rows, report.refused, max(total, report.rows))
            while sum([await run.again() for run in runs]):
                pass
            for run, (file, _) in zip(runs, opened, strict=True):
                run.give_up()
                report.read(file, run.refusals)
            progress(report.rows, report.refused, max(total, report.rows))
        columns = [reader for _, reader in opened if isinstance(reader, ColumnReader)]
        absent = [reader.not_there() for reader in columns]
        report.absent = sorted(frozenset.intersection(*absent)) if absent else []
        report.free = sorted({name for reader in columns for name in reader.kept_free()})
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


# Tables grow while they are imported into: a plan that was good for the first batch reads all of them in the last.
_PLANS = "SET LOCAL plan_cache_mode = force_custom_plan"


class _Parts:
    """Where batches are written: each in a transaction, or in a part of one that is rolled back at the end."""

    def __init__(self, db: Database, scope: Scope, around: Transaction | None) -> None:
        self._db, self._scope, self._around = db, scope, around

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Transaction]:
        if self._around is None:
            async with self._db.transaction(self._scope) as tx:
                await tx.execute(_PLANS)
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
            await tx.execute(_PLANS)
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
    counted: frozenset[int] = frozenset()
    """Which of the records are in the report already, since the row is tried again."""


class _RowsPrevent(Exception):
    def __init__(self, faults: Mapping[int, list[Failure]]) -> None:
        super().__init__()
        self.faults = faults
        """Which of the pending rows, and why."""


_Reasons = Sequence[tuple[Failure, Record | None]]


@dataclass(slots=True)
class _Run:
    """The import of one file."""

    reader: Reader
    writers: Mapping[str, Writer]
    refusals: Refusals
    report: Report
    parts: _Parts
    now: datetime
    most_later: int
    """How many rows may wait for what they point at."""
    totals_as_of: datetime | None = None
    one_gateway: bool = False
    turned_down: list[tuple[Row, _Reasons]] = field(default_factory=list)
    """Of the batch at hand."""
    later: list[tuple[_Pending, _Reasons]] = field(default_factory=list)
    """What points at nothing so far."""

    async def batch(self, rows: Sequence[Row]) -> None:
        pending: list[_Pending] = []
        for row in rows:
            self.report.rows += 1
            try:
                if row.fault is not None:
                    raise row.fault
                pending.append(_Pending(row, [self._dated(record) for record in self.reader.records(row)]))
            except Failure as failure:
                self._refuse(_Pending(row, ()), [failure])
        await self._keep_files(pending)
        await self._write(pending)
        self._write_refused()

    async def _keep_files(self, pending: Sequence[_Pending]) -> None:
        records = [record for one in pending for record in one.records if record.concept == "assets"]
        writer = self.writers["assets"]
        if not records or not isinstance(writer, AssetWriter):
            return
        async with self.parts.one() as tx:
            missing, group_id = await writer.missing(tx, records), tx.scope.group_id
        if missing:
            await writer.keep(missing, group_id=group_id)

    async def again(self) -> int:
        """Try once more the rows that wait; how many went in, wholly or refused for another reason."""
        waiting, self.later = self.later, []
        for start in range(0, len(waiting), BATCH):
            await self._write([one for one, _ in waiting[start : start + BATCH]])
            self._write_refused()
        return len(waiting) - len(self.later)

    def give_up(self) -> None:
        """Refuse the rows that wait."""
        for one, reasons in self.later:
            self._turn_down(one, reasons)
            for at, record in enumerate(one.records):
                if at not in one.counted:
                    self.report.count(record, Outcome(Verdict.REFUSED))
        self.later.clear()
        self._write_refused()

    def _write_refused(self) -> None:
        self.refusals.add(sorted(self.turned_down, key=lambda one: one[0].ordinal))
        self.turned_down.clear()

    def _dated(self, record: Record) -> Record:
        """Let a record say what is told of all: up to when its totals count, and that its number holds everywhere."""
        record = known_to_all(record) if self.one_gateway else record
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
                    self._refuse(pending[at], failures)
                pending = [one for at, one in enumerate(pending) if at not in told.faults]
                continue
            except Away:
                raise  # the database is gone: what is written stays, and the same file can be imported again
            except (Failure, asyncpg.DataError, UnicodeEncodeError) as problem:
                failure = (
                    problem if isinstance(problem, Failure) else Invalid(f"It cannot be stored: {problem}.")
                )
                if len(pending) == 1:
                    self._refuse(pending[0], [failure])
                    return
                # It does not say which row it is about: find out by halves.
                half = len(pending) // 2
                await self._write(pending[:half])
                await self._write(pending[half:])
                return
            self._account(pending, outcomes)
            return

    async def _concepts(self, tx: Transaction, pending: Sequence[_Pending]) -> "list[list[Outcome]]":
        """Write the records, concept after concept; what became of each, by row."""
        by_concept: dict[str, list[tuple[int, int, Record]]] = {}
        refused: dict[int, list[Failure]] = {}
        outcomes = [[_nowhere(record) for record in one.records] for one in pending]
        for at, one in enumerate(pending):
            for index, record in enumerate(one.records):
                by_concept.setdefault(record.concept, []).append((at, index, record))
        for concept in [name for name in self.writers if name in by_concept]:
            found = by_concept[concept]
            for start in range(0, len(found), BATCH):
                some = found[start : start + BATCH]
                try:
                    done = await self.writers[concept].write(
                        tx, [record for _, _, record in some], now=self.now
                    )
                except RefusedTogether as told:
                    # What went wrong before tells more: what comes after misses what was refused.
                    faults = {at: [*refused.get(at, ())] for at in {some[place][0] for place in told.faults}}
                    for place, failure in told.faults.items():
                        faults[some[place][0]].append(failure)
                    raise _RowsPrevent(faults) from None
                for (at, index, _), outcome in zip(some, done, strict=True):
                    outcomes[at][index] = outcome
                    if outcome.failure is not None:
                        refused.setdefault(at, []).append(outcome.failure)
        return outcomes

    def _account(self, pending: Sequence[_Pending], outcomes: Sequence[Sequence[Outcome]]) -> None:
        for one, became in zip(pending, outcomes, strict=True):
            reasons = [
                (outcome.failure or Invalid("It was refused."), record)
                for record, outcome in zip(one.records, became, strict=True)
                if outcome.verdict is Verdict.REFUSED
            ]
            waits = self._may_wait(reasons)
            counted = set(one.counted)
            for index, (record, outcome) in enumerate(zip(one.records, became, strict=True)):
                if index not in counted and not (waits and outcome.verdict is Verdict.REFUSED):
                    if record.concept in self.writers or outcome.verdict is Verdict.REFUSED:
                        self.report.count(record, outcome)
                    else:
                        self.report.lose(record)
                    counted.add(index)
            if waits:
                self.later.append((_Pending(one.row, one.records, frozenset(counted)), reasons))
            elif reasons:
                self._turn_down(one, reasons)

    def _refuse(self, one: _Pending, failures: Sequence[Failure]) -> None:
        """Refuse a row as a whole, or let it wait."""
        only = one.records[0] if len(one.records) == 1 else None
        reasons = [(failure, only) for failure in failures]
        if one.records and self._may_wait(reasons):
            self.later.append((one, reasons))
            return
        for at, record in enumerate(one.records):
            if at not in one.counted:
                self.report.count(record, Outcome(Verdict.REFUSED))
        self._turn_down(one, reasons)

    def _may_wait(self, reasons: _Reasons) -> bool:
        """Whether a row may go in once there is more."""
        missing = any(isinstance(failure, NotFound) for failure, _ in reasons)
        return missing and len(self.later) < self.most_later

    def _turn_down(self, one: _Pending, reasons: _Reasons) -> None:
        self.report.refused += 1
        for failure, _ in reasons:
            self.report.because(failure, one.row)
        self.turned_down.append((one.row, reasons))


def _nowhere(record: Record) -> Outcome:
    """What becomes of a record that no writer takes: one that only tells what is lost has told it."""
    if record.lost and not record.values:
        return Outcome(Verdict.SAME)
    return Outcome.refused(Invalid(f"There is no place for {record.concept} here.", code="NO_PLACE"))


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
