"""JSON as a stream of bytes → its elements, one by one, each with its own bytes.

Only brackets, commas and texts are looked at here; whether an element is JSON is found out when it is decoded, so one
that is broken costs itself alone as long as its brackets match. An answer of an API is an object with the rows in a
list inside; it is given out element by element, too, and what stands around the list is kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.importing.reading.files import MAX_ROW
from app.importing.records import Lists
from app.values.json_text import read_json

MAX_HELD = 2 * MAX_ROW
"""Bytes of an answer that are held, so that each row knows all that stands around its list."""
MAX_WHOLE = 16 * MAX_ROW
"""Bytes of an element; a larger one ends the file."""

_INNER = re.compile(rb'"(?:[^"\\]+|\\.)*+(?:(")|\\?\Z)|[{}\[\],]', re.DOTALL)
_OUTER = re.compile(rb'"(?:[^"\\]+|\\.)*+(?:(")|\\?\Z)|[{}\[\],:]', re.DOTALL)
_DARK = re.compile(rb"\S")
_QUOTE, _COMMA, _COLON = b'",:'
_OPENING, _CLOSING = b"{[", b"}]"


@dataclass(frozen=True, slots=True)
class Element:
    """A value of the file."""

    number: int
    """The line it begins on, counted from 1."""
    raw: bytes
    inside: str = ""
    around: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


class Broken(ValueError):
    """The file's brackets do not match, or it ends inside of them: what follows cannot be read."""


