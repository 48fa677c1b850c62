"""The head of a request, read once for everybody.

Two readers of one request must not find two values of one header: a proxy that takes the first and a surface that
takes the last have been told different things. So whatever means one thing is said once, and what is a list becomes
one line, before anybody looks (RFC 9110, 5.2 and 5.3; RFC 9112, 3.2 and 6.1).
"""

import re
from functools import lru_cache

import httptools

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, in the order they came."""

ONCE = frozenset({
    # Where a message ends, whom it is addressed to, what it holds.
    b"host", b"content-length", b"transfer-encoding", b"content-type", b"content-range",
    # Who sends it, and from where.
    b"authorization", b"proxy-authorization", b"x-api-key", b"x-beacon-key", b"x-group-id", b"origin",
    # What is to be done with it.
    b"idempotency-key", b"x-explain", b"last-event-id", b"range", b"if-range", b"access-control-request-method",
    b"sec-websocket-key", b"sec-websocket-version",
})  # fmt: skip
"""Sent twice, they are refused. Any other header may be repeated: its values become one list, in their order. So are
`Accept`, `Cookie`, `Prefer`, `Via`, `X-Forwarded-For` and the like meant, and what nobody here reads comes to no harm.
"""

_VERSIONS = frozenset({"1.1", "1.0"})
_HOST = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=:\[\]%]{0,255}")
_OFFERS = frozenset({b"upgrade", b"http2-settings"})


class Malformed(Exception):
    """A request that is refused before anybody has seen it, and the connection with it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def read_head(headers: Headers, *, version: str, target: bytes) -> None:
    """Make `headers` say each thing once, in place. Malformed where that cannot be."""
    by_name = dict(headers)
    if len(by_name) != len(headers):
        by_name = _joined(headers)
        headers[:] = by_name.items()
    if version != "1.1" and version not in _VERSIONS:
        raise Malformed(505, "HTTP/1.1 is spoken here.")
    host = by_name.get(b"host")
    if host is None:
        if version == "1.1":
            raise Malformed(400, "The header Host is missing.")
    elif not _is_host(host):
        raise Malformed(400, "The header Host is no host.")
    if target[:1] != b"/" and target != b"*":
        headers[:] = {**by_name, b"host": _host_of(target)}.items()
    coding = by_name.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or version != "1.1"):
        raise Malformed(400, "Of transfer codings only chunked is taken, and only in HTTP/1.1.")


def size_of(headers: Headers) -> int:
    """Bytes, as they were sent."""
    return sum(len(name) + len(value) + 4 for name, value in headers)


def is_handshake(headers: Headers, *, method: bytes, version: str) -> bool:
    """Whether this asks for a WebSocket, and for nothing else: with a body it is a request like any other."""
    by_name = dict(headers)
    return (
        method == b"GET"
        and version == "1.1"
        and by_name.get(b"upgrade", b"").lower() == b"websocket"
        and by_name.get(b"content-length", b"0") == b"0"
        and b"transfer-encoding" not in by_name
    )


def without_offer(headers: Headers, *, method: bytes, target: bytes, version: str) -> bytes:
    """The head again, without an offer to speak another protocol: who does not take it reads on (RFC 9110, 7.8)."""
    lines = [b"%b %b HTTP/%b\r\n" % (method, target, version.encode())]
    for name, value in headers:
        if name == b"connection":
            stay = [one for one in value.split(b",") if one.strip().lower() not in _OFFERS]
            if not stay:
                continue
            value = b",".join(stay)
        elif name in _OFFERS:
            continue
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join([*lines, b"\r\n"])


def _joined(headers: Headers) -> dict[bytes, bytes]:
    by_name: dict[bytes, bytes] = {}
    for name, value in headers:
        before = by_name.get(name)
        if before is not None:
            if name in ONCE:
                raise Malformed(400, f"The header {name.decode('latin-1').title()} was sent more than once.")
            value = before + (b"; " if name == b"cookie" else b", ") + value
        by_name[name] = value
    return by_name


@lru_cache(256)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def _host_of(target: bytes) -> bytes:
    """Of a target with a host in it, which counts for more than the header (RFC 9112, 3.2.2)."""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserError:
        url = None
    if url is None or not url.host:
        raise Malformed(400, "The request's target is no path.")
    host = b"[%b]" % url.host if b":" in url.host else bytes(url.host)
    return host if url.port is None else b"%b:%d" % (host, url.port)
