"""Asks two hosts the same and finds in what their answers differ, grouped by route, key and kind."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.moving.differing import Difference, Kind, differences
from app.moving.hosts import Host, Refused
from app.moving.reasons import Reason, reason_of
from app.moving.requests import Answer, Request
from app.moving.walking import Names, Progress, Visit, Walker, run_names, silent
from app.moving.walks.steps import Walk

HEADERS = ("content-type", "x-total-count", "link", "location", "www-authenticate")
"""Headers that clients read."""
EXAMPLES = 3
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
        key = difference.key
        mark = (request.system, request.route, key, difference.kind, reason.name if reason else "")
        if mark not in self.groups and len(self.groups) >= MAX_GROUPS:
            mark = (request.system, request.route, "(further keys)", difference.kind, "")
        group = self.groups.setdefault(
            mark, Group(request.system, request.route, mark[2], difference.kind, reason if mark[4] else None)
        )
        group.count += 1
        if len(group.examples) < EXAMPLES:
            group.examples.append(Example(str(request), difference.old, difference.new))


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

    async def ask(_: Visit, request: Request) -> Answer:
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
        self._old, self._new, self._into, self._headers = old, new, into, headers

    async def ask(self, request: Request) -> Answer:
        """Both answers compared, and the old one for what it prints. Asked together, so that clocks agree."""
        old, new = await asyncio.gather(
            _asked(self._old, request), _asked(self._new, request), return_exceptions=False
        )
        mark = (request.system, request.route)
        self._into.asked[mark] += 1
        equal = True
        for difference in differences(old, new, headers=self._headers):
            equal = False
            self._into.add(request, difference)
        self._into.equal[mark] += equal
        return old


async def _asked(host: Host, request: Request) -> Answer:
    answer = await host.ask(request)
    if answer.status == 401:
        raise Refused(f"{host.base} refuses the credential (401) at {request}.")
    return answer
