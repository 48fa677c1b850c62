"""Bring a database to the newest revision; create it first when it is the embedded one."""

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
LOCK = 7_202_511
"""Advisory lock: two processes that start together migrate one after the other."""


def config(url: str, *, declared: MetaData | None = None) -> Config:
    """Alembic's configuration for this database, without an ini file.

    `declared`: what the database is compared with. Revisions run without it, since they must not change with it.
    """
    made = Config(attributes={"declared": declared})
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("sqlalchemy.url", _sqlalchemy_url(url).replace("%", "%%"))
    return made


def newest() -> str:
    """The revision a migrated database has."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


async def migrate(url: str) -> None:
    """Run what is missing, as the owner."""
    guard = await asyncpg.connect(url)
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", LOCK)
        await asyncio.to_thread(command.upgrade, config(url), "head")
    finally:
        await guard.close()


async def create_database(url: str, *, template: str | None = None) -> None:
    """Create the database a DSN names, if it is not there yet."""
    # Asked first, since an operator's login may be let into its own database and into no other.
    with contextlib.suppress(asyncpg.InvalidCatalogNameError):
        await (await asyncpg.connect(url)).close()
        return
    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    admin = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    try:
        quoted = '"' + name.replace('"', '""') + '"'
        if template:
            await admin.execute(f'CREATE DATABASE {quoted} TEMPLATE "{template}"')
        else:
            await admin.execute(
                f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'"
                " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
            )
    finally:
        await admin.close()


async def revision_of(url_or_connection: "asyncpg.Connection[asyncpg.Record]") -> str | None:
    """The revision a database is at; None where it was never migrated."""
    if not await url_or_connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    found = await url_or_connection.fetchval("SELECT version_num FROM alembic_version")
    return None if found is None else str(found)


def _sqlalchemy_url(url: str) -> str:
    """The same DSN for SQLAlchemy's asyncpg dialect (it reads `ssl` where libpq says `sslmode`)."""
    parts = urlsplit(url)
    query = [("ssl" if key == "sslmode" else key, value) for key, value in parse_qsl(parts.query)]
    return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), ""))
