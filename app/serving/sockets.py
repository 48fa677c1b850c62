"""WebSockets with the bounds of our other connections: one that nobody reads is closed, and a stop is announced.

uvicorn pings every 20 seconds and ends a socket that does not answer, but waits for ever for what was written before
to be read; and it says "service restart" where clients expect "going away".
"""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from app.serving.connections import Unread, Watched, watch

GOING_AWAY = 1001


class BoundedSocket(WebSocketsSansIOProtocol, Watched):
    """uvicorn's WebSocket with a deadline for its reader."""

    read_within_s = 30.0
    """How long a client may leave messages unread."""

    def __init__(self, config: Config, server_state: ServerState, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, server_state, *args, **kwargs)
        self._server_state = server_state
        self._unread = Unread(self.loop.time())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        watch(self._server_state, self.loop)

    def shutdown(self) -> None:
        """The server stops."""
        if not self.handshake_complete or self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
        self.conn.send_close(GOING_AWAY, "The gateway stops.")
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def look(self, now_s: float) -> None:
        """Close it if nobody reads. Called once a second."""
        if self._unread.is_late(self.transport, now_s, within_s=self.read_within_s):
            self.transport.abort()
