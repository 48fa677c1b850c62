"""Pulls all that an old host prints into a folder: once, on after it was stopped, and later what changed since."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from app.moving import kept
from app.moving.hosts import Host, Refused, Unreachable
from app.moving.keeping import Folder
from app.moving.requests import Answer, Request
from app.moving.walking import Names, Progress, Visit, Walker, run_names, silent
from app.moving.walks.steps import Step, Walk, value_at, values_at
from app.values.instants import read_instant

TELL_EVERY_S = 2.0
"""How often the manifest says how far it is."""
MAX_TOLD = 100


@dataclass(slots=True)
class Pulled:
    """What came of one system."""

    system: str
    run: int
    counts: Mapping[str, int]
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every request has its answer."""
        return not self.counts.get("failed")


async def pull(
    walk: Walk,
    host: Host,
    folder: Folder,
    *,
    starts: Iterable[Names] = (),
    at_once: int = 4,
    progress: Progress = silent,
) -> Pulled:
    """Walk the host, and keep every answer. Raises Refused and Unreachable; what came before is kept then."""
    puller = _Puller(host, folder)
    walker = Walker(
        walk,
        puller.ask,
        run_names={**run_names(folder.day), **folder.names},
        pulling=True,
        at_once=at_once,
        progress=progress,
    )
    try:
        await walker.run(starts)
        # Only now: what lists lead to comes with the moment of its last change, which may save asking for it.
        await walker.run(folder.starts())
    finally:
        folder.notes = [*puller.notes[:MAX_TOLD], *walker.shortfalls[:MAX_TOLD]]
        folder.tell("incomplete")
    if not folder.counts["failed"]:
        folder.tell("complete")
    return Pulled(walk.system, folder.run, dict(folder.counts), folder.notes)


class _Puller:
    def __init__(self, host: Host, folder: Folder) -> None:
        self.notes: list[str] = []
        self._host, self._folder = host, folder
        self._told = time.monotonic()

    async def ask(self, visit: Visit, request: Request) -> Answer | None:
        """The answer: of this run if there is one, of an earlier one if it still holds, else the host's."""
        found = self._folder.find(request)
        conditions: dict[str, str] = {}
        if found is not None:
            known, line, body = found
            before = _answer(line, body)
            if known.run == self._folder.run:
                self._folder.counts["resumed"] += 1
                return before
            if _still_holds(visit, before):
                self._folder.counts["reused"] += 1
                return before
            if line.etag:
                conditions["If-None-Match"] = line.etag
        answer = await self._host.ask(request, conditions=conditions)
        if answer.status == 304 and found is not None:
            self._folder.same(request, Answer(before.status, answer.headers, b"", answer.at))
            return before
        if not self._is_answer(request, answer):
            return None
        if answer.status == 200:
            await self._keep_files(visit.step, answer)
        if (
            found is not None
            and before.status == answer.status
            and _plain(before.body) == _plain(answer.body)
        ):
            self._folder.same(request, answer)
        else:
            self._folder.add(request, answer)
        if time.monotonic() > self._told + TELL_EVERY_S:
            self._told = time.monotonic()
            self._folder.tell("running")
        return answer

    def _is_answer(self, request: Request, answer: Answer) -> bool:
        """Whether it is to be kept; a host that refuses or leads elsewhere ends the pull."""
        status = answer.status
        if status in (401, 403):
            raise Refused(f"{self._host.base} refuses the credential ({status}) at {request}.")
        if 300 <= status < 400:
            place = answer.headers.get("location", "another place")
            raise Unreachable(f"{self._host.base} answers {status} to {request}: pull from {place[:200]}.")
        if status >= 500 or status in (408, 425, 429):
            self._folder.counts["failed"] += 1
            self.notes.append(f"{request} was answered {status}, also at the last attempt.")
            return False
        if status >= 400 and status != 404:
            self.notes.append(f"{request} was answered {status}.")
        return True

    async def _keep_files(self, step: Step, answer: Answer) -> None:
        """Fetch the files that the answer leads to, before it is kept: their addresses end."""
        for asset in values_at(answer.json(), step.files) if step.files else ():
            ident, url = value_at(asset, "id"), value_at(asset, "url")
            if not isinstance(ident, str | int) or ident == "" or not isinstance(url, str):
                continue
            path = self._folder.place / kept.FILES / kept.safe_name(str(ident))
            size = value_at(asset, "size")
            if path.is_file() and (not isinstance(size, int) or path.stat().st_size == size):
                continue
            if why := await self._host.download(_joined(self._host.base, url), path):
                self.notes.append(f"The file {path.name} was not fetched: {why}.")
                self._folder.counts["files missing"] += 1
            else:
                self._folder.counts["files"] += 1


def _joined(base: str, url: str) -> str:
    """Where a file is; what is no address stays what it is, and is then told."""
    try:
        return urljoin(f"{base}/", url)
    except ValueError:
        return url


def _answer(line: kept.Line, body: bytes) -> Answer:
    """What was kept, as the host said it."""
    headers = {"x-total-count": line.total} if line.total else {}
    return Answer(line.status, headers, body, read_instant(line.at))


def _still_holds(visit: Visit, before: Answer) -> bool:
    """Whether an answer of an earlier run need not be asked for again."""
    if before.status != 200:
        return False
    if visit.step.never_changes:
        return True
    if visit.step.stamp is None or visit.stamp is None:
        return False
    return value_at(before.json(), visit.step.stamp[1]) == visit.stamp


def _plain(body: bytes) -> bytes:
    """A body as it is kept."""
    return body.strip().replace(b"\r", b" ").replace(b"\n", b" ")
