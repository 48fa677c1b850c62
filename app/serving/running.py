"""From settings to a serving process: find or start the database, bring it up to date, run uvicorn.

The embedded server belongs to the process that was started: worker processes get its address by DATABASE_URL
and never stop it.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from types import FrameType

import asyncpg
import uvicorn
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from app.db.database import READ_ROLE
from app.db.embedded import DoesNotStart, EmbeddedServer
from app.db.keeping import kept_running
from app.db.lineage import NotOurs, check_known, check_whole, not_upgraded
from app.db.migrating import LockTimeout, create_database, migrate, newest, revision_of
from app.serving.connections import BoundedConnection
from app.serving.metrics import METRICS_FOLDER
from app.serving.sockets import BoundedSocket
from app.serving.stopping import PARENT, STOPPING
from app.serving.uvicorn_parts import AnnouncingServer, Processes
from app.settings import Settings

APP = "app.main:create"
KEEP_ALIVE_S = 15
"""How long a connection may be idle between two requests."""
FINISH_WITHIN_S = 16
"""How long requests under way may take to finish after the signal to stop: as long as a statement may run. What comes
after them, the worker and the embedded database, needs some of `STOPS_WITHIN_S`, too."""
MAX_MESSAGE = 1024 * 1024
"""The most bytes in a WebSocket message."""
CANNOT_BE_USED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What connecting to a database raises, and looking at it: nobody there, no such login, an address with a slip."""


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with a DATABASE_URL: the operator's, else the embedded server's, started if need be."""
    if settings.database_url:
        yield settings
        return
    with embedded(settings) as (_, ready):
        yield ready


@contextlib.contextmanager
def embedded(settings: Settings) -> Iterator[tuple[EmbeddedServer, Settings]]:
    """The embedded server, started if need be and kept running, and the settings with its DATABASE_URL."""
    folder = settings.data_dir / "postgres"
    try:
        server = EmbeddedServer(folder)
    except DoesNotStart as problem:
        raise SystemExit(
            f"The embedded PostgreSQL in {folder} does not start. Its last words:\n{problem}"
        ) from None
    STOPPING.at_end(server.kill)
    try:
        with kept_running(server):
            yield server, replace(settings, database_url=server.dsn())
    finally:
        server.stop()


async def bring_up_to_date(settings: Settings) -> None:
    """Create the database where it is missing, and run the migrations it lacks, as its owner.

    SystemExit where it is not one that this version can bring up to date, cannot be reached, or has another owner.
    """
    url = settings.database_migrate_url or settings.database_url
    assert url is not None
    before = None
    try:
        await create_database(url)
        async with _looking(url) as connection:
            before = await revision_of(connection)
            await check_known(connection)
        await migrate(url)
        async with _looking(url) as connection:
            await check_whole(connection)
    except (NotOurs, LockTimeout) as problem:
        raise SystemExit(str(problem)) from None
    except asyncpg.InsufficientPrivilegeError as problem:
        raise SystemExit(_needs_the_owner(settings, problem)) from None
    except CANNOT_BE_USED as problem:
        raise SystemExit(f"{_database_of(settings)} cannot be used: {problem}") from None
    except DBAPIError as problem:
        if getattr(problem.orig, "sqlstate", None) == asyncpg.InsufficientPrivilegeError.sqlstate:
            raise SystemExit(_needs_the_owner(settings, problem.orig)) from None
        if isinstance(problem, ProgrammingError | IntegrityError | DataError):
            raise SystemExit(str(not_upgraded(before, problem.orig))) from None
        raise SystemExit(
            f"{_database_of(settings)} could not be brought up to date: {_first_line(problem.orig)}"
        ) from None


def _needs_the_owner(settings: Settings, problem: object) -> str:
    return (
        f"{_database_of(settings)} can only be brought up to date by its owner (for the first time with CREATEROLE),"
        f" who is not this login: {_first_line(problem)}. Name the owner in DATABASE_MIGRATE_URL."
    )


def _database_of(settings: Settings) -> str:
    """How the operator knows the database that is migrated."""
    if settings.database_migrate_url:
        return "The database at DATABASE_MIGRATE_URL"
    return "The database at DATABASE_URL" if os.environ.get("DATABASE_URL") else "The embedded database"


def _first_line(problem: object) -> str:
    # The driver's class comes before its words where SQLAlchemy wraps it.
    return str(problem).partition("\n")[0].rpartition(">: ")[2]


async def refuse_unless_current(settings: Settings) -> None:
    """SystemExit where an operator's database is not migrated; it says what to do."""
    assert settings.database_url is not None
    try:
        async with _looking(settings.database_url) as connection:
            # A login that owns nothing reads through a role it was granted; the first migrations make the role.
            with contextlib.suppress(asyncpg.InvalidParameterValueError):
                await connection.execute(f"SET ROLE {READ_ROLE}")
            await check_known(connection)
            current = await revision_of(connection) == newest()
            if current:
                await check_whole(connection)
    except NotOurs as problem:
        raise SystemExit(str(problem)) from None
    except CANNOT_BE_USED as problem:
        raise SystemExit(f"The database at DATABASE_URL cannot be used: {problem}") from None
    if not current:
        raise SystemExit(
            "The database at DATABASE_URL is not at this version's schema. Run `gateway migrate`"
            " (with DATABASE_MIGRATE_URL naming the owner, where that is another role), then start again."
        )


