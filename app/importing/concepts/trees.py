"""What records of flows and goals have in common: others' rows by name, values within their columns, ids in bulk."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.flows.bringing_in import BroughtRow
from app.domain.flows.fields import document as as_stored
from app.errors import Failure, Invalid, NotFound, Several
from app.importing.knowing import give_many, named_rows, within_reach
from app.importing.records import Record, RefusedTogether
from app.importing.values import document, exact, instant, text, whole
from app.values.json_text import kind_of

_CODES = range(-(2**31), 2**31)


@dataclass(slots=True)
class Told:
    """A thing of which a record tells: its own values and its ids elsewhere."""

    at: int
    """Which record tells it."""
    values: Mapping[str, Any]
    ids: Mapping[str, str]
    path: tuple[str | int, ...] = ()

    def code(self, name: str, *, default: int | None = None) -> int:
        """A code, known or not."""
        value = self.take(name, whole)
        value = default if value is None else value
        if value is None or value not in _CODES:
            raise Invalid(f"`{name}` is a code: a whole number of 32 bits.", path=[*self.path, name])
        return value

    def count(self, name: str) -> int:
        """A whole number from 0 on that every JSON reader keeps."""
        value = self.take(name, whole)
        if value is None:
            raise Invalid(f"`{name}` is missing.", path=[*self.path, name])
        return inputs.count(value, [*self.path, name])

    def optional_count(self, name: str) -> int | None:
        """The same, or nothing."""
        return None if self.values.get(name) is None else self.count(name)

    def factor(self, name: str) -> Any:
        """An amount, as its column holds it."""
        value = self.take(name, exact)
        if value is None:
            raise Invalid(f"`{name}` is missing.", path=[*self.path, name])
        return inputs.amount(value, [*self.path, name])

    def moment(self, name: str) -> datetime | None:
        """An instant that can be stored."""
        value = self.take(name, instant)
        return None if value is None else inputs.moment(value, [*self.path, name])

    def document(self, name: str) -> str | None:
        """Any JSON, as the text that is kept."""
        return as_stored(self.values.get(name), [*self.path, name])

    def take(self, name: str, read: Callable[[Any, str], Any]) -> Any:
        """A value, read; None where there is none."""
        value = self.values.get(name)
        return None if value is None else read(value, name)

    def only(self, *known: str) -> None:
        """Refuse values that nobody reads: they would be lost."""
        unknown = sorted(self.values.keys() - {*known, "external_ids", "external_id"})
        if unknown:
            raise Invalid(
                f"Unknown: {', '.join(unknown)}; known are {', '.join(known)}.", path=[*self.path, unknown[0]]
            )

    def inner(self, name: str) -> list["Told"]:
        """The things in a list of this one."""
        listed = self.take(name, document)
        if listed is None:
            return []
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Invalid(f"`{name}` is a list of objects.", path=[*self.path, name])
        system = next(iter(self.ids), None)
        return [
            Told(self.at, one, ids_of(one, system, [*self.path, name, place]), (*self.path, name, place))
            for place, one in enumerate(listed)
        ]


def ids_of(values: Mapping[str, Any], system: str | None, path: Sequence[str | int]) -> dict[str, str]:
    """The ids that an inner thing has; an `external_id` alone is one in the system of what holds it."""
    given = values.get("external_ids") or {}
    if not isinstance(given, dict):
        raise Invalid(f"`external_ids` is an object, not {kind_of(given)}.", path=[*path, "external_ids"])
    ids = {str(name): text(ident, "external_ids") for name, ident in given.items()}
    if system is not None and values.get("external_id") is not None:
        ids.setdefault(system, text(values["external_id"], "external_id"))
    return ids


class Names:
    """Finds the rows that things name, a kind at a time for all of a batch."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._found: dict[tuple[str, tuple[str, ...], str], int] = {}

    async def find(self, kind: str, asked: Iterable[tuple[Iterable[str], Any]]) -> None:
        """Look up names, each as the systems beside it mean it."""
        by_systems: dict[tuple[str, ...], set[str]] = {}
        for systems, name in asked:
            if name is not None:
                by_systems.setdefault(tuple(systems), set()).add(_name(name))
        found: dict[tuple[tuple[str, ...], str], int] = {}
        for systems, names in by_systems.items():
            for name, row in (await named_rows(self._tx, kind, systems, sorted(names))).items():
                if isinstance(row, int):
                    found[systems, name] = row
        # A name may be an id of ours, of which only the form is known so far.
        there = await within_reach(self._tx, kind, set(found.values()))
        self._found |= {(kind, *key): row for key, row in found.items() if row in there}

    def row(self, kind: str, what: str, systems: Iterable[str], name: Any, path: Sequence[str | int]) -> int:
        """The row meant; NotFound where there is none."""
        if name is None:
            raise Invalid(f"The {what} is missing.", path=path)
        found = self._found.get((kind, tuple(systems), _name(name)))
        if found is None:
            raise NotFound(what, _name(name), path=path)
        return found


def _name(value: Any) -> str:
    return text(value.get("id") if isinstance(value, dict) else value, "id")


def refuse_repeated(kind: str, told: Iterable[Told], faults: dict[int, Failure]) -> None:
    """Two things of a batch with the same id are one that is told twice."""
    seen: set[tuple[str, str]] = set()
    for one in told:
        for pair in one.ids.items():
            if pair in seen:
                faults.setdefault(
                    one.at,
                    Invalid(f"{kind} {pair[1]} of {pair[0]} is told twice.", path=one.path, code="REPEATED"),
                )
            seen.add(pair)


async def give_all(tx: Transaction, kind: str, rows: Sequence[tuple[BroughtRow, Told]]) -> None:
    """Let rows be known by their ids. RefusedTogether says which records prevent it."""
    try:
        await give_many(tx, kind, [(row.id or 0, told.ids) for row, told in rows])
    except Failure as failure:
        faults: dict[int, Failure] = {}
        for one in failure.failures if isinstance(failure, Several) else [failure]:
            told = rows[int(one.path[0])][1]
            one.path = [*told.path, *one.path[1:]]
            faults.setdefault(told.at, one)
        raise RefusedTogether(faults) from None


def new_ids(rows: Iterable[tuple[BroughtRow, Told]]) -> dict[str, list[str]]:
    """By system, the ids that rows without one of ours will have."""
    by_system: dict[str, list[str]] = {}
    for row, told in rows:
        if row.id is None:
            for system, ident in told.ids.items():
                by_system.setdefault(system, []).append(ident)
    return by_system


def systems_of(record: Record) -> tuple[str, ...]:
    """The systems whose names a record uses."""
    return tuple(record.external_ids)
