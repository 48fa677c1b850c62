"""Parameters of an address, read as people write them.

Tags stand in the query, in the fragment, in a fragment's own query, or after a second `?`; `&` comes as `&amp;` or `;`,
and whole queries come encoded. Nothing here raises: what cannot be read says nothing.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus, urlsplit

MAX_PARAMETERS = 200
MAX_LETTERS = 65_536
"""Of an address; what stands behind is not read."""
TIMES_ENCODED = 3
"""How often something is decoded at most."""

_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
_BEGINS = re.compile(r"[?#]")
# A value may hold `;` and `?`: they separate only where a name and `=` follow.
_SEPARATORS = re.compile(r"[&#]|[?;](?=[^=&;?#]*(?:=|%3[dD]))")
_STILL_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
# `wmktid=w%26cid%3Dbeta`: the next tag has slipped into the value. Other parameters hold whole addresses, which are not
# this one.
_OURS = re.compile(r"wmktid|cid|utm_[a-z_]+")
_SLIPPED = re.compile(r"[&?;](?=(?:wmktid|cid|utm_[a-z_]+)=)", re.IGNORECASE)


def parameters(url: str) -> dict[str, str]:
    """By name in lower case, the first value that is not blank, decoded once and without blanks around it."""
    text = url.strip()[:MAX_LETTERS]
    if host_of(text) is None:
        return {}
    text = _AMPERSAND.sub("&", text)
    found: dict[str, str] = {}
    for name, value in _pairs(_behind(text), TIMES_ENCODED):
        found.setdefault(name, value)
        if len(found) >= MAX_PARAMETERS:
            break
    return found


def decoded(value: str) -> str:
    """A value that was encoded more than once."""
    for _ in range(TIMES_ENCODED):
        if _STILL_ENCODED.search(value) is None:
            break
        value = unquote_plus(value)
    return value.strip()


def host_of(url: str) -> str | None:
    """The host in lower case, without `www.`; empty where the address names none, None where it is no address."""
    try:
        host = (urlsplit(url.strip()[:MAX_LETTERS]).hostname or "").rstrip(".")
    except ValueError:
        return None
    return host.removeprefix("www.")


def _behind(text: str) -> str:
    """What stands behind the path; behind the first `&`, where the `?` was forgotten."""
    begin = _BEGINS.search(text)
    at = text.find("&") if begin is None else begin.start()
    if at >= 0:
        return text[at + 1 :]
    # An address that was encoded as a whole.
    return text if "%3f" in text.lower() or "%23" in text else ""


def _pairs(text: str, times: int) -> Iterator[tuple[str, str]]:
    for part in _SEPARATORS.split(text, maxsplit=MAX_PARAMETERS * 2):
        name, equals, value = part.partition("=")
        if not equals:
            if times and _STILL_ENCODED.search(part) is not None:
                whole = unquote_plus(part)
                yield from _pairs(_behind(whole) if _BEGINS.search(whole) else whole, times - 1)
            continue
        name = unquote_plus(name).strip().lower()
        first, *slipped = (
            _SLIPPED.split(unquote_plus(value)) if _OURS.fullmatch(name) else (unquote_plus(value),)
        )
        if name and first.strip():
            yield name, first.strip()
        for other in slipped if times else ():
            yield from _pairs(other, 0)
