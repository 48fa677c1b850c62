"""Bring a database to the newest revision; create it first when it is the embedded one."""

import asyncio
import contextlib
import itertools
import logging
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
LOCK_WAITS_MS = 2_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
MIGRATES_WITHIN_S = 600.0
# Who holds what a process waits for that changes the schema. An owner who is no superuser is not shown what the
# sessions of other logins do, nor since when: there the state is NULL.
_IN_THE_WAY = r"""
SELECT DISTINCT b.pid, coalesce(b.usename, '?'), coalesce(b.state, '?'),
       coalesce(round(extract(epoch FROM clock_timestamp() - coalesce(b.xact_start, b.backend_start)))::text, '?'),
       CASE WHEN b.state IS NULL THEN '?' ELSE left(regexp_replace(b.query, '\s+', ' ', 'g'), 80) END
  FROM pg_locks w
 CROSS JOIN unnest(pg_blocking_pids(w.pid)) holder(pid)
  JOIN pg_stat_activity b ON b.pid = holder.pid
 WHERE NOT w.granted AND w.locktype = 'relation' AND w.mode IN ('AccessExclusiveLock', 'ShareRowExclusiveLock')
   AND w.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
log = logging.getLogger(__name__)
LOCK = 7_202_511
"""Advisory lock: two processes that start together migrate one after the other."""


def config(url: str, *, declared: MetaData | None = None) -> Config:
    """Alembic's configuration for this database, without an ini file.

    `declared`: the tables to compare the database with. Revisions run without them, so as not to change with them.
    """
    made = Config(attributes={"declared": declared})
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("sqlalchemy.url", _sqlalchemy_url(url).replace("%", "%%"))
    return made


def newest() -> str:
    """The newest revision."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


async def migrate(url: str, *, within_s: float = MIGRATES_WITHIN_S) -> None:
    """Run the missing revisions, as the owner: all of them, or none. Those that use the database hardly notice.

    A table that somebody uses is waited for `LOCK_WAITS_MS`, since everybody who wants it later waits behind us; then
    all is undone and tried again. The log says who is waited for. LockTimeout after `within_s`.
    """
    guard = await asyncpg.connect(url)
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", LOCK)
        ends = time.monotonic() + within_s
        for tries in itertools.count():
            watching = asyncio.create_task(_watched(guard))
            try:
                await asyncio.to_thread(command.upgrade, _patient(url), "head")
            except DBAPIError as problem:
                if getattr(problem.orig, "sqlstate", None) != asyncpg.LockNotAvailableError.sqlstate:
                    raise
                pause_s = min(FIRST_PAUSE_S * 2**tries, LONGEST_PAUSE_S)
                who = "; ".join(await _stopped(watching)) or "somebody"
                if time.monotonic() + pause_s > ends:
                    raise LockTimeout(
                        f"The schema could not be changed for {within_s:.0f} s. In use by {who}."
                    ) from None
                log.warning(
                    "the schema cannot be changed just now, tried again in %.1f s: in use by %s", pause_s, who
                )
                await asyncio.sleep(pause_s)
            else:
                return
            finally:
                await _stopped(watching)
    finally:
        await guard.close()


class LockTimeout(Exception):
    """Somebody else used what was to be changed, all the time."""


def _patient(url: str) -> Config:
    made = config(url)
    made.attributes["lock_timeout_ms"] = LOCK_WAITS_MS
    return made


async def _watched(guard: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Who is in the way of whoever waits for a table of ours, looked up while it does; ends when it is told to."""
    found: list[str] = []
    try:
        while True:
            await asyncio.sleep(LOCK_WAITS_MS / 4000)
            rows = await guard.fetch(_IN_THE_WAY)
            if rows:
                found = [
                    f"process {pid} of {user} ({state}, {seconds} s: {query})"
                    for pid, user, state, seconds, query in rows
                ]
    except asyncio.CancelledError:
        pass
    except Exception as problem:
        # It only says whom to look for. What it cannot find out must not keep the schema from being changed.
        log.warning("who is in the way of the migration cannot be looked up: %s", problem)
    return found


async def _stopped(watching: "asyncio.Task[list[str]]") -> list[str]:
    """Whom it found; nobody where it failed, or was stopped before it began."""
    watching.cancel()
    [found] = await asyncio.gather(watching, return_exceptions=True)
    return found if isinstance(found, list) else []


async def create_database(url: str, *, template: str | None = None) -> None:
    """Create the database that a DSN names, if it does not exist."""
    # Tried first, since an operator's login may have access to its own database and no other.
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
