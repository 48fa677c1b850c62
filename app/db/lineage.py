"""Whether a database is one of ours: at a revision we know, with the tables this version has.

Revisions may still change before they are released. A database that was made in between says a number we know, and is
another one all the same.
"""

import asyncpg
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlmodel import SQLModel

import app.tables.all
from app.db.migrating import MIGRATIONS, newest, revision_of

SUPPORTED_FROM = "0.1.0"
"""The first version whose databases later ones bring up to date."""
_COLUMNS = """
SELECT c.relname AS table, a.attname AS column
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
SHOWN = 3

assert app.tables.all


class NotOurs(Exception):
    """It cannot be used, nor be brought up to date; the message says what was found, and what to do."""


async def check_known(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """NotOurs where the database is at a revision that this version does not know."""
    found = await revision_of(connection)
    if found is None:
        return
    try:
        known = ScriptDirectory(str(MIGRATIONS)).get_revision(found) is not None
    except CommandError:
        known = False
    if not known:
        raise NotOurs(_told(found, f"this version knows none of that name (its newest is {newest()})"))


async def check_whole(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """NotOurs where the database lacks what its revision should have brought."""
    there = {(row["table"], row["column"]) for row in await connection.fetch(_COLUMNS)}
    missing = [
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if (table.name, column.name) not in there
    ]
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        found = await revision_of(connection)
        raise NotOurs(_told(found, f"it lacks {', '.join(missing[:SHOWN])}{more}"))


def not_upgraded(revision: str | None, problem: object) -> NotOurs:
    """A migration failed on what the database holds."""
    first = str(problem).partition("\n")[0]
    return NotOurs(_told(revision, f"bringing it up to date failed: {first[:200]}"))


def _told(revision: str | None, why: str) -> str:
    return (
        f"The database says that it is at revision {revision}, but {why}. It was made by another version, or by a"
        f" commit between two versions. Databases are brought up to date from version {SUPPORTED_FROM} on: go on with"
        " the version that made it, restore a backup, or begin with an empty database (an empty DATA_DIR)."
    )


__all__ = ["SUPPORTED_FROM", "NotOurs", "check_known", "check_whole", "not_upgraded"]
