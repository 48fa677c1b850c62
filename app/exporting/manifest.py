"""`manifest.json`: what is in a folder that a group was exported into."""

from pathlib import Path
from typing import Any

import msgspec

from app.errors import Invalid

FORMAT = 1
"""Goes up when lines or folders mean something else."""
NAME = "manifest.json"
ROWS, READING, FILES, SHEETS = "rows", "reading", "files", "csv"
"""The folders beside it: rows that come back in, rows to read, files by their digest, and sheets for people."""


class TableFile(msgspec.Struct, frozen=True):
    """A file of lines."""

    name: str
    rows: int
    bytes: int
    sha256: str
    columns: list[str]


class Manifest(msgspec.Struct, frozen=True):
    """What is in the folder. The instant is that of the one snapshot everything was read from."""

    format: int
    revision: str
    """Of the schema that the rows are of."""
    instant: str
    group: dict[str, Any]
    """Its number where it comes from, and its settings."""
    tables: list[TableFile]
    """In the order in which they come back in: `rows/<name>.jsonl`."""
    reading: list[TableFile]
    """Only to be read: `reading/<name>.jsonl`."""
    files: int
    """How many there are under `files`."""
    file_bytes: int
    missing_files: list[str]
    """Digests of files that rows name, and that were not to be had."""
    left_out: dict[str, str]
    """What of a group is not here, and why."""

    def write(self, folder: Path) -> None:
        """Last of all: a folder without it was not finished."""
        text = msgspec.json.format(msgspec.json.encode(self), indent=2)
        (folder / NAME).write_bytes(text + b"\n")
        (folder / NAME).chmod(0o600)


def read_manifest(folder: Path) -> Manifest:
    """What a folder says of itself; Invalid says what is wrong with it."""
    try:
        text = (folder / NAME).read_bytes()
    except OSError:
        raise Invalid(f"{folder} is no finished export: there is no {NAME} in it that can be read.") from None
    try:
        form = msgspec.json.decode(text, type=_OnlyFormat).format
        if form > FORMAT:
            raise Invalid(
                f"{folder} was exported by a newer version (format {form}; this one reads {FORMAT}). Bring it in with"
                " that version."
            )
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"{folder / NAME} is damaged: {problem}.") from None


class _OnlyFormat(msgspec.Struct):
    format: int


__all__ = ["FILES", "FORMAT", "READING", "ROWS", "SHEETS", "Manifest", "TableFile", "read_manifest"]
