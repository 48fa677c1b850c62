"""Small request headers: preferences, hosts, preflights."""

import re
from functools import lru_cache

PREFLIGHT_HEADERS = (b"graphql-require-preflight", b"x-requested-with", b"apollo-require-preflight")
"""A page of another origin can send a form without asking, but none of these headers."""

STALE = (b"preference-applied", b"stale-ok")
"""A replica answered."""

_HOST = re.compile(rb"[A-Za-z0-9.\-_:\[\]]{1,255}")


def stale_ok(prefer: bytes | None) -> bool:
    """Whether `Prefer` (RFC 7240) names our preference `stale-ok`: then a replica may answer."""
    return prefer is not None and b"stale-ok" in prefer.lower().replace(b" ", b"").split(b",")


@lru_cache(256)
def base_url(scheme: str, host: bytes | None) -> str:
    """Where the client reached us, `https://host`; empty where its Host header is no host."""
    return f"{scheme}://{host.decode('ascii')}" if host and _HOST.fullmatch(host) else ""
