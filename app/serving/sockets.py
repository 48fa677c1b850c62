"""WebSockets with the bounds of our other connections: one that nobody reads is closed, and a stop is announced.

uvicorn pings every 20 seconds and ends a socket that does not answer, but waits for ever for what was written before
to be read; and it says "service restart" where clients expect "going away".
"""

import asyncio
from typing import Any

from app.serving.connections import Unread, Watched, watch
from app.serving.uvicorn_parts import SocketConnection

GOING_AWAY = 1001


class BoundedSocket(SocketConnection, Watched):
    """uvicorn's WebSocket with a deadline for its reader."""

    read_within_s = 30.0
    """How long a client may leave messages unread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = Unread(self.loop.time())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        watch(self.server_state, self.loop)

    def shutdown(self) -> None:
        """The server stops."""
        if self.is_open():
            self.leave(GOING_AWAY, "The gateway stops.")
        else:
            super().shutdown()

    def look(self, now_s: float) -> None:
        """Close it if nobody reads. Called once a second."""
        if self._unread.is_late(self.transport, now_s, within_s=self.read_within_s):
            self.transport.abort()
