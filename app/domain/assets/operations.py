"""Storing client files: first the bytes, then, in the caller's transaction, the rows that name them."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO
from uuid import uuid4

from app.db.constraints import refusals
from app.db.database import Database, Transaction
from app.domain.assets.storage import AssetStorage, Shelf
from app.domain.assets.types import HEAD, content_type_of, safe_name
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.groups.finding import store_to_write
from app.domain.inputs import Path
from app.errors import Forbidden, Invalid, NotFound, TooLarge
from app.values.scope import Scope

MAX_FILES = 20
MAX_SIZE = 25 * 1024 * 1024
MAX_DECLARED = 255
PURGED_AT_ONCE = 100
ORPHAN_AFTER = timedelta(days=1)
QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
NO_QUOTA = -1
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as it was sent. `body` can be read and rewound; it is read off the event loop."""

    name: str
    body: IO[bytes]
    declared_type: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file whose bytes are stored."""

    name: str
    content_type: str
    size: int
    sha256: str
    storage_key: str


async def keep_files(shelf: Shelf, files: Sequence[NewFile], *, group_id: int) -> list[KeptFile]:
    """Check all files, then store them. Outside any transaction: a bucket may be slow."""
    if len(files) > MAX_FILES:
        raise TooLarge(
            f"There are {len(files)} files; at most {MAX_FILES} are taken at once.", path=["files"]
        )
    kept = [
        await asyncio.to_thread(_judge, file, group_id, ["files", index]) for index, file in enumerate(files)
    ]
    for file, judged in zip(files, kept, strict=True):
        await shelf.put(judged.storage_key, file.body)
    return kept


async def add_assets(
    tx: Transaction,
    kept: Sequence[KeptFile],
    *,
    campaign_id: int | None = None,
    store_id: int | None = None,
    quota: int | None = None,
    now: datetime,
) -> list[int]:
    """Add stored files as assets of a campaign, else of a store (by default as for campaigns).

    The ids, in the order of the files. `quota`: the bytes that a group's files may take, unless the group has its own;
    where they would take more, TooLarge (QUOTA_EXCEEDED).
    """
    if campaign_id is not None:
        owner = await tx.fetchval(_CAMPAIGN_STORE, *borders(tx.scope), campaign_id)
        if owner is None:
            raise NotFound("campaign", campaign_id, path=["campaignId"])
        if store_id not in (None, owner):
            raise Invalid("The campaign belongs to another store.", path=["storeId"], code="WRONG_STORE")
    elif tx.scope.project_ids is not None:
        raise Forbidden(
            "This credential is for some projects; name a campaign of theirs.", path=["campaignId"]
        )
    else:
        owner = (await store_to_write(tx, store_id)).id
    await _take_room(tx, kept, quota=quota)
    with refusals():
        rows = await tx.fetch(
            _INSERT,
            tx.scope.group_id,
            owner,
            campaign_id,
            now,
            [file.name for file in kept],
            [file.content_type for file in kept],
            [file.size for file in kept],
            [file.sha256 for file in kept],
            [file.storage_key for file in kept],
        )
    ids = {row["storage_key"]: row["id"] for row in rows}
    return [ids[file.storage_key] for file in kept]


async def remove_asset(tx: Transaction, asset_id: int, *, now: datetime) -> int:
    """Take a file out of every list; returns its id. Its links stop working at once."""
    if not await tx.execute(_REMOVE, *borders(tx.scope), asset_id, now):
        raise NotFound("asset", asset_id, path=["id"])
    return asset_id


async def count_files(tx: Transaction, files: int, size: int, *, quota: int | None = NO_QUOTA) -> bool:
    """Count files in, or out where there are fewer. False, and nothing is counted, where that is above the quota.

    `quota`: as for `add_assets`; without one they are counted in any case.
    """
    if quota == NO_QUOTA:
        return bool(await tx.execute(_COUNT_ANYHOW, tx.scope.group_id, files, size))
    return bool(await tx.execute(_COUNT, tx.scope.group_id, files, size, quota))


async def _take_room(tx: Transaction, kept: Sequence[KeptFile], *, quota: int | None) -> None:
    """Count the files in, if the group has room for them."""
    size = sum(file.size for file in kept)
    if kept and not await count_files(tx, len(kept), size, quota=quota):
        raise TooLarge(
            f"The group's files would take more than it may have: these have {size} bytes. Remove some, or ask for a"
            " larger quota (`usage` of the group shows it).",
            path=["files"],
            code=QUOTA_EXCEEDED,
        )


async def purge(
    db: Database, storage: AssetStorage, group_id: int, *, only: int | None = None, now: datetime
) -> int:
    """Delete the bytes of removed files of the group, those removed first first; how many files were looked at.

    `only`: this file alone. Outside any transaction, since a bucket may be slow; doing it twice, or two at once, does
    nothing more.
    """
    scope = Scope(group_id)
    async with db.transaction(scope) as tx:
        rows = await tx.fetch(_REMOVED, group_id, only, PURGED_AT_ONCE)
    if rows:
        await storage.delete([row["storage_key"] for row in rows])
        async with db.transaction(scope) as tx:
            gone = await tx.fetch(_PURGED, group_id, [row["id"] for row in rows], now)
            await count_files(tx, -len(gone), -sum(row["size"] for row in gone))
    return len(rows)


async def sweep(db: Database, storage: AssetStorage, group_id: int, *, now: datetime) -> int:
    """Delete objects that no row names: a process died between the bytes and the row. How many those were.

    Only what is older than a day: younger ones may belong to an upload that is still under way.
    """
    swept = 0
    async for keys in storage.keys(group_id, before=now - ORPHAN_AFTER):
        if not keys:
            continue
        async with db.transaction(Scope(group_id)) as tx:
            named = {row["storage_key"] for row in await tx.fetch(_NAMED, group_id, keys)}
        orphans = [key for key in keys if key not in named]
        await storage.delete(orphans)
        swept += len(orphans)
    return swept


async def find_file(tx: Transaction, asset_id: int) -> KeptFile:
    """What it takes to hand out a file of this scope's group."""
    row = await tx.fetchrow(_FIND, *borders(tx.scope), asset_id)
    if row is None:
        raise NotFound("asset", asset_id)
    return KeptFile(**row)


