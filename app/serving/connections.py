"""Connections that do not stay open without a reason.

uvicorn waits for ever for headers that never end, bodies that never arrive and clients that never read their
answer, and sets and cancels a timer per request to close idle connections. Here a connection has a deadline for
each of these (`watching.py`), so a normal request pays a few attribute writes.

A request that came before, byte for byte, is not read again (`known_requests.py`): neither uvicorn nor the app sees it.
"""

import asyncio
import enum
import socket
from typing import Any

import httptools

from app.serving.answers import Answers
from app.serving.bodies import KIB
from app.serving.exchange import KEY, WHOLE, AnswersAgain, Exchange, KnownRequest
from app.serving.heads import Malformed, is_handshake, read_head, size_of, without_offer
from app.serving.security import GUARD_LINES
from app.serving.uvicorn_parts import STATUS_LINE, HttpConnection
from app.serving.watching import Unread, Watched, watch

SOCKET_PATHS = frozenset({b"/graphql"})
"""Where a WebSocket may be asked for. Anywhere else the offer is not taken, and the request is one like any other."""
TOO_MUCH_HEAD = "The headers are too large."


class _Phase(enum.Enum):
    HEADERS = enum.auto()
    """Waiting for a request, or for the rest of its headers."""
    BODY = enum.auto()
    """The headers are here, the body is not yet."""
    ANSWER = enum.auto()
    """The request is complete; we have to answer."""
    IDLE = enum.auto()
    """Between two requests."""
    LEAVING = enum.auto()
    """We said our last word, and read what is on its way: closing at once would reset the connection, and the client
    would never read why."""


