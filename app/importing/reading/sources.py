"""Where bytes come from: a file, a folder of files, or stdin; compressed or not."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from app.errors import Invalid
from app.moving.kept import is_pulled

MARKS = (".refused.", ".reasons.")
"""In the names of the files that an import makes; a folder's are not read as its files."""
TABLES = (".csv", ".tsv", ".tab")
LINES = (".jsonl", ".ndjson")
SUFFIXES = (*TABLES, ".txt", *LINES, ".json")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that can be read several times."""

    name: str
    """As it is told to people."""
    path: Path
    beside: Path
    """Files about this one are named after it, with something more."""
    label: str = ""
    """A name for files about this one in another folder."""
    temporary: bool = False
    """Whether the file is ours, and goes when it has been read."""

    @property
    def suffix(self) -> str:
        """What the name ends with, before `.gz`; lower case."""
        name = Path(self.beside.name.lower())
        return Path(name.stem).suffix if name.suffix == ".gz" else name.suffix

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes from the beginning, uncompressed. Invalid where they cannot be read."""
        try:
            with self.path.open("rb") as opened:
                if opened.peek(2)[:2] == _GZIP:
                    with gzip.open(opened) as inner:
                        yield cast("BinaryIO", inner)
                else:
                    yield opened
        except (gzip.BadGzipFile, zlib.error, EOFError) as why:
            raise Invalid(f"{self.name} is compressed and damaged: {why}.") from None
        except OSError as why:
            raise Invalid(f"{self.name} cannot be read: {why.strerror or why}.") from None

    def close(self) -> None:
        """Remove what was only made to read it."""
        if self.temporary:
            self.path.unlink(missing_ok=True)


def find_sources(place: str) -> list[Source]:
    """A file, the files of a folder in the order of their names, or `-` for stdin.

    A folder that `gateway pull` wrote is one source.
    """
    if place == "-":
        return [_stdin()]
    path = Path(place)
    if not path.exists():
        raise Invalid(f"There is no file {place}.")
    if not path.is_dir():
        return [Source(place, path, path, path.name)]
    if is_pulled(path):
        return [Source(place, path, path, path.name)]
    below = [(file.relative_to(path), file) for file in sorted(path.rglob("*"))]
    found = [
        Source(str(file), file, file, "-".join(inner.parts)) for inner, file in below if _is_one(inner, file)
    ]
    if not found:
        raise Invalid(
            f"There is no file in {place} whose name ends with {', '.join(SUFFIXES)} (or .gz after it)."
        )
    return found


def _is_one(below: Path, file: Path) -> bool:
    name = file.name.lower().removesuffix(".gz")
    hidden = any(part.startswith(".") for part in below.parts)
    return (
        not hidden and name.endswith(SUFFIXES) and not any(mark in name for mark in MARKS) and file.is_file()
    )


def _stdin() -> Source:
    # It is read twice: once to find out what it is and how much, and once to import it.
    with tempfile.NamedTemporaryFile(prefix="gateway-import-", delete=False) as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
    return Source("stdin", Path(kept.name), Path("stdin"), "stdin", temporary=True)
