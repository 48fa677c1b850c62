"""The files of imports that hold a person: written anew without the person's rows, or deleted where that cannot be.

A row is a line, or several that a quoted cell joins: so it is in CSV and in JSON lines, in any encoding that is read as
UTF-8 or as one byte a letter, compressed or not. A JSON document as a whole, and UTF-16, are not taken apart: such a
file is deleted, and an import that still waits for it is cancelled. Other people's rows are in what was imported.
"""

import asyncio
import gzip
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from app.db.database import Database, Transaction
from app.domain.assets.operations import count_files
from app.domain.assets.storage import AssetStorage
from app.domain.erasing.operations import TAKES_AT_MOST_S, Cleaned
from app.domain.erasing.texts import Texts, is_in
from app.domain.imports.files import fetch
from app.errors import Conflict, NotFound
from app.tables.imports import ImportState
from app.values.ids import show_id
from app.values.scope import Scope

MAX_LINE = 4 * 1024 * 1024
MAX_LINES = 1_000
"""Of one row; more are a stray quote."""
OVERLAP = 4 * 1024
"""A text is found though a piece of a file ends in it."""
_GZIP = b"\x1f\x8b"
_PARTS = ("file", "refused", "reasons")


class Whole(Exception):
    """The file cannot be taken apart."""


@dataclass(frozen=True, slots=True)
class _Kept:
    ident: int
    part: str
    key: str


async def clean_files(
    db: Database, storage: AssetStorage, group_id: int, known: Texts, *, now: datetime
) -> Cleaned:
    """Take the person out of what is kept of the group's imports. Twice is once, and it may be broken off anywhere.

    Conflict where an import is running that has the person in its file: it has a copy of it.
    """
    patterns = known.strong
    if not patterns:
        return Cleaned()
    async with db.transaction(Scope(group_id), writes=False) as tx:
        rows = await tx.fetch(_FILES, group_id)
    kept = [
        _Kept(row["id"], part, row[f"{part}_key"]) for row in rows for part in _PARTS if row[f"{part}_key"]
    ]
    rewritten = removed = 0
    with tempfile.TemporaryDirectory(prefix="gateway-erase-") as name:
        folder = Path(name)
        for one in kept:
            try:
                await fetch(storage, one.key, folder / "sent")
            except NotFound:
                continue  # The import is over, and its file went meanwhile.
            if await asyncio.to_thread(_holds, folder / "sent", patterns):
                async with db.transaction(Scope(group_id)) as tx:
                    size = await _clean(tx, storage, one, folder, patterns, now=now)
                rewritten += bool(size)
                removed += size == 0
    return Cleaned(rewritten, removed)


async def _clean(
    tx: Transaction,
    storage: AssetStorage,
    one: _Kept,
    folder: Path,
    patterns: Sequence[str],
    *,
    now: datetime,
) -> int | None:
    """The file's size without the person, 0 where it is deleted, None where the row knows it no more.

    The row is held meanwhile, so an import that waits begins with what is left.
    """
    await tx.patiently(TAKES_AT_MOST_S)
    row = await tx.fetchrow(_HOLD.format(part=one.part), tx.scope.group_id, one.ident, one.key)
    if row is None:
        return None
    if one.part == "file" and row["state"] == ImportState.RUNNING:
        raise Conflict(
            f"The import {show_id('import', one.ident)} is running and has this customer in its file: wait for it, or"
            " cancel it.",
            path=["id"],
            code="IMPORT_RUNNING",
        )
    try:
        await asyncio.to_thread(_write_without, folder / "sent", folder / "left", patterns)
    except Whole:
        await storage.delete([one.key])
        await tx.execute(_GONE.format(part=one.part), tx.scope.group_id, one.ident)
        if one.part == "file":
            await tx.execute(_CANCEL, tx.scope.group_id, one.ident, now)
        await count_files(tx, -1, -row["size"])
        return 0
    size = (folder / "left").stat().st_size
    with await asyncio.to_thread((folder / "left").open, "rb") as body:
        # In its place, whole or not at all.
        await storage.put(one.key, body)
    await tx.execute(_SMALLER.format(part=one.part), tx.scope.group_id, one.ident, size)
    await count_files(tx, 0, size - row["size"])
    return size


_FILES = """
SELECT id, file_key, refused_key, reasons_key FROM import_run
 WHERE group_id = $1 AND num_nonnulls(file_key, refused_key, reasons_key) > 0 ORDER BY id
"""
_HOLD = """
SELECT state, {part}_size AS size FROM import_run WHERE group_id = $1 AND id = $2 AND {part}_key = $3 FOR UPDATE
"""
_SMALLER = "UPDATE import_run SET {part}_size = $3 WHERE group_id = $1 AND id = $2"
_GONE = "UPDATE import_run SET {part}_key = NULL WHERE group_id = $1 AND id = $2"
_CANCEL = """
UPDATE import_run SET state = 'cancelled', cancel_at = $3, finished_at = $3
 WHERE group_id = $1 AND id = $2 AND state = 'queued'
"""


def _holds(file: Path, patterns: Sequence[str]) -> bool:
    """Whether the person is in it, whatever it is."""
    before = b""
    with _opened(file) as body:
        while piece := body.read(1024 * 1024):
            text = before + piece
            if any(is_in(patterns, read) for read in _readings(text)):
                return True
            before = text[-OVERLAP:]
    return False


def _readings(piece: bytes) -> Iterator[str]:
    yield piece.decode("utf-8", "replace")
    yield piece.decode("latin-1")
    if b"\0" in piece:
        yield piece.replace(b"\0", b"").decode("latin-1")


def _write_without(file: Path, left: Path, patterns: Sequence[str]) -> None:
    """Write the rows that do not hold the person; Whole where rows cannot be told apart."""
    with _opened(file) as body:
        head = body.read(OVERLAP)
    if b"\0" in head or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
        raise Whole
    if head.lstrip()[:1] == b"{" and not head.split(b"\n", 1)[0].rstrip().endswith(b"}") and b"\n" in head:
        raise Whole  # One object over several lines.
    is_packed = file.open("rb").read(2) == _GZIP
    with _opened(file) as body, gzip.open(left, "wb") if is_packed else left.open("wb") as out:
        for at, row in enumerate(_rows(body, by_line=head.lstrip()[:1] == b"{")):
            if not any(is_in(patterns, read) for read in _readings(row)):
                out.write(row)
            elif at == 0 and head.lstrip()[:1] != b"{":
                raise Whole  # It has no header, or the person is the header.


def _rows(body: IO[bytes], *, by_line: bool) -> Iterator[bytes]:
    row, lines = b"", 0
    while line := body.readline(MAX_LINE):
        row, lines = row + line, lines + 1
        if len(row) >= MAX_LINE or lines > MAX_LINES:
            raise Whole
        if by_line or row.count(b'"') % 2 == 0:
            yield row
            row, lines = b"", 0
    if row:
        yield row


def _opened(file: Path) -> IO[bytes]:
    with file.open("rb") as body:
        is_packed = body.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(file, "rb")) if is_packed else file.open("rb")


__all__ = ["clean_files"]
