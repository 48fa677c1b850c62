"""Keeping the embedded server alive: whoever owns it looks after it, and starts it again when it has crashed.

What was acknowledged is in its write-ahead log; pools of connections find it again by themselves.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from app.db.embedded import EmbeddedServer, State

LOOK_S = 0.2
PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Before each try to start it again. After the last one it is left alone."""
STANDS_AFTER_S = 120.0
"""A server that has lived this long since it was last started is no part of a row of crashes."""

log = logging.getLogger(__name__)


@contextlib.contextmanager
def kept_running(server: EmbeddedServer) -> Iterator[None]:
    """While this lasts the server comes back after a crash. One that somebody stopped in order stays stopped."""
    stop = threading.Event()
    # A thread, so that it works whatever this process does: it may serve, wait for its workers, or import a file.
    keeper = threading.Thread(target=_keep, args=(server, stop), name="keeps the database", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(server: EmbeddedServer, stop: threading.Event) -> None:
    pauses, started, told = iter(PAUSES_S), time.monotonic(), False
    while not stop.wait(LOOK_S):
        state = server.state()
        if state is State.STOPPED and not told:
            log.warning("the embedded PostgreSQL was stopped by somebody, and is not started again")
        told = state is State.STOPPED
        if state is not State.CRASHED:
            continue
        if time.monotonic() - started > STANDS_AFTER_S:
            pauses = iter(PAUSES_S)
        if not _revive(server, stop, pauses):
            if not stop.is_set():
                log.error("the embedded PostgreSQL is left alone; see its log in %s", server.folder)
            return
        started = time.monotonic()


def _revive(server: EmbeddedServer, stop: threading.Event, pauses: Iterator[float]) -> bool:
    """Try until it runs; False where the tries are used up, or this is the end."""
    died = time.monotonic()
    for pause_s in pauses:
        if stop.wait(pause_s):
            return False
        try:
            server.revive()
        except Exception as problem:
            log.warning("the embedded PostgreSQL has crashed and cannot be started: %s", problem)
        else:
            log.warning(
                "the embedded PostgreSQL had crashed and was started again (%.1f s)", time.monotonic() - died
            )
            return True
    return False
