"""Refused rows, in the form they came in: the mended file can be imported as it is. Their reasons stand beside them."""

from collections.abc import Sequence
from pathlib import Path

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
        self._line = 0

    def add(self, refused: Sequence[tuple[Row, Sequence[tuple[Failure, Record | None]]]]) -> None:
        """Write rows down, and why they are refused."""
        if refused and self.rows_file is not None and self.reasons_file is not None:
            mode = "ab" if self.count else "wb"
            try:
                # Not kept open: a folder may have more files than a process may have open.
                with self.rows_file.open(mode) as rows, self.reasons_file.open(mode) as reasons:
                    if not self.count:
                        rows.write(self._file.encoded(self._file.head(), first=True))
                        self._line = self._file.lines_in(self._file.head())
                    for row, failures in refused:
                        text = self._file.written(row)
                        rows.write(self._file.encoded(text))
                        for failure, record in failures:
                            reasons.write(write_json(self._told(row, failure, record)) + b"\n")
                        self._line += self._file.lines_in(text)
            except OSError as why:
                raise Invalid(
                    f"Refused rows cannot be written to {self.rows_file}: {why.strerror}; see `--refused`.",
                    path=["refused"],
                ) from None
        self.count += len(refused)

    def _told(self, row: Row, failure: Failure, record: Record | None) -> dict[str, object]:
        return {
            "line": row.number,
            "row": row.ordinal,
            "code": failure.reason,
            "message": failure.message,
            "column": _column(failure, record),
            "path": failure.path,
            "refused_line": self._line + 1,
        }


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
