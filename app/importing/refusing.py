"""Refused rows, in the form they came in: the mended file can be imported as it is. Their reasons stand beside them."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from app.errors import Failure, Invalid
from app.importing.reading.files import RowFile
from app.importing.records import Record, Row
from app.values.json_text import write_json


class Refusals:
    """Two files, made with the first row: the rows, and a JSON object a line that says why."""

    def __init__(self, file: RowFile, into: Path | None, *, silent: bool = False) -> None:
        """`into`: a folder, or the file for the rows; beside the file unless given. `silent`: make none."""
        self.count = 0
        self.rows_file: Path | None = None
        self.reasons_file: Path | None = None
        if not silent:
            self.rows_file, self.reasons_file = _places(file, into)
            if self.rows_file.exists() and self.rows_file.samefile(file.source.path):
                raise Invalid(f"{file.name} itself is no place for its refused rows.", path=["refused"])
        self._file = file
        self._rows: BinaryIO | None = None
        self._reasons: BinaryIO | None = None
        self._line = 0

    def __enter__(self) -> "Refusals":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for opened in (self._rows, self._reasons):
            if opened is not None:
                opened.close()

    def add(self, row: Row, failures: Sequence[tuple[Failure, Record | None]]) -> None:
        """Write a row down, and why it is refused."""
        self.count += 1
        if self.rows_file is None or self.reasons_file is None:
            return
        if self._rows is None or self._reasons is None:
            try:
                self._rows, self._reasons = self.rows_file.open("wb"), self.reasons_file.open("wb")
            except OSError as why:
                problem = (
                    f"Refused rows cannot be written to {self.rows_file}: {why.strerror}; see `--refused`."
                )
                raise Invalid(problem, path=["refused"]) from None
            head = self._file.head()
            self._rows.write(self._file.encoded(head, first=True))
            self._line = self._file.lines_in(head)
        text = self._file.written(row)
        self._rows.write(self._file.encoded(text))
        for failure, record in failures:
            told = {
                "line": row.number,
                "row": row.ordinal,
                "code": failure.reason,
                "message": failure.message,
                "column": _column(failure, record),
                "path": failure.path,
                "refused_line": self._line + 1,
            }
            self._reasons.write(write_json(told) + b"\n")
        self._line += self._file.lines_in(text)


def _places(file: RowFile, into: Path | None) -> tuple[Path, Path]:
    if into is not None and not into.is_dir():
        return into, into.with_name(f"{into.name}.reasons.jsonl")
    beside = file.beside if into is None else into / file.source.label
    return beside.with_name(f"{beside.name}.refused{file.suffix}"), beside.with_name(
        f"{beside.name}.reasons.jsonl"
    )


def _column(failure: Failure, record: Record | None) -> str | None:
    """What the file calls the value that is wrong."""
    if not failure.path or not isinstance(failure.path[0], str):
        return None
    return record.named(failure.path[0]) if record is not None else failure.path[0]
