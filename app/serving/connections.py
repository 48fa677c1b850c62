"""Connections that do not stay open without a reason.

uvicorn waits for ever for headers that never end, bodies that never arrive and clients that never read their
answer, and sets and cancels a timer per request to close idle connections. Here a connection has a deadline for
each of these; one timer a second looks at all of them, so a normal request pays a few attribute writes.

And an answer leaves in one piece: uvicorn writes its head and its body one after the other, two system calls
and two packets, and the first of them wakes the client for nothing.

A request that came before, byte for byte, is not read again (`known_requests.py`): neither uvicorn nor the app sees it.
"""

import asyncio
import enum
import socket
from typing import Any
from weakref import WeakKeyDictionary

from app.serving.exchange import KEY, WHOLE, AnswersAgain, Exchange, KnownRequest
from app.serving.uvicorn_parts import STATUS_LINE, HttpConnection, ServerState

KIB = 1024
_CONTINUE = b"HTTP/1.1 100 "


class _Phase(enum.Enum):
    HEADERS = enum.auto()
    """Waiting for a request, or for the rest of its headers."""
    BODY = enum.auto()
    """The headers are here, the body is not yet."""
    ANSWER = enum.auto()
    """The request is complete; we have to answer."""
    IDLE = enum.auto()
    """Between two requests."""


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


