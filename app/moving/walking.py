"""Walks over an API: asks its lists to their end, and with the ids they print everything below them."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from app.moving.requests import Answer, Request
from app.moving.walks.steps import NAME, Step, Walk, filled, filled_in, value_at, values_at

Names = Mapping[str, str]
"""What is known on the way: `{"project": "shop", "campaign": "42"}`."""
MAX_PAGES = 100_000
MAX_ID = 1_000
"""Characters of an id."""
PASSES = 3
"""How often a list that moves while it is read is read, at most."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A step with its names, and what the row that led there says of its last change."""

    step: Step
    names: Names
    stamp: object = None


Ask = Callable[[Visit, Request], Awaitable[Answer | None]]
"""Answers a request; None where there is nothing to learn from."""
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""


class Walker:
    """One walk."""

    def __init__(
        self,
        walk: Walk,
        ask: Ask,
        *,
        run_names: Names,
        pulling: bool = False,
        at_once: int = 4,
        progress: Progress = silent,
    ) -> None:
        self._short: list[str] = []
        self._cut: dict[str, tuple[str, int, set[str]]] = {}
        self._walk, self._ask, self._run_names, self._progress = walk, ask, run_names, progress
        self._pulling, self._at_once = pulling, at_once
        steps = [step for step in walk.steps if not (pulling and step.compared_only)]
        self._steps = [(step, step.needs, sorted(step.needs)) for step in steps]
        self._waiting: deque[Visit] = deque()
        self._known: set[tuple[int, tuple[str, ...]]] = set()
        self._taken: Counter[int] = Counter()
        self._done = 0

    @property
    def shortfalls(self) -> list[str]:
        """The lists that said they had more than they printed, in the end and in all."""
        cut = [
            f"{request} says {total}, and {len(marks)} were printed, also narrowed."
            for request, total, marks in self._cut.values()
            if len(marks) < total
        ]
        return [*self._short, *cut]

    async def run(self, starts: Iterable[Names] = ()) -> None:
        """Walk until nothing new is found. What the asking raises ends the walk."""
        self._learn({}, None)
        for names in starts:
            self._learn(names, None)
        running: set[asyncio.Task[None]] = set()
        try:
            while self._waiting or running:
                while self._waiting and len(running) < self._at_once:
                    running.add(asyncio.create_task(self._visit(self._waiting.popleft())))
                finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                self._done += len(finished)
                # All are looked at, the first is raised: what nobody looks at is complained about at the end.
                troubles = [trouble for task in finished if (trouble := task.exception()) is not None]
                if troubles:
                    raise troubles[0]
                self._progress(self._walk.system, self._done, len(self._known))
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _learn(self, names: Names, row: object) -> None:
        """Every step that can be asked with these names, and was not before, is waiting now."""
        for number, (step, needs, order) in enumerate(self._steps):
            if not needs <= names.keys() or (self._pulling and step.unless_below in names):
                continue
            mark = (number, tuple(names[name] for name in order))
            if mark in self._known or (step.most is not None and self._taken[number] >= step.most):
                continue
            self._known.add(mark)
            self._taken[number] += 1
            stamp = value_at(row, step.stamp[0]) if step.stamp else None
            self._waiting.append(Visit(step, {name: names[name] for name in needs}, stamp))

    async def _visit(self, visit: Visit) -> None:
        request = request_of(self._walk, visit.step, {**self._run_names, **visit.names})
        if visit.step.pages is None:
            answer = await self._ask(visit, request)
            if answer is not None and answer.status == 200:
                body = answer.json()
                rows = _rows(visit.step, body)
                if visit.step.rows is not None:
                    self._count(visit, request, rows, _told(answer, body))
                self._learn_from(visit, rows)
            return
        seen: set[str] = set()
        for again in range(PASSES if self._pulling else 1):
            before = len(seen)
            moved, printed, total = await self._read_list(visit, request, seen, again)
            # What moved to a page already read, and what came meanwhile, is found by reading once more.
            if not moved or (again and len(seen) == before):
                break
        if total is not None and printed < total:
            self._short.append(f"{request} says {total} and prints {printed}.")

    async def _read_list(
        self, visit: Visit, request: Request, seen: set[str], again: int
    ) -> tuple[bool, int, int | None]:
        """Read pages until one brings nothing new.

        Gives whether rows came or went meanwhile (a row twice, another total, fewer rows than told), how many rows were
        printed, and how many were told.
        """
        pages = visit.step.pages
        assert pages is not None
        here: set[str] = set()
        totals: set[int] = set()
        offset, twice = 0, False
        for number in range(MAX_PAGES):
            asked = replace(request, pass_number=again)
            if number or not pages.bare_first:
                place = {"page": str(number + 1)} if pages.by == "page" else {"offset": str(offset)}
                asked = asked.with_query(**place, **{pages.limit: str(pages.size)})
            answer = await self._ask(visit, asked)
            if answer is None or answer.status != 200:
                break
            body = answer.json()
            rows = _rows(visit.step, body)
            total = _told(answer, body)
            if total is not None:
                totals.add(total)
            marks = [_mark(visit.step, row) for row in rows]
            new = set(marks) - here
            twice = twice or 0 < len(new) < len(marks)
            self._learn_from(visit, [row for row, mark in zip(rows, marks, strict=True) if mark not in seen])
            here |= new
            seen |= new
            if not new:
                break
            offset += len(rows)
            honest = pages.echo and value_at(body, pages.echo) == pages.size
            if honest and len(rows) < pages.size and total is not None and total <= len(here):
                break
        most = max(totals, default=None)
        return twice or len(totals) > 1 or (most or 0) > len(here), len(here), most

    def _count(self, visit: Visit, request: Request, rows: list[object], total: int | None) -> None:
        """A list without pages may be cut; asked narrowed, the same route prints the others."""
        if not visit.step.needs:
            self._cut.setdefault(request.route, (str(request), total or 0, set()))
        if request.route in self._cut:
            self._cut[request.route][2].update(_mark(visit.step, row) for row in rows)

    def _learn_from(self, visit: Visit, rows: Iterable[object]) -> None:
        if not visit.step.gives:
            return
        for row in rows:
            found: list[dict[str, str]] = [dict(visit.names)]
            for name, path in visit.step.gives.items():
                values = [text for value in values_at(row, path) if (text := _text(value)) is not None]
                found = [{**names, name: value} for names in found for value in values] or found
            for names in found:
                self._learn(names, row)


