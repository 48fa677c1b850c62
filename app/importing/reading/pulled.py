"""Folders that `gateway pull` wrote: the rows of a system's answers, each with the request that it is the answer to.

What other rows point at comes first: see `registry.FIRST`. A refused row is written as a line of such a folder, with
its request, so the mended file can be imported as it is; and so can a single file of a folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from app.errors import Invalid
from app.importing.reading.encodings import Encoding
from app.importing.reading.files import RowFile
from app.importing.reading.sources import Source
from app.importing.records import Asked, Lists, Row
from app.moving.kept import Line, is_complete, names_in, read_manifest, read_pulled, systems_in, written
from app.moving.requests import Request
from app.moving.walks.all import WALKS
from app.moving.walks.matching import step_of
from app.values.instants import read_instant, show_instant
from app.values.json_text import read_json, write_json

_LINE = frozenset({"request", "status", "at", "answer"})


class PulledFolder(RowFile):
    """A system's answers in a folder."""

    def __init__(self, source: Source, system: str, lists: Lists, *, first: Sequence[str] = ()) -> None:
        place = systems_in(source.path).get(system)
        if place is None:
            found = ", ".join(systems_in(source.path))
            raise Invalid(f"{source.name} has answers of {found}, none of {system}.")
        self._place, self._system, self._lists, self._first = place, system, lists, first
        self.source = replace(source, beside=place)
        self.encoding = Encoding("utf-8")
        self.total = self._told()

    @property
    def suffix(self) -> str:
        return ".jsonl"

    @property
    def read_as(self) -> str:
        state = "" if is_complete(self._place) else ", which had not come to its end"
        return f"answers of {self._system} that were pulled{state}"

    def rows(self) -> Iterator[Row]:
        number = 0
        for one in read_pulled(self._place, self._system, first=self._first):
            asked = Asked(
                one.route, one.request, read_instant(one.at), one.names, _query(one.request), one.headers,
                one.body, str(self._place),
            )  # fmt: skip
            try:
                answer = read_json(one.answer, long_numbers=True)
            except ValueError as why:
                number += 1
                problem = Invalid(f"The answer cannot be read: {why}.", code="UNREADABLE")
                yield Row(
                    self.name,
                    number,
                    {},
                    _head(asked) + one.answer.decode(errors="replace") + "}",
                    problem,
                    ordinal=number,
                    asked=asked,
                )
                continue
            for row in _rows(answer, asked, self._lists, self.name, number):
                number = row.number
                yield row
        self.total = number

    def head(self) -> str:
        return ""

    def written(self, row: Row) -> str:
        return row.raw + "\n"

    def _told(self) -> int:
        """How many answers there are, as the manifest says; their rows are counted as they are read."""
        routes = read_manifest(self._place).get("routes")
        return sum(int(one["answers"]) for one in routes.values()) if isinstance(routes, dict) else 0


def with_requests(rows: Iterator[Row], system: str, lists: Lists) -> Iterator[Row]:
    """Rows of a plain file; a line of a pulled folder among them is what it is there."""
    for row in rows:
        if not row.values.keys() >= _LINE or system not in WALKS:
            yield row
            continue
        try:
            yield from _rows(
                row.values["answer"], _asked(row.values, system), lists, row.file, row.number - 1
            )
        except (ValueError, TypeError, KeyError) as why:
            yield replace(row, values={}, fault=Invalid(f"This is no line of a pulled folder: {why}."))


def _asked(values: Mapping[str, Any], system: str) -> Asked:
    request = values["request"]
    method, headers, body = values.get("method", "GET"), values.get("headers", {}), values.get("body")
    walk = WALKS[system]
    step = step_of(walk, method, request.partition("?")[0])
    if step is None:
        raise ValueError(f"{method} {request} is no route of {system}")
    route = walk.route(step[0])
    names = names_in(walk, Request(system, route, method, request, body, headers))
    return Asked(route, request, read_instant(values["at"]), names, _query(request), headers, body)


def _rows(answer: Any, asked: Asked, lists: Lists, file: str, number: int) -> Iterator[Row]:
    head, at = _head(asked), show_instant(asked.at)
    for values, inside, around in _split(answer, lists):
        number += 1
        raw = f"{head}{write_json(values).decode()}}}"
        if isinstance(values, dict):
            yield Row(file, number, values, raw, None, inside, around, number, at, asked)
        else:
            problem = Invalid("A row is an object.", code="UNREADABLE")
            yield Row(file, number, {}, raw, problem, ordinal=number, asked=asked)


def _split(answer: Any, lists: Lists) -> Iterator[tuple[Any, str, Mapping[str, Any]]]:
    if isinstance(answer, list):
        yield from ((one, "", {}) for one in answer)
        return
    found = [(path, at) for path in lists.named if isinstance(at := _at(answer, path), list)]
    if not found:
        yield answer, "", {}
    for path, rows in found:
        around = _without(answer, path.split("."))
        yield from ((one, path, around) for one in rows)


def _at(answer: Any, path: str) -> Any:
    for key in path.split("."):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


def _without(answer: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    rest = dict(answer)
    inner = rest.pop(keys[0])
    return rest if len(keys) == 1 else {**rest, keys[0]: _without(inner, keys[1:])}


def _head(asked: Asked) -> str:
    """How a line of a folder begins, up to its answer."""
    method = asked.route.partition(" ")[0]
    line = Line(asked.request, 200, show_instant(asked.at), 1, method, asked.body, asked.headers)
    return written(line, b"0").decode().removesuffix("0}\n")


def _query(request: str) -> dict[str, str]:
    return dict(parse_qsl(request.partition("?")[2], keep_blank_values=True))
