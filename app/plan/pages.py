"""Lists of rows: which ones (scope, parent, filter), in which order, and which page of them.

Both executions read their lists through these functions: a plan nests the SELECT, a dataloader runs it for all parent
keys at once.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from app.plan.arguments import FieldArguments
from app.plan.catalog import Catalog, Entity, Many, News, Row, SortKey
from app.plan.kinds import INT, TEXT
from app.plan.scoping import Tables, scoped_table
from app.plan.sql import Select, Sql, Table, all_of, joined, sql, verbatim, whole
from app.values.cursors import read_cursor
from app.values.scope import ScopeShape

STRUCTURAL = frozenset({"orderBy", "interval", "cycle", "by", "type", "stages", "model", "fill", "compare"})
"""Arguments whose value changes the statement itself."""
_BY_ID = SortKey("id", INT, "bigint", lambda v: _whole(v))
_BY_UUID = SortKey("id", TEXT, "uuid", lambda v: _uuid(v))


@dataclass(frozen=True)
class Ordering:
    """A total order: sort keys with their direction (True: descending), the id last."""

    keys: tuple[tuple[SortKey, bool], ...]
    name: str
    """The name of the ordering, in its cursors."""

    def sql(self, row: Row, *, backward: bool = False) -> list[Sql]:
        """ORDER BY items."""
        return [
            sql("{column} DESC", column=row(key.column)) if descending != backward else row(key.column)
            for key, descending in self.keys
        ]


def ordering_of(entity: Entity, many: Many, args: FieldArguments) -> Ordering:
    """The requested order, else the list's own; the id breaks ties, in the direction of the last key."""
    chosen: list[tuple[str, bool]] = []
    for item in args.structural("orderBy") or ():
        name = item["field"].value
        if name not in (n for n, _ in chosen):
            chosen.append((name, item.get("direction") is not None and item["direction"].value == "desc"))
    chosen = chosen or list(many.order)
    if chosen[-1][0] != "id":
        chosen.append(("id", chosen[-1][1]))
    by_id = _BY_UUID if entity.id_cast == "uuid" else _BY_ID
    keys = tuple((by_id if name == "id" else many.orders[name], descending) for name, descending in chosen)
    return Ordering(keys, ",".join(f"{name}:{'DESC' if d else 'ASC'}" for name, d in chosen))


def rows_of(
    catalog: Catalog, entity: Entity, many: Many, args: FieldArguments, *,
    alias: str, parent: Sql | None, shape: ScopeShape, row: Row,
) -> tuple[Table, list[Sql]]:  # fmt: skip
    """The table, and every condition except the page's: parent, not deleted, filter."""
    source = scoped_table(catalog, entity, alias, shape, every_group=many.every_group)
    where: list[Sql] = []
    if many.through is not None and parent is not None:
        where.append(_linked(Tables(catalog, shape), many, row, parent, alias=alias))
    elif many.key and parent is not None:
        where.append(sql("{key} = {parent}", key=row(many.key), parent=parent))
    if many.where:
        where.append(verbatim(f"{alias}.{many.where}"))
    if isinstance(many, News):
        where.append(many.fresh(row))
    filters = catalog.filters.get(many.filter, {})
    keys = args.keys("filter")
    if entity.alive and not any(filters[key].replaces_alive for key in keys):
        where.append(verbatim(f"{alias}.{entity.alive}"))
    asked = _FilterArguments(args, Tables(catalog, shape))
    where += [filters[key].predicate(row, asked, ("filter", key)) for key in keys]
    return source, where


def _linked(tables: Tables, many: Many, row: Row, parent: Sql, *, alias: str) -> Sql:
    assert many.through is not None
    link = tables(many.through.entity, f"{alias}_link")
    return sql(
        "{own} IN (SELECT {theirs} FROM {link} WHERE {link.scope} AND {key} = {parent})",
        own=row("id"),
        theirs=link(many.through.key),
        link=link,
        key=link(many.key),
        parent=parent,
    )


