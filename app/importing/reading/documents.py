"""JSON: an object a line, a list, an answer of an API, or several of them one after another."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from app.errors import Invalid
from app.importing.reading.elements import Element, Elements
from app.importing.reading.encodings import Encoding
from app.importing.reading.files import MAX_ROW, RowFile
from app.importing.reading.sources import LINES, Source
from app.importing.records import Lists, Row
from app.values.json_text import read_json, read_object, write_json

MAX_LINE = 64 * MAX_ROW
MAX_AROUND = 65_536
"""Bytes around a list that are written again with each of its refused rows."""


class Documents(RowFile):
    """A file of JSON."""

    def __init__(self, source: Source, encoding: Encoding, lists: Lists) -> None:
        self.source, self.encoding = source, encoding
        self._lists = lists
        self.by_line = self._is_by_line()
        self.total = sum(1 for _ in self._elements())

    @property
    def suffix(self) -> str:
        return ".jsonl"

    @property
    def read_as(self) -> str:
        return f"JSON {'lines' if self.by_line else 'documents'} ({self.encoding.name})"

    def rows(self) -> Iterator[Row]:
        for ordinal, element in enumerate(self._elements(), start=1):
            raw = element.raw.decode(errors="surrogateescape")
            problem: Invalid | None
            try:
                if element.fault:
                    raise ValueError(element.fault)
                if len(element.raw) > MAX_ROW:
                    raise ValueError(f"It has {len(element.raw)} bytes; at most {MAX_ROW} are allowed.")
                values = read_object(element.raw, long_numbers=True)
            except ValueError as why:
                problem = Invalid(_of_a_row(str(why), element.raw), code="UNREADABLE")
                values = {}
            else:
                problem = None
            yield Row(
                self.name,
                element.number,
                values,
                raw,
                problem,
                element.inside,
                element.around,
                ordinal=ordinal,
            )

    def head(self) -> str:
        return ""

    def written(self, row: Row) -> str:
        # On one line: in JSON a line end is never inside of a text.
        text = row.raw.replace("\r", " ").replace("\n", " ")
        if row.inside and self._lists.ours is None:
            text = _in_its_list(text, row)
        return text + "\n"

    def _elements(self) -> Iterator[Element]:
        with self.source.open() as opened:
            chunks = self.encoding.chunks(opened)
            yield from self._of_lines(_lines(chunks)) if self.by_line else Elements(chunks, self._lists)

    def _of_lines(self, lines: Iterable[bytes]) -> Iterator[Element]:
        # A line may be an answer, too; but any list is not enough to take a line for one.
        keys = b"|".join(re.escape(path.split(".")[-1].encode()) for path in self._lists.named)
        begins = re.compile(rb'"(?:' + keys + rb')"\s*:\s*\[')
        lists = replace(self._lists, any=False)
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text:
                continue
            if keys and begins.search(text):
                found = list(Elements([text], lists))
                if not any(element.fault for element in found):
                    yield from (Element(number, one.raw, one.inside, one.around) for one in found)
                    continue
            yield Element(number, text)

    def _is_by_line(self) -> bool:
        """Whether each line is a row: as the name says, or where the first line is a whole object and others follow."""
        with self.source.open() as opened:
            lines = (line.strip() for line in _lines(self.encoding.chunks(opened)))
            filled = (line for line in lines if line)
            first = next(filled, b"")
            try:
                value = read_json(first, long_numbers=True)
            except ValueError:
                value = None
            if first.startswith(b"["):
                # A list on one line is a document, even where the name promises lines.
                return (
                    self.source.suffix in LINES
                    and isinstance(value, list)
                    and not (value and isinstance(value[0], dict))
                )
            if self.source.suffix in LINES:
                return first != b"{"
            return isinstance(value, dict) and next(filled, b"").startswith(b"{")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []
    length = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        begun.append(first)
        length += len(first)
        if length > MAX_LINE:
            raise Invalid(f"A line has more than {MAX_LINE} bytes; these are no JSON lines.")
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun, length = [others[-1]], len(others[-1])
    if last := b"".join(begun):
        yield last


def _in_its_list(text: str, row: Row) -> str:
    """The row in its list, with what stands around that, so that it is found again."""
    answer = dict(row.around) if len(write_json(row.around)) <= MAX_AROUND else {}
    at = answer
    *outer, last = row.inside.split(".")
    for key in outer:
        inner = at.get(key)
        at[key] = at = dict(inner) if isinstance(inner, dict) else {}
    at[last] = [_PLACE]
    return write_json(answer).decode().replace(f'"{_PLACE}"', text)


_PLACE = "\u2026 the row \u2026"


def _of_a_row(message: str, raw: bytes) -> str:
    told = message.replace("The body", "The row").replace("the body", "the row")
    copied = next((sign for sign, pattern in _SIGNS_OF_A_PAGE if pattern.search(raw)), None)
    if copied is None:
        return told
    return f"{told.removesuffix('.')}. It has `{copied}` as pages of documentation show it: take that out."


_SIGNS_OF_A_PAGE = (
    ("\u2022", re.compile(rb"(?:\A|\n)[ \t]*\xe2\x80\xa2")),
    ("...", re.compile(rb"[{\[:][ \t\r\n]*(?:\.\.\.|\xe2\x80\xa6)")),
)
"""What a sample has when it is copied from a page: a sign before each line, and where something is left out."""