class BoundedConnection(HttpConnection, Watched):
    """uvicorn's HTTP/1.1 connection with deadlines, and one that tells a request when its client has left."""

    headers_within_s = 10.0
    body_within_s = 30.0
    """And a second more for each `body_bytes_per_s` that arrived: large uploads may take their time."""
    body_bytes_per_s = 256 * KIB
    read_within_s = 30.0
    """How long a client may leave its answer unread."""
    max_header_bytes = 64 * KIB
    max_ignored_bytes = 32 * KIB * KIB
    """How much of a body is read and thrown away after its request was refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._phase = _Phase.HEADERS
        self._since = self.loop.time()
        self._received = 0
        self._unread = Unread(self._since)
        self._is_between = True
        """No request has begun of which there is more to come."""
        self._known_requests: AnswersAgain | None = None
        """Known from the first answer on."""
        self._under_way: Exchange | None = None
        """A known request that is being answered."""
        self._later = b""
        """What arrived meanwhile."""
        self._stops = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._answers = _Answers(transport)
        accepted = transport.get_extra_info("socket")
        if accepted is not None and accepted.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio forgets this for sockets bound by hand; then headers and body, which are two writes, arrive
            # 40 ms apart.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        watch(self.server_state, self.loop)

    def shutdown(self) -> None:
        """The server stops: an answer without an end of its own is ended."""
        self._stops = True
        if self._under_way is not None:
            return  # It is closed with that answer.
        super().shutdown()
        exchange = self._exchange()
        if exchange is not None:
            exchange.server_stops()

    def connection_lost(self, exc: Exception | None) -> None:
        exchange = None if self.is_answered() else self._exchange()
        super().connection_lost(exc)
        if self._under_way is not None:
            self._under_way.client_left()
        elif exchange is not None:
            exchange.client_left()

    def data_received(self, data: bytes) -> None:
        if self._under_way is not None:
            self._later += data
            self.stop_reading()
            return
        begins = self._is_between and (self._phase is _Phase.IDLE or self._phase is _Phase.HEADERS)
        if begins and self._known_requests is not None and not self._stops and not self.is_full():
            known = self._known_requests.find(data)
            if known is not None:
                self._answer_again(known, data)
                return
        self._read(data, begins=begins)

    def _read(self, data: bytes, *, begins: bool) -> None:
        """Let uvicorn read it."""
        if self._phase is _Phase.IDLE:
            self._enter(_Phase.HEADERS)
        super().data_received(data)
        if begins and self._is_between and self._phase is _Phase.ANSWER:
            request = self.request()
            if request is not None:
                # Its task has not begun yet.
                request[WHOLE] = data
        if self._phase is _Phase.HEADERS:
            self._received += len(data)
            if self._received > self.max_header_bytes:
                self._refuse(431)

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Blanks after a value do not belong to it (RFC 9110, 5.5); the parser leaves them there.
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        self._enter(_Phase.BODY)
        super().on_headers_complete()
        self.answer_by(self._answers)

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self.is_answered() and self._received > self.max_ignored_bytes:
            self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_between = True
        self._enter(_Phase.HEADERS if self.is_answered() else _Phase.ANSWER)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """What uvicorn does then, without its timer."""
        self._answers.finish()
        self.count_answer()
        if self.transport.is_closing():
            return
        if self._known_requests is None:
            exchange = self._exchange()
            if exchange is not None and exchange.gate is not None:
                self._known_requests = exchange.gate.known_requests
        self.read_on()
        self.begin_next()
        if self._phase is _Phase.ANSWER and self.is_answered():
            self._enter(_Phase.IDLE)

    def _exchange(self) -> Exchange | None:
        """Of the request that was read last."""
        request = self.request()
        exchange = None if request is None else request.get(KEY)
        return exchange if isinstance(exchange, Exchange) else None

    def _answer_again(self, known: KnownRequest, request: bytes) -> None:
        """Begin to answer a known request."""
        self._enter(_Phase.ANSWER)
        self._under_way = Exchange({})
        self.begin(self._again(known, self._under_way, request))

    async def _again(self, known: KnownRequest, exchange: Exchange, request: bytes) -> None:
        assert self._known_requests is not None
        try:
            body = await self._known_requests.answer(known, exchange)
        finally:
            self._under_way = None
        if self.transport.is_closing():
            return
        later, self._later = self._later, b""
        if body is None:
            self._read(request, begins=True)
            if self._stops:
                super().shutdown()  # The connection closes after that answer.
        else:
            self._write(known, exchange, body)
            self.count_answer()
            self._enter(_Phase.IDLE)
            if self._stops:
                self.transport.close()
                return
        self.read_on()
        if later:
            self.data_received(later)

    def _write(self, known: KnownRequest, exchange: Exchange, body: bytes) -> None:
        head = b"%b%b%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n" % (
            STATUS_LINE[200],
            self.head_lines(),
            known.head, len(body), exchange.request_id.encode(),
        )  # fmt: skip
        if len(body) <= _Answers.joined_bytes:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)

    def look(self, now_s: float) -> None:
        """Close what is late. Called once a second."""
        if self._unread.is_late(self.transport, now_s, within_s=self.read_within_s):
            self.transport.abort()
            return
        waited_s = now_s - self._since
        if self._phase is _Phase.HEADERS:
            late = waited_s > self.headers_within_s
        elif self._phase is _Phase.BODY:
            late = waited_s > self.body_within_s + self._received / self.body_bytes_per_s
        elif self._phase is _Phase.IDLE:
            if waited_s > self.timeout_keep_alive:
                self.transport.close()
            return
        else:
            return
        if self.transport.is_closing():
            self.transport.abort()
        elif late:
            self._refuse(408)

    def _enter(self, phase: _Phase) -> None:
        self._phase = phase
        self._since = self.loop.time()
        self._received = 0

    def _refuse(self, status: int) -> None:
        """Close. Say why where somebody waits for an answer and none was begun."""
        if self.transport.is_closing():
            return
        if self._received if self._phase is _Phase.HEADERS else not self.is_being_answered():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


class _Answers:
    """A connection's transport as its answers see it: the head waits for the first piece of the body."""

    joined_bytes = 64 * KIB
    """A larger body is written by itself; copying it would cost more than the second system call."""

    __slots__ = ("_between", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._between = True
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Write now, or together with what comes next."""
        head = self._head
        if head is not None:
            self._head = None
            if len(data) <= self.joined_bytes:
                data = head + data
            else:
                self._transport.write(head)
        elif self._between and not data.startswith(_CONTINUE):
            self._between = False
            self._head = data
            return
        self._transport.write(data)

    def finish(self) -> None:
        """The answer is complete: what comes next is another answer's head."""
        self._between = True
        if self._head is not None:
            # There was no body, not even an empty one.
            self._transport.write(self._head)
            self._head = None

    def close(self) -> None:
        """Close when everything is written."""
        self.finish()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is about to close."""
        return self._transport.is_closing()


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
