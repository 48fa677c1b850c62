"""Keeping the embedded server alive: its owner watches it, and starts it again when it has crashed.

What was acknowledged is in its write-ahead log; connection pools find it again by themselves.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from app.db.embedded import EmbeddedServer, Interrupted, State

LOOK_S = 0.2
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
AT_ONCE = 3
"""This many tries in a row are made without a pause; before each further one the pause doubles."""
LIMIT_LOG_EVERY_S = 30.0
STANDS_AFTER_S = 10.0
"""A server that has run this long since its last start is not part of a series of crashes."""

log = logging.getLogger(__name__)


@contextlib.contextmanager
def kept_running(server: EmbeddedServer) -> Iterator[None]:
    """While this lasts the server is restarted after a crash, however often that fails. One that somebody stopped
    properly stays stopped.
    """
    stop = threading.Event()
    # A thread, so that it works whatever this process does: serving, waiting for its workers, or importing a file.
    keeper = threading.Thread(target=_keep, args=(server, stop), name="keeps the database", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(server: EmbeddedServer, stop: threading.Event) -> None:
    tries, started, was_stopped = 0, time.monotonic(), False
    limited = started
    while not stop.wait(LOOK_S):
        if time.monotonic() - limited > LIMIT_LOG_EVERY_S:
            limited = time.monotonic()
            server.limit_log()
        state = server.state()
        if state is State.STOPPED and not was_stopped:
            log.warning("the embedded PostgreSQL was stopped by somebody, and is not started again")
        was_stopped = state is State.STOPPED
        if state is not State.CRASHED:
            continue
        if time.monotonic() - started > STANDS_AFTER_S:
            tries = 0
        tries = _revive(server, stop, tries)
        started = time.monotonic()


def _revive(server: EmbeddedServer, stop: threading.Event, tries: int) -> int:
    """Try until it runs or we stop; returns the number of tries in this series."""
    died = time.monotonic()
    while not stop.wait(pause_s(tries)):
        tries += 1
        try:
            server.revive(stop)
        except Interrupted:
            break
        except Exception as problem:
            log.error(
                "the embedded PostgreSQL has crashed and cannot be started, which is tried again (its log is in %s):"
                " %s", server.folder, problem,
            )  # fmt: skip
        else:
            log.warning(
                "the embedded PostgreSQL had crashed and was started again (%.1f s)", time.monotonic() - died
            )
            break
    return tries


def pause_s(tries: int) -> float:
    """The pause before the next try, after this many in a row."""
    return 0.0 if tries < AT_ONCE else min(FIRST_PAUSE_S * 2 ** (tries - AT_ONCE), LONGEST_PAUSE_S)
