"""Tables: CSV as programs of many countries write it."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Literal

from app.errors import Invalid
from app.importing.reading.cells import Cells, LineTooLong, Records, fits, without_end
from app.importing.reading.encodings import Encoding, is_whole
from app.importing.reading.files import RowFile, Watcher
from app.importing.reading.sources import Source
from app.importing.reading.told import SEPARATORS
from app.importing.records import Row

CANDIDATES = ",;\t|"
SAMPLE = 200
"""How many records the separator is found out from."""


class Table(RowFile):
    """A file of rows of cells; the first row names the columns."""

    def __init__(
        self, source: Source, encoding: Encoding, *, separator: str | None, watcher: Watcher | None = None
    ) -> None:
        self.source, self.encoding = source, encoding
        self._head = ""
        self._newline: Literal["", "\n"] = ""
        self._newline = "\n" if self._has_lf() else ""
        self.separator = separator or self._separator()
        self.names = self._names()
        if watcher is not None:
            watcher.header([name for name in self.names if name])
        self.total = 0
        for row in self.rows():
            self.total += 1
            if watcher is not None and row.fault is None:
                watcher.watch(row)

    @property
    def suffix(self) -> str:
        return self.source.suffix if self.source.suffix in (".tsv", ".tab", ".txt") else ".csv"

    @property
    def read_as(self) -> str:
        named = next((name for name, sign in SEPARATORS.items() if sign == self.separator), self.separator)
        return f"a table ({named}, {self.encoding.name})"

    def rows(self) -> Iterator[Row]:
        with self._records(self.separator) as records:
            ordinal = 0
            for record in self._begin(records):
                if record.fault or any(cell.strip() for cell in record.cells):
                    ordinal += 1
                    yield self._row(record, ordinal)

    def head(self) -> str:
        return self._head

    def written(self, row: Row) -> str:
        # The last line of a file may lack its end.
        return row.raw if row.raw.endswith(("\n", "\r")) else row.raw + self._line_end()

    def _line_end(self) -> str:
        return self._head[len(without_end(self._head)) :] or "\n"

    @contextmanager
    def _records(self, separator: str) -> Iterator[Records]:
        with self.source.open() as opened:
            opened.read(len(self.encoding.mark))
            text = io.TextIOWrapper(opened, self.encoding.name, self.encoding.errors, newline=self._newline)
            try:
                yield Records(text.readline, separator)
            except LineTooLong as why:
                raise Invalid(f"{self.name}: {why}") from None
            finally:
                text.detach()

    def _has_lf(self) -> bool:
        """Whether the first line ends with LF, alone or after CR: then CR alone ends none."""
        with self._records("\0") as records:
            first = next(iter(records), None)
        return first is not None and first.text.endswith("\n")

    def _separator(self) -> str:
        """The sign by which most records have as many cells as the header; of several, the one with most columns."""
        if self.source.suffix in (".tsv", ".tab"):
            return "\t"
        with self._records("\0") as records:
            first = next(iter(records), None)
            if first is not None and (told := _excels(first.text)):
                return told
        best, chosen = (0.0, 0), ","
        for candidate in CANDIDATES:
            with self._records(candidate) as records:
                found = [len(r.cells) for r in islice(records, SAMPLE) if not r.fault and any(r.cells)]
            if not found or found[0] < 2:
                continue
            rows = found[1:]
            alike = sum(width == found[0] for width in rows) / len(rows) if rows else 1.0
            if (alike, found[0]) > best:
                best, chosen = (alike, found[0]), candidate
        return chosen

    def _names(self) -> list[str]:
        with self._records(self.separator) as records:
            texts: list[str] = []
            for record in records:
                texts.append(record.text)
                if record.fault:
                    break
                if any(cell.strip() for cell in record.cells) and not _excels(record.text):
                    self._head = "".join(texts)
                    self._skip = len(texts)
                    return self._checked([cell.strip() for cell in record.cells], record.text)
        raise Invalid(f"{self.name}: the first line of a table names its columns.", path=[1])

    def _checked(self, names: list[str], text: str) -> list[str]:
        while names and not names[-1]:
            names.pop()  # programs write separators beyond the last column
        if not is_whole(text) or "\0" in text:
            raise Invalid(
                f"{self.name}: the names of the columns are not {self.encoding.name}; say `--encoding`.",
                path=[1],
            )
        twice = [name for name, count in Counter(names).items() if count > 1 and name]
        if twice:
            raise Invalid(f"{self.name} names the column `{twice[0]}` twice.", path=[1])
        return names

    def _begin(self, records: Records) -> Iterator[Cells]:
        found = iter(records)
        for _ in range(self._skip):
            next(found, None)
        records.width = len(self.names)
        return found

    def _row(self, record: Cells, ordinal: int) -> Row:
        fault = record.fault
        if not fault and not is_whole(record.text):
            fault = f"The line is not {self.encoding.name}."
        elif not fault and "\0" in record.text:
            fault = "The line holds the character NUL, which cannot be stored."
        elif not fault and not fits(record.cells, len(self.names)):
            fault = f"The line has {len(record.cells)} cells, the header {len(self.names)}."
        values: dict[str, str] = {}
        if not fault:
            # An empty cell is no value.
            values = {name: cell for name, cell in zip(self.names, record.cells, strict=False) if cell != ""}
            if "" in values:
                fault = f"The cell `{values.pop('')[:40]}` stands in a column without a name."
        problem = Invalid(fault, code="UNREADABLE") if fault else None
        return Row(self.name, record.number, {} if problem else values, record.text, problem, ordinal=ordinal)


def _excels(text: str) -> str | None:
    """The separator where the file's first line says it, as Excel reads it: `sep=;`."""
    line = text.strip("\r\n").strip('"')
    return line[4] if len(line) == 5 and line.lower().startswith("sep=") else None
