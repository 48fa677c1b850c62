"""Lines of a table → records of cells. A quote that is never closed costs its own line, not the rest of the file.

A cell is quoted where a quote is its first character: then separators and line ends are text, and `""` is a quote. A
quote anywhere else is text (`TV 55" wide`). csv's own reader agrees, but does not say where a record began, and takes
the rest of the file for a cell whose quote nobody closed.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.importing.reading.files import MAX_ROW

MAX_CELL = 131_072
MAX_LINE = 16 * MAX_ROW
"""A longer line is no line of a table: the file is refused."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A record of the table."""

    number: int
    """The line it begins on, counted from 1."""
    text: str
    """As in the file, with the end of its line."""
    cells: list[str]
    fault: str = ""


class LineTooLong(ValueError):
    def __init__(self, number: int) -> None:
        super().__init__(f"Line {number} has more than {MAX_LINE} characters; this is no table.")


class Records:
    """The records of a table."""

    def __init__(self, read: Callable[[int], str], separator: str) -> None:
        """`read(n)` gives a line with its end, n characters at most, and nothing at the end of the file."""
        self.width: int | None = None
        """How many cells a record over several lines must have; otherwise its first line stands alone."""
        self._read = read
        self._ahead: deque[str] = deque()
        self._number = 0
        self._separator = separator
        s = re.escape(separator)
        self._cell = re.compile(rf'(?:"((?:[^"]+|"")*+)"|((?:[^"{s}][^{s}]*+)?))({s}|\Z)')
        self._closing = re.compile(rf'((?:[^"]+|"")*+)"({s}|\Z)')

    def __iter__(self) -> Iterator[Cells]:
        while line := self._line():
            self._number += 1
            body = without_end(line)
            if '"' in body:
                yield self._quoted(line, body)
            else:
                cells = body.split(self._separator)
                yield Cells(self._number, line, cells, _too_long(line, cells))

    def _quoted(self, line: str, body: str) -> Cells:
        """A record with quotes; perhaps it goes on in further lines."""
        number = self._number
        cells: list[str] = []
        further: list[str] = []
        goes_on = self._collect(body, 0, cells)
        length = len(line)
        last = line
        cell = [body[goes_on + 1 :], line[len(body) :]]
        while goes_on >= 0:
            last = self._line() if length <= MAX_ROW else ""
            if not last:
                goes_on = _FAULT
                break
            further.append(last)
            length += len(last)
            body = without_end(last)
            closed = self._closing.match(body) if '"' in body else None
            if closed is not None:
                cells.append("".join([*cell, closed[1]]).replace('""', '"'))
                goes_on = self._collect(body, closed.end(), cells) if closed[2] else _COMPLETE
                cell = [body[goes_on + 1 :], last[len(body) :]]
            elif _INSIDE.fullmatch(body):
                cell += [body, last[len(body) :]]
            else:
                goes_on = _FAULT
        if goes_on == _COMPLETE and (not further or self._is_one([line, *further], cells)):
            self._number += len(further)
            text = line + "".join(further)
            return Cells(number, text, cells, _too_long(text, cells))
        # The lines after it are records of their own.
        self._ahead.extendleft(reversed(further))
        return Cells(
            number, line, [], "A quote is not closed on this line, or more text follows where it is."
        )

    def _is_one(self, lines: list[str], cells: list[str]) -> bool:
        """Whether lines are one record: not rows between two stray quotes, as in `4;"wide;x` and `9;TV";y`.

        They are if the cells are as many as the columns, unless all but the last line look like rows, too.
        """
        width = self.width
        if width is None:
            return True
        if not fits(cells, width):
            return False
        alone = [fits(without_end(line).split(self._separator), width) for line in lines[:-1]]
        return not (all(alone) and (len(alone) - 1) * (width - 1) >= _LOOK_LIKE_ROWS)

    def _collect(self, body: str, at: int, cells: list[str]) -> int:
        """Read cells from a position on. Returns where a cell begins that goes on in the next line, if one does."""
        while True:
            match = self._cell.match(body, at)
            if match is None:
                return at if body[at] == '"' and _INSIDE.fullmatch(body, at + 1) else _FAULT
            quoted, plain, end = match.groups()
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if not end:
                return _COMPLETE
            at = match.end()

    def _line(self) -> str:
        if self._ahead:
            return self._ahead.popleft()
        line = self._read(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise LineTooLong(self._number + 1)
        return line


_LOOK_LIKE_ROWS = 3
"""So many separators in the right places are no accident of a text."""
_COMPLETE, _FAULT = -1, -2
_INSIDE = re.compile(r'(?:[^"]+|"")*+')
"""Text of a quoted cell, none of whose quotes closes it."""


def without_end(line: str) -> str:
    """A line without CR, LF or both at its end."""
    return line.removesuffix("\n").removesuffix("\r")


def fits(cells: list[str], width: int) -> bool:
    """Whether there are as many cells as columns; empty ones at the end may be too many."""
    return len(cells) == width or (len(cells) > width and not any(cells[width:]))


def _too_long(text: str, cells: list[str]) -> str:
    if len(text) > MAX_CELL:
        if len(text) > MAX_ROW:
            return f"The row has {len(text)} characters; at most {MAX_ROW} are allowed."
        if len(max(cells, key=len)) > MAX_CELL:
            return f"A cell has more than {MAX_CELL} characters."
    return ""
