"""Asks two hosts the same and finds in what their answers differ, grouped by route, key and kind."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.moving.differing import Difference, Kind, differences
from app.moving.hosts import Host, Refused, Unreachable
from app.moving.reasons import Reason, reason_of
from app.moving.requests import Answer, Request
from app.moving.walking import Names, Progress, Visit, Walker, run_names, silent
from app.moving.walks.steps import Walk

HEADERS = ("content-type", "x-total-count", "link", "location", "www-authenticate")
"""Headers that clients read."""
EXAMPLES = 3
SILENT = 5
"""After how many questions in a row without an answer a host is taken to be gone."""
MAX_GROUPS = 5_000
"""How many groups are kept apart; further ones are counted by route and kind alone."""


@dataclass(frozen=True, slots=True)
class Example:
    """Where it was seen."""

    request: str
    old: str
    new: str


@dataclass(slots=True)
class Group:
    """All differences of one kind at one key of one route."""

    system: str
    route: str
    key: str
    kind: Kind
    reason: Reason | None
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def expected(self) -> bool:
        """Whether it is on the list of what comes with every move."""
        return self.reason is not None and self.reason.expected


@dataclass(slots=True)
class Comparison:
    """What came of it."""

    old: dict[str, str] = field(default_factory=dict)
    """The hosts by system."""
    new: dict[str, str] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Requests by system and route."""
    equal: Counter[tuple[str, str]] = field(default_factory=Counter)
    groups: dict[tuple[str, str, str, Kind, str], Group] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What was not compared, and why."""

    @property
    def found(self) -> list[Group]:
        """The groups, what is not expected first, then by system, route and key."""
        return sorted(
            self.groups.values(), key=lambda one: (one.expected, one.system, one.route, one.key, one.kind)
        )

    @property
    def differs(self) -> int:
        """How many differences are not expected."""
        return sum(group.count for group in self.groups.values() if not group.expected)

    def add(self, request: Request, difference: Difference) -> None:
        """Count one."""
        reason = reason_of(request.system, difference, route=request.route)
        key = printable(difference.key)
        mark = (request.system, request.route, key, difference.kind, reason.name if reason else "")
        if mark not in self.groups and len(self.groups) >= MAX_GROUPS:
            mark = (request.system, request.route, "(further keys)", difference.kind, "")
        group = self.groups.setdefault(
            mark, Group(request.system, request.route, mark[2], difference.kind, reason if mark[4] else None)
        )
        group.count += 1
        if len(group.examples) < EXAMPLES:
            old, new = printable(difference.old), printable(difference.new)
            group.examples.append(Example(printable(str(request)), old, new))


def printable(text: str) -> str:
    """What a host printed, with escapes for what would command a terminal or can be written nowhere."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


async def compare_walk(
    walk: Walk,
    old: Host,
    new: Host,
    into: Comparison,
    *,
    today: date,
    starts: Iterable[Names] = (),
    headers: Sequence[str] = HEADERS,
    at_once: int = 4,
    progress: Progress = silent,
) -> None:
    """Walk the old host, and ask the new one everything as well. Raises Refused and Unreachable."""
    asker = _Asker(old, new, into, headers)

    async def ask(_: Visit, request: Request) -> Answer | None:
        return await asker.ask(request)

    walker = Walker(walk, ask, run_names=run_names(today), at_once=at_once, progress=progress)
    await walker.run(starts)
    into.notes += [f"{walk.system}: {said}" for said in walker.shortfalls]


async def compare_requests(
    requests: Sequence[Request],
    old: Host,
    new: Host,
    into: Comparison,
    *,
    headers: Sequence[str] = HEADERS,
    at_once: int = 4,
    progress: Progress = silent,
) -> None:
    """The same for recorded requests."""
    asker = _Asker(old, new, into, headers)
    waiting, done = iter(requests), 0

    async def work() -> None:
        nonlocal done
        for request in waiting:
            await asker.ask(request)
            done += 1
            progress(request.system, done, len(requests))

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


class _Asker:
    def __init__(self, old: Host, new: Host, into: Comparison, headers: Sequence[str]) -> None:
        self._old, self._new, self._into, self._headers = _Side(old), _Side(new), into, headers

    async def ask(self, request: Request) -> Answer | None:
        """Both answers compared, and the old one for what it prints. Asked together, so that clocks agree."""
        old, new = await asyncio.gather(self._old.ask(request), self._new.ask(request))
        mark = (request.system, request.route)
        self._into.asked[mark] += 1
        equal = True
        for difference in _between(old, new, self._headers):
            equal = False
            self._into.add(request, difference)
        self._into.equal[mark] += equal
        return old


class _Side:
    """A host that may leave single questions without an answer, but not all of them."""

    def __init__(self, host: Host) -> None:
        self._host, self._in_a_row, self._answered = host, 0, False

    async def ask(self, request: Request) -> Answer | None:
        """The answer; None where none came after all attempts."""
        try:
            answer = await self._host.ask(request)
        except Unreachable:
            self._in_a_row += 1
            if not self._answered or self._in_a_row >= SILENT:
                raise
            return None
        if answer.status == 401:
            raise Refused(f"{self._host.base} refuses the credential (401) at {request}.")
        self._in_a_row, self._answered = 0, True
        return answer


def _between(old: Answer | None, new: Answer | None, headers: Sequence[str]) -> Iterator[Difference]:
    if old is not None and new is not None:
        yield from differences(old, new, headers=headers)
    elif old is not new:
        said = [("no answer" if one is None else f"{one.status}") for one in (old, new)]
        yield Difference(Kind.UNANSWERED, "", *said)
