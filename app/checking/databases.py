"""The database: its version, who logs in, the application roles, the schema, the clock, and whether work is done."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg

from app.checking.findings import Finding, fine, wrong
from app.db.database import APP_ROLE, GUARDED_READ_ROLE, READ_ROLE, connect
from app.db.embedded import VERSION
from app.db.lineage import NotOurs, check_known, check_whole
from app.db.migrating import newest, revision_of
from app.domain.events.backlog import MOST, count_backlog
from app.serving.running import BEYOND_POLICIES, CANNOT_BE_USED
from app.settings import Settings

CONNECTS_WITHIN_S = 10.0
MOST_APART_S = 2.0
"""How far this host's clock may be from the database's: tokens allow a minute, schedules less."""
WAITS_S = 60.0
"""For how long an event may wait before somebody is missing."""
ROLES = (APP_ROLE, READ_ROLE, GUARDED_READ_ROLE)

_VERSION = """
SELECT current_setting('server_version') AS said, current_setting('server_version_num')::int AS number,
       pg_is_in_recovery() AS is_replica
"""
_ROLES = """
SELECT rolname, rolsuper OR rolbypassrls AS unbound, pg_has_role(session_user, oid, 'SET') AS may_act
  FROM pg_roles WHERE rolname = ANY ($1)
"""
_WHO = "SELECT session_user::text"
_SCHEDULE = """
SELECT (SELECT holder FROM worker_lease WHERE name = 'schedule' AND expires_at > clock_timestamp()) AS holder,
       (SELECT string_agg(name || ' (' || left(last_error, 120) || ')', '; ' ORDER BY name) FROM schedule
         WHERE last_error IS NOT NULL) AS failing,
       (SELECT string_agg(name, ', ' ORDER BY name) FROM schedule
         WHERE next_run_at < clock_timestamp() - interval '2 minutes') AS overdue
"""
# Sessions of gateways. Of other logins the name is seen, and little else.
_SERVED = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'campaign-gateway'
"""


async def look_at_database(settings: Settings, *, is_embedded: bool) -> AsyncIterator[Finding]:
    """All of it, as far as it can be reached. `settings` name a database."""
    url = settings.database_url
    assert url is not None
    name = "the embedded database" if is_embedded else "DATABASE_URL"
    try:
        connection = await asyncpg.connect(url, timeout=CONNECTS_WITHIN_S)
    except (*CANNOT_BE_USED, ValueError, TimeoutError) as problem:
        yield wrong("PostgreSQL", f"{name} cannot be used: {problem or 'it does not answer'}.")
        return
    may_look = True
    try:
        yield await _version(connection)
        yield await _login(connection, settings, name, is_embedded=is_embedded)
        roles = await _roles(connection)
        yield roles
        schema = await _schema(connection, is_embedded=is_embedded)
        yield schema
        yield await _clock(connection)
        served = await connection.fetchval(_SERVED)
        may_look = roles.is_fine and schema.is_fine
    finally:
        await connection.close()
    if may_look:
        yield await _work(url, is_served=served > 0)
    for other, also in (
        ("DATABASE_READ_URL", settings.database_read_url),
        ("DATABASE_MIGRATE_URL", settings.database_migrate_url),
    ):
        if also is not None:
            yield await _other(other, also, settings)


async def _version(
    connection: "asyncpg.Connection[asyncpg.Record]", *, may_be_replica: bool = False
) -> Finding:
    row = await connection.fetchrow(_VERSION)
    assert row is not None
    if row["number"] // 10_000 < VERSION:
        return wrong("PostgreSQL", f"It is {row['said']}; the gateway needs {VERSION} or newer.")
    if row["is_replica"] and not may_be_replica:
        return wrong("PostgreSQL", f"It is {row['said']}, a replica that takes no writes: name the primary.")
    return fine("PostgreSQL", f"It is {row['said']}.")


async def _login(
    connection: "asyncpg.Connection[asyncpg.Record]", settings: Settings, name: str, *, is_embedded: bool
) -> Finding:
    who = await connection.fetchval(_WHO)
    if is_embedded:
        return fine(
            "login", f"{who}, the embedded server's own; nobody reaches it from outside this machine."
        )
    found = await connection.fetchrow(BEYOND_POLICIES)
    if found is None:
        return fine("login", f"{name} logs in as {who}, which has neither SUPERUSER nor BYPASSRLS.")
    by = "" if found["rolname"] == who else f", by becoming {found['rolname']}"
    said = f"{name} logs in as {who}, which may go past the row-level policies{by}"
    if settings.development:
        return fine("login", f"{said}; taken in development, and refused elsewhere.")
    return wrong("login", f"{said}: `serve` refuses it. Take a login with neither SUPERUSER nor BYPASSRLS.")


