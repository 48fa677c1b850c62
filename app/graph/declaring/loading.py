"""Dataloaders: the ordinary execution's way to rows, batched per request and scoped like a plan.

One statement per relation, however many parents: the same page SELECT that a plan nests, run beside all parent
keys at once (`unnest … CROSS JOIN LATERAL`), as `gateway_app` behind the row-level policies.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from aiodataloader import DataLoader

from app.db.database import Database, Transaction
from app.db.outages import TookTooLong
from app.plan.arguments import FieldArguments
from app.plan.binding import Bindings
from app.plan.catalog import (
    Aggregate,
    AggregateRequest,
    Catalog,
    Column,
    Embed,
    Entity,
    Field,
    Many,
    News,
    Parts,
    ToOne,
)
from app.plan.cells import Cells, part_of, prefixed, unnested
from app.plan.kinds import Kind, show
from app.plan.news import CURRENT, NewsHead, NewsRow, Snapshot, number_of
from app.plan.pages import STRUCTURAL, Ordering, is_backward, ordering_of, page_of, rows_of
from app.plan.scoping import Tables, scoped_table
from app.plan.sql import NOTHING, Alias, Select, Sql, const, joined, print_sql, sql, verbatim
from app.values.cursors import show_cursor
from app.values.slices import FewAtOnce

_ROOT = 0
"""The key of lists that have no parent row."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row, or an object inside one: `path` leads to its columns, `columns` are those that its embedding bound."""

    type_name: str
    values: Mapping[str, Any]
    """The columns of the loader's SELECT. What each holds is in its name; `path` is `spendLimit.` inside an object:

    `{path}name/0`   the first SQL expression of field `name` (`/1` the second, of kinds that are made of several)
    `{path}name?`    whether the embedded object `name` is there; `?` alone, whether the aggregate's object is
    `{path}name*f/0` an array: that expression of field `f`, for each object in the list `name`
    `#column`        a key, for finding other rows; `#by` the one this row was looked up by
    `~column`        a sort key, for the row's cursor; `~number` what news are told by
    `%parent`        which parent it belongs to; `%place` its place among that parent's rows
    """
    path: str = ""
    columns: Mapping[str, Column] | None = None

    def show(self, name: str, column: Column) -> Any:
        """A field's printable value."""
        names = [f"{self.path}{name}/{at}" for at in range(len(column.expressions))]
        return show(column.kind, [self.values[n] for n in names])

    def parts(self, name: str, field: Parts) -> list["Record"]:
        """The objects in arrays of the row."""
        start = f"{self.path}{name}*"
        arrays = {key.removeprefix(start): v for key, v in self.values.items() if key.startswith(start)}
        places = range(len(next(iter(arrays.values()))))
        return [Record(field.target, {key: v[at] for key, v in arrays.items()}) for at in places]

    def key(self, column: str) -> Any:
        """A key other rows are found by."""
        return self.values[f"#{column}"]


@dataclass(frozen=True, slots=True)
class LoadedPage:
    """One page of a connection."""

    type_name: str
    rows: list[Record]
    ordering: Ordering
    args: FieldArguments
    backward: bool
    more: bool
    count: Callable[[], Awaitable[int]]

    def cursor(self, row: Record) -> str:
        """The row's cursor, byte for byte as a plan writes it."""
        parts = [f'"{self.ordering.name}"']
        for key, _ in self.ordering.keys:
            parts.append(msgspec.json.encode(show(key.kind, [row.values[f"~{key.column}"]])).decode())
        return show_cursor(f"[{','.join(parts)}]")


T = TypeVar("T")


def _hand_on(mine: "asyncio.Future[Any]", loaded: "asyncio.Future[Any]") -> None:
    """Give what was loaded to whoever waits for it."""
    if mine.done():
        return
    if loaded.cancelled():
        mine.cancel()
    elif (problem := loaded.exception()) is not None:
        mine.set_exception(problem)
    else:
        mine.set_result(loaded.result())


