"""What every answer tells browsers: to take it for nothing but what it says it is, and to run and frame none of it.

Pages that need more say so themselves; what they have set stays. There is no HSTS here: whether an origin is to be
asked over TLS alone is decided by what stands in front, which has the certificate.
"""

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

GUARDS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
GUARD_LINES = b"".join(b"%b: %b\r\n" % guard for guard in GUARDS)
"""For what the server refuses before anybody looks at it."""


def with_guards(headers: Headers) -> list[tuple[bytes, bytes]]:
    """These headers and the guards they lack."""
    said = list(headers)
    names = {name for name, _ in said}
    said += [guard for guard in GUARDS if guard[0] not in names]
    return said
