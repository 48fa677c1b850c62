"""Bringing a dump back into the embedded server."""

import subprocess
from pathlib import Path

import asyncpg

from app.db.database import APP_ROLE, GUARDED_READ_ROLE, READ_ROLE
from app.db.embedded import DATABASE, EmbeddedServer
from app.db.migrating import create_database

LAST_LINES = 5
# What a dump grants to; a dump of a database does not hold the roles themselves.
_ROLE = """
DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOBYPASSRLS; EXCEPTION WHEN duplicate_object THEN NULL; END $$
"""
_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
# Numbers of transactions mean nothing in another server. The columns are made anew, which rewrites no row.
_FORGET = tuple(
    step.format(column=column)
    for step in (
        "ALTER TABLE event DROP COLUMN IF EXISTS {column}",
        "ALTER TABLE event ADD COLUMN {column} bigint",
        "ALTER TABLE event ALTER COLUMN {column} SET DEFAULT pg_current_xact_id()::text::bigint",
    )
    for column in ("written_by", "moved_by")
)
_FORGET_INDEX = "CREATE INDEX IF NOT EXISTS ix_event_group_id_moved_by ON event (group_id, moved_by)"
_KEEPS_NUMBERS = "SELECT true FROM pg_attribute WHERE attrelid = 'event'::regclass AND attname = 'written_by'"


class NotRestored(Exception):
    """The dump could not be brought back; the message says why."""


async def restore(server: EmbeddedServer, dump: Path) -> int:
    """Restore a dump made by `pg_dump -Fc` (or `-Fd`, `-Ft`); how many tables there are then. NotRestored where that
    fails, or where there is a database already.
    """
    url = server.dsn(DATABASE)
    await create_database(url)
    owner = await asyncpg.connect(url)
    try:
        if await owner.fetchval(_TABLES):
            raise NotRestored(
                f"There is a database in {server.folder} already, and nothing of it was touched. Restore into an empty"
                " DATA_DIR (keep its `secrets` and `assets`), or move the present `postgres` folder away first."
            )
        for role in (APP_ROLE, READ_ROLE, GUARDED_READ_ROLE):
            await owner.execute(_ROLE.format(role=role))
        # In one transaction: of a dump that breaks off nothing stays, and a good one can follow.
        server.run("pg_restore", "--no-owner", "--single-transaction", "--dbname", url, str(dump))
        if await owner.fetchval(_KEEPS_NUMBERS):
            for statement in (*_FORGET, _FORGET_INDEX):
                await owner.execute(statement)
        await owner.execute("ANALYZE")
        return int(await owner.fetchval(_TABLES))
    except subprocess.CalledProcessError as problem:
        said = "\n".join((problem.stderr or "").splitlines()[-LAST_LINES:])
        raise NotRestored(
            "pg_restore failed, and nothing of this dump was kept: a good one can be restored into the same DATA_DIR."
            f"\n{said}"
        ) from None
    finally:
        await owner.close()


__all__ = ["NotRestored", "restore"]
