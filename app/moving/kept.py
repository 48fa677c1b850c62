"""What was pulled from an old host, in a folder: its form, and how it is read.

    FOLDER/
      crm/                                          one for each system
        manifest.json                               where from, which run, how far, notes
        GET-api-v1-marketing-campaigns.jsonl        one file for each route, named after it
        GET-api-v1-marketing-campaigns-campaign_id.jsonl
      lagriffe/
        files/17                                    the bytes of an asset, by its id

A line of a `.jsonl` file is one answer:

    {"request": "/api/v1/marketing/campaigns?page=1&limit=100", "status": 200, "at": "2026-11-30T10:00:00.000000Z",
     "run": 1, "answer": {"data": […]}}

`answer` is always the last key and holds the text of the body as it came, every digit of it; only line breaks between
its parts have become blanks. A body that is no JSON is in `text` instead, as a text. Where they matter there are also
`method` and `body` (searches by POST), `headers` (such as X-BEACON-KEY), `pass` (a list that moved was read again),
`total` (what X-Total-Count said) and `etag`.

A line with `"same": true` and no answer says that the request was asked again in that run, and that the answer
of an earlier line still holds.

Lines are only ever added, whole. The newest line of a request counts. A line that a killed process left half written is
cut off by whoever opens the folder for writing, and passed over by whoever reads it.

Whoever brings the answers in reads them by `read_pulled`; the routes are those of the documentation, as
`GET /api/campaigns/{id}/metrics`.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.errors import Invalid
from app.moving.requests import Request
from app.moving.walks.all import WALKS
from app.moving.walks.matching import step_of
from app.moving.walks.steps import Walk

FORM = 1
"""The version of this form."""
MANIFEST = "manifest.json"
FILES = "files"
_ANSWER = b', "answer": '
_SEEN = 1 << 26


@dataclass(frozen=True, slots=True)
class PulledAnswer:
    """An answer of an old host, status 200."""

    route: str
    """As documented: `GET /api/campaigns/{id}/metrics`."""
    request: str
    """Path and query, as asked."""
    answer: bytes
    """The body, JSON as it was printed."""
    system: str
    at: str
    """When it came, RFC 3339."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the path names, in the words of the walk: `{"project": "shop", "user": "…"}`."""
    body: str | None = None
    """What was sent with a search by POST."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, without its answer."""

    request: str
    status: int
    at: str
    run: int
    method: str = "GET"
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pass_number: int = 0
    etag: str = ""
    total: str = ""
    """What X-Total-Count said."""
    same: bool = False

    def key(self, system: str, route: str) -> bytes:
        """The key of the request it answers."""
        return self.asked(system, route).key

    def asked(self, system: str, route: str) -> Request:
        """That request."""
        return Request(system, route, self.method, self.request, self.body, self.headers, self.pass_number)


def read_pulled(
    folder: Path, system: str | None = None, *, first: Sequence[str] = ()
) -> Iterator[PulledAnswer]:
    """The newest good answer of each request: system by system, lists before what is below them.

    `folder` is the whole one or that of one system. Invalid where nothing was pulled into it. A pull that has not ended
    can be read as well: `is_complete` tells. `first`: routes, or what they end with, that are to come before others.
    """
    for name, place in systems_in(folder).items():
        if system is not None and name != system:
            continue
        walk = WALKS[name]
        for route in sorted(routes_of(walk), key=lambda one: _place_of(one, first)):
            path = place / file_name(route)
            newest = _newest(path, name, route)
            for offset, line, answer in read_lines(path):
                if line.same or line.status != 200:
                    continue
                if newest.get(line.key(name, route), offset) != offset:
                    continue
                names = names_in(walk, line.asked(name, route))
                yield PulledAnswer(route, line.request, answer, name, line.at, names, line.body, line.headers)


def _place_of(route: str, first: Sequence[str]) -> int:
    return next((at for at, end in enumerate(first) if route.endswith(end)), len(first))


