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
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from types import FrameType

import asyncpg
import uvicorn

from app.db.database import READ_ROLE
from app.db.embedded import EmbeddedServer
from app.db.keeping import kept_running
from app.db.migrating import create_database, migrate, newest, revision_of
from app.serving.connections import BoundedConnection
from app.serving.metrics import METRICS_FOLDER
from app.serving.sockets import BoundedSocket
from app.serving.uvicorn_parts import AnnouncingServer, Multiprocess
from app.settings import Settings

APP = "app.main:create"
KEEP_ALIVE_S = 15
"""How long a connection may be idle between two requests."""
FINISH_WITHIN_S = 30
"""How long requests under way may take to finish after the signal to stop."""
MAX_MESSAGE = 1024 * 1024
"""The most bytes in a WebSocket message."""


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with a DATABASE_URL: the operator's, else the embedded server's, started if need be."""
    if settings.database_url:
        yield settings
        return
    server = EmbeddedServer(settings.data_dir / "postgres")
    try:
        with kept_running(server):
            yield replace(settings, database_url=server.dsn())
    finally:
        server.stop()


async def bring_up_to_date(settings: Settings) -> None:
    """Create the database where it is missing, and run the migrations it lacks, as its owner."""
    url = settings.database_migrate_url or settings.database_url
    assert url is not None
    await create_database(url)
    await migrate(url)


async def is_current(settings: Settings) -> bool:
    """Whether the database is at the newest revision."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        # A login that owns nothing reads through a role it was granted; the first migrations make the role.
        with contextlib.suppress(asyncpg.InvalidParameterValueError):
            await connection.execute(f"SET ROLE {READ_ROLE}")
        return await revision_of(connection) == newest()
    finally:
        await connection.close()


async def refuse_unless_current(settings: Settings) -> None:
    """SystemExit where an operator's database is not migrated; it says what to do."""
    try:
        current = await is_current(settings)
    except (OSError, asyncpg.PostgresError) as problem:
        raise SystemExit(f"The database at DATABASE_URL cannot be used: {problem}") from None
    if not current:
        raise SystemExit(
            "The database at DATABASE_URL is not at this version's schema. Run `gateway migrate`"
            " (with DATABASE_MIGRATE_URL naming the owner, where that is another role), then start again."
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
        else:
            asyncio.run(bring_up_to_date(settings))
            assert settings.database_url is not None
            os.environ["DATABASE_URL"] = settings.database_url
        asyncio.run(_awaited(before(settings)))
        if settings.workers == 1:
            AnnouncingServer(config, announce).run(sockets=[socket])
        else:
            _share_metrics(settings)
            announce()
            Multiprocess(config, sockets=[socket]).run()


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, in the running loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _awaited(work: Awaitable[None]) -> None:
    await work


@contextlib.contextmanager
def _signals_do_not_kill() -> Iterator[None]:
    """uvicorn raises the signal that stopped it again when it is done, but the database must still be stopped.

    A signal that comes before it serves ends the process properly, too.
    """

    def stop(number: int, _: FrameType | None) -> None:
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
