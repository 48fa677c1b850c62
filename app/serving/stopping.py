"""Stopping has an end: whatever hangs (a database, a worker, an open stream), the process is gone in time.

The first signal stops in order. A second one, or a stop that takes too long, ends the process as it is: what was
acknowledged is committed, and what was not is undone by the database.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

STOPS_WITHIN_S = 28.0
"""From the first signal on; who stops us commonly waits for 30 s before it kills."""
PARENT = "GATEWAY_PARENT"
"""Set before worker processes start: the process they belong to."""
LOOK_S = 0.5

log = logging.getLogger(__name__)


class Stopping:
    """How this process ends."""

    def __init__(self, *, leave: Callable[[int], Any] = os._exit, within_s: float = STOPS_WITHIN_S) -> None:
        self._leave = leave
        self._within_s = within_s
        self._at_end: list[Callable[[], object]] = []
        self._told = 0
        self._late: threading.Timer | None = None

    def at_end(self, what: Callable[[], object]) -> None:
        """To be done before the process is ended without further ado; it must not wait for anything."""
        self._at_end.append(what)

    def told(self, *, at_once: bool = True) -> None:
        """Somebody wants us to stop; `at_once`: a second time means now."""
        self._told += 1
        if self._told == 1:
            self._late = threading.Timer(self._within_s, self._end, ["stopping takes too long"])
            self._late.daemon = True
            self._late.start()
        elif at_once:
            self._end("told to stop a second time")

    def watch_signals(self) -> None:
        """Hear SIGTERM and SIGINT before whoever handles them now."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._before(signal.getsignal(number)))

    def watch_parent(self) -> None:
        """Stop when the process we belong to has died. For worker processes, which would hold its port otherwise."""
        parent = int(os.environ.get(PARENT, "0"))
        if parent and parent != os.getpid():
            threading.Thread(target=_end_with, args=(parent,), name="watches its parent", daemon=True).start()

    def _before(self, then: Any) -> Callable[[int, FrameType | None], None]:
        # A terminal tells all of its processes, and then the one that started us does once more.
        is_child = PARENT in os.environ and os.environ[PARENT] != str(os.getpid())

        def heard(number: int, frame: FrameType | None) -> None:
            self.told(at_once=not is_child)
            if callable(then):
                then(number, frame)

        return heard

    def _end(self, why: str) -> None:
        log.error("%s: the process ends now", why)
        for what in self._at_end:
            try:
                what()
            except Exception as problem:
                log.error("while ending: %s", problem)
        for handler in logging.getLogger().handlers:
            handler.flush()
        self._leave(1)


def _end_with(parent: int) -> None:
    # On a process whose parent died the system puts another one in its place.
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(LOOK_S)
    log.warning("the process that started this one has died: it stops, too")
    os.kill(os.getpid(), signal.SIGTERM)


STOPPING = Stopping()
"""This process's."""
