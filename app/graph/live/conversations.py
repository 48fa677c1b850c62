"""One client's socket: its messages, our answers, and how it ends. Protocol: graphql-transport-ws.

Operations are checked and run as over HTTP; each has a task of its own, by the client's id.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graphql import OperationType
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Send

from app.auth.credentials import HEADERS, Authenticator
from app.auth.principal import Principal
from app.errors import BUSY, OUR_FAULT, Failure, Forbidden, Invalid, TooLarge, Unauthorized, Unavailable
from app.graph.live.messages import (
    ACKNOWLEDGED,
    Close,
    Message,
    complete_of,
    error_of,
    next_of,
    pong,
    read_message,
    reason_of,
)
from app.graph.live.subscribers import Ended
from app.graph.live.subscriptions import Subscriptions
from app.graph.live.watching import Watches
from app.graph.running.checking import CheckedOperation, Rejected, check, is_large_and_new
from app.graph.running.context import Context, Services
from app.graph.running.entry import check_in_turn, refusals, run
from app.graph.running.operations import from_json
from app.serving.door import SPARE_PART
from app.serving.exchange import Exchange
from app.serving.preferences import stale_ok
from app.values.shares import Shares

INIT_WITHIN_S = 5.0
MAX_OPERATIONS = 100
"""How many may be under way on one socket."""
ROUTE = "/graphql (socket)"
METHOD = "SOCKET"

log = logging.getLogger("gateway.live")


@dataclass(slots=True)
class Home:
    """What all sockets of a process share."""

    services: Services
    authenticator: Authenticator
    subscriptions: Subscriptions
    watches: Watches
    places: Shares = field(init=False)
    """For queries and mutations being worked on, over all sockets."""

    def __post_init__(self) -> None:
        most = self.services.settings.max_in_flight
        self.places = Shares(most, spare=-(-most // SPARE_PART))


class Conversation:
    """One client's socket."""

    def __init__(self, home: Home, exchange: Exchange, address: str, receive: Receive, send: Send) -> None:
        self.home = home
        self.exchange = exchange
        self.address = address
        self._receive = receive
        self._send = send
        self._principal: Principal | None = None
        self._has_asked_in = False
        self._is_closed = False
        self._reads: dict[str, asyncio.Task[None]] = {}
        """Queries and subscriptions by the client's ids, which end with the socket."""
        self._writes: dict[str, asyncio.Task[None]] = {}
        """Mutations, which are always completed."""
        self._unheard: set[asyncio.Task[None]] = set()
        """Mutations whose answer the client no longer wants."""
        self._when_known: Callable[[], object] = lambda: None
        self._stop_watch: Callable[[], None] = lambda: None
        self._closing: asyncio.Task[None] | None = None

    async def serve(self, *, when_known: Callable[[], object] = lambda: None) -> None:
        """Serve the socket until either side closes it; `when_known` is called when it is known who opened it."""
        self._when_known = when_known
        late = asyncio.get_running_loop().call_later(INIT_WITHIN_S, self._is_late)
        try:
            while (message := await self._receive())["type"] != "websocket.disconnect":
                await self._heed(message)
            self.exchange.status = message.get("code") or 1005
        finally:
            late.cancel()
            self._is_closed = True
            self._stop_watch()
            for task in self._reads.values():
                task.cancel()
            if tasks := [*self._reads.values(), *self._writes.values(), *self._unheard]:
                await asyncio.wait(tasks)

    async def close(self, code: Close, reason: str) -> None:
        """Close the socket, once."""
        if not self._is_closed:
            self._is_closed = True
            await self._send_quietly({"type": "websocket.close", "code": code, "reason": reason_of(reason)})

    def make_room(self) -> None:
        """It said nothing for longer than all others, and they are many."""
        self._close_soon(Close.TRY_AGAIN, "Too many sockets are open.")

    # ── what the client says ──────────────────────────────────────────────────

    async def _heed(self, message: AsgiMessage) -> None:
        if self._is_closed:
            return
        try:
            said = read_message(message.get("text"))
        except Invalid as failure:
            await self.close(Close.BAD_REQUEST, failure.message)
            return
        match said.type:
            case "connection_init":
                await self._let_in(said)
            case "ping":
                await self._say(pong(said.payload))
            case "subscribe":
                await self._begin(said)
            case "complete":
                if (read := self._reads.pop(said.id, None)) is not None:
                    read.cancel()
                if (write := self._writes.pop(said.id, None)) is not None:
                    self._unheard.add(write)
                    write.add_done_callback(self._unheard.discard)

    async def _let_in(self, said: Message) -> None:
        if self._has_asked_in:
            await self.close(Close.INIT_TWICE, "Too many initialisation requests")
            return
        self._has_asked_in = True
        now = datetime.now(UTC)
        try:
            headers = _credentials(self.exchange.headers, said.payload or {})
            address = self.exchange.address
            principal = self.home.authenticator.recall(headers, now=now, address=address)
            if principal is None:
                principal = await self.home.authenticator.by_headers(headers, now=now, address=address)
            self._stop_watch = self.home.watches.open(headers, principal, self._end, now=now, address=address)
        except Failure as failure:
            await self.close(_code_of(failure), failure.message)
            return
        self._principal = principal
        self.exchange.principal = principal.name
        self._when_known()
        await self._say(ACKNOWLEDGED)

    async def _begin(self, said: Message) -> None:
        if self._principal is None:
            await self.close(Close.UNAUTHORIZED, "Unauthorized")
            return
        if said.id in self._reads or said.id in self._writes:
            await self.close(Close.DUPLICATE_ID, f"Subscriber for {said.id} already exists")
            return
        operation = from_json(said.payload)
        context = self._context(self._principal)
        try:
            if len(self._reads) + len(self._writes) >= MAX_OPERATIONS:
                raise Unavailable(
                    f"{MAX_OPERATIONS} operations are under way on this socket: complete one, or open another."
                )
            checked = (
                await check_in_turn(operation, context, live=True)
                if is_large_and_new(operation, context)
                else check(operation, context, live=True)
            )
        except (Rejected, Failure) as problem:
            await self._say(error_of(said.id, refusals(problem)))
            return
        tasks = self._writes if checked.kind is OperationType.MUTATION else self._reads
        work = (
            self._subscription(said.id, checked, context)
            if checked.kind is OperationType.SUBSCRIPTION
            else self._once(said.id, checked, context, tasks)
        )
        tasks[said.id] = asyncio.create_task(work)

    # ── what is answered ──────────────────────────────────────────────────────

    async def _subscription(self, ident: str, checked: CheckedOperation, context: Context) -> None:
        if wrong := checked.forbidden(context.principal) or list(checked.faults):
            await self._finish(ident, self._reads, error_of(ident, wrong))
            return
        try:
            subscriber = self.home.subscriptions.open(checked, context)
        except Failure as failure:
            await self._finish(ident, self._reads, error_of(ident, refusals(failure)))
            return
        try:
            while (payload := await subscriber.next()) is not None:
                await self._say(next_of(ident, payload.text))
            await self._finish(ident, self._reads, complete_of(ident))
        except Ended as ended:
            if ended.failure is not None:
                await self._finish(ident, self._reads, error_of(ident, refusals(ended.failure)))
        finally:
            subscriber.close()

    async def _once(
        self, ident: str, checked: CheckedOperation, context: Context, tasks: dict[str, asyncio.Task[None]]
    ) -> None:
        """A query or a mutation: one result, then `complete`."""
        started = time.perf_counter()
        noted = Exchange(self.exchange.headers)
        group = context.scope.group_id
        if not self.home.places.take(group):
            busy = Unavailable(BUSY)
            await self._finish(ident, tasks, error_of(ident, refusals(busy)))
            return
        try:
            given = await run(checked, context)
        except Exception:
            log.exception("an operation over a socket failed", extra={"request_id": noted.request_id})
            await self.close(Close.INTERNAL, f"{OUR_FAULT}.")
            return
        finally:
            self.home.places.give_back(group)
        if given.execution == "refused":
            await self._finish(ident, tasks, error_of(ident, given.errors))
        else:
            if tasks.get(ident) is asyncio.current_task():
                await self._say(next_of(ident, given.body.decode()))
            await self._finish(ident, tasks, complete_of(ident))
        noted.route, noted.status, noted.principal = ROUTE, 200, context.principal.name
        noted.operation, noted.execution = (checked.operation.name or "")[:64], given.execution
        self.exchange.note(noted, METHOD, took_s=time.perf_counter() - started)

    async def _finish(self, ident: str, tasks: dict[str, asyncio.Task[None]], text: str) -> None:
        """Send the last message about an operation, unless the client ended it; its id is free from then on."""
        if tasks.get(ident) is asyncio.current_task():
            del tasks[ident]
            await self._say(text)

    async def _say(self, text: str) -> None:
        if not self._is_closed:
            await self._send_quietly({"type": "websocket.send", "text": text})

    async def _send_quietly(self, message: AsgiMessage) -> None:
        # Messages that waited for room when the socket was closed find it closed.
        with contextlib.suppress(OSError, RuntimeError):
            await self._send(message)

    # ── ends that others cause ────────────────────────────────────────────────

    def _end(self, failure: Failure | None) -> None:
        if failure is None:
            self._close_soon(Close.GOING_AWAY, "The gateway stops.")
        else:
            self._close_soon(_code_of(failure), failure.message)

    def _is_late(self) -> None:
        if not self._has_asked_in:
            self._close_soon(Close.INIT_TIMEOUT, "Connection initialisation timeout")

    def _close_soon(self, code: Close, reason: str) -> None:
        for task in self._reads.values():
            task.cancel()
        self._closing = asyncio.create_task(self.close(code, reason))

    def _context(self, principal: Principal) -> Context:
        exchange = self.exchange
        return Context(
            self.home.services,
            principal,
            exchange.request_id,
            self.address,
            datetime.now(UTC),
            stale_ok(exchange.headers.get(b"prefer")),
            address=exchange.address,
        )


def _credentials(headers: Mapping[bytes, bytes], payload: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The credential's headers as sent with the handshake, replaced by those in `connection_init`."""
    sent = {name: value for name in HEADERS if (value := headers.get(name)) is not None}
    for key, value in payload.items():
        name = key.lower().encode()
        if name in HEADERS and value is not None:
            if not isinstance(value, str) or not value.isprintable() or not value.isascii():
                raise Unauthorized(f"{key} must be a text as in a header.")
            sent[name] = value.encode("ascii")
    return sent


def _code_of(failure: Failure) -> Close:
    if isinstance(failure, Unauthorized | Forbidden):
        return Close.FORBIDDEN
    return Close.BAD_REQUEST if isinstance(failure, Invalid | TooLarge) else Close.TRY_AGAIN
