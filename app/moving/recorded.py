"""Requests that were recorded: access logs, HAR files, plain lines, a folder that was pulled.

Only documented calls that read are taken.

A line of a log has the request in quotes, `"GET /api/campaigns?page=2 HTTP/1.1"`, as in the common and combined forms
of Apache and nginx; a plain line begins with it, `GET /api/campaigns`; a JSON line has `method` and `path`, `url` or
`request`. A HAR file is what a browser or proxy exports, and holds the bodies of searches by POST as well.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.errors import Invalid
from app.moving.kept import kept_requests
from app.moving.requests import Request
from app.moving.walks.matching import step_of
from app.moving.walks.steps import Walk

_IN_QUOTES = re.compile(r'"([A-Z]+) ([^"\s]+)(?: HTTP/[\d.]+)?"')
_PLAIN = re.compile(r"([A-Z]+)\s+(\S+)(?:\s+HTTP/[\d.]+)?\s*$")


MAX_TARGET = 8_000
"""Characters of a path with its query; hosts refuse longer ones."""
NO_ADDRESS = "an address that is none"


@dataclass(slots=True)
class Recorded:
    """What was in the file, each request once."""

    requests: list[Request] = field(default_factory=list)
    names: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    """The ids in their paths, by system, for walks to begin from."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many were not taken, by the reason."""


def read_recorded(path: Path, walks: Sequence[Walk], *, below: Collection[str] = ()) -> Recorded:
    """The requests of a file, or of a folder that was pulled. Invalid where it can't be read.

    `below` are the paths below which the host was mounted when they were recorded, such as `/gateway`.
    """
    found, seen = Recorded(), set[bytes]()
    if path.is_dir():
        for request, names in kept_requests(path, {walk.system for walk in walks}):
            found.requests.append(request)
            found.names.setdefault(request.system, []).append(names)
        return found
    try:
        for method, target, body in _entries(path):
            matched: tuple[Request, Mapping[str, str]] | str = NO_ADDRESS
            # Whoever serves the public has such lines from those who try what happens.
            if len(target) <= MAX_TARGET and target.isprintable():
                with suppress(ValueError):
                    matched = match(method, _without(target, below), body, walks)
            if isinstance(matched, str):
                found.left_out[matched] += 1
                continue
            request, names = matched
            if request.key not in seen:
                seen.add(request.key)
                found.requests.append(request)
                if names:
                    found.names.setdefault(request.system, []).append(names)
    except (OSError, ValueError) as why:
        raise Invalid(f"{path} cannot be read: {why}.") from None
    except RecursionError:
        raise Invalid(f"{path} cannot be read: it is nested too deeply.") from None
    return found


def match(
    method: str, target: str, body: str | None, walks: Sequence[Walk]
) -> tuple[Request, Mapping[str, str]] | str:
    """The request and the ids in its path; or why it is not taken. ValueError for what cannot be sent."""
    parts = urlsplit(target)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    for walk in walks:
        if found := step_of(walk, method, parts.path):
            if method == "POST" and not body:
                return "a search by POST without its body"
            if body and not body.isascii():
                body.encode()
            step, names = found
            return Request(walk.system, walk.route(step), method, path, body), names
    if method not in ("GET", "POST"):
        return f"{method}, which does not read"
    return f"{method} of no documented route that reads"


def _without(target: str, below: Collection[str]) -> str:
    """Path and query of a target, without what the host was mounted below."""
    parts = urlsplit(target)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return next((path[len(one) :] for one in below if one and path.startswith(f"{one}/")), path)


def _entries(path: Path) -> Iterator[tuple[str, str, str | None]]:
    """Method, target and body of each."""
    with path.open(encoding="utf-8", errors="replace") as file:
        beginning = file.read(4096).lstrip("\ufeff \t\r\n")
        file.seek(0)
        if re.match(r'\{\s*"log"\s*:', beginning):
            yield from _har(json.loads(file.read().lstrip("\ufeff")))
            return
        yield from _lines(file)


def _lines(lines: Iterable[str]) -> Iterator[tuple[str, str, str | None]]:
    for line in lines:
        text = line.strip()
        if text.startswith("{"):
            yield from _json_line(text)
        elif found := _PLAIN.match(text) or _IN_QUOTES.search(text):
            yield found[1], found[2], None


def _json_line(text: str) -> Iterator[tuple[str, str, str | None]]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return
    method = line.get("method", "GET")
    target = next((line[name] for name in ("path", "url", "request") if isinstance(line.get(name), str)), "")
    body = line.get("body")
    if isinstance(method, str) and target:
        yield method, target, body if isinstance(body, str) else None


def _har(har: object) -> Iterator[tuple[str, str, str | None]]:
    log = har.get("log") if isinstance(har, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        request = entry.get("request") if isinstance(entry, dict) else None
        if isinstance(request, dict) and isinstance(request.get("url"), str):
            posted = request.get("postData")
            body = posted.get("text") if isinstance(posted, dict) else None
            yield str(request.get("method", "GET")), request["url"], body
