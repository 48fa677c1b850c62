"""WebSockets with the bounds of our other connections: one that nobody reads is closed, and a stop is announced.

Until it is known who opened it a socket has to be quick, and says little: a handshake has the deadline of any head, and
no message is larger than one that shows a credential has to be.

uvicorn pings every 20 seconds and ends a socket that does not answer, but waits for ever for what was written before
to be read; and it says "service restart" where clients expect "going away".
"""

import asyncio
from typing import Any

from app.serving.bodies import KIB
from app.serving.exchange import KEY, Exchange
from app.serving.security import GUARD_LINES
from app.serving.uvicorn_parts import SocketConnection
from app.serving.watching import Unread, Watched, watch

GOING_AWAY = 1001
_NO_HANDSHAKE = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 28\r\n"
    b"%bconnection: close\r\n\r\nThis is no socket handshake." % GUARD_LINES
)


class BoundedSocket(SocketConnection, Watched):
    """uvicorn's WebSocket with a deadline for its reader."""

    read_within_s = 30.0
    """How long a client may leave messages unread."""
    handshake_within_s = 10.0
    close_within_s = 3.0
    """How long we wait for the client to close as well."""
    max_first_bytes = 16 * KIB
    """Of a message, as long as nobody knows who sends it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since = self.loop.time()
        self._unread = Unread(self._since)
        self._is_known = False
        self.close_timeout = self.close_within_s
        self._max_message_bytes = self.conn.max_message_size
        self.conn.max_message_size = self.max_first_bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        watch(self.server_state, self.loop)

    def data_received(self, data: bytes) -> None:
        if not self._is_known and self.handshake_complete:
            exchange = self.scope.get(KEY)
            if isinstance(exchange, Exchange) and exchange.principal:
                self._is_known = True
                self.conn.max_message_size = self._max_message_bytes
        super().data_received(data)
        if not self.handshake_initiated:
            # All of its head was here, and the library made nothing of it.
            self.transport.write(b"".join(self.conn.data_to_send()) or _NO_HANDSHAKE)
            self.transport.close()

    def shutdown(self) -> None:
        """The server stops."""
        if self.is_open():
            self.leave(GOING_AWAY, "The gateway stops.")
        else:
            super().shutdown()

    def look(self, now_s: float) -> None:
        """Close it if it is late. Called once a second."""
        if self._unread.is_late(self.transport, now_s, within_s=self.read_within_s):
            self.transport.abort()
        elif not self.handshake_complete and now_s - self._since > self.handshake_within_s:
            self.transport.abort()
