"""Deadlines of connections, and what their clients leave unread: one timer a second looks at all of them.

A connection whose client reads nothing for long is closed (`Unread`). That alone would let many of them hold an answer
each until then, so all that is unread has a bound as well, and beyond it those with the most go first.
"""

import asyncio
import logging
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from app.serving.uvicorn_parts import ServerState

MAX_UNREAD_BYTES = 256 * 1024 * 1024
"""For all connections of a process together: what was written to clients that have not read it yet."""

log = logging.getLogger("gateway")


class Unread:
    """What was written to a client that has not read it yet."""

    __slots__ = ("_bytes", "_since")

    def __init__(self, now_s: float) -> None:
        self._bytes = 0
        self._since = now_s

    def is_late(self, transport: asyncio.Transport, now_s: float, *, within_s: float) -> bool:
        """Whether none of it was read for that long."""
        unread = transport.get_write_buffer_size()
        if unread == 0 or unread != self._bytes:
            self._bytes, self._since = unread, now_s
        return now_s - self._since > within_s


class Watched:
    """A connection that `watch` looks at once a second."""

    transport: asyncio.Transport

    def look(self, now_s: float) -> None:
        """Close what is late."""
        raise NotImplementedError


_watched: "WeakKeyDictionary[ServerState, asyncio.TimerHandle]" = WeakKeyDictionary()
LOOK_EVERY_S = 1.0


def watch(server: ServerState, loop: asyncio.AbstractEventLoop) -> None:
    """Look at a server's connections once a second, for as long as it has any."""
    if server not in _watched:
        _watched[server] = loop.call_later(LOOK_EVERY_S, _look_at_all, server, loop)


def _look_at_all(server: ServerState, loop: asyncio.AbstractEventLoop) -> None:
    del _watched[server]
    now_s = loop.time()
    watched = [one for one in server.connections if isinstance(one, Watched)]
    for connection in watched:
        connection.look(now_s)
    cut_off([one.transport for one in watched])
    if server.connections:
        watch(server, loop)


def cut_off(transports: Iterable[asyncio.Transport], *, most: int = MAX_UNREAD_BYTES) -> None:
    """Abort those with the most that is unread, until all have `most` together."""
    unread = sorted(
        (
            (size, at, one)
            for at, one in enumerate(transports)
            if one is not None and not one.is_closing() and (size := one.get_write_buffer_size())
        ),
        reverse=True,
    )
    total = sum(size for size, _, _ in unread)
    cut = 0
    for size, _, transport in unread:
        if total <= most:
            break
        transport.abort()
        total -= size
        cut += 1
    if cut:
        log.warning("%d connections were cut off: their clients left too much unread", cut)