# An asset is in scope if its store is and, under a scope of projects, its campaign.
_BORDERS = """
 asset.group_id = $1 AND asset.id = $4 AND asset.deleted_at IS NULL
   AND ($2::bigint IS NULL OR asset.store_id = $2)
   AND ($3::bigint[] IS NULL OR EXISTS (
     SELECT FROM campaign
      WHERE campaign.group_id = $1 AND campaign.id = asset.campaign_id AND campaign.project_id = ANY ($3)))
"""
_FIND = f"SELECT name, content_type, size, sha256, storage_key FROM asset WHERE {_BORDERS}"
_REMOVE = f"UPDATE asset SET deleted_at = $5 WHERE {_BORDERS}"
_CAMPAIGN_STORE = f"""
SELECT store_id FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
_REMOVED = """
SELECT id, size, storage_key FROM asset
 WHERE group_id = $1 AND deleted_at IS NOT NULL AND purged_at IS NULL AND ($2::bigint IS NULL OR id = $2)
 ORDER BY deleted_at, id LIMIT $3
"""
_PURGED = """
UPDATE asset SET purged_at = $3 WHERE group_id = $1 AND id = ANY ($2) AND purged_at IS NULL RETURNING size
"""
_NAMED = """
SELECT storage_key FROM asset WHERE group_id = $1 AND storage_key = ANY ($2) AND purged_at IS NULL
UNION ALL
SELECT key FROM import_run, unnest(ARRAY[file_key, refused_key, reasons_key]) AS key
 WHERE group_id = $1 AND key = ANY ($2)
"""
_COUNT_ANYHOW = """
UPDATE customer_group SET files = greatest(0, files + $2), file_bytes = greatest(0, file_bytes + $3::bigint)
 WHERE id = $1
"""
_COUNT = f"""
{_COUNT_ANYHOW} AND (coalesce(file_quota, $4) IS NULL OR file_bytes + $3 <= coalesce(file_quota, $4))
"""
_INSERT = """
INSERT INTO asset (group_id, store_id, campaign_id, created_at, name, content_type, size, sha256, storage_key)
SELECT $1, $2, $3, $4, name, content_type, size, sha256, storage_key
  FROM unnest($5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[]) WITH ORDINALITY
    AS given (name, content_type, size, sha256, storage_key, position)
 ORDER BY position
RETURNING id, storage_key
"""


def _judge(file: NewFile, group_id: int, path: Path) -> KeptFile:
    """Read a file once, in pieces: its size, digest and kind. Rewinds it."""
    name = safe_name(file.name)
    digest, size, head = hashlib.sha256(), 0, b""
    file.body.seek(0)
    while piece := file.body.read(_PIECE):
        size += len(piece)
        if size > MAX_SIZE:
            raise TooLarge(f"The file {name!r} is larger than 25 MiB.", path=path)
        digest.update(piece)
        head = head or piece[:HEAD]
    if not size:
        raise Invalid(f"The file {name!r} is empty.", path=path, code="EMPTY_FILE")
    file.body.seek(0)
    declared = file.declared_type if len(file.declared_type or "") <= MAX_DECLARED else None
    kind = content_type_of(head, name=name, declared=declared)
    return KeptFile(name, kind, size, digest.hexdigest(), f"{group_id}/{uuid4().hex}")
