"""Faults in arguments, found over the whole operation before either execution starts.

So that both refuse the same requests in the same words, and no statement can fail on what a client sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.plan.arguments import FieldArguments
from app.plan.catalog import Aggregate, ByIds, Catalog, Many
from app.plan.collect import Selected, node_type
from app.plan.pages import STRUCTURAL, cursor_keys, ordering_of

MAX_FIRST = 1_000
MAX_OFFSET = 100_000
MAX_IDS = 100
MAX_ITEMS = 1_000
"""Entries of any list inside an argument."""
MAX_KEYS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one argument, and where."""

    message: str
    selected: Selected
    argument: str


def faults(catalog: Catalog, fields: Iterable[Selected], args: list[dict[str, Any]]) -> list[Fault]:
    """Every fault in the arguments of these fields. `args` are the coerced arguments of the request, by slot."""
    out: list[Fault] = []
    for selected in fields:
        if selected.definition is None or not selected.definition.args or selected.field is None:
            continue
        values = selected.values if selected.slot is None else args[selected.slot]
        out.extend(Fault(m, selected, a) for a, m in _faults(catalog, selected, values))
    return out


def _faults(catalog: Catalog, selected: Selected, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, list | dict | str) and (wrong := _unfit(value)):
            yield name, wrong
    if isinstance(selected.field, ByIds) and selected.field.many and len(values["ids"]) > MAX_IDS:
        yield "ids", f"At most {MAX_IDS} ids at a time."
    if isinstance(selected.field, Aggregate) and selected.field.check is not None:
        yield from selected.field.check(values)
    if isinstance(selected.field, Many) and selected.field.connection:
        yield from _page_faults(catalog, selected, selected.field, values)


def _page_faults(
    catalog: Catalog, selected: Selected, many: Many, values: Mapping[str, Any]
) -> Iterable[tuple[str, str]]:
    for name in ("first", "last"):
        size = values.get(name)
        if size is not None and not 0 <= size <= MAX_FIRST:
            yield name, f"{name} lies between 0 and {MAX_FIRST}."
    if values.get("first") is not None and values.get("last") is not None:
        yield "last", "Give first or last, not both."
    offset = values.get("offset")
    cursors = [name for name in ("after", "before") if values.get(name) is not None]
    if offset is not None:
        if not 0 <= offset <= MAX_OFFSET:
            yield "offset", f"offset lies between 0 and {MAX_OFFSET}; go further with cursors."
        if cursors:
            yield "offset", f"Give offset or {cursors[0]}, not both."
    if len(values.get("orderBy") or ()) > MAX_KEYS:
        yield "orderBy", f"At most {MAX_KEYS} sort keys."
        return
    if cursors:
        entity = catalog.entities[node_type(selected)]
        ordering = ordering_of(entity, many, FieldArguments(values, slot=None, structural=STRUCTURAL))
        for name in cursors:
            try:
                cursor_keys(ordering, values[name])
            except ValueError as error:
                yield name, f"{name}: {error}."


def _unfit(value: Any) -> str:
    """Why a value cannot reach the database: text it cannot store, or too much of it."""
    if isinstance(value, str):
        if "\x00" in value:
            return "A text cannot contain the character NUL."
        try:
            value.encode()
        except UnicodeEncodeError:
            return "A text cannot contain half of a surrogate pair."
        return ""
    if isinstance(value, dict):
        return next((wrong for one in value.values() if (wrong := _unfit(one))), "")
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            return f"A list has at most {MAX_ITEMS} entries."
        return next((wrong for one in value if (wrong := _unfit(one))), "")
    return ""