class BoundedConnection(HttpConnection, Watched):
    """uvicorn's HTTP/1.1 connection with deadlines, and one that tells a request when its client has left."""

    headers_within_s = 10.0
    body_within_s = 30.0
    """And a second more for each `body_bytes_per_s` that arrived: large uploads may take their time. The bodies of
    strangers may not, see `serving/strangers.py`."""
    body_bytes_per_s = 256 * KIB
    answered_body_within_s = 5.0
    """The same for the rest of a body whose request has its answer already."""
    leave_within_s = 2.0
    read_within_s = 30.0
    """How long a client may leave its answer unread."""
    max_header_bytes = 64 * KIB
    """Of a head, and of what comes with a chunked body and is none of it."""
    max_ignored_bytes = 32 * KIB * KIB
    """How much of a body is read and thrown away after its request was refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._phase = _Phase.HEADERS
        self._since = self.loop.time()
        self._received = 0
        self._packet = 0
        """Bytes that are being read just now."""
        self._bare = 0
        """Bytes since the last of a body came."""
        self._malformed: Malformed | None = None
        self._leaves_unread = False
        self._takes_socket = False
        self._offer_left_out = b""
        """The head of the request at hand, without an offer that we do not take."""
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
        self._answers = Answers(transport, self._leave)
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
        exchange = None if self.is_answered() or self.is_given_up() else self._exchange()
        super().connection_lost(exc)
        self._answers.let_go()
        if self._under_way is not None:
            self._under_way.client_left()
        elif exchange is not None:
            exchange.client_left()

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.LEAVING:
            self._received += len(data)
            if self._received > self.max_ignored_bytes:
                self.transport.abort()
            return
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
        phase, received, self._packet = self._phase, self._received, len(data)
        self._parse(data)
        if begins and self._is_between and self._phase is _Phase.ANSWER:
            request = self.request()
            if request is not None:
                # Its task has not begun yet.
                request[WHOLE] = data
        if self._phase is _Phase.HEADERS or (self._phase is _Phase.ANSWER and not self._is_between):
            self._received += len(data)
            if self._received > self.max_header_bytes:
                self._refuse(431, TOO_MUCH_HEAD)
        elif self._phase is _Phase.BODY:
            # Trailers and what is said about chunks.
            self._bare = self._bare + len(data) if phase is _Phase.BODY and self._received == received else 0
            if self._bare > self.max_header_bytes:
                self._refuse(431, TOO_MUCH_HEAD)

    def _parse(self, data: bytes) -> None:
        """What uvicorn does with data, but that an offer we do not take is ignored."""
        pieces: list[bytes | memoryview] = [data]
        while pieces:
            piece = pieces.pop()
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                if not self._offer_left_out:
                    self.handle_websocket_upgrade()
                    return
                # The parser ended the request with its head, and would take its body for the next one.
                if rest := memoryview(piece)[upgrade.args[0] :]:
                    pieces.append(rest)
                pieces.append(self._offer_left_out)
                self._offer_left_out = b""
                self.parse_anew()
            except httptools.HttpParserError:
                malformed = self._malformed or Malformed(400, "This is no HTTP request.")
                self._refuse(malformed.status, malformed.reason)
                return

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is _Phase.BODY:
            return  # A trailer: it comes after everything was decided, and decides nothing (RFC 9110, 6.5.1).
        # Blanks after a value do not belong to it (RFC 9110, 5.5); the parser leaves them there.
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        try:
            is_plain = self._read_head()
        except Malformed as malformed:
            self._malformed = malformed
            raise
        if not is_plain:
            return
        self._enter(_Phase.BODY)
        super().on_headers_complete()
        self.answer_by(self._answers)

    def _read_head(self) -> bool:
        """Whether to go on with the request as it is: else it is read again, without an offer that is not taken."""
        headers, target, version = self.headers, self.url, self.parser.get_http_version()
        if self._received + self._packet > self.max_header_bytes:
            if size_of(headers) + len(target) > self.max_header_bytes:
                raise Malformed(431, TOO_MUCH_HEAD)
        is_offer = self.parser.should_upgrade()
        if is_offer and self.parser.get_method() == b"CONNECT":
            raise Malformed(501, "This is no proxy.")
        read_head(headers, version=version, target=target)
        if not is_offer:
            return True
        method = self.parser.get_method()
        self._takes_socket = (
            self.ws_protocol_class is not None
            and target.partition(b"?")[0] in SOCKET_PATHS
            and not self.is_at_work()
            and is_handshake(headers, method=method, version=version)
        )
        if not self._takes_socket:
            self._offer_left_out = without_offer(headers, method=method, target=target, version=version)
        return self._takes_socket

    def _should_upgrade(self) -> bool:
        return self._takes_socket

    def on_body(self, body: bytes) -> None:
        self._received += len(body)
        if self.is_answered() and self._received > self.max_ignored_bytes:
            self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offer_left_out:
            return
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
        if self._phase is _Phase.BODY and self.is_answered():
            self._since = self.loop.time()
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
        if later:
            self.read_on()
            self.data_received(later)

    def _write(self, known: KnownRequest, exchange: Exchange, body: bytes) -> None:
        head = b"%b%b%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n" % (
            STATUS_LINE[200],
            self.head_lines(),
            known.head, len(body), exchange.request_id.encode(),
        )  # fmt: skip
        if len(body) <= Answers.joined_bytes:
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
            late = waited_s > self._body_within_s()
        elif self._phase is _Phase.IDLE:
            if waited_s > self.timeout_keep_alive:
                self.transport.close()
            return
        elif self._phase is _Phase.LEAVING:
            late = waited_s > self.leave_within_s
            if late:
                self.transport.abort()
            return
        else:
            return
        if self.transport.is_closing():
            self.transport.abort()
        elif late:
            self._refuse(408)

    def _body_within_s(self) -> float:
        """How long the body at hand may take."""
        exchange = self._exchange()
        if self.is_answered():
            within_s = self.answered_body_within_s
        elif exchange is not None and exchange.body_within_s is not None:
            return exchange.body_within_s
        else:
            within_s = self.body_within_s
        return within_s + self._received / self.body_bytes_per_s

    def _enter(self, phase: _Phase) -> None:
        self._phase = phase
        self._since = self.loop.time()
        self._received = 0

    def _refuse(self, status: int, reason: str = "") -> None:
        """Close. Say why where somebody waits for an answer and none was begun."""
        if self.transport.is_closing() or self._phase is _Phase.LEAVING:
            return
        if self._phase is _Phase.BODY:
            is_awaited = not self.is_being_answered() and not self.has_others_before()
        elif self.is_at_work():
            # What came before gets its answer, and nothing more is read.
            self.end_with_answer()
            self._leaves_unread = True
            return
        else:
            is_awaited = bool(self._received) or status != 408
        if is_awaited:
            self.transport.write(
                b"%b%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (STATUS_LINE[status], GUARD_LINES, len(reason), reason.encode())
            )
        if self._phase is _Phase.BODY:
            if not self.is_answered():
                exchange = self._exchange()
                self.give_up()
                if exchange is not None:
                    exchange.client_left()
            self._leave()
        elif status == 408:
            self.transport.close()
        else:
            self._leaves_unread = True
            self._leave()

    def _leave(self) -> None:
        """Close; where more of a request is on its way, when that was read."""
        is_all = self._phase is not _Phase.BODY and not self._leaves_unread
        if is_all or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._enter(_Phase.LEAVING)
        self.transport.write_eof()
        self.read_on()
