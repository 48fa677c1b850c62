"""Deadlines of connections: one timer a second looks at all of them, instead of one for each request."""

import asyncio
from weakref import WeakKeyDictionary

from app.serving.uvicorn_parts import ServerState


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
    for connection in list(server.connections):
        if isinstance(connection, Watched):
            connection.look(now_s)
    if server.connections:
        watch(server, loop)
