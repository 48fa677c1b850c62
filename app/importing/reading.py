"""Files of rows: CSV with a header, or JSON lines. A line that cannot be read is reported, and reading goes on."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.errors import Invalid
from app.values.json_text import read_json, read_object

CSV = (".csv", ".tsv")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
MAX_LINE = 1_048_576


@dataclass(frozen=True, slots=True)
class FileLine:
    """A row of the file."""

    number: int
    """The line it begins on, counted from 1."""
    values: dict[str, Any]
    raw: str
    """As it is in the file."""
    fault: str = ""
    """Why it could not be read; then there are no values."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What each value is called in the file."""


def read_lines(file: Path) -> Iterator[FileLine]:
    """The rows of a file, in order. Invalid where the whole file is not what its name says."""
    return _csv(file) if file.suffix.lower() in CSV else _json_lines(file)


def _json_lines(file: Path) -> Iterator[FileLine]:
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not text:
                continue
            raw = text.decode(errors="replace")
            try:
                if len(text) > MAX_LINE:
                    raise ValueError(f"The line has {len(text)} bytes; at most {MAX_LINE} are allowed.")
                values = read_object(text)
                names = {snake(key): key for key in values}
                if len(names) < len(values):
                    raise ValueError(
                        f"Two keys mean the same: {', '.join(sorted(values.keys() - names.values()))} is one."
                    )
                yield FileLine(number, {name: values[key] for name, key in names.items()}, raw, names=names)
            except ValueError as why:
                yield FileLine(number, {}, raw, str(why))


def _csv(file: Path) -> Iterator[FileLine]:
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    # Bytes that are not UTF-8 become surrogates, and are reported with their row.
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        records = _Records(opened)
        written = [name.strip() for name in _cells(records.first(), delimiter)]
        header = [snake(name) for name in written]
        if not header or not all(header) or len(set(header)) < len(header):
            raise Invalid("The first line of a CSV file names its columns, each once.", path=[1])
        for number, text in records:
            raw = text.rstrip("\r\n").encode(errors="surrogateescape").decode(errors="replace")
            try:
                cells = _cells(text, delimiter)
            except csv.Error as why:
                yield FileLine(number, {}, raw, f"This is not CSV: {why}.")
                continue
            if not any(cells):
                continue
            if "\ufffd" in raw and "\ufffd" not in text:
                yield FileLine(number, {}, raw, "The line is not UTF-8.")
            elif "\0" in text:
                yield FileLine(number, {}, raw, "The line holds the character NUL, which cannot be stored.")
            elif len(cells) != len(header):
                told = f"The line has {len(cells)} cells, the header {len(header)}."
                yield FileLine(number, {}, raw, told)
            else:
                # An empty cell is no value.
                values = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
                yield FileLine(number, values, raw, names=dict(zip(header, written, strict=True)))


def _cells(text: str, delimiter: str) -> list[str]:
    """The cells of one record. csv.Error where it is none."""
    return next(csv.reader([text], delimiter=delimiter, strict=True), [])


class _Records:
    """The records of a CSV file with the line each begins on: a line, or several where a quoted cell goes on.

    A quote that is never closed costs only its own line; csv's own reader would take the rest of the file for the cell.
    """

    def __init__(self, opened: Iterable[str]) -> None:
        self._lines = iter(opened)
        self._ahead: deque[str] = deque()
        self._number = 0

    def first(self) -> str:
        """The text of the next record; empty where there is none."""
        return next(self, (0, ""))[1]

    def __iter__(self) -> "_Records":
        return self

    def __next__(self) -> tuple[int, str]:
        line = self._line()
        if line is None:
            raise StopIteration
        self._number += 1
        number, text, further = self._number, line, []
        while text.count('"') % 2:
            more = self._line()
            if more is not None:
                further.append(more)
                text += more
            if more is None or len(text) > MAX_LINE:
                # The quote is not closed anywhere near: the lines after it are records of their own.
                self._ahead.extendleft(reversed(further))
                return number, line
        self._number += len(further)
        return number, text

    def _line(self) -> str | None:
        return self._ahead.popleft() if self._ahead else next(self._lines, None)


def snake(name: str) -> str:
    """`externalId`, `External Id` and `EXTERNAL_ID` → `external_id`; what comes after a dot stays."""
    head, dot, tail = name.partition(".")
    words = _WORDS.sub("_", head.replace(" ", "_").replace("-", "_"))
    return "_".join(word.lower() for word in words.split("_") if word) + dot + tail


def as_json(text: str, what: str) -> Any:
    """A cell that holds JSON."""
    try:
        return read_json(text.encode())
    except ValueError as why:
        raise Invalid(f"`{what}` holds no JSON: {why}", path=[what]) from None