@contextlib.asynccontextmanager
async def _looking(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


# A connection that switched roles may switch back: who logged in counts, and of which roles it could become any.
BEYOND_POLICIES = """
SELECT session_user AS login, rolname FROM pg_roles
 WHERE (rolsuper OR rolbypassrls) AND pg_has_role(session_user, oid, 'SET')
 ORDER BY rolname <> session_user, rolname LIMIT 1
"""
"""Through which role a login may go past the row-level policies: its own or another; no row: through none."""


async def refuse_unsafe_login(settings: Settings) -> None:
    """SystemExit where an operator's login could pass the row-level policies by, except in development.

    The application roles it acts as are checked besides (`readiness.py`); so a mistake in our SQL would have to come
    with this one.
    """
    if settings.development:
        return
    for name, url in (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_READ_URL", settings.database_read_url),
    ):
        if url is None:
            continue
        try:
            connection = await asyncpg.connect(url)
            try:
                found = await connection.fetchrow(BEYOND_POLICIES)
            finally:
                await connection.close()
        except CANNOT_BE_USED as problem:
            if name == "DATABASE_READ_URL":
                continue  # It may come later, and reads go to the primary meanwhile.
            raise SystemExit(f"The database at {name} cannot be used: {problem}") from None
        if found is not None:
            as_whom = "" if found["rolname"] == found["login"] else f" (by becoming {found['rolname']})"
            raise SystemExit(
                f"{name} logs in as {found['login']}, which may go past the row-level policies{as_whom}. Serve with a"
                " login that has neither SUPERUSER nor BYPASSRLS: the owner of the database, or one that was granted"
                " the three application roles (README, Your own PostgreSQL)."
            )


def serve(
    settings: Settings, *, before: Callable[[Settings], Awaitable[None]], announce: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted. SystemExit says what stands in the way.

    `before` runs when the database is ready, `announce` when requests are accepted.
    """
    config = uvicorn.Config(
        APP,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=BoundedConnection,
        loop="uvloop",
        ws=BoundedSocket,
        ws_max_size=MAX_MESSAGE,
        # A compressor per socket would make shared texts expensive again, in time and memory.
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        interface="asgi3",
        # The door reads a proxy's headers itself.
        proxy_headers=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_WITHIN_S,
    )
    socket = config.bind_socket()
    _raise_open_files()
    with _signals_do_not_kill(), database(settings) as settings:
        if os.environ.get("DATABASE_URL"):
            asyncio.run(refuse_unless_current(settings))
            asyncio.run(refuse_unsafe_login(settings))
        else:
            asyncio.run(bring_up_to_date(settings))
            assert settings.database_url is not None
            os.environ["DATABASE_URL"] = settings.database_url
        asyncio.run(_awaited(before(settings)))
        if settings.workers == 1:
            AnnouncingServer(config, announce).run(sockets=[socket])
        else:
            _share_metrics(settings)
            os.environ[PARENT] = str(os.getpid())
            announce()
            Processes(config, sockets=[socket], on_signal=STOPPING.told, at_end=STOPPING.at_end).run()


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, in the running loop."""
    stop = asyncio.Event()

    def heard() -> None:
        STOPPING.told()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, heard)
    return stop


async def _awaited(work: Awaitable[None]) -> None:
    await work


@contextlib.contextmanager
def _signals_do_not_kill() -> Iterator[None]:
    """A signal that comes before or after it serves ends the process properly, too: the database must be stopped."""

    def stop(number: int, _: FrameType | None) -> None:
        STOPPING.told()
        raise SystemExit(0 if number == signal.SIGTERM else 130)

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except SystemExit as leaving:
        if leaving.code not in (0, 130):
            raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _share_metrics(settings: Settings) -> None:
    """A fresh folder where the worker processes add up their metrics."""
    folder = settings.data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    os.environ[METRICS_FOLDER] = str(folder)


def _raise_open_files() -> None:
    """As many connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