def _newest(path: Path, system: str, route: str) -> dict[bytes, int]:
    """Where the newest answer is to requests that have several; a file may have millions that have one.

    Which were there before is told by a bit each, so a few that have one answer are among them.
    """
    seen = bytearray(_SEEN // 8)
    newest: dict[bytes, int] = {}
    for offset, line, _ in read_lines(path):
        if line.same:
            continue
        key = line.key(system, route)
        byte, bit = divmod(int.from_bytes(key[:8]) % _SEEN, 8)
        if seen[byte] >> bit & 1:
            newest[key] = offset
        seen[byte] |= 1 << bit
    return newest


def kept_requests(folder: Path, systems: Collection[str]) -> Iterator[tuple[Request, Mapping[str, str]]]:
    """What was asked, each request once, and what its path names; whatever it was answered."""
    for name, place in systems_in(folder).items():
        walk = WALKS[name]
        for route in routes_of(walk) if name in systems else ():
            seen: set[bytes] = set()
            for _, line, _ in read_lines(place / file_name(route)):
                request = replace(line.asked(name, route), pass_number=0)
                if request.key not in seen:
                    seen.add(request.key)
                    yield request, names_in(walk, request)


def systems_in(folder: Path) -> dict[str, Path]:
    """The folders of the systems that were pulled."""
    if (folder / MANIFEST).is_file() and folder.name in WALKS:
        return {folder.name: folder}
    found = {name: folder / name for name in WALKS if (folder / name / MANIFEST).is_file()}
    if not found:
        raise Invalid(f"Nothing was pulled into {folder}: there is no {MANIFEST} of a system in it.")
    return found


def is_pulled(folder: Path) -> bool:
    """Whether something was pulled into it."""
    return (folder / MANIFEST).is_file() or any((folder / name / MANIFEST).is_file() for name in WALKS)


def is_complete(place: Path) -> bool:
    """Whether the last pull of a system's folder came to its end."""
    return read_manifest(place).get("state") == "complete"


def read_manifest(place: Path) -> dict[str, object]:
    """The manifest of a system's folder; empty where there is none."""
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("form") != FORM:
        raise Invalid(f"{place / MANIFEST} is not one of form {FORM}.")
    return manifest


def write_manifest(place: Path, manifest: Mapping[str, object]) -> None:
    """In one step: whoever reads sees the former one or this one."""
    new = place / f"{MANIFEST}.new"
    new.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(place / MANIFEST)


def file_of(folder: Path, system: str, asset: str) -> Path | None:
    """Where the bytes of an asset are, by the id it has in that system; None where they were not kept."""
    place = systems_in(folder).get(system)
    path = place / FILES / safe_name(asset) if place else None
    return path if path is not None and path.is_file() else None


def safe_name(asset: str) -> str:
    """An id as the name of a file."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f"%{ord(found[0]):x}", asset)[:150]


def names_in(walk: Walk, request: Request) -> Mapping[str, str]:
    """What the path of a request names, in the words of the walk."""
    found = step_of(walk, request.method, request.path.partition("?")[0])
    return found[1] if found else {}


def routes_of(walk: Walk) -> list[str]:
    """The routes that are pulled, in the order of the walk."""
    return list(dict.fromkeys(walk.route(step) for step in walk.steps if not step.compared_only))


def file_name(route: str) -> str:
    """`GET /api/campaigns/{id}` → `GET-api-campaigns-id.jsonl`."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", route).strip("-") + ".jsonl"


def written(line: Line, answer: bytes) -> bytes:
    """The line, with its line break."""
    head: dict[str, object] = {"request": line.request, "status": line.status, "at": line.at, "run": line.run}
    if line.method != "GET":
        head |= {"method": line.method, "body": line.body}
    if line.headers:
        head["headers"] = dict(line.headers)
    if line.pass_number:
        head["pass"] = line.pass_number
    if line.etag:
        head["etag"] = line.etag
    if line.total:
        head["total"] = line.total
    if line.same:
        head["same"] = True
    start = json.dumps(head, ensure_ascii=False).encode()
    if line.same:
        return start + b"\n"
    text = answer.strip()
    try:
        json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        more = json.dumps(answer.decode("utf-8", "replace"), ensure_ascii=False).encode()
        return start[:-1] + b', "text": ' + more + b"}\n"
    # Inside of texts JSON has line breaks only as \n.
    return start[:-1] + _ANSWER + re.sub(rb"[\r\n]", b" ", text) + b"}\n"


def read_lines(path: Path) -> Iterator[tuple[int, Line, bytes]]:
    """Each whole line with the place where it begins, and its answer."""
    if not path.exists():
        return
    with path.open("rb") as file:
        offset = 0
        for raw in file:
            line = parsed(raw)
            if line is None:
                return
            yield offset, *line
            offset += len(raw)


def parsed(raw: bytes) -> tuple[Line, bytes] | None:
    """A line and its answer; None for half a line."""
    if not raw.endswith(b"}\n"):
        return None
    # A quote inside of a text is written \", so this is the key and nothing else.
    head, found, answer = raw[:-2].partition(_ANSWER)
    try:
        said = json.loads(head + b"}" if found else raw)
        line = Line(
            said["request"], said["status"], said["at"], said["run"], said.get("method", "GET"), said.get("body"),
            said.get("headers", {}), said.get("pass", 0), said.get("etag", ""), said.get("total", ""),
            said.get("same", False),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None
    return line, answer if found else str(said.get("text", "")).encode()


def cut_half_line(path: Path) -> None:
    """Take away what a killed process left unfinished at the end."""
    whole = 0
    for offset, line, answer in read_lines(path):
        del line, answer
        whole = offset
    if not path.exists():
        return
    with path.open("r+b") as file:
        file.seek(whole)
        last = file.readline()
        end = whole + len(last) if parsed(last) is not None else whole
        if end < os.fstat(file.fileno()).st_size:
            file.truncate(end)
