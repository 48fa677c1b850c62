"""The outermost ASGI layer: it gives every request its id, its bounds, its log line and its metrics.

One wrapper instead of six: each layer of ASGI middleware costs every request another closure and another
await.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Failure, Invalid, Unavailable
from app.serving import metrics
from app.serving.bodies import MAX_BODY, MAX_FORM, MIB, UNSUPPORTED_MEDIA_TYPE, ClientGone, too_large
from app.serving.exchange import CLIENT_LEFT, KEY, REQUEST_ID, WHOLE, Exchange
from app.serving.journal import Journal
from app.serving.known_requests import KnownRequests
from app.serving.uvicorn_parts import behind_proxy

UPLOAD_WEIGHT = 8
"""A form counts as this many requests: each of its files may be in memory with up to 256 KiB."""
ALWAYS_OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Answered even when the gateway is full: monitoring must be able to see that."""
MAX_SWALLOWED = 8 * MIB
"""How much of a refused body is read, so that the refusal reaches the client."""

_PACKED = Invalid("Send the body as it is, without a Content-Encoding.", code=UNSUPPORTED_MEDIA_TYPE)

Refusal = tuple[int, list[tuple[bytes, bytes]], bytes]
Refuse = Callable[[str, Failure | None], Refusal]
"""Path and failure (None: our own fault) → status, headers and body, as the surface at that path says it."""

log = logging.getLogger("gateway")


class Door:
    """Wraps the whole app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        journal: Journal,
        refuse: Refuse,
        max_in_flight: int,
        trusted_proxies: str = "127.0.0.1,::1",
    ) -> None:
        """`trusted_proxies`: whose `X-Forwarded-Proto` and `X-Forwarded-For` are believed."""
        self.app = app
        self.behind_proxy = behind_proxy(app, trusted_proxies)
        self.journal = journal
        self.refuse = refuse
        self.max_in_flight = max_in_flight
        self.in_flight = 0
        self.known_requests = KnownRequests(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or turn it away at once."""
        if scope["type"] != "http":
            await self._socket(scope, receive, send)
            return
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        exchange = scope[KEY] = Exchange(headers)
        REQUEST_ID.set(exchange.request_id)

        def answer(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                head = message.get("headers", ())
                if exchange.again is not None and WHOLE in scope and exchange.status == 200:
                    self.known_requests.keep(scope[WHOLE], exchange, scope["method"], head)
                message["headers"] = [*head, (b"x-request-id", exchange.request_id.encode())]
            return send(message)

        content_type = headers.get(b"content-type")
        form = (
            content_type is not None
            and content_type != b"application/json"
            and content_type[:10].lower() == b"multipart/"
        )
        weight = UPLOAD_WEIGHT if form else 1
        exchange.gate = self
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            await self._say_no(scope, answer, _PACKED)
        elif not self.let_in(exchange, weight=weight, always=scope["path"] in ALWAYS_OPEN):
            metrics.turned_away()
            await self._say_no(scope, answer, Unavailable("The gateway is busy. Please try again shortly."))
        else:
            forwarded = b"x-forwarded-for" in headers or b"x-forwarded-proto" in headers
            try:
                await (self.behind_proxy if forwarded else self.app)(
                    scope, _bounded(receive, headers, form=form), answer
                )
            except BaseException as problem:
                await self._after(problem, scope, answer, exchange)
            finally:
                if exchange.weight:
                    self.make_room(exchange.weight)
        if not exchange.route:
            exchange.route = getattr(scope.get("route"), "path", "")
        self.note(exchange, scope["method"], took_s=time.perf_counter() - started)

    def let_in(self, exchange: Exchange, *, weight: int = 1, always: bool = False) -> bool:
        """Whether there is room for this request; if so it takes its place."""
        if self.in_flight + weight > self.max_in_flight and not always:
            return False
        self.in_flight += weight
        exchange.weight = weight
        metrics.entered()
        return True

    def make_room(self, weight: int) -> None:
        """A request of this weight is done."""
        self.in_flight -= weight
        metrics.left()

    def note(self, exchange: Exchange, method: str, *, took_s: float) -> None:
        """Log and count what was answered."""
        metrics.observe(exchange, method, took_s=took_s)
        self.journal.request(exchange, method, took_s=took_s, now_s=time.time())

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: it has bounds of its own, and gets its log line when it is closed."""
        started = time.perf_counter()
        exchange = scope[KEY] = Exchange(dict(scope["headers"]))
        exchange.gate = self
        try:
            await self.behind_proxy(scope, receive, send)
        except Exception as problem:
            exchange.status = 1011
            log.error("socket failed", exc_info=problem, extra={"request_id": exchange.request_id})
        now_s = time.time()
        self.journal.request(exchange, "SOCKET", took_s=time.perf_counter() - started, now_s=now_s)

    async def _after(self, problem: BaseException, scope: Scope, answer: Send, exchange: Exchange) -> None:
        """End a request that the app left with an exception. Exceptions that are not about this request are raised."""
        if isinstance(problem, asyncio.CancelledError):
            if not exchange.is_given_up():
                raise problem
            exchange.status = CLIENT_LEFT
        elif isinstance(problem, ClientGone):
            exchange.status = CLIENT_LEFT
        elif isinstance(problem, Failure):
            await self._unless_started(scope, answer, exchange, problem)
        elif isinstance(problem, Exception):
            log.error("request failed", exc_info=problem, extra={"request_id": exchange.request_id})
            await self._unless_started(scope, answer, exchange, None)
        else:
            raise problem

    async def _unless_started(
        self, scope: Scope, answer: Send, exchange: Exchange, failure: Failure | None
    ) -> None:
        if exchange.status:
            # Half an answer is out. Returning without its last message makes the server close the connection.
            return
        await self._say_no(scope, answer, failure)

    async def _say_no(self, scope: Scope, answer: Send, failure: Failure | None) -> None:
        status, headers, body = self.refuse(scope["path"], failure)
        await answer({"type": "http.response.start", "status": status, "headers": headers})
        await answer({"type": "http.response.body", "body": body})


def _bounded(receive: Receive, headers: dict[bytes, bytes], *, form: bool) -> Receive:
    """A `receive` that raises TooLarge where the body is over its bound: each surface then says so in its own way.

    With a declared length the server already holds the client to it, and nothing needs counting.
    """
    limit = MAX_FORM if form else MAX_BODY
    declared = headers.get(b"content-length")
    if declared is None:
        return _Counting(receive, limit) if b"transfer-encoding" in headers else receive
    if declared.isdigit() and int(declared) <= limit:
        return receive
    return _Counting(receive, limit, over=True)


class _Counting:
    """A `receive` that counts; past the limit it swallows a little more and raises TooLarge.

    Closing a connection with unread bytes resets it, and the client would never read why: so a body that is
    only a little too large is taken in, and thrown away, before the refusal is written.
    """

    def __init__(self, receive: Receive, limit: int, *, over: bool = False) -> None:
        self.receive = receive
        self.limit = limit
        self.size = 0
        self.over = over

    async def __call__(self) -> Message:
        message = await self.receive()
        self.size += len(message.get("body", b""))
        if self.over or self.size > self.limit:
            while message.get("more_body") and self.size < self.limit + MAX_SWALLOWED:
                message = await self.receive()
                self.size += len(message.get("body", b""))
            raise too_large("The body", self.limit)
        return message
