"""A group written into a folder: all of its rows as they were in one moment, and its files.

Rows go from PostgreSQL to the disk by COPY, so memory stays what it is however many there are.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from obstore.exceptions import BaseError

from app.db.auditing import OPERATOR, record
from app.db.database import Database, Transaction
from app.db.migrating import newest
from app.domain.assets.storage import AssetStorage
from app.errors import Invalid, NotFound, Unavailable
from app.exporting.contents import GROUP_TABLE, LEFT_OUT, LEFT_OUT_COLUMNS, ExportedTable, exported_tables
from app.exporting.manifest import FILES, FORMAT, READING, ROWS, SHEETS, Manifest, TableFile
from app.exporting.printing import RAW, cells_of, lines_of
from app.values.ids import show_id
from app.values.scope import Scope

MOST_S = 24 * 3600.0
"""How long one table may take."""
_BUFFER = 1 << 20
Progress = Callable[[str, int, int], None]
"""What is being written, how much of it is done, and of how much."""

_SETTINGS = "SELECT row_to_json(g)::text FROM customer_group AS g WHERE id = $1"
_STORED = """
SELECT DISTINCT ON (sha256) sha256, storage_key FROM asset WHERE group_id = $1 AND purged_at IS NULL
 ORDER BY sha256, id
"""


async def export_group(
    db: Database,
    storage: AssetStorage,
    group_id: int,
    into: Path,
    *,
    now: datetime,
    sheets: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Manifest:
    """Write everything of a group into a folder that is new or empty. `sheets`: a CSV of each table as well.

    Only owners of the folder can read it: it holds what identifies customers.
    """
    _make_new(into)
    for part in (ROWS, READING, FILES, *([SHEETS] if sheets else [])):
        _make(into / part)
    tables = exported_tables()
    await _write_down(db, group_id, now=now)
    async with _snapshot(db, group_id) as tx:
        group = await tx.fetchval(_SETTINGS, group_id)
        instant = await tx.fetchval("SELECT to_json(now()) #>> '{}'")
        written: dict[str, TableFile] = {}
        for place, table in enumerate(tables):
            progress(table.name, place, len(tables) + 1)
            folder = into / (ROWS if table.comes_back else READING)
            written[table.name] = await _write_lines(tx, table, folder / f"{table.name}.jsonl")
            if sheets:
                with _Counted(into / SHEETS / f"{table.name}.csv") as file:
                    await _copy(tx, cells_of(table, group_id), file, format="csv", header=True)
        progress("files", len(tables), len(tables) + 1)
        count, size, missing = await _write_files(tx, storage, into / FILES)
    settings = {
        key: value
        for key, value in msgspec.json.decode(group).items()
        if key != "id" and (GROUP_TABLE, key) not in LEFT_OUT_COLUMNS
    }
    manifest = Manifest(
        FORMAT,
        newest(),
        instant,
        {"number": group_id, **settings},
        [written[table.name] for table in tables if table.comes_back],
        [written[table.name] for table in tables if not table.comes_back],
        count,
        size,
        missing,
        _left_out(),
    )
    manifest.write(into)
    progress("done", len(tables) + 1, len(tables) + 1)
    return manifest


async def _write_down(db: Database, group_id: int, *, now: datetime) -> None:
    """Who takes everything is in the group's audit, also where it then breaks off."""
    async with db.transaction(Scope(group_id)) as tx:
        if await tx.fetchval(_SETTINGS, group_id) is None:
            raise NotFound("customer group", group_id)
        await record(tx, OPERATOR, "group.export", subject=show_id("group", group_id), now=now)


@asynccontextmanager
async def _snapshot(db: Database, group_id: int) -> AsyncIterator[Transaction]:
    """Everything inside is seen as of one moment, behind the group's policies."""
    async with db.transaction(Scope(group_id), writes=False) as tx:
        await tx.driver.execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
            " SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        await tx.patiently(MOST_S, reads_only=True)
        yield tx


async def _write_lines(tx: Transaction, table: ExportedTable, path: Path) -> TableFile:
    with _Counted(path) as file:
        rows = await _copy(tx, lines_of(table, tx.scope.group_id), file, **RAW)
    return TableFile(
        table.name, rows, file.size, file.digest.hexdigest(), [column.name for column in table.columns]
    )


async def _copy(tx: Transaction, query: str, file: "_Counted", **form: object) -> int:
    status = await tx.driver.copy_from_query(query, output=file.take, timeout=MOST_S, **form)
    return int(status.rsplit(" ", 1)[-1])


async def _write_files(tx: Transaction, storage: AssetStorage, folder: Path) -> tuple[int, int, list[str]]:
    """Each file once, by its digest; how many, their bytes, and those that were not to be had."""
    count, size, missing = 0, 0, []
    async for row in tx.driver.cursor(_STORED, tx.scope.group_id, prefetch=500):
        digest = row["sha256"]
        path = folder / digest
        with _Counted(path) as file:
            try:
                async for piece in await storage.get(row["storage_key"]):
                    await file.take(piece)
            except NotFound:
                pass
            except BaseError as problem:
                told = str(problem).partition("\n")[0]
                raise Unavailable(f"Files cannot be read where they are kept: {told}") from None
        if file.digest.hexdigest() == digest:
            count, size = count + 1, size + file.size
        else:
            path.unlink()
            missing.append(digest)
    return count, size, missing


def _left_out() -> dict[str, str]:
    columns = {f"{table}.{column}": reason for (table, column), reason in LEFT_OUT_COLUMNS.items()}
    return {**LEFT_OUT, **columns}


def _make_new(folder: Path) -> None:
    _make(folder)
    if any(folder.iterdir()):
        raise Invalid(
            f"{folder} is not empty: name a new folder, so that nothing else is taken for part of it."
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise _unwritable(folder, problem) from None


def _unwritable(path: Path, problem: OSError) -> Invalid:
    return Invalid(f"{path} cannot be written: {problem.strerror}.")


class _Counted:
    """A file being written, its size and its digest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = 0
        self.digest = hashlib.sha256()
        self._file: BinaryIO | None = None

    async def take(self, data: bytes) -> None:
        """Write some more."""
        assert self._file is not None
        try:
            self._file.write(data)
        except OSError as problem:
            # Said here: further up it would look as if the database had failed.
            raise _unwritable(self._path, problem) from None
        self.size += len(data)
        self.digest.update(data)

    def __enter__(self) -> "_Counted":
        try:
            opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as problem:
            raise _unwritable(self._path, problem) from None
        self._file = os.fdopen(opened, "wb", buffering=_BUFFER)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._file is not None
        try:
            self._file.close()
        except OSError as problem:
            raise _unwritable(self._path, problem) from None


__all__ = ["MOST_S", "export_group"]
