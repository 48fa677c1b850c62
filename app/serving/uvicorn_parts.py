"""What we rely on of uvicorn beyond its documentation, all in one place.

uvicorn documents `Config`, `Server` and the protocol classes as things to choose, not as things to derive from. Ours
derive from two of them, because deadlines, answers in one piece and requests known by their bytes need the connection
itself. What that takes has a name here, so that a new version of uvicorn is read against this file and the tests of
it (`tests/serving/test_uvicorn_parts.py`), and pyproject.toml keeps newer minor versions out until somebody did.

- `HttpToolsProtocol`: one per connection. The parser calls `on_message_begin`, `on_header`, `on_headers_complete`,
  `on_body`, `on_message_complete`; an answer ends with `on_response_complete`. `cycle` is the request that was read
  last (None before the first, and for a WebSocket's handshake), `pipeline` holds those read before their turn, newest
  first, `_start_asgi_task` begins one, `tasks` are waited for when the server stops, `flow` pauses reading. `parser`
  is httptools', and what it has read of a head is `headers` (a list, the scope's own) and `url`; where the parser ends
  a request with an offer of another protocol, `_should_upgrade` says whether to call `handle_websocket_upgrade`.
- `WebSocketsSansIOProtocol`: `queue` is what the app receives, `conn` the sans-I/O connection of websockets.
- `ServerState`: `connections`, `total_requests` and `default_headers`, shared by all connections of a server; the last
  is replaced by another list once a second, and never changed.
- `STATUS_LINE`: the first line of an answer, by status.
- `Server.startup` returns when requests are welcome, after the app's own start.
- `Server.capture_signals` raises the signals it has caught (`_captured_signals`) again when it is done.
- `ProxyHeadersMiddleware` around any ASGI app, and `Multiprocess` for several processes: it notes signals in
  `signal_queue` and looks there now and then; `processes` are those it started, each with `kill`.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator, MutableMapping
from typing import Any, Protocol, cast

import httptools
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from uvicorn.supervisors import Multiprocess


class Transport(Protocol):
    """What an answer is written to."""

    def write(self, data: bytes) -> None:
        """Write."""

    def close(self) -> None:
        """Close when everything is written."""

    def is_closing(self) -> bool:
        """Whether it is about to close."""


class HttpConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection, with names for what we do to it."""

    _joined: list[tuple[bytes, bytes]] | None = None
    """Headers of which `_lines` were made."""
    _lines = b""

    def request(self) -> MutableMapping[str, Any] | None:
        """The ASGI scope of the request that was read last; None where there was none, or it became a WebSocket."""
        return None if self.cycle is None else cast("MutableMapping[str, Any]", self.cycle.scope)

    def is_answered(self) -> bool:
        """Whether the request that was read last has its whole answer."""
        return self.cycle is not None and self.cycle.response_complete

    def is_being_answered(self) -> bool:
        """Whether the head of its answer was written."""
        return self.cycle is not None and self.cycle.response_started

    def is_at_work(self) -> bool:
        """Whether a request that was read to its end has no whole answer yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def has_others_before(self) -> bool:
        """Whether requests wait for their turn, the one that was read last among them."""
        return bool(self.pipeline)

    def end_with_answer(self) -> None:
        """The answer to the request that was read last is the connection's last, and nothing more is read."""
        self.cycle.keep_alive = False
        self.stop_reading()

    def give_up(self) -> None:
        """Whoever works on the request that was read last hears that its client has left."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def is_given_up(self) -> bool:
        """Whether that was said."""
        return self.cycle is not None and self.cycle.disconnected

    def parse_anew(self) -> None:
        """What comes next is the beginning of a request."""
        self.parser = httptools.HttpRequestParser(self)

    def answer_by(self, transport: Transport) -> None:
        """Have its answer written to this. To be said as soon as its headers are complete."""
        if self.cycle is not None:
            self.cycle.transport = cast("asyncio.Transport", transport)

    def stop_reading(self) -> None:
        """Nothing more is wanted from the client for now."""
        self.flow.pause_reading()

    def read_on(self) -> None:
        """What the client sends is welcome again."""
        self.flow.resume_reading()

    def is_full(self) -> bool:
        """Whether the client is behind with reading."""
        return self.flow.write_paused

    def count_answer(self) -> None:
        """One more was answered."""
        self.server_state.total_requests += 1

    def begin_next(self) -> None:
        """Begin the request that waits longest, if one does."""
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that a stopping server waits for."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def head_lines(self) -> bytes:
        """The header lines that every answer of this server has."""
        headers = self.server_state.default_headers
        if headers is not self._joined:
            self._lines = b"".join(b"%b: %b\r\n" % line for line in headers)
            self._joined = headers
        return self._lines


class SocketConnection(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with names for what we do to it."""

    def __init__(self, config: Config, server_state: ServerState, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, server_state, *args, **kwargs)
        self.server_state = server_state
        """uvicorn keeps only what is in it."""

    def is_open(self) -> bool:
        """Whether both sides may send."""
        return self.handshake_complete and not self.close_sent

    def leave(self, code: int, reason: str) -> None:
        """Tell the app and the client that this is the end, and close."""
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.conn.send_close(code, reason)
        self.close_sent = True
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


class AnnouncingServer(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: "list[Any] | None" = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are done with when the server has stopped: what comes after is a further one."""
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


class Processes(Multiprocess):
    """Several processes that serve one socket."""

    def __init__(
        self,
        config: Config,
        sockets: list[Any],
        *,
        on_signal: Callable[[], object],
        at_end: Callable[[Callable[[], object]], object],
    ) -> None:
        """`on_signal` hears of each signal to stop; what is given to `at_end` ends the processes at once."""
        super().__init__(config, sockets)

        def heard(number: int, _: object) -> None:
            self.signal_queue.append(number)
            on_signal()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, heard)
        at_end(self._kill_all)

    def _kill_all(self) -> None:
        for process in self.processes:
            with contextlib.suppress(OSError, ValueError):
                process.process.kill()


def behind_proxy(app: ASGIApp, trusted: str) -> ASGIApp:
    """The app as it is asked by way of a proxy; `trusted` says whose `X-Forwarded-…` are believed."""
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted))


__all__ = [
    "STATUS_LINE",
    "AnnouncingServer",
    "HttpConnection",
    "Processes",
    "ServerState",
    "SocketConnection",
    "behind_proxy",
]