async def _roles(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    found = {row["rolname"]: row for row in await connection.fetch(_ROLES, list(ROLES))}
    missing = [role for role in ROLES if role not in found]
    if missing:
        return wrong(
            "roles", f"There is no role {', '.join(missing)}: `gateway migrate` makes them, as the owner."
        )
    unbound = [role for role in ROLES if found[role]["unbound"]]
    if unbound:
        return wrong(
            "roles", f"{', '.join(unbound)} may go past the policies: ALTER ROLE … NOSUPERUSER NOBYPASSRLS."
        )
    barred = [role for role in ROLES if not found[role]["may_act"]]
    if barred:
        return wrong(
            "roles", f"The login may not act as {', '.join(barred)}: GRANT them to it WITH SET TRUE."
        )
    return fine("roles", f"The login may act as {', '.join(ROLES)}, and they are behind the policies.")


async def _schema(connection: "asyncpg.Connection[asyncpg.Record]", *, is_embedded: bool) -> Finding:
    try:
        # A login that owns nothing reads through a role it was granted.
        try:
            await connection.execute(f"SET ROLE {READ_ROLE}")
        except asyncpg.PostgresError:
            pass
        await check_known(connection)
        revision = await revision_of(connection)
        if revision == newest():
            await check_whole(connection)
    except NotOurs as problem:
        return wrong("schema", str(problem))
    except asyncpg.PostgresError as problem:
        return wrong("schema", f"It cannot be read: {problem}.")
    finally:
        await connection.execute("RESET ROLE")
    if revision != newest():
        at = "not there" if revision is None else f"at revision {revision}, this version needs {newest()}"
        how = "`gateway serve` brings it up to date" if is_embedded else "run `gateway migrate`"
        return wrong("schema", f"It is {at}: {how}.")
    return fine("schema", f"It is at revision {revision}, this version's.")


async def _clock(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    began, started = datetime.now(UTC), time.perf_counter()
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    took_s = time.perf_counter() - started
    apart_s = (theirs - began).total_seconds() - took_s / 2
    said = (
        f"This host's clock is {abs(apart_s):.2f} s {'behind' if apart_s > 0 else 'ahead of'} the database's"
    )
    if abs(apart_s) - took_s / 2 > MOST_APART_S:
        return wrong("clock", f"{said}: have both set by NTP; tokens and schedules go by them.")
    return fine("clock", f"{said}.")


async def _work(url: str, *, is_served: bool) -> Finding:
    db = await connect(url, readers=1, writers=1)
    try:
        backlog = await count_backlog(db)
        async with db.directory() as directory:
            row = await directory.fetchrow(_SCHEDULE)
    finally:
        await db.close()
    assert row is not None
    many = f"{MOST:,} or more events" if backlog.pending >= MOST else f"{backlog.pending:,} events"
    waiting = (
        f"{many} wait, the oldest for {backlog.oldest_age_s:,.0f} s" if backlog.pending else "no event waits"
    )
    start_one = "let `serve` run with WORKER_INLINE=1, or `gateway worker` beside it"
    if row["holder"] is None:
        if is_served or backlog.oldest_age_s > WAITS_S:
            return wrong("worker", f"Nobody does the background work, and {waiting}: {start_one}.")
        return fine("worker", f"No gateway is running now; {waiting}.")
    held = f"{row['holder']} does the background work"
    if row["failing"]:
        return wrong("worker", f"{held}, and meets trouble with {row['failing']}.")
    if row["overdue"]:
        return wrong("worker", f"{held}, and is late with {row['overdue']}: look into its log.")
    if backlog.oldest_age_s > WAITS_S:
        return wrong("worker", f"{held}, but {waiting}: {start_one}; any number of them share the events.")
    trash = f"; {backlog.trashed:,} lie in the trash" if backlog.trashed else ""
    return fine("worker", f"{held}; {waiting}{trash}.")


async def _other(name: str, url: str, settings: Settings) -> Finding:
    """A further address of the same database."""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECTS_WITHIN_S)
    except (*CANNOT_BE_USED, ValueError, TimeoutError) as problem:
        return wrong(name, f"It cannot be used: {problem or 'it does not answer'}.")
    try:
        who = await connection.fetchval(_WHO)
        if name == "DATABASE_READ_URL":
            version = await _version(connection, may_be_replica=True)
            if not version.is_fine:
                return wrong(name, version.said)
            return await _login(connection, settings, name, is_embedded=False)
    finally:
        await connection.close()
    return fine(name, f"It logs in as {who}.")