def request_of(walk: Walk, step: Step, names: Names) -> Request:
    """The request of a step with these names. A parameter whose name only a later run has is left out."""
    path = walk.base + NAME.sub(lambda found: quote(names[found[1]], safe=""), step.path)
    query = {
        name: filled(value, names)
        for name, value in step.query.items()
        if all(found[1] in names for found in NAME.finditer(value))
    }
    if query:
        path += "?" + urlencode(query, quote_via=quote)
    body = None if step.body is None else json.dumps(filled_in(step.body, names), separators=(",", ":"))
    headers = {name: filled(value, names) for name, value in step.headers.items()}
    return Request(walk.system, walk.route(step), step.method, path, body, headers)


def run_names(today: date) -> dict[str, str]:
    """The days that steps may speak of."""
    return {
        "today": today.isoformat(),
        "tomorrow": (today + timedelta(days=1)).isoformat(),
        "month_ago": (today - timedelta(days=30)).isoformat(),
        "year_ago": (today - timedelta(days=365)).isoformat(),
    }


def _rows(step: Step, body: object) -> list[object]:
    if step.rows is None:
        return [body]
    rows = value_at(body, step.rows)
    return rows if isinstance(rows, list) else []


def _mark(step: Step, row: object) -> str:
    """What tells a row apart: its key, else all of it."""
    value = value_at(row, step.key) if isinstance(row, dict) else None
    return json.dumps(row if value is None else value, sort_keys=True)


def _text(value: object) -> str | None:
    """An id as it is put into a path; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    # A path with one of these would be another path, or none that can be sent.
    if not 0 < len(text) <= MAX_ID or text in (".", "..") or not text.isprintable():
        return None
    return text


def _told(answer: Answer, body: object) -> int | None:
    """How many rows the host says there are."""
    text = answer.headers.get("x-total-count", "")
    if text.isascii() and text.isdigit():
        return int(text[:15])
    total = value_at(body, "total") if isinstance(body, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) else None
