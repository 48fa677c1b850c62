"""Storing client files: first the bytes, then, in the caller's transaction, the rows that name them."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import uuid4

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.assets.storage import Shelf
from app.domain.assets.types import HEAD, content_type_of, safe_name
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.groups.finding import store_to_write
from app.domain.inputs import Path
from app.errors import Forbidden, Invalid, NotFound, TooLarge

MAX_FILES = 20
MAX_SIZE = 25 * 1024 * 1024
MAX_DECLARED = 255
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
    now: datetime,
) -> list[int]:
    """Add stored files as assets of a campaign, else of a store (by default as for campaigns).

    The ids, in the order of the files.
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
