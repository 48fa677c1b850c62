"""The files of imports: what was sent, the rows that were refused, and why. While they are kept they take room."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import uuid4

from app.db.database import Database, Transaction
from app.domain.assets.operations import count_files
from app.domain.assets.storage import AssetStorage, Shelf
from app.domain.assets.types import HEAD, UNKNOWN, content_type_of, safe_name
from app.errors import Invalid, NotFound, TooLarge
from app.values.scope import Scope

KEPT_FOR = timedelta(days=14)
"""How long an import that is over can be seen, and its refused rows downloaded."""
REMOVED_AT_ONCE = 100
REFUSED, REASONS = "refused", "reasons"
_DOCUMENTS = frozenset({"application/pdf", "application/rtf", "application/postscript"})
"""They may have no NUL near their beginning."""
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What a workbook of the years before 2007 begins with."""
PARTS = (REFUSED, REASONS)
"""What can be downloaded of an import."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file whose bytes are stored."""

    name: str
    size: int
    key: str


@dataclass(frozen=True, slots=True)
class Part:
    """A file that can be downloaded."""

    name: str
    size: int
    key: str


def link_name(ident: int, part: str) -> str:
    """What is signed in the link to a part; no file of another kind is called like that."""
    return f"import/{ident}/{part}"


async def keep_sent(shelf: Shelf, name: str, body: IO[bytes], *, group_id: int, most: int) -> SentFile:
    """Store a file that was sent, piece by piece. Outside any transaction: a bucket may be slow."""
    size = await asyncio.to_thread(body.seek, 0, 2)
    await asyncio.to_thread(body.seek, 0)
    if size > most:
        raise TooLarge(
            f"The file has {size} bytes; {most} ({most // MIB} MiB) are the most. Compress it (.gz), or divide it.",
            path=["file"],
        )
    if not size:
        raise Invalid("The file is empty.", path=["file"], code="EMPTY_FILE")
    head = await asyncio.to_thread(body.read, HEAD)
    await asyncio.to_thread(body.seek, 0)
    if is_no_table(head):
        raise Invalid(
            f"The file is no table and no JSON ({content_type_of(head, name='', declared=None)}); save it as CSV.",
            path=["file"],
            code="NOT_A_TABLE",
        )
    key = f"{group_id}/{uuid4().hex}"
    await shelf.put(key, body)
    return SentFile(safe_name(name), size, key)


def is_no_table(head: bytes) -> bool:
    """Whether a file begins as pictures, documents and archives do. What else is no table shows when it is read."""
    kind = content_type_of(head, name="", declared=None)
    # Texts have no NUL, but for those in UTF-16, which begin like none of these.
    is_known = kind != UNKNOWN or head.startswith(_OLD_OFFICE)
    return kind in _DOCUMENTS or (b"\0" in head and is_known and not kind.startswith("text/"))


async def keep_made(shelf: Shelf, file: Path, *, group_id: int) -> Part:
    """Store a file that an import made."""
    key = f"{group_id}/{uuid4().hex}"
    with await asyncio.to_thread(file.open, "rb") as body:
        size = await asyncio.to_thread(body.seek, 0, 2)
        await asyncio.to_thread(body.seek, 0)
        await shelf.put(key, body)
    return Part(file.name, size, key)


async def fetch(storage: AssetStorage, key: str, into: Path) -> None:
    """Write what was sent to a file of this machine."""
    with await asyncio.to_thread(into.open, "wb") as file:
        async for piece in await storage.get(key):
            await asyncio.to_thread(file.write, piece)


async def find_part(tx: Transaction, ident: int, part: str) -> Part:
    """What it takes to hand out a file of an import; NotFound where it has none."""
    row = await tx.fetchrow(_PARTS, tx.scope.group_id, ident)
    key = None if row is None or part not in PARTS else row[f"{part}_key"]
    if row is None or key is None:
        raise NotFound("file")
    name = row["refused_name"] if part == REFUSED else f"{row['file_name']}.reasons.jsonl"
    return Part(name, row[f"{part}_size"], key)


async def drop_sent(db: Database, storage: AssetStorage, group_id: int) -> int:
    """Delete what was sent for imports that are over: nothing reads it again. How many files that were."""
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_SENT, group_id, REMOVED_AT_ONCE)
    if rows:
        await storage.delete([row["file_key"] for row in rows])
        async with db.transaction(Scope(group_id)) as tx:
            gone = await tx.fetch(_SENT_IS_GONE, group_id, [row["id"] for row in rows])
            await count_files(tx, -len(gone), -sum(row["file_size"] for row in gone))
    return len(rows)


async def remove_old(db: Database, storage: AssetStorage, group_id: int, *, now: datetime) -> int:
    """Remove imports that have been over for long, with all their files. How many were looked at."""
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(_OLD, group_id, now - KEPT_FOR, REMOVED_AT_ONCE)
    if rows:
        # First the bytes, which nobody would find again without the row.
        await storage.delete([key for row in rows for key in _keys(row)])
        async with db.transaction(Scope(group_id)) as tx:
            gone = await tx.fetch(_REMOVE, group_id, [row["id"] for row in rows])
            sizes = [size for row in gone for size in _sizes(row)]
            await count_files(tx, -len(sizes), -sum(sizes))
    return len(rows)


def _keys(row: object) -> Sequence[str]:
    return [row[name] for name in ("file_key", "refused_key", "reasons_key") if row[name] is not None]  # type: ignore[index]


def _sizes(row: object) -> Sequence[int]:
    kept = (("file_key", "file_size"), ("refused_key", "refused_size"), ("reasons_key", "reasons_size"))
    return [row[size] for key, size in kept if row[key] is not None]  # type: ignore[index]


_FILES = "file_key, file_size, refused_key, refused_size, reasons_key, reasons_size"
_OVER = "group_id = $1 AND state NOT IN ('queued', 'running')"
_PARTS = f"SELECT file_name, refused_name, {_FILES} FROM import_run WHERE group_id = $1 AND id = $2"
_SENT = f"SELECT id, file_key FROM import_run WHERE {_OVER} AND file_key IS NOT NULL ORDER BY id LIMIT $2"
_SENT_IS_GONE = f"""
UPDATE import_run SET file_key = NULL WHERE {_OVER} AND id = ANY ($2) AND file_key IS NOT NULL RETURNING file_size
"""
_OLD = f"SELECT id, {_FILES} FROM import_run WHERE {_OVER} AND finished_at < $2 ORDER BY id LIMIT $3"
_REMOVE = f"DELETE FROM import_run WHERE {_OVER} AND id = ANY ($2) RETURNING {_FILES}"
