"""Imports as work: they wait, one of each group runs, and whoever dies over one leaves it to the next.

An import is held for some seconds, and its holder says so again and again, with how far it is. Statements of a holder
carry their condition: one that lost it, since it was frozen for too long, writes nothing about it any more. What such
a one still imports does no harm: the same rows twice is once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from app.db.database import Database, Transaction
from app.domain.assets.operations import QUOTA_EXCEEDED, count_files
from app.domain.imports.files import Part, SentFile
from app.errors import Conflict, Failure, NotFound, TooLarge
from app.tables.imports import ImportState
from app.values.scope import Scope

MAX_OPEN = 20
"""Imports of a group that wait or run."""
MAX_BEGUN = 5
"""How often an import is begun whose process then dies: its file may be what kills it."""
HELD_FOR = timedelta(seconds=15)
INTERRUPTED = "INTERRUPTED"


@dataclass(frozen=True, slots=True)
class NewImport:
    """What is to be done with a file."""

    what: str
    told: Mapping[str, Any] = field(default_factory=dict)
    """How the file is written."""
    system: str | None = None
    is_dry: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """An import that this process has to do."""

    group_id: int
    id: int
    holder: str
    what: str
    told: Mapping[str, Any]
    system: str | None
    is_dry: bool
    file_name: str
    file_key: str
    begun: int
    is_cancelled: bool


@dataclass(slots=True)
class Counted:
    """How far an import is."""

    rows: int = 0
    refused: int = 0
    total: int | None = None
    made: int = 0
    changed: int = 0
    same: int = 0
    lost: int = 0


async def add_import(
    tx: Transaction, new: NewImport, file: SentFile, *, asked_by: str, quota: int | None, now: datetime
) -> int:
    """Put an import at the end of the group's queue; its id."""
    group_id = tx.scope.group_id
    # Counting the file in locks the group's row: two at once see each other's.
    if not await count_files(tx, 1, file.size, quota=quota):
        raise TooLarge(
            f"The group's files would take more than it may have: this one has {file.size} bytes. Remove some, or ask"
            " for a larger quota (`usage` of the group shows it).",
            path=["file"],
            code=QUOTA_EXCEEDED,
        )
    if await tx.fetchval(_OPEN, group_id) >= MAX_OPEN:
        raise Conflict(
            f"{MAX_OPEN} imports of this group wait or run already. Wait for them, or cancel some.",
            code="TOO_MANY_IMPORTS",
        )
    ident: int = await tx.fetchval(
        _ADD, group_id, now, new.what, json.dumps(dict(new.told)), new.system, new.is_dry, asked_by, file.name,
        file.size, file.key,
    )  # fmt: skip
    return ident


async def cancel_import(tx: Transaction, ident: int, *, now: datetime) -> None:
    """End an import that waits; have one that runs stop after the batch at hand. One that is over stays as it is."""
    if not await tx.execute(_CANCEL, tx.scope.group_id, ident, now):
        raise NotFound("import", ident, path=["id"])


async def waiting_groups(db: Database) -> list[int]:
    """Groups that have an import to do; those that were served longest ago come first."""
    async with db.directory() as directory:
        return [row["waiting"] for row in await directory.fetch(_WAITING)]


async def hold_next(db: Database, group_id: int, holder: str) -> Held | None:
    """Take the group's next import, or the one whose holder is gone; None where there is none to be had."""
    try:
        async with db.transaction(Scope(group_id)) as tx:
            row = await tx.fetchrow(_HOLD_NEXT, group_id, holder, HELD_FOR)
    except asyncpg.UniqueViolationError:
        return None  # another process was quicker
    if row is None:
        return None
    return Held(**{**dict(row), "told": json.loads(row["told"])}, group_id=group_id, holder=holder)


async def hold_on(db: Database, held: Held, counted: Counted) -> bool | None:
    """Say that it is still under way, and how far. Whether it is to stop; None: it is ours no more."""
    async with db.transaction(Scope(held.group_id)) as tx:
        row = await tx.fetchrow(_HOLD_ON, held.group_id, held.id, held.holder, HELD_FOR, *_values(counted))
    return None if row is None else row["cancel_at"] is not None