class _FilterArguments(FieldArguments):
    """A list's arguments, and the way to other tables."""

    def __init__(self, args: FieldArguments, tables: Tables) -> None:
        super().__init__(args.values, slot=args.slot, structural=STRUCTURAL)
        self.table = tables


def is_backward(many: Many, args: FieldArguments) -> bool:
    """Whether the page is read from the end. Of news only what was there before is."""
    return many.is_past if isinstance(many, News) else args.given("last")


@dataclass
class Page:
    """The rows of one page, without columns yet (whoever reads them fills `select.names`)."""

    select: Select
    ordering: Ordering
    backward: bool
    size: Sql | None
    """How many rows the page may have; with `peek` the SELECT reads one more."""


def page_of(
    catalog: Catalog, entity: Entity, many: Many, args: FieldArguments, *,
    alias: str, parent: Sql | None, shape: ScopeShape, row: Row, peek: bool = False,
) -> Page:  # fmt: skip
    """The SELECT of a page: conditions, keyset, order, limit."""
    source, where = rows_of(catalog, entity, many, args, alias=alias, parent=parent, shape=shape, row=row)
    ordering = ordering_of(entity, many, args)
    backward = is_backward(many, args)
    for which, before in (("after", False), ("before", True)):
        if args.given(which):
            where.append(_keyset(ordering, args, which, row, before=before))
    size: Sql | None = None
    if backward or args.given("first"):
        size = args.param("last" if backward else "first", cast="bigint")
    elif many.default_first is not None:
        size = whole(many.default_first)
    limit = size if size is None or not peek else sql("{size} + 1", size=size)
    offset = args.param("offset", cast="bigint") if args.given("offset") else None
    select = Select({}, source, where, order=ordering.sql(row, backward=backward), limit=limit, offset=offset)
    return Page(select, ordering, backward, size)


def cursor_json(ordering: Ordering, row: Row) -> list[str | Sql]:
    """The pieces of a cursor's JSON text: `["NAME:ASC","…",42]`."""
    pieces: list[str | Sql] = [f'["{ordering.name}"']
    for key, _ in ordering.keys:
        pieces.append(",")
        pieces.extend(key.kind.text(row(key.column)).pieces)
    return [*pieces, "]"]


def cursor_keys(ordering: Ordering, cursor: str) -> list[object]:
    """A cursor's values as parameters; ValueError where it is not a cursor of this ordering."""
    values = read_cursor(cursor, ordering.name, len(ordering.keys) - 1)
    return [key.read(value) for (key, _), value in zip(ordering.keys, values, strict=True)]


def _keyset(ordering: Ordering, args: FieldArguments, which: str, row: Row, *, before: bool) -> Sql:
    def value(at: int) -> Sql:
        return args.param(which, cast=ordering.keys[at][0].cast, convert=_nth(ordering, at))

    columns = [row(key.column) for key, _ in ordering.keys]
    signs = ["<" if descending != before else ">" for _, descending in ordering.keys]
    if len(set(signs)) == 1:
        return sql(
            "({columns}) {sign} ({values})",
            columns=joined(", ", columns),
            sign=verbatim(signs[0]),
            values=joined(", ", [value(at) for at in range(len(columns))]),
        )
    steps: list[Sql] = []
    for at, column in enumerate(columns):
        same = [sql("{column} = {value}", column=columns[i], value=value(i)) for i in range(at)]
        beyond = sql("{column} {sign} {value}", column=column, sign=verbatim(signs[at]), value=value(at))
        steps.append(sql("({all})", all=all_of([*same, beyond])))
    return sql("({any})", any=joined(" OR ", steps))


@lru_cache(maxsize=4096)
def _nth(ordering: Ordering, at: int) -> Callable[[Any], object]:
    """One reader per ordering and position, so that equal parameters are recognised as equal."""
    return lambda cursor: cursor_keys(ordering, cursor)[at]


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError("this is not a cursor of this list")
    return value


def _uuid(value: object) -> UUID:
    if isinstance(value, str):
        with suppress(ValueError):
            return UUID(value)
    raise ValueError("this is not a cursor of this list")