class Loaders:
    """The dataloaders of one request."""

    def __init__(self, catalog: Catalog, db: Database, bindings: Bindings) -> None:
        self.catalog = catalog
        self.db = db
        self.bindings = bindings
        self.shape = bindings.scope.shape
        self.statements: list[str] = []
        """Statements that were run, for tests that count them."""
        self.news: NewsHead | None = None
        """What the next request must know of this one's news."""
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}
        self._at_work: set[asyncio.Task[Any]] = set()
        self._later: list[tuple[DataLoader[Any, Any], Any, asyncio.Future[Any]]] = []
        self.ready = FewAtOnce()
        """Through here goes whatever waited for a load: a thousand parents have theirs at the same moment."""
        self._inside: Transaction | None = None

    async def written(self, tx: Transaction, type_name: str, keys: Sequence[Any]) -> list[Record | None]:
        """Rows a mutation just wrote, read inside its transaction. What was loaded before it is forgotten."""
        self._loaders.clear()
        self._inside = tx
        try:
            return list(await asyncio.gather(*(self.one(type_name, key) for key in keys)))
        finally:
            self._inside = None

    # ── one row ───────────────────────────────────────────────────────────────

    async def one(self, type_name: str, key: Any, *, by: str = "id", alive: bool = False) -> Record | None:
        """The row with this key, in scope; `alive`: unless it is deleted."""

        async def batch(keys: list[Any]) -> list[Record | None]:
            entity = self.catalog.entities[type_name]
            row = Cells("t")
            source = scoped_table(self.catalog, entity, "t", self.shape)
            sought = const(keys, f"{entity.id_cast}[]")
            where = [sql("{column} = ANY ({keys})", column=row(by), keys=sought)]
            if alive and entity.alive:
                where.append(verbatim(f"t.{entity.alive}"))
            names = {'"#by"': row(by), **self._columns(entity, row)}
            rows = await self._fetch(Select(names, source, where).sql())
            by_key = {record["#by"]: Record(type_name, record) for record in rows}
            return [by_key.get(k) for k in keys]

        return await self._load(("one", type_name, by, alive), batch, key)

    async def found(self, key: Sql) -> Any:
        """The row id that a key says, which names the row by its id in another system."""
        return (await self._fetch(sql("SELECT {key} AS found", key=key)))[0]["found"]

    # ── many rows ─────────────────────────────────────────────────────────────

    async def listing(self, type_name: str, many: Many, args: FieldArguments, parent: Any) -> list[Record]:
        """All rows of a plain list."""
        if isinstance(many, News):
            return await self._news(type_name, many, args)
        return (await self._page(type_name, many, args, parent, peek=False)).rows

    async def _news(self, type_name: str, many: News, args: FieldArguments) -> list[Record]:
        """Rows that came in up to this moment; two statements, so the first says where the second ends."""
        window = self.bindings.facts.news
        assert window is not None
        many = many.past if window.is_past else many
        assert many.columns is not None
        until = window.until or (await self._fetch(CURRENT))[0]["told"]
        facts = self.bindings.facts._replace(news=replace(window, until=until))
        self.bindings = self.bindings._replace(facts=facts)
        rows = (await self._page(type_name, many, args, None, peek=False)).rows
        self.news = NewsHead(
            Snapshot.read(until),
            [
                NewsRow(row.values[f"~{many.columns.instant}"], row.key("id"), row.values["~number"] or 0)
                for row in rows
            ],
        )
        return rows

    async def page(self, type_name: str, many: Many, args: FieldArguments, parent: Any) -> LoadedPage:
        """A page of a connection."""
        return await self._page(type_name, many, args, parent, peek=True)

    async def _page(
        self, type_name: str, many: Many, args: FieldArguments, parent: Any, *, peek: bool
    ) -> LoadedPage:
        entity = self.catalog.entities[type_name]
        ordering, backward = ordering_of(entity, many, args), is_backward(many, args)

        async def batch(parents: list[Any]) -> list[list[Record]]:
            row = Cells("t")
            key = sql("p.id") if many.key else None
            page = page_of(
                self.catalog,
                entity,
                many,
                args,
                alias="t",
                parent=key,
                shape=self.shape,
                row=Cells("t"),
                peek=peek,
            )
            select = page.select
            select.names = self._columns(entity, row)
            select.names |= {f'"~{k.column}"': row(k.column) for k, _ in ordering.keys}
            if isinstance(many, News) and many.columns is not None:
                select.names['"~number"'] = number_of(row, many.columns)
            order = joined(", ", ordering.sql(Alias("t"), backward=backward))
            select.names['"%place"'] = sql("row_number() OVER (ORDER BY {order})", order=order)
            return await self._per_parent(type_name, select, parents, order=['"%place"'])

        signature = ("page", type_name, many.key, many.through, many.where, _frozen(args.values), peek)
        rows = await self._load(signature, batch, _ROOT if parent is None else parent)
        size = args.values.get("last" if backward else "first")
        size = many.default_first if size is None else size
        more = peek and size is not None and len(rows) > size
        rows = rows[:size] if more else rows
        if backward:
            rows = rows[::-1]

        async def count() -> int:
            return await self.count(type_name, many, args, parent)

        return LoadedPage(type_name, rows, ordering, args, backward, more, count)

    async def count(self, type_name: str, many: Many, args: FieldArguments, parent: Any) -> int:
        """How many rows there are on all pages."""

        async def batch(parents: list[Any]) -> list[int]:
            entity = self.catalog.entities[type_name]
            key = sql("p.id") if many.key else None
            source, where = rows_of(
                self.catalog, entity, many, args, alias="t", parent=key, shape=self.shape, row=Cells("t")
            )
            select = Select({"n": sql("count(*)")}, source, where)
            counted = await self._beside(select, parents)
            by_parent = {record["%parent"]: record["n"] for record in counted}
            return [by_parent[p] for p in parents]

        return await self._load(
            ("count", type_name, many.key, many.through, many.where, _frozen(args.values)),
            batch,
            _ROOT if parent is None else parent,
        )

    async def aggregate(
        self, type_name: str, field: Aggregate, args: FieldArguments, parent: Any
    ) -> list[Record]:
        """An aggregate's rows, in order."""

        async def batch(parents: list[Any]) -> list[list[Record]]:
            item = Cells("x")
            columns: dict[str, Sql] = {}
            self._add_columns(self.catalog.entities[type_name], field.embed, "", item, columns)
            if field.embed is not None and field.embed.present is not None:
                columns['"?"'] = field.embed.present(item)
            key = None if parent is None else sql("p.id")
            tables = Tables(self.catalog, self.shape)
            built = field.build(AggregateRequest(key, args, tables, list(item.used), self.shape))
            order = built.order_in_columns()
            names = {**columns, **{name: Alias("x")(name) for name in order}}
            built.names = {n: e for n, e in built.names.items() if n in item.used or n in order}
            select = Select(names, sql("({rows}) x", rows=built.sql()))
            return await self._per_parent(type_name, select, parents, order=order)

        return await self._load(
            ("aggregate", type_name, id(field), _frozen(args.values)),
            batch,
            _ROOT if parent is None else parent,
        )

    # ── what resolvers look up by themselves ──────────────────────────────────

    async def several(self, type_name: str, keys: Sequence[Any]) -> list[Record]:
        """Rows with these keys, in their order; those out of scope are left out."""
        found = await asyncio.gather(*(self.one(type_name, key) for key in keys))
        return [row for row in found if row is not None]

    async def batched(self, name: str, batch: Callable[[list[Any]], Awaitable[list[T]]], key: Any) -> T:
        """A resolver's own batch: `batch` is called once with the keys of all its rows."""
        return await self._load(("batched", name), batch, key)

    # ── running ───────────────────────────────────────────────────────────────

    async def _per_parent(
        self, type_name: str, select: Select, parents: Sequence[Any], *, order: Sequence[str]
    ) -> list[list[Record]]:
        found = await self._beside(select, parents, order=order)
        rows: dict[Any, list[Record]] = {p: [] for p in parents}
        for record in found:
            rows[record["%parent"]].append(Record(type_name, record))
        return [rows[p] for p in parents]

    async def _beside(
        self, select: Select, parents: Sequence[Any], *, order: Sequence[str] = ()
    ) -> list[Any]:
        """Run a SELECT once per parent key, in one statement. The root is a parent of its own."""
        kind = "uuid" if isinstance(parents[0], UUID) else "bigint"
        keys = const(list(parents), f"{kind}[]")
        columns = joined(", ", [Alias("x")(name) for name in order])
        return await self._fetch(
            sql(
                """
                SELECT p.id AS "%parent", x.* FROM unnest({keys}) p(id) CROSS JOIN LATERAL ({rows}) x {order}
                """,
                keys=keys,
                rows=select.sql(),
                order=sql("ORDER BY {columns}", columns=columns) if order else NOTHING,
            )
        )

    async def _fetch(self, tree: Sql) -> list[Any]:
        statement = print_sql(tree)
        self.statements.append(statement.text)
        values = statement.values(self.bindings)
        if self._inside is not None:
            return await self._inside.fetch(statement.text, *values)
        async with self.db.transaction(self.bindings.scope, writes=False) as tx:
            return await tx.fetch(statement.text, *values)

    async def _load(self, signature: Any, batch: Callable[[list[Any]], Awaitable[list[T]]], key: Any) -> T:
        loader = self._loaders.get(signature)
        if loader is None:
            loader = self._loaders[signature] = DataLoader(batch_load_fn=self._watched(batch))  # type: ignore[arg-type]
        if not self._later and not self.ready.once_all_had_one(self._load_all):
            found: T = await loader.load(key)
            return found
        # Many have their turns one after the other: what they ask for is asked for at once when the last one had its.
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._later.append((loader, key, mine))
        return await mine

    def _load_all(self) -> None:
        later, self._later = self._later, []
        for loader, key, mine in later:
            loader.load(key).add_done_callback(partial(_hand_on, mine))

    def stop(self) -> None:
        """Nobody waits for any of it: end the statements under way."""
        for task in self._at_work:
            task.cancel()

    def _watched(
        self, batch: Callable[[list[Any]], Awaitable[list[T]]]
    ) -> Callable[[list[Any]], Awaitable[list[T]]]:
        async def watched(keys: list[Any]) -> list[T]:
            task = asyncio.current_task()
            assert task is not None
            self._at_work.add(task)
            try:
                return await batch(keys)
            except asyncio.CancelledError:
                # Whoever waits is told; a loader does not pass cancellations on.
                raise TookTooLong() from None
            finally:
                self._at_work.discard(task)

        return watched

    def _columns(self, entity: Entity, row: Cells) -> dict[str, Sql]:
        """Every value and key a resolver may ask a row of this type for."""
        names: dict[str, Sql] = {}
        if entity.table:
            names['"#id"'] = row("id")
        self._add_columns(entity, None, "", row, names)
        return names

    def _add_columns(
        self, entity: Entity, embed: Embed | None, path: str, row: Cells, names: dict[str, Sql]
    ) -> None:
        tables = Tables(self.catalog, self.shape)
        for name, field in {**entity.fields, **(embed.columns if embed else {})}.items():
            if isinstance(field, Column):
                for at, value in enumerate(field.values(row, tables)):
                    names[f'"{path}{name}/{at}"'] = _fetched(value, field.kind)
            elif isinstance(field, Embed):
                if field.present is not None:
                    names[f'"{path}{name}?"'] = field.present(row)
                inner = prefixed(row, field.prefix)
                self._add_columns(self.catalog.entities[field.target], field, f"{path}{name}.", inner, names)
            elif isinstance(field, Parts):
                self._add_parts(f"{path}{name}*", field, row, names)
            elif isinstance(field, ToOne):
                names[f'"#{field.own_key}"'] = row(field.own_key)
            elif isinstance(field, Many) and field.key:
                names['"#id"'] = row("id")

    def _add_parts(self, start: str, field: Parts, row: Cells, names: dict[str, Sql]) -> None:
        """Every value of the objects, and of objects inside them, each as an array in their order."""
        inside: list[tuple[str, Field]] = list(self.catalog.entities[field.target].fields.items())
        for name, inner in inside:
            if isinstance(inner, Embed):
                known = {**self.catalog.entities[inner.target].fields, **inner.columns}
                inside += [(f"{name}.{own}", one) for own, one in known.items()]
                continue
            assert isinstance(inner, Column), (
                f"{field.target}.{name}: objects in arrays have columns and objects"
            )
            for at, expression in enumerate(inner.expressions):
                item = part_of(field, row, "part")
                value = _fetched(expression(item), inner.kind)
                source = unnested(field, item, row)
                names[f'"{start}{name}/{at}"'] = sql(
                    "ARRAY(SELECT {value} FROM {source} ORDER BY part.place)", value=value, source=source
                )


def arguments(values: Mapping[str, Any]) -> FieldArguments:
    """A field's coerced arguments, bound as they are."""
    return FieldArguments(values, slot=None, structural=STRUCTURAL)


def _fetched(value: Sql, kind: Kind) -> Sql:
    return sql("{value}{cast}", value=value, cast=verbatim(kind.fetched_as)) if kind.fetched_as else value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((k, _frozen(v)) for k, v in value.items())
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
