"""What is handed on while a file is imported: a row of the file, the records in it, what became of each."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.db.database import Transaction
from app.errors import Failure


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a row is of the answer to, where the files are those of `gateway pull`."""

    route: str
    """As documented: `GET /api/campaigns/{id}/metrics`."""
    request: str
    """Path and query, as asked."""
    at: datetime
    """When the answer came: until then its totals count."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the path names, in the words of the walk (`app/moving/walks`): `{"project": "shop", "user": "2c"}`."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further ones that choose what is shown, such as `X-BEACON-KEY`."""
    body: str | None = None
    """What was sent with a search by POST."""
    folder: str = ""
    """Where the answers are; `app.moving.kept.file_of` finds the bytes of an asset there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV file, or an object of a JSON file."""

    file: str
    """The file's name, as it was given."""
    number: int
    """The line it begins on, counted from 1."""
    values: Mapping[str, Any]
    """Named as in the file. The cells of a CSV file are texts; an empty one is left out."""
    raw: str
    """As it is in the file; in JSON without what stands around it."""
    fault: Failure | None = None
    """Why it could not be read; then there are no values."""
    inside: str = ""
    """JSON: the dotted keys of the list it stands in (`data`, `data.campaigns`); empty at the top."""
    around: Mapping[str, Any] = field(default_factory=dict)
    """JSON: what stands beside that list at the top (`{"project": "martin", "events": […]}`). Of an answer of more
    than 2 MiB only what stands before it."""
    ordinal: int = 0
    """Which row of the file it is, counted from 1: a line of JSON can hold many."""
    at: str | None = None
    """When the answer it is from came, where that is known: sums in it count up to then."""
    asked: Asked | None = None
    """What was asked for, in a folder that was pulled; None in a plain file."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that a row tells: a row has one or several."""

    concept: str
    """Whose writer takes it: a key of `registry.WRITERS`."""
    values: Mapping[str, Any]
    """By our names. Texts are read by the writer (`values.RowReader`); None is no value."""
    row: Row
    """Where it comes from."""
    external_ids: Mapping[str, str] = field(default_factory=dict)
    """Its id in each system that has one for it: system → id, as that system prints it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Our name → the name in the file, where they differ; failures and losses are told in the file's words."""
    lost: Mapping[str, int] = field(default_factory=dict)
    """What the reader found no place for: the name in the file → how many values."""
    system: str = "crm"
    """Whose ids its values hold, beside those of `external_ids`."""
    as_it_was: bool = True
    """A system printed it: it goes in as it was there, whatever today's rules would make of it. False for rows of
    people's own files that tell no history."""

    def named(self, name: str) -> str:
        """What the file calls a value."""
        return self.names.get(name, name)


class Verdict(StrEnum):
    """What became of a record."""

    MADE = "made"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record. A refused one has written nothing, and says why."""

    verdict: Verdict
    failure: Failure | None = None
    lost: Sequence[str] = ()
    """Our names (or the file's) of values that have no place here."""
    unknown: Sequence[str] = ()
    """What goes with it here and the file does not say."""

    @classmethod
    def refused(cls, failure: Failure) -> "Outcome":
        return cls(Verdict.REFUSED, failure)


class RefusedTogether(Exception):
    """Raised by a writer that writes all or nothing: which records prevented it. The others are tried again."""

    def __init__(self, faults: Mapping[int, Failure]) -> None:
        super().__init__(f"{len(faults)} records prevent the others")
        self.faults = dict(faults)
        """Position in the batch → why."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a concept's rows may have, for files whose columns are ours (CSV, JSON lines)."""

    known: tuple[str, ...]
    also: Mapping[str, str] = field(default_factory=dict)
    """Other names → ours."""
    amounts: frozenset[str] = frozenset()
    """Numbers: their decimal commas and thousand separators are read."""
    moments: frozenset[str] = frozenset()
    """Days and instants: read day first where told."""
    unkept: frozenset[str] = frozenset()
    """Printed by some systems and counted or made here: their values are lost, and told."""
    history: frozenset[str] = frozenset()
    """Those that tell a row's past: a row that has one of them goes in as it was."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Columns that hold an object → the concept that takes it as a record of its own, with the row's ids."""
    own_key: bool = False
    """Whether `external_id` is a key of the concept itself, no system's id."""
    free: bool = False
    """Whether columns of any other name are kept too."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Which lists of an answer hold rows."""

    named: frozenset[str] = frozenset()
    """Their dotted keys."""
    ours: Container[str] | None = None
    """Keys of rows themselves, where they are known: an object with one of them before the list is a row."""
    any: bool = False
    """Whether any list of objects at the top does."""

    def is_ours(self, key: str) -> bool:
        """Whether a key at the top is one that a row has."""
        return self.ours is not None and key in self.ours

    def hold_rows(self, path: str, first: int, *, has_ours: bool) -> bool:
        """Whether the list at a path does; `first` is the first byte in it."""
        if has_ours:
            return False
        return path in self.named or (self.any and "." not in path and first == ord("{"))


class Reader(Protocol):
    """Turns rows of a system's printed answers into records. It keeps no state and asks no database."""

    lists: Lists
    """Which lists of an answer hold rows: `Lists(frozenset({"data", "data.campaigns"}))`, by their dotted keys. An
    answer that has none of them is one row."""

    def records(self, row: Row) -> Iterable[Record]:
        """The records in a row. Raises a Failure where the row is nothing this system prints."""
        ...


class Writer(Protocol):
    """Writes the records of one concept. One is made for each import, so it may remember what the files named."""

    columns: Columns

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Write a batch and say what became of each, in its order. It may be called again with the same records.

        Three ways to say no: an `Outcome.refused` (nothing of that record was written; use `tx.savepoint()`);
        `RefusedTogether` (nothing was written, these prevented it); any Failure (nothing was written, nobody knows
        which: the runner tries halves).
        """
        ...
