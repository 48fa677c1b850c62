"""What a file of rows is to those who import it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from app.importing.reading.encodings import Encoding
from app.importing.reading.sources import Source
from app.importing.records import Row

MAX_ROW = 1_048_576
"""Bytes (in a table: characters) that a row may have."""


class Watcher(Protocol):
    """Sees a table once before it is imported: how a column writes numbers can stand in its last row."""

    def header(self, names: list[str]) -> None:
        """The names of the columns. Invalid where they cannot be."""

    def watch(self, row: Row) -> None:
        """A row that could be read."""


class RowFile(ABC):
    """A file of rows. It was looked through once: how it is written and how many rows it has are known."""

    source: Source
    encoding: Encoding
    total: int
    """How many rows there are, with those that cannot be read."""

    @property
    def name(self) -> str:
        """As it is told to people."""
        return self.source.name

    @property
    def beside(self) -> Path:
        """Files about this one are named after it, with something more."""
        return self.source.beside

    @property
    @abstractmethod
    def suffix(self) -> str:
        """What the name of a file ends with that is written in the same way."""

    @property
    @abstractmethod
    def read_as(self) -> str:
        """How it is written, for people."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Its rows, in order."""

    @abstractmethod
    def head(self) -> str:
        """What stands before the first row."""

    @abstractmethod
    def written(self, row: Row) -> str:
        """A row as it was in the file, with the end of its line."""

    def encoded(self, text: str, *, first: bool = False) -> bytes:
        """Text in the file's encoding."""
        return (self.encoding.mark if first else b"") + self.encoding.encode(text)

    @staticmethod
    def lines_in(text: str) -> int:
        """How many lines a text ends."""
        return text.count("\n") + text.count("\r") - text.count("\r\n")

    def close(self) -> None:
        """Remove what was only made to read it."""
        self.source.close()
