"""Files of rows: CSV with a header, or JSON lines. A line that cannot be read is told, and the next one is read."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import Invalid
from app.values.json_text import read_json, read_object

CSV = (".csv", ".tsv")
MAX_LINE = 1_048_576


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file."""

    number: int
    """The line it ends on, counted from 1."""
    values: dict[str, Any]
    raw: str
    """As it stands in the file; of CSV the cells."""
    fault: str = ""
    """Why it could not be read; then there are no values."""


def read_lines(file: Path) -> Iterator[Line]:
    """The rows of a file, in order. Invalid where the file as a whole is not what its name says."""
    return _csv(file) if file.suffix.lower() in CSV else _json_lines(file)


def _json_lines(file: Path) -> Iterator[Line]:
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not text:
                continue
            raw = text.decode(errors="replace")
            try:
                if len(text) > MAX_LINE:
                    raise ValueError(f"The line has {len(text)} bytes; at most {MAX_LINE} are allowed.")
                yield Line(number, {snake(k): v for k, v in read_object(text).items()}, raw)
            except ValueError as why:
                yield Line(number, {}, raw, str(why))


def _csv(file: Path) -> Iterator[Line]:
    # Bytes that are not UTF-8 become surrogates, and are told with the row they are in.
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        rows = csv.reader(opened, delimiter="\t" if file.suffix.lower() == ".tsv" else ",", strict=True)
        header = [snake(name.strip()) for name in next(rows, [])]
        if not header or not all(header) or len(set(header)) < len(header):
            raise Invalid("The first line of a CSV file names its columns, each once.", path=[1])
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as why:
                yield Line(rows.line_num, {}, "", f"This is not CSV: {why}.")
                continue
            if not any(cells):
                continue
            raw = ",".join(cells).encode(errors="surrogateescape").decode(errors="replace")
            if "\ufffd" in raw and not any("\ufffd" in cell for cell in cells):
                yield Line(rows.line_num, {}, raw, "The line is not UTF-8.")
            elif len(cells) != len(header):
                told = f"The line has {len(cells)} cells, the header {len(header)}."
                yield Line(rows.line_num, {}, raw, told)
            else:
                # An empty cell says nothing.
                values = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
                yield Line(rows.line_num, values, raw)


def snake(name: str) -> str:
    """`externalId` and `External Id` → `external_id`; what comes after a dot stays."""
    head, dot, tail = name.partition(".")
    spaced = "".join(f"_{c.lower()}" if c.isupper() else c for c in head).replace(" ", "_").replace("-", "_")
    return spaced.lstrip("_").replace("__", "_") + dot + tail


def as_json(text: str, what: str) -> Any:
    """A cell that holds JSON."""
    try:
        return read_json(text.encode())
    except ValueError as why:
        raise Invalid(f"`{what}` holds no JSON: {why}", path=[what]) from None
