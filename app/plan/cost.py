"""How much an operation may print and do, by its plan, before anything is run.

What it prints is fields times rows. What it does besides is declared where a field is declared, as its price: criteria
that are counted, events that are simulated, journeys that are shared out. A price is told in rows that may be read, or
in as many as are read in the time it was seen to take: some 200 in a millisecond.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.plan.catalog import Aggregate, ByIds, Column, Many
from app.plan.collect import Selected, Tree
from app.plan.kinds import DOCUMENT

MAX_COST = 500_000
"""Values in one answer."""
MAX_WORK = 500_000
"""Rows read for one answer beside those it shows: some seconds."""
HEAVY_COST, HEAVY_WORK = 50_000, 10_000
"""From here on an operation is heavy: it waits for its turn where others are about."""
A_WRITE = 600
"""The price of any field that writes."""
PRICE = "price"
"""Under which a field's metadata has its price."""
_DOCUMENT = 200
"""What a document that is kept as it was sent counts as: it may have as much text as so many values."""
_FEW = 5
"""Rows assumed of a list that is short by nature."""
_POINTS = 100
"""Rows assumed of a series."""


def cost_of(tree: Tree, args: Sequence[dict[str, Any]]) -> int:
    """The most values the answer is expected to print."""
    return _of(tree.roots, args)


def work_of(tree: Tree, args: Sequence[dict[str, Any]]) -> int:
    """What it may do beside printing: the prices of its fields, for each row they are asked for.

    Each field of a mutation is a transaction of its own.
    """
    writes = len(tree.roots) * A_WRITE if tree.root_type == "Mutation" else 0
    return writes + _of(tree.roots, args, _price)


def dearest(tree: Tree, args: Sequence[dict[str, Any]]) -> str:
    """Where most of the cost is: the path of lists to the largest part, `stores.campaigns.promos`."""
    way: list[str] = []
    fields = tree.roots
    while fields:
        largest = max(fields, key=lambda one: _of([one], args))
        if isinstance(largest.field, Many) and largest.field.connection:
            way.append(largest.key)
        fields = max(largest.children.values(), key=lambda inner: _of(inner, args), default=[])
    return ".".join(way)


def sizes_rows(selected: Selected) -> bool:
    """Whether this field's arguments decide how many rows there may be."""
    field = selected.field
    return (isinstance(field, Many) and field.connection) or (isinstance(field, ByIds) and field.many)


def _value(selected: Selected) -> int:
    return _DOCUMENT if isinstance(selected.field, Column) and selected.field.kind is DOCUMENT else 1


def _price(selected: Selected) -> int:
    return selected.price


def _of(
    fields: Sequence[Selected], args: Sequence[dict[str, Any]], weigh: Callable[[Selected], int] = _value
) -> int:
    total = 0
    for selected in fields:
        if isinstance(selected.field, Many) and selected.field.connection:
            # Only the rows are many; the page and its count exist once.
            rows = _rows(selected, args)
            for part in selected.inside:
                times = rows if part.name in {"nodes", "edges"} else 1
                total += weigh(part) + _inside(part, args, weigh) * times
            total += weigh(selected)
        else:
            total += weigh(selected) + _inside(selected, args, weigh) * _rows(selected, args)
    return total


def _inside(selected: Selected, args: Sequence[dict[str, Any]], weigh: Callable[[Selected], int]) -> int:
    return max((_of(inner, args, weigh) for inner in selected.children.values()), default=0)


def _rows(selected: Selected, args: Sequence[dict[str, Any]]) -> int:
    field = selected.field
    values = selected.values if selected.slot is None else args[selected.slot]
    if isinstance(field, Many):
        if not field.connection:
            return field.default_first or _FEW
        size = values.get("first")
        size = values.get("last") if size is None else size
        return max(1, field.default_first or _FEW if size is None else size)
    if isinstance(field, Aggregate):
        return _points(values) if field.many else 1
    if isinstance(field, ByIds) and field.many:
        return max(1, len(values["ids"]))
    return 1


def _points(values: Mapping[str, Any]) -> int:
    """Rows of an aggregate: as many as are asked for, and of totals one for each currency."""
    if "interval" in values and values["interval"] is None and not values.get("by"):
        return _FEW
    size = values.get("first")
    return _POINTS if size is None else max(1, size)
