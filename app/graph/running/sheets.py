"""Rows of a data set as CSV (RFC 4180): a column for each selected leaf, called by its path (`store.name`)."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.errors import Invalid
from app.plan.collect import Selected, is_list
from app.values.formulas import guarded
from app.values.json_text import write_json

# Numbers keep the digits they are written with.
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=str)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a data set."""

    paths: tuple[tuple[str, ...], ...]

    def header(self) -> bytes:
        """The first line."""
        return _written([[".".join(path) for path in self.paths]])

    def lines(self, rows: Sequence[msgspec.Raw]) -> bytes:
        """A line for each row."""
        return _written([[_cell(row, path) for path in self.paths] for row in map(_ROW.decode, rows)])


def sheet_of(row: Selected) -> Sheet:
    """The columns of rows that are selected like this. Invalid where a cell would have to hold a list of objects."""
    return Sheet(tuple(_leaves(_only(row), ())))


def _leaves(fields: Sequence[Selected], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for field in fields:
        path = (*above, field.key)
        if not field.children:
            yield path
        elif is_list(field.definition):
            raise Invalid(
                f"A cell holds no list of objects, and {'.'.join(path)} is one: leave it out, or ask for"
                " application/jsonl."
            )
        else:
            yield from _leaves(_only(field), path)


def _only(field: Selected) -> list[Selected]:
    if len(field.children) > 1:
        raise Invalid(
            f"{field.key} may be of several types, which have no common columns: ask for application/jsonl."
        )
    return field.inside


def _cell(row: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = row
    for key in path:
        if value is None:
            return ""
        value = value[key]
    return _shown(value)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        joined = ";".join(map(_shown, value))
        return joined if joined.startswith("'") else guarded(joined)
    return str(value) if isinstance(value, int) else write_json(value).decode()


def _written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


__all__ = ["Sheet", "sheet_of"]