async def end_import(
    tx: Transaction,
    held: Held,
    state: ImportState,
    counted: Counted,
    *,
    report: Mapping[str, Any] | None = None,
    failure: Failure | None = None,
    refused: Part | None = None,
    reasons: Part | None = None,
) -> bool:
    """Say how it ended. False: it is ours no more."""
    kept = [part for part in (refused, reasons) if part is not None]
    ended = await tx.execute(
        _END, held.group_id, held.id, held.holder, None, *_values(counted), state.value,
        None if report is None else json.dumps(report),
        None if failure is None else failure.reason, None if failure is None else failure.message,
        None if refused is None else refused.name, None if refused is None else refused.key,
        0 if refused is None else refused.size, None if reasons is None else reasons.key,
        0 if reasons is None else reasons.size,
    )  # fmt: skip
    if ended and kept:
        # Refused rows are handed out however full the group is: they came from a file that had room.
        await count_files(tx, len(kept), sum(part.size for part in kept))
    return bool(ended)


async def let_go(db: Database, held: Held, *, counts: bool) -> None:
    """Leave it to whoever comes next, at once. `counts`: it was an attempt that failed; not where the process stops."""
    async with db.transaction(Scope(held.group_id)) as tx:
        await tx.execute(_LET_GO, held.group_id, held.id, held.holder, 0 if counts else 1)


def _values(counted: Counted) -> list[int | None]:
    c = counted
    return [c.rows, c.refused, c.total, c.made, c.changed, c.same, c.lost]


_OPEN = "SELECT count(*) FROM import_run WHERE group_id = $1 AND state IN ('queued', 'running')"
_ADD = """
INSERT INTO import_run (group_id, created_at, what, told, system, is_dry, asked_by, file_name, file_size, file_key)
VALUES ($1, $2, $3, $4::json, $5, $6, $7, $8, $9, $10) RETURNING id
"""
_CANCEL = """
UPDATE import_run
   SET cancel_at = CASE WHEN state IN ('queued', 'running') THEN coalesce(cancel_at, $3) ELSE cancel_at END,
       finished_at = CASE WHEN state = 'queued' THEN $3 ELSE finished_at END,
       state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
 WHERE group_id = $1 AND id = $2
"""
_WAITING = "SELECT waiting FROM waiting_import_groups() ORDER BY served NULLS FIRST, waiting"
# Of a group with one that runs, only that one can be taken, when nobody holds it any more; `uq_import_run_running`
# stands behind it.
_HOLD_NEXT = """
UPDATE import_run
   SET state = 'running', holder = $2, held_until = clock_timestamp() + $3::interval, begun = begun + 1,
       started_at = coalesce(started_at, clock_timestamp())
 WHERE group_id = $1 AND id = (
   SELECT id FROM import_run
    WHERE group_id = $1 AND state IN ('queued', 'running')
    ORDER BY state = 'running' DESC, id LIMIT 1)
   AND (state = 'queued' OR held_until <= clock_timestamp())
RETURNING id, what, told, system, is_dry, file_name, file_key, begun, cancel_at IS NOT NULL AS is_cancelled
"""
_HELD = "group_id = $1 AND id = $2 AND holder = $3 AND state = 'running'"
_COUNTS = "rows = $5, refused = $6, total = $7, made = $8, changed = $9, same = $10, lost = $11"
_HOLD_ON = f"""
UPDATE import_run SET held_until = clock_timestamp() + $4::interval, {_COUNTS} WHERE {_HELD} RETURNING cancel_at
"""
_END = f"""
UPDATE import_run
   SET state = $12, holder = NULL, held_until = $4, finished_at = clock_timestamp(), {_COUNTS}, report = $13::json,
       failure_code = $14, failure_message = $15, refused_name = $16, refused_key = $17, refused_size = $18,
       reasons_key = $19, reasons_size = $20
 WHERE {_HELD}
"""
_LET_GO = f"""
UPDATE import_run SET state = 'queued', holder = NULL, held_until = NULL, begun = begun - $4 WHERE {_HELD}
"""
