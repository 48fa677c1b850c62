"""Requests that come again byte for byte: what they ask is known, so they are answered without being read.

A dashboard sends the same few requests all day, down to the byte. Reading one (its headers, who sends it, its
body) and writing the head of its answer costs several times what finding the plan and a connection for it does. So a
surface that can give an answer again says how (`Exchange.again`), and the door keeps that by a digest of the request's
bytes, with the head of the answer. The credential is proved each time, and every bound applies as usual; anything
unusual sends the request the long way.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from app.serving.exchange import CLIENT_LEFT, REQUEST_ID, Exchange, Gate, KnownRequest
from app.values.known import Known

MAX_KNOWN = 5_000
MAX_KNOWN_BYTES = 16 * 1024 * 1024
"""For all those requests together; most have a few hundred."""
MAX_REQUEST = 16 * 1024
"""Larger requests cost more to compare than to read, in proportion."""
_BLANK = b"\r\n\r\n"
_STAYS = b"keep-alive"
_ELSEWHERE = frozenset({
    # Which proxies are trusted is decided per connection.
    b"x-forwarded-for", b"x-forwarded-proto",
    # Specific to one request, or about the connection's future.
    b"x-request-id", b"idempotency-key", b"transfer-encoding", b"expect", b"upgrade",
})  # fmt: skip

log = logging.getLogger("gateway")


class KnownRequests:
    """What is known about requests, by their bytes. One per process."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        # By digest, so that no secret is kept.
        self._known: Known[bytes, KnownRequest] = Known(
            MAX_KNOWN, weight=MAX_KNOWN_BYTES, weigh=lambda _, request: request.size
        )

    def find(self, request: bytes) -> KnownRequest | None:
        """What is known about a request; the bytes may be anything."""
        if len(request) > MAX_REQUEST:
            return None
        return self._known.get(blake2b(request, digest_size=24).digest())

    def keep(
        self, request: bytes, exchange: Exchange, method: str, head: Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Remember how a request is answered again: with status 200, this head and a body of its own."""
        if exchange.again is None or not is_whole(request, exchange.headers):
            return
        lines = b"".join(
            b"%b: %b\r\n" % line for line in head if line[0] not in (b"content-length", b"x-request-id")
        )
        known = KnownRequest(exchange.again, lines, method, exchange.route, len(request), exchange.group)
        self._known.keep(blake2b(request, digest_size=24).digest(), known)

    async def answer(self, known: KnownRequest, exchange: Exchange) -> bytes | None:
        """The answer's body; None where the request must go the long way. Empty where nobody waits for it."""
        started = time.perf_counter()
        if not self._gate.let_in(exchange, group=known.group):
            return None
        REQUEST_ID.set(exchange.request_id)
        exchange.route = known.route
        try:
            body = await known.again(exchange)
        except asyncio.CancelledError:
            if not exchange.is_given_up():
                raise
            body, exchange.status = b"", CLIENT_LEFT
        except Exception as problem:
            # It only reads: the long way will say what is wrong, if it still is.
            log.info(
                "a known request goes the long way: %s", problem, extra={"request_id": exchange.request_id}
            )
            body = None
        else:
            exchange.status = 200
        finally:
            self._gate.make_room(exchange)
        if body is not None:
            self._gate.note(exchange, known.method, took_s=time.perf_counter() - started)
        return body


def is_whole(request: bytes, headers: Mapping[bytes, bytes]) -> bool:
    """Whether these bytes are exactly one request, with all there is to know about it."""
    if not _ELSEWHERE.isdisjoint(headers) or len(request) > MAX_REQUEST:
        return False
    head, blank, body = request.partition(_BLANK)
    if headers.get(b"connection", _STAYS).lower() != _STAYS or not blank or b" HTTP/1.1\r\n" not in head:
        return False
    return len(body) == int(headers.get(b"content-length", b"0"))
