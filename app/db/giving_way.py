"""Connections for what takes long, whose processes in the database give way to everybody else's.

PostgreSQL knows no priorities: of two statements the longer one gets as much of the processor as the short one it
keeps waiting. Where the server runs on this machine, and we may, the system is told instead. Elsewhere heavy
operations have connections of their own, and that is all.

Only what reads gets these: somebody who writes holds locks that others wait for.
"""

import asyncio
import errno
import logging
import os
import socket
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.db.connecting import socket_of
from app.db.pool import Pool
from app.db.reading import Readers

GIVES_WAY: ContextVar[bool] = ContextVar("gives_way", default=False)
"""Whether what is under way is heavy: others come first."""
NICER = 10
"""Beside anybody else it gets a tenth of the processor, alone all of it. 19 would be a seventieth: others gain nothing
by that, and on a busy machine what is heavy would never end."""
LAST = 19
"""As nice as there is."""
TRIES, AGAIN_AFTER_S = 5, 0.11
"""The system changes a session's priority ten times a second at most, unless asked by root."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Aside:
    """The two pools for what is heavy and reads."""

    reader: Readers
    """For planned statements."""
    writer: Pool
    """For transactions of resolvers and dataloaders that write nothing; the same role as those that do."""

    @property
    def pools(self) -> tuple[Pool, Pool]:
        """Both."""
        return self.reader, self.writer


@dataclass(slots=True)
class Niceness:
    """Tells the system, and the log once that it cannot be told."""

    _is_told: bool = field(default=False)

    async def give(self, connection: Any) -> bool:
        """The process at the other end of this connection gives way from now on, if it is on this machine."""
        try:
            pid = int(connection.get_server_pid())
            if not _is_at(pid, socket_of(connection)):
                raise ProcessLookupError("its processes are not to be seen from here")
            os.setpriority(os.PRIO_PROCESS, pid, min(os.getpriority(os.PRIO_PROCESS, pid) + NICER, LAST))
            await _session_gives_way(pid)
        except OSError as problem:
            if not self._is_told:
                self._is_told = True
                log.info("heavy statements have the same priority as others in the database: %s", problem)
            return False
        return True


def _is_at(pid: int, ours: socket.socket | None) -> bool:
    """Whether this process here is the one that answers on our socket. Another machine's may have the same number."""
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    if ours is None or not title.startswith(b"postgres: "):
        return False
    if ours.family == socket.AF_UNIX:
        return b" [local]" in title
    own, peer = ours.getsockname(), ours.getpeername()
    return bool(own[0] == peer[0]) and b"(%d)" % own[1] in title


async def _session_gives_way(pid: int) -> None:
    """Where Linux shares the processor among sessions, a process's own niceness counts inside its session only.

    Each process of PostgreSQL is a session; one that is not is left as it is, for others are in it.
    """
    if os.getsid(pid) != pid:
        return
    for _ in range(TRIES):
        if _tell(pid):
            return
        await asyncio.sleep(AGAIN_AFTER_S)


def _tell(pid: int) -> bool:
    """Whether there is nothing left to say: it was told, or there are no such shares here."""
    try:
        Path(f"/proc/{pid}/autogroup").write_text(f"{NICER}")
    except OSError as problem:
        return problem.errno != errno.EAGAIN
    return True


__all__ = ["GIVES_WAY", "NICER", "Aside", "Niceness"]
