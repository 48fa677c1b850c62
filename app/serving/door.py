"""The outermost ASGI layer: it gives every request its id, its bounds, its log line and its metrics.

One wrapper instead of six: each layer of ASGI middleware costs every request another closure and another
await.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BUSY, Failure, Invalid, Unavailable
from app.serving import metrics
from app.serving.addresses import address_of
from app.serving.bodies import MAX_BODY, MIB, UNSUPPORTED_MEDIA_TYPE, ClientGone, Entrance, too_large
from app.serving.exchange import CLIENT_LEFT, KEY, REQUEST_ID, WHOLE, Exchange
from app.serving.journal import Journal
from app.serving.known_requests import KnownRequests
from app.serving.security import with_guards
from app.serving.strangers import Lobby
from app.serving.uvicorn_parts import behind_proxy
from app.values.shares import Shares, TooMany

MAX_SWALLOWED = 8 * MIB
"""How much of a refused body is read, so that the refusal reaches the client."""

SPARE_PART = 4
"""One place for each so many, on top of all, for groups below their share."""
MAX_WAITING = 32
"""Requests of one group that wait for a place."""
WAITS_S = 5.0

_PACKED = Invalid("Send the body as it is, without a Content-Encoding.", code=UNSUPPORTED_MEDIA_TYPE)

Refusal = tuple[int, list[tuple[bytes, bytes]], bytes]
Refuse = Callable[[str, Failure | None], Refusal]
"""Path and failure (None: our own fault) → status, headers and body, as the surface at that path says it."""

log = logging.getLogger("gateway")


class Door:
    """Wraps the whole app.

    A request is under way as soon as it is here, but has no place yet: the surfaces say when it is known who asks
    (`Exchange.enter`), or that nobody will know (`Exchange.knock`). So strangers take no places but their own, and
    what says neither, as whoever watches the gateway, is answered even when it is full.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        journal: Journal,
        refuse: Refuse,
        max_in_flight: int,
        max_strangers: int = 128,
        trusted_proxies: str = "127.0.0.1,::1",
    ) -> None:
        """`max_strangers`: places of each open route.

        `trusted_proxies`: whose `X-Forwarded-Proto` and `X-Forwarded-For` are believed."""
        self.app = app
        self.behind_proxy = behind_proxy(app, trusted_proxies)
        self.journal = journal
        self.refuse = refuse
        self.places = Shares(max_in_flight, spare=-(-max_in_flight // SPARE_PART), max_waiting=MAX_WAITING)
        """Of those who are known, by their weights."""
        self.in_flight = 0
        """Requests under way, whoever asks."""
        self.max_strangers = max_strangers
        self.lobbies: dict[Entrance, Lobby] = {}
        self.known_requests = KnownRequests(self)

    @property
    def taken(self) -> int:
        """Places that are taken."""
        return self.places.taken

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
                head = with_guards(message.get("headers", ()))
                if exchange.again is not None and WHOLE in scope and exchange.status == 200:
                    self.known_requests.keep(scope[WHOLE], exchange, scope["method"], head)
                message["headers"] = [*head, (b"x-request-id", exchange.request_id.encode())]
                if exchange.closes:
                    message["headers"].append((b"connection", b"close"))
            return send(message)

        exchange.gate = self
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            await self._say_no(scope, answer, _PACKED)
        else:
            exchange.is_under_way = True
            self.in_flight += 1
            metrics.entered()
            forwarded = b"x-forwarded-for" in headers or b"x-forwarded-proto" in headers
            try:
                await (self.behind_proxy if forwarded else self.app)(
                    scope, _bounded(receive, exchange), answer
                )
            except BaseException as problem:
                await self._after(problem, scope, answer, exchange)
            finally:
                self.leave(exchange)
        if not exchange.route:
            exchange.route = getattr(scope.get("route"), "path", "")
        exchange.address = exchange.address or address_of(scope)
        self.note(exchange, scope["method"], took_s=time.perf_counter() - started)

    def let_in(self, exchange: Exchange, *, group: int) -> bool:
        """Whether there is room for one that comes again; then it takes that, and is under way."""
        if not self.places.take(group):
            return False
        exchange.group, exchange.weight = group, 1
        self.in_flight += 1
        metrics.entered()
        return True

    def make_room(self, exchange: Exchange) -> None:
        """One that was let in is done."""
        self.places.give_back(exchange.group, exchange.weight)
        self.in_flight -= 1
        metrics.left()

    def admit(self, exchange: Exchange, *, group: int, weight: int) -> Awaitable[None] | None:
        """A place among those who are known: None where it has one, else what to wait for.

        Whoever is over the share of its group is refused at once (Unavailable), since others come first; whoever is
        below it waits a moment.
        """
        if self.places.take(group, weight):
            exchange.group, exchange.weight = group, weight
            return None
        if not self.places.is_below(group, weight):
            metrics.turned_away()
            raise Unavailable(BUSY)
        return self._wait(exchange, group, weight)

    async def _wait(self, exchange: Exchange, group: int, weight: int) -> None:
        try:
            await self.places.turn(group, weight, within_s=WAITS_S)
        except (TooMany, TimeoutError):
            metrics.turned_away()
            raise Unavailable(BUSY) from None
        if not exchange.is_under_way:  # It was given up meanwhile.
            self.places.give_back(group, weight)
            return
        exchange.group, exchange.weight = group, weight

    def admit_stranger(self, exchange: Exchange, entrance: Entrance) -> None:
        """A place at this entrance. Unavailable where there is none."""
        lobby = self.lobby(entrance)
        if not lobby.take():
            metrics.turned_away()
            raise Unavailable(BUSY)
        exchange.lobby = lobby

    def lobby(self, entrance: Entrance) -> Lobby:
        """The room of this entrance."""
        found = self.lobbies.get(entrance)
        if found is None:
            found = self.lobbies[entrance] = Lobby(entrance, places=self.max_strangers)
        return found

    def leave(self, exchange: Exchange) -> None:
        """It is not under way any more, and gives back the place it has."""
        if not exchange.is_under_way:
            return
        exchange.is_under_way = False
        self.in_flight -= 1
        metrics.left()
        if exchange.weight:
            self.places.give_back(exchange.group, exchange.weight)
            exchange.weight = 0
        if exchange.lobby is not None:
            exchange.lobby.give_back()
            exchange.lobby = None

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


def _bounded(receive: Receive, exchange: Exchange) -> Receive:
    """A `receive` that raises TooLarge where the body is over its bound: each surface then says so in its own way.

    With a small declared length the server already holds the client to it, and nothing needs counting.
    """
    declared = exchange.headers.get(b"content-length")
    if declared is None:
        return _Counting(receive, exchange) if b"transfer-encoding" in exchange.headers else receive
    length = int(declared)
    return receive if length <= MAX_BODY else _Counting(receive, exchange, declared=length)


class _Counting:
    """A `receive` that counts; past the limit it swallows a little more and raises TooLarge.

    Closing a connection with unread bytes resets it, and the client would never read why: so a body that is
    only a little too large is taken in, and thrown away, before the refusal is written. Not for strangers: it would
    keep them busy here.
    """

    def __init__(self, receive: Receive, exchange: Exchange, *, declared: int = 0) -> None:
        self.receive = receive
        self.exchange = exchange
        self.declared = declared
        self.size = 0

    async def __call__(self) -> Message:
        limit = self.exchange.max_body
        message = await self.receive()
        self.size += len(message.get("body", b""))
        if self.declared > limit or self.size > limit:
            most = limit + MAX_SWALLOWED if self.exchange.body_within_s is None else 0
            while message.get("more_body") and self.size < most:
                message = await self.receive()
                self.size += len(message.get("body", b""))
            raise too_large("The body", limit)
        return message
