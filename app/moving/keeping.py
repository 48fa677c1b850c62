"""Writing into the folder that `kept.py` describes: what was asked is known, what comes is added line by line."""

import fcntl
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from app.errors import Conflict, Invalid, TooLarge
from app.moving import kept
from app.moving.requests import Answer, Request
from app.moving.walks.steps import Walk
from app.values.instants import read_instant, show_instant

OVERLAP = timedelta(days=1)
"""How far before the last run a later one asks again for what comes by date: clocks differ, and pages move."""


@dataclass(frozen=True, slots=True)
class Known:
    """Where the newest answer to a request is, and in which run it was asked."""

    run: int
    file: int
    offset: int


class Folder:
    """A system's folder, open for one run. Use it as a context manager."""

    def __init__(self, folder: Path, walk: Walk, *, source: str, now: datetime) -> None:
        self.place = folder / walk.system
        self.counts: Counter[str] = Counter()
        """`kept`, `changed`, `same`, `reused` (known from an earlier run, not asked), `resumed`, `failed`."""
        self.answers: Counter[str] = Counter()
        """How many requests each route has an answer to."""
        self.notes: list[str] = []
        self._walk, self._source, self._now = walk, source, now
        self._routes = kept.routes_of(walk)
        self._known: dict[bytes, Known] = {}
        self._files: list[IO[bytes]] = []
        self._lock: IO[bytes] | None = None
        self._manifest: dict[str, object] = {}
        self.run = 1

    def __enter__(self) -> Self:
        # Customers' data is in it: nobody but its owner looks inside.
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            self.place.chmod(0o700)
            self._lock = (self.place / "lock").open("wb")
        except OSError as why:
            raise Invalid(f"Nothing can be kept in {self.place}: {why.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise Conflict(f"Another process is pulling into {self.place}.") from None
        self._begin()
        for number, route in enumerate(self._routes):
            path = self.place / kept.file_name(route)
            kept.cut_half_line(path)
            self._files.append(path.open("a+b", buffering=0))
            for offset, line, _ in kept.read_lines(path):
                key = line.key(self._walk.system, route)
                before = self._known.get(key)
                if before is None:
                    self.answers[route] += 1
                self._known[key] = Known(line.run, number, before.offset if before and line.same else offset)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            os.fsync(file.fileno())
            file.close()
        if self._lock is not None:
            self._lock.close()

    @property
    def day(self) -> date:
        """The day of the run: the same after it was resumed, so that it asks the same."""
        return date.fromisoformat(str(self._manifest["day"]))

    @property
    def names(self) -> dict[str, str]:
        """`since_last_run`, where there was one."""
        before = self._manifest.get("last_complete")
        if not isinstance(before, str):
            return {}
        return {"since_last_run": show_instant(read_instant(before) - OVERLAP)}

    def find(self, request: Request) -> tuple[Known, kept.Line, bytes] | None:
        """The newest answer to this request."""
        known = self._known.get(request.key)
        if known is None:
            return None
        file = self._files[known.file]
        raw = _line_at(file.fileno(), known.offset)
        line = kept.parsed(raw)
        return None if line is None else (known, *line)

    def add(self, request: Request, answer: Answer) -> None:
        """Keep an answer. What another one said before is counted as changed."""
        self.counts["changed" if request.key in self._known else "kept"] += 1
        self._write(request, answer, same=False)

    def same(self, request: Request, answer: Answer) -> None:
        """Keep that the request was asked in this run, and answered as before."""
        self.counts["same"] += 1
        self._write(request, answer, same=True)

    def starts(self) -> Iterator[Mapping[str, str]]:
        """What earlier runs found: a later one goes on from there, too. What never changes leads nowhere new."""
        seen: set[tuple[tuple[str, str], ...]] = set()
        for number, route in enumerate(self._routes):
            if all(step.never_changes for step in self._walk.steps if self._walk.route(step) == route):
                continue
            path = Path(self._files[number].name)
            for _, line, _ in kept.read_lines(path):
                names = kept.names_in(self._walk, line.asked(self._walk.system, route))
                mark = tuple(sorted(names.items()))
                if names and line.run < self.run and mark not in seen:
                    seen.add(mark)
                    yield names

    def tell(self, state: str) -> None:
        """Write the manifest: `running`, `incomplete` or `complete`."""
        done = {"last_complete": self._manifest["started_at"]} if state == "complete" else {}
        self._manifest |= {
            "state": state,
            **done,
            "counts": dict(sorted(self.counts.items())),
            "routes": {
                route: {"file": kept.file_name(route), "answers": self.answers[route]}
                for route in self._routes
            },
            "notes": self.notes,
        }
        kept.write_manifest(self.place, self._manifest)

    def _begin(self) -> None:
        """Go on with a run that did not end, else begin the next one."""
        before = kept.read_manifest(self.place)
        if before and not _is_whole(before):
            raise Invalid(f"{self.place / kept.MANIFEST} is damaged; pull into another folder.")
        if before and before["from"] != self._source:
            raise Invalid(
                f"{self.place} holds what {before['from']} printed; pull from {self._source} into another folder."
            )
        if before and before["state"] != "complete":
            self.run = int(str(before["run"]))
            self._manifest = before
        else:
            self.run = int(str(before["run"])) + 1 if before else 1
            self._manifest = {
                "form": kept.FORM,
                "system": self._walk.system,
                "from": self._source,
                "run": self.run,
                "day": self._now.date().isoformat(),
                "started_at": show_instant(self._now),
                **({"last_complete": before.get("last_complete")} if before else {}),
            }
        # Before the first line, so that a line always belongs to a run that is known.
        self.tell("running")

    def _write(self, request: Request, answer: Answer, *, same: bool) -> None:
        number = self._routes.index(request.route)
        file = self._files[number]
        line = kept.Line(
            request.path, answer.status, show_instant(answer.at), self.run, request.method, request.body,
            request.headers, request.pass_number, answer.headers.get("etag", ""),
            answer.headers.get("x-total-count", ""), same,
        )  # fmt: skip
        text = kept.written(line, answer.body)
        offset = os.fstat(file.fileno()).st_size
        try:
            whole = file.write(text) == len(text)
        except OSError:
            whole = False
        if not whole:
            # Others may add lines before this process ends.
            file.truncate(offset)
            raise TooLarge(f"There is no room in {self.place}. The same command goes on when there is.")
        before = self._known.get(request.key)
        if before is None:
            self.answers[request.route] += 1
        self._known[request.key] = Known(self.run, number, before.offset if before and same else offset)


def _is_whole(manifest: Mapping[str, object]) -> bool:
    """Whether a run can go on from what it says."""
    try:
        date.fromisoformat(str(manifest["day"]))
        texts = [manifest[name] for name in ("from", "state", "started_at")]
        if (last := manifest.get("last_complete")) is not None:
            read_instant(str(last))
    except (KeyError, ValueError):
        return False
    return type(manifest.get("run")) is int and all(type(one) is str for one in texts)


def _line_at(descriptor: int, offset: int) -> bytes:
    """The line that begins there."""
    pieces: list[bytes] = []
    size = 1 << 14
    while piece := os.pread(descriptor, size, offset):
        end = piece.find(b"\n")
        if end >= 0:
            pieces.append(piece[: end + 1])
            break
        pieces.append(piece)
        offset += len(piece)
        size = min(size * 4, 1 << 22)
    return b"".join(pieces)
