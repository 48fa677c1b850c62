"""A group that was exported, made again in an installation that does not have it: all of it in one transaction.

Ids stay what they are: keys begin with the group, so rows of others with the same numbers are in nobody's way.
"""

import re
from datetime import datetime
from pathlib import Path

import asyncpg
from obstore.exceptions import BaseError

from app.db.auditing import OPERATOR, record
from app.db.database import Database, Transaction
from app.domain.assets.storage import AssetStorage, Shelf, shelf
from app.domain.attribution.keeping import note_all_sales
from app.errors import Conflict, Invalid, Unavailable
from app.exporting.contents import UNIQUE_EVERYWHERE, ExportedTable, exported_tables
from app.exporting.manifest import FILES, ROWS, Manifest, read_manifest
from app.exporting.printing import ARRIVED, RAW, rows_from_lines
from app.exporting.verifying import rows_in, stored_files, verify
from app.exporting.writing import MOST_S, Progress
from app.values.ids import show_id
from app.values.scope import Scope

MOST_ID = 2**62
"""Beyond it sequences would come to their end."""
MOST_NUMBER = 2**53 - 1
"""Of a group that keeps its number; the next group's comes behind it, and readers of JSON shall not lose digits."""
# One at a time moves sequences, so that none is moved back.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7202513)"
_FREE_NUMBER = """
SELECT CASE WHEN $1::bigint > 0 AND NOT EXISTS (SELECT FROM tenant WHERE id = $1)
       THEN $1 ELSE (SELECT coalesce(max(id), 0) + 1 FROM tenant) END
"""
# Nothing takes a moved sequence back, not even a rollback: so only to where it may be.
_MOST = "SELECT max(id) FROM {table} WHERE {group} = $1"
_MOVE = """
SELECT setval(s.name, $2::bigint) FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS name) AS s
 WHERE $2 > coalesce((SELECT last_value FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename)::regclass
                                                                   = s.name), 0)
"""


async def import_group(
    db: Database,
    storage: AssetStorage,
    folder: Path,
    *,
    now: datetime,
    progress: Progress = lambda what, done, total: None,
) -> tuple[int, Manifest]:
    """Make the group that a folder holds; its number here, and what the folder says of itself.

    Its number is the one it had where that is free, else the next one. Invalid or Conflict where the folder is damaged
    or does not fit; then nothing is written.
    """
    manifest = read_manifest(folder)
    tables = [table for table in exported_tables() if table.comes_back]
    progress("verifying", 0, len(tables) + 2)
    verify(folder, manifest, tables)
    async with shelf(storage) as files:
        async with db.directory() as connection:
            group_id = int(await connection.fetchval(_FREE_NUMBER, _number(manifest)))
        async with db.transaction(Scope(group_id)) as tx:
            await tx.patiently(MOST_S)
            await tx.driver.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await tx.execute(_ONE_AT_A_TIME)
            await _refuse_taken(tx, folder)
            await _make_tenant(tx, group_id)
            for place, table in enumerate(tables, start=1):
                progress(table.name, place, len(tables) + 2)
                await _bring_in(tx, table, folder, rows=_rows(manifest, table))
            await tx.execute("INSERT INTO audience_change (group_id) VALUES ($1)", group_id)
            await note_all_sales(tx)
            told = {"from": _number(manifest), "as_of": manifest.instant}
            await record(
                tx, OPERATOR, "group.import", subject=show_id("group", group_id), after=told, now=now
            )
            progress("files", len(tables) + 1, len(tables) + 2)
            await _put_files(files, folder, group_id)
    progress("done", len(tables) + 2, len(tables) + 2)
    return group_id, manifest


async def _refuse_taken(tx: Transaction, folder: Path) -> None:
    """Conflict where the installation has something already that there may be only once."""
    for table, column in UNIQUE_EVERYWHERE.items():
        ours = [str(row.get(column)) for row in rows_in(folder, table)]
        taken = await tx.fetch(
            f"SELECT {column} AS one FROM {table} WHERE {column} = ANY ($1::text[]) ORDER BY 1", ours
        )
        if taken:
            names = ", ".join(row["one"] for row in taken[:5])
            raise Conflict(
                f"{len(taken)} of its projects' slugs are taken here, by this group or another: {names}. Each is unique"
                " in an installation; nothing was written."
            )


async def _make_tenant(tx: Transaction, group_id: int) -> None:
    try:
        await tx.execute("INSERT INTO tenant (id) VALUES ($1)", group_id)
    except asyncpg.UniqueViolationError:
        raise Conflict("Another group was made at the same moment. Please try again.") from None
    await _move_sequence(tx, "tenant", "id")


async def _bring_in(tx: Transaction, table: ExportedTable, folder: Path, *, rows: int) -> None:
    name = f"{ROWS}/{table.name}.jsonl"
    try:
        await tx.execute(f"CREATE TEMPORARY TABLE {ARRIVED} (line text) ON COMMIT DROP")
        await tx.driver.copy_to_table(ARRIVED, source=folder / name, timeout=MOST_S, **RAW)
        brought = await tx.fetchval(rows_from_lines(table, tx.scope.group_id))
    except asyncpg.InsufficientPrivilegeError as problem:
        raise Invalid(f"The database does not let the gateway bring groups in: {problem}.") from None
    except (
        asyncpg.IntegrityConstraintViolationError,
        asyncpg.DataError,
        asyncpg.ProgramLimitExceededError,
    ) as problem:
        raise Invalid(f"{name} cannot be brought in, so nothing was: {_told(problem)}") from None
    if brought != rows:
        raise Invalid(f"{name} gave {brought} rows instead of {rows}, so nothing was brought in.")
    await tx.execute(f"DROP TABLE {ARRIVED}")
    if table.has_sequence:
        await _move_sequence(tx, table.name, table.group_column)


async def _move_sequence(tx: Transaction, table: str, group_column: str) -> None:
    most = await tx.fetchval(_MOST.format(table=table, group=group_column), tx.scope.group_id)
    if most is None:
        return
    if most > MOST_ID:
        raise Invalid(
            f"{table} has the id {most}, behind which no numbers would be left for anybody's new rows."
        )
    await tx.fetchval(_MOVE, table, most)


async def _put_files(files: Shelf, folder: Path, group_id: int) -> None:
    for key, digest in stored_files(folder):
        with (folder / FILES / digest).open("rb") as body:
            try:
                await files.put(f"{group_id}/{key}", body)
            except BaseError as problem:
                told = str(problem).partition("\n")[0]
                raise Unavailable(
                    f"The file {key:.80} cannot be put where files are kept: {told:.200}"
                ) from None


def _rows(manifest: Manifest, table: ExportedTable) -> int:
    return next(one.rows for one in manifest.tables if one.name == table.name)


def _number(manifest: Manifest) -> int:
    number = manifest.group.get("number")
    return number if type(number) is int and 0 < number <= MOST_NUMBER else 0


def _told(problem: asyncpg.PostgresError) -> str:
    """What is wrong, without the row: it may hold what identifies somebody."""
    if isinstance(problem, asyncpg.ForeignKeyViolationError):
        found = re.search(r'is not present in table "(\w+)"', problem.detail or "")
        return f"a row points at one of {found[1] if found else 'another table'} that is not in the export."
    return f"{str(problem).partition(chr(10))[0]}."


__all__ = ["import_group"]