class Elements:
    """The elements of a file that holds a list, an object, or several of them one after another."""

    def __init__(self, chunks: Iterable[bytes], lists: Lists) -> None:
        self._chunks = iter(chunks)
        self._lists = lists
        self._buffer = b""
        self._at = 0
        self._keep = 0
        """What is before it in the buffer is no longer needed."""
        self._counted, self._line = 0, 1

    def __iter__(self) -> Iterator[Element]:
        try:
            while (first := self._dark()) is not None:
                if first == ord("["):
                    self._at += 1
                    for number, raw in self._list():
                        yield Element(number, raw)
                elif first == ord("{"):
                    yield from self._object()
                else:
                    raise Broken("A JSON file holds a list or an object")
        except Broken as why:
            rest = self._buffer[self._at : self._at + 200]
            yield Element(self._line_of(self._at), rest, fault=f"{why}; from here on nothing could be read.")

    def _list(self) -> Iterator[tuple[int, bytes]]:
        """The elements of the list whose bracket was just read; ends after the closing one."""
        self._keep, depth = self._at, 0
        while True:
            for token in _INNER.finditer(self._buffer, self._at):
                sign = self._buffer[token.start()]
                if sign == _QUOTE:
                    if token[1] is None:
                        self._at = token.start()
                        break
                elif sign in _OPENING:
                    depth += 1
                elif sign == _COMMA:
                    if depth == 0:
                        yield self._piece(token.start())
                        self._at = self._keep = token.end()
                elif depth:
                    depth -= 1
                elif sign == ord("]"):
                    if self._buffer[self._keep : token.start()].strip():
                        yield self._piece(token.start())
                    self._at = token.end()
                    return
                else:
                    self._at = token.start()
                    raise Broken("A list is closed by `}`")
            else:
                self._at = len(self._buffer)
            self._more("a list")

    def _object(self) -> Iterator[Element]:
        """The rows of an answer; or the object itself, if it has no list of rows."""
        self._keep = self._at
        number = self._line_of(self._at)
        answer = _Answer()
        try:
            yield from self._answer(answer)
        except Broken:
            yield from answer.rows(b"")
            raise
        if answer.has_rows:
            yield from answer.rows(b"")
        else:
            yield Element(number, b"".join(answer.pieces))

    def _answer(self, answer: "_Answer") -> Iterator[Element]:
        """Read on to the end of an object; gives out only rows that are too many to be held."""
        kinds: list[int] = []
        keys: list[bytes] = []
        text = b""
        has_ours = False
        while True:
            token = _OUTER.search(self._buffer, self._at)
            if token is None or (self._buffer[token.start()] == _QUOTE and token[1] is None):
                self._at = len(self._buffer) if token is None else token.start()
                self._more("an object")
                continue
            sign = self._buffer[token.start()]
            self._at = token.end()
            if sign == _QUOTE:
                text = token[0]
            elif sign == _COLON:
                keys[-1] = text
                has_ours = has_ours or (len(kinds) == 1 and self._lists.is_ours(_path(keys)))
            elif (
                sign == ord("[")
                and len(kinds) <= 2
                and ord("[") not in kinds
                and self._is_rows(keys, has_ours)
            ):
                answer.pieces.append(self._buffer[self._keep : self._at])
                answer.has_rows = True
                path = _path(keys)
                for line, raw in self._list():
                    if answer.hold(path, line, raw):
                        yield from answer.rows(b"]" + b"}" * len(kinds))
                self._keep = self._at - 1
            elif sign in _OPENING:
                kinds.append(sign)
                keys.append(b"")
            elif sign in _CLOSING:
                if kinds.pop() + 2 != sign:
                    self._at = token.start()
                    raise Broken("A bracket is closed by one of another kind")
                keys.pop()
                if not kinds:
                    answer.pieces.append(self._buffer[self._keep : self._at])
                    return

    def _is_rows(self, keys: list[bytes], has_ours: bool) -> bool:
        """Whether the list whose bracket was just read holds rows."""
        while (found := _DARK.search(self._buffer, self._at)) is None:
            self._more("a list")
        first = self._buffer[found.start()]
        return self._lists.hold_rows(_path(keys), first, has_ours=has_ours)

    def _dark(self) -> int | None:
        """The next byte that is no space, which is then at the position; None at the end."""
        while (found := _DARK.search(self._buffer, self._at)) is None:
            self._at = self._keep = len(self._buffer)
            if not self._fill():
                return None
        self._at = found.start()
        return self._buffer[self._at]

    def _piece(self, end: int) -> tuple[int, bytes]:
        raw = self._buffer[self._keep : end]
        bare = raw.lstrip()
        return self._line_of(self._keep + len(raw) - len(bare)), bare.rstrip()

    def _line_of(self, at: int) -> int:
        if at > self._counted:
            self._line += self._buffer.count(b"\n", self._counted, at)
            self._counted = at
        return self._line

    def _more(self, what: str) -> None:
        """Read on inside of something."""
        if len(self._buffer) - self._keep > MAX_WHOLE:
            raise Broken(f"An element has more than {MAX_WHOLE} bytes")
        if not self._fill():
            raise Broken(f"The file ends inside of {what}")

    def _fill(self) -> bool:
        """Read on, and forget what is no longer needed; False at the end."""
        chunk = next(self._chunks, b"")
        if not chunk:
            return False
        gone = self._keep
        self._line_of(gone)
        self._buffer = self._buffer[gone:] + chunk
        self._counted, self._at, self._keep = max(0, self._counted - gone), self._at - gone, 0
        return True


def _path(keys: list[bytes]) -> str:
    return ".".join(key[1:-1].decode(errors="replace") for key in keys)


class _Answer:
    """An object whose end has not been seen yet."""

    def __init__(self) -> None:
        self.has_rows = False
        self.pieces: list[bytes] = []
        """Its bytes, without the rows."""
        self._held: list[tuple[str, int, bytes]] = []
        self._bytes = 0
        self._around: Mapping[str, Any] | None = None

    def hold(self, path: str, line: int, raw: bytes) -> bool:
        """Keep a row until it is known what stands around; whether they are too many now."""
        self._held.append((path, line, raw))
        self._bytes += len(raw)
        return self._bytes > MAX_HELD

    def rows(self, end: bytes) -> Iterator[Element]:
        """The rows that are held; `end` closes what is open still."""
        if self._around is None or not end:
            self._around = self._read(end)
        for path, line, raw in self._held:
            yield Element(line, raw, path, self._around)
        self._held.clear()
        self._bytes = 0

    def _read(self, end: bytes) -> Mapping[str, Any]:
        try:
            found = read_json(b"".join(self.pieces) + end, long_numbers=True)
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {}
