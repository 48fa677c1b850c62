"""Files whose columns are ours, or are mapped to ours: a `Reader` for each concept."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from app.errors import Invalid
from app.importing.reading.dates import iso
from app.importing.reading.numbers import Convention
from app.importing.reading.told import Decimals, Told
from app.importing.records import Columns, Lists, Record, Row
from app.importing.values import document
from app.values.formulas import unguarded
from app.values.json_text import kind_of

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\s_-]+")
_WRAPPERS = ("data", "items", "results", "rows", "records", "nodes", "values")


class ColumnReader:
    """Reads rows of one concept. One is made for each file: it learns how the file's columns write numbers."""

    def __init__(self, concept: str, columns: Columns, told: Told) -> None:
        self._concept, self._columns, self._told = concept, columns, told
        self._ours = {
            _bare(name): name for name in (*columns.known, *columns.unkept, *columns.parts, "external_ids")
        }
        self._ours |= {_bare(theirs): ours for theirs, ours in columns.also.items()}
        self._mapping = {name: self._target(ours) for name, ours in told.mapping.items()}
        self._mapping |= {snake(name): ours for name, ours in self._mapping.items()}
        for theirs, ours in self._mapping.items():
            if ours.partition(".")[0] not in self._ours.values():
                raise Invalid(
                    f"`{theirs}` is mapped to `{ours}`, which is unknown{_nearest(ours, columns.known)}; known are"
                    f" {', '.join(columns.known)}" + (" and `attributes.NAME`." if columns.free else "."),
                    path=["map"],
                )
        self._unmapped = set(told.mapping)
        self._ignored = {snake(name) for name in told.ignored}
        self._found: dict[str, str | None] = {}
        self._conventions: dict[str, Convention] = {}
        self._table = False
        named = {concept, *_WRAPPERS}
        self.lists = Lists(frozenset(named | {f"data.{name}" for name in named}), ours=self, any=True)

    def header(self, names: list[str]) -> None:
        """The columns of a table. Invalid where two of them mean the same."""
        self._table = True
        first: dict[str, str] = {}
        for name in names:
            ours = self.ours(name)
            if ours is not None and not self._may_be_both(first.setdefault(ours, name), name):
                raise Invalid(
                    f"The columns `{first[ours]}` and `{name}` mean the same (`{ours}`);"
                    " leave one out with `--ignore`.",
                    path=[1],
                )

    def watch(self, row: Row) -> None:
        """Learn from a row of the table."""
        for name, value in row.values.items():
            if self.ours(name) in self._columns.amounts:
                self._convention(name).learn(value)

    def records(self, row: Row) -> Iterator[Record]:
        """The record in a row; and one for each object in it that another concept takes."""
        values: dict[str, Any] = {}
        names: dict[str, str] = {}
        lost: dict[str, int] = {}
        unknown: list[str] = []
        for name, value in self._unwrapped(row.values).items():
            ours = self.ours(name)
            if ours is not None and ours in names:
                if not self._may_be_both(names[ours], name):
                    raise Invalid(f"Two keys mean the same: {name} is one.", code="UNREADABLE")
                if ours in values and (value is None or names[ours] == ours):
                    continue
            if ours is not None:
                names[ours] = name
            if self._table and isinstance(value, str):
                # As a person or a spreadsheet wrote it: a cell of blanks is empty.
                value = unguarded(value) if value.strip() else None
            if value is None:
                continue
            if ours is None or ours in self._columns.unkept:
                lost[name] = 1
            elif not self._is_known(ours):
                unknown.append(name)
            else:
                values[ours] = self._plain(name, ours, value)
        if unknown:
            raise self._unknown(unknown)
        ids = self._external_ids(values)
        parts = {name: values.pop(name) for name in self._columns.parts if name in values}
        yield Record(
            self._concept,
            values,
            row,
            ids,
            names,
            lost,
            system=self._told.system,
            as_it_was=not self._columns.history.isdisjoint(values),
        )
        for name, part in parts.items():
            inner = document(part, name)
            if not isinstance(inner, dict):
                raise Invalid(f"`{names[name]}` is an object.", path=[name])
            yield Record(self._columns.parts[name], inner, row, ids, {}, system=self._told.system)

    def ours(self, name: str) -> str | None:
        """What we call a column of the file; None where it is ignored."""
        if name not in self._found:
            low = snake(name)
            if low in self._ignored:
                self._found[name] = None
            else:
                mapped = self._mapping.get(name.strip()) or self._mapping.get(low)
                self._found[name] = mapped or self._target(low)
                if mapped is not None:
                    self._unmapped -= {told for told in self._unmapped if snake(told) == low}
        return self._found[name]

    def not_there(self) -> frozenset[str]:
        """Names that were mapped, and that the file does not have."""
        return frozenset(self._unmapped)

    def kept_free(self) -> frozenset[str]:
        """Columns of the file that mean nothing here, and become free attributes."""
        return frozenset(
            name
            for name, ours in self._found.items()
            if self._columns.free and ours is not None and ours.partition(".")[0] not in self._ours.values()
        )

    def __contains__(self, key: object) -> bool:
        """Whether a key is one of a row's."""
        return isinstance(key, str) and _bare(snake(key)) in self._ours

    def _target(self, name: str) -> str:
        head, dot, tail = snake(name).partition(".")
        return self._ours.get(_bare(head), head) + dot + tail

    def _is_known(self, ours: str) -> bool:
        return self._columns.free or ours.partition(".")[0] in self._ours.values()

    def _may_be_both(self, first: str, second: str) -> bool:
        """Whether two names of one value may stand in a row: two words of ours for it, as `segment`, `segment_id`."""
        if first == second:
            return True
        one, other = _bare(snake(first)), _bare(snake(second))
        return (
            one != other
            and one in self._ours
            and other in self._ours
            and not ({snake(first), snake(second)} & self._mapping.keys())
        )

    def _unwrapped(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a detail wraps in an object of one key."""
        if len(values) == 1:
            ((name, inner),) = values.items()
            if isinstance(inner, dict) and name not in self and name not in self._told.mapping:
                return inner
        return values

    def _plain(self, name: str, ours: str, value: Any) -> Any:
        if isinstance(value, str):
            try:
                if ours in self._columns.amounts and value.strip():
                    return self._convention(name).plain(value.strip(), name)
                if ours in self._columns.moments:
                    return iso(value, day_first=self._told.day_first)
            except Invalid as problem:
                raise Invalid(f"`{name}`: {problem.message}", path=[ours]) from None
        return value

    def _convention(self, name: str) -> Convention:
        if name not in self._conventions:
            # A text in JSON comes from a program, which writes a point unless something else is told.
            told = self._told.decimal or (None if self._table else Decimals.POINT)
            self._conventions[name] = Convention(told)
        return self._conventions[name]

    def _external_ids(self, values: dict[str, Any]) -> dict[str, str]:
        """Its ids by system, taken out of the values, unless the concept has a key of its own."""
        ids: dict[str, str] = {}
        given = values.pop("external_ids", None)
        if isinstance(given, list):
            given = {one.get("system"): one.get("id") for one in given if isinstance(one, dict)}
        if given is not None and not isinstance(given, dict):
            raise Invalid("`external_ids` is an object: system → id.", path=["external_ids"])
        for system, ident in (given or {}).items():
            ids[str(system)] = _id(ident, "external_ids")
        for name in [name for name in values if name.startswith("external_ids.")]:
            ids[name.removeprefix("external_ids.")] = _id(values.pop(name), name)
        if not self._columns.own_key and "external_id" in values:
            ident = _id(values.pop("external_id"), "external_id")
            if ident:
                ids[self._told.system] = ident
        return ids

    def _unknown(self, unknown: list[str]) -> Invalid:
        known = list(self._columns.known)
        told = []
        for name in sorted(unknown):
            told.append(f"`{name}`{_nearest(snake(name), known)}")
        return Invalid(
            f"Unknown columns: {', '.join(told)}; known are {', '.join(known)}. Say what they are with"
            " `--map`, or leave them out with `--ignore`.",
            path=[snake(min(unknown))],
        )


def snake(name: str) -> str:
    """`externalId`, `External Id` and `EXTERNAL_ID` → `external_id`; what comes after a dot stays."""
    head, dot, tail = name.strip().partition(".")
    words = _BETWEEN.split(_WORDS.sub("_", head))
    return "_".join(word.lower() for word in words if word) + dot + tail


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (perhaps `{near[0]}`)" if near else ""


def _bare(name: str) -> str:
    """Names that differ only in where their words end are the same: `E-Mail`, `externalid`."""
    return name.replace("_", "")


def _id(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Invalid(f"`{name}` is a text, not {kind_of(value)}.", path=[name.partition(".")[0]])
    return str(value).strip()
