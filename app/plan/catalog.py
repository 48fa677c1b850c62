"""The planner's view of the schema: plain data, read from the declarations on the built schema.

An *entity* is a type with a table. Its fields say where their values are: a column (or an expression over the
row), another entity by key, a list or a connection of children, an object whose fields are columns of the
same row, an aggregate.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from app.plan.binding import Bindings
from app.plan.kinds import Kind
from app.plan.sql import Row as Row
from app.plan.sql import Select, Sql, Table, sql
from app.values.scope import ScopeShape


class Arguments(Protocol):
    """A field's arguments while its SQL is built."""

    def given(self, *path: str) -> bool:
        """Whether there is a value that is not null; part of the plan's structure."""

    def is_day(self, *path: str) -> bool:
        """Whether it is an instant that was given as a day alone; part of the plan's structure."""

    def structural(self, name: str) -> Any:
        """The value itself, for arguments that change the statement (orderings, intervals)."""

    def param(self, *path: str, cast: str, convert: Callable[[Any], object] | None = None) -> Sql:
        """The value as a bound parameter."""

    def keys(self, *path: str) -> list[str]:
        """Keys with a value that is not null inside an input object."""


class FilterArguments(Arguments, Protocol):
    """Arguments of a list, for a condition that may have to look into another table."""

    def table(self, entity: str, alias: str) -> Table:
        """The way to other tables: one of them, in scope."""


TablesInScope = Callable[[str, str], Table]
"""The way to other tables: `(entity, alias)` → the table in scope."""
Predicate = Callable[[Row, FilterArguments, tuple[str, ...]], Sql]
"""A condition on a row: `(row, args, path)`, where `args.param(*path, cast=…)` is the value to compare with."""


@dataclass(frozen=True)
class Way:
    """How a type's rows are tied to a store (or a project) when the scope names one.

    `own`: by a column. `own_or_group`: by a column whose NULL means the whole group. `via`: as the row its
    foreign key points at (`via_or_group`: or group-wide where it is NULL). `linked_or_group`: as one of the rows that
    link it to others, group-wide where there are none. `beside`: the statement ties them to rows in
    scope by itself. `visible`: group-wide, shown. `hidden`: group-wide, not shown.
    """

    how: str
    column: str = ""
    entity: str = ""
    keys: tuple[str, ...] = ()
    """`beside`: the statement compares one of these columns. `linked_or_group`: the links' key."""


VISIBLE = Way("visible")
HIDDEN = Way("hidden")


def own(column: str) -> Way:
    """By this column."""
    return Way("own", column)


def own_or_group(column: str) -> Way:
    """By this column, whose NULL means the whole group."""
    return Way("own_or_group", column)


def via(column: str, entity: str) -> Way:
    """As the row of `entity` that this foreign key points at."""
    return Way("via", column, entity)


def via_or_group(column: str, entity: str) -> Way:
    """As the row that this foreign key points at; the whole group's where it is NULL."""
    return Way("via_or_group", column, entity)


def linked_or_group(column: str, entity: str, key: str) -> Way:
    """As one of the rows of `entity` whose `key` is this row's id; the whole group's where `column` is NULL."""
    return Way("linked_or_group", column, entity, (key,))


def beside(*keys: str) -> Way:
    """By one of these keys, which a figure's own statement compares with rows in scope.

    For tables that only figures read, millions of rows at a time: a predicate on each row would repeat what the key
    ensures. A test checks that every statement does compare one.
    """
    return Way("beside", keys=keys)


@dataclass(frozen=True)
class SortKey:
    """Something a list can be ordered by. The column is NOT NULL."""

    column: str
    kind: Kind
    cast: str
    read: Callable[[Any], object]
    """Turns the value printed in a cursor back into a parameter; ValueError where it cannot be one."""
    roles: frozenset[str] = frozenset()
    """One of these is needed to order by it; empty: none in particular."""


@dataclass(frozen=True)
class Column:
    """A value of the row itself: one expression per argument of its kind."""

    kind: Kind
    expressions: tuple[Callable[[Row], Sql], ...]
    beside: Callable[[Row, "TablesInScope"], Sql] | None = None
    """Instead: one expression that reads other tables, too."""

    def values(self, row: Row, tables: "TablesInScope") -> list[Sql]:
        """Its expressions over this row."""
        if self.beside is not None:
            return [self.beside(row, tables)]
        return [expression(row) for expression in self.expressions]


@dataclass(frozen=True)
class Fact:
    """A value that the request knows without asking the database."""

    kind: Kind
    cast: str
    read: Callable[[Bindings], Any]


@dataclass(frozen=True)
class Embed:
    """An object over columns of the same row; null where `present` is false."""

    columns: Mapping[str, Column]
    """By the GraphQL names of the object's own fields; fields that are not here are declared on its type."""
    present: Callable[[Row], Sql] | None = None
    target: str = ""
    """The object's GraphQL type."""
    prefix: str = ""
    """Its columns' names begin with this in the row: the same object over other columns."""


@dataclass(frozen=True)
class ToOne:
    """Another entity: by a key of this row, or by this row's id in a unique column of the other (`reverse`)."""

    key: str
    reverse: bool = False

    @property
    def own_key(self) -> str:
        """The column of this row by which the other one is found."""
        return "id" if self.reverse else self.key


@dataclass(frozen=True)
class RootRow:
    """A root field that finds one row by its `id` argument, or the one the scope names."""

    scope_key: str = ""
    """Of the scope: `group` or `store`; empty: it is found by its id."""


@dataclass(frozen=True)
class Through:
    """Rows that link a list's rows to their parents: `entity`, whose `key` is the listed row's id."""

    entity: str
    key: str


@dataclass(frozen=True)
class Many:
    """Children of a row, or all rows of an entity at the root, as a plain list or as a connection."""

    key: str = ""
    """The children's foreign key; empty at the root. With `through` the links' one."""
    order: tuple[tuple[str, bool], ...] = (("id", False),)
    """Default ordering: sort keys' names (see `orders`) or `id`, with True for descending."""
    orders: Mapping[str, SortKey] = field(default_factory=dict)
    connection: bool = False
    default_first: int | None = None
    filter: str = ""
    """The GraphQL name of its filter input."""
    where: str = ""
    """A condition on the rows' columns that always applies, as a literal, so that a partial index can be used."""
    through: Through | None = None
    """Of rows that may have several parents: what links them."""
    every_group: bool = False
    """Only for the list of customer groups: all groups of the credential, not only the one it acts in."""


@dataclass(frozen=True, slots=True)
class NewsColumns:
    """Where a table keeps what is needed to tell its news."""

    instant: str
    """When a row came."""
    written_by: str
    """The number of the transaction that wrote it. Null: never news."""
    moved_by: str
    """Of the one that wrote or settled it last; it leads an index behind the group."""


@dataclass(frozen=True)
class News(Many):
    """Rows at the root that the subscriber has not seen yet, a few at a time, in the order they came.

    The value of its statement begins with what the next one must know of them (`plan/news.py`).
    """

    columns: NewsColumns | None = None
    settled_by: Callable[[Mapping[str, Any]], bool] = lambda values: False
    """Whether its arguments ask for what is only known of settled rows."""

    fresh: Callable[[Row], Sql] = lambda row: sql("true")
    """Which rows those are."""
    known: Callable[[Row], Sql] = lambda row: sql("true")
    """Which rows were there before."""
    is_past: bool = False
    """Whether the last of those are meant, as many as the argument `last` says, not the news."""

    @property
    def past(self) -> "News":
        """What was there before the first news."""
        return replace(self, fresh=self.known, is_past=True)


@dataclass(frozen=True)
class Aggregate:
    """Sums over other rows. `build` makes the SELECT whose output columns the object's fields name.

    Rows of a list come in the order of that SELECT.
    """

    build: Callable[["AggregateRequest"], Select]
    many: bool = False
    check: Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]] | None = None
    """What is wrong with its arguments: which one and why."""
    embed: Embed | None = None
    """Of one row: the object is one that others embed, too (Money), and null where it is not present."""


@dataclass(frozen=True)
class Parts:
    """A list of objects kept in arrays of the row, one per column (`<prefix>_<column>`) and all of one length."""

    prefix: str
    always: str
    """A column whose array is always selected: it says how many objects there are."""
    shared: frozenset[str] = frozenset()
    """Columns that are the row's own, the same for all of its objects."""
    target: str = ""
    """The objects' GraphQL type."""


@dataclass(frozen=True)
class ByIds:
    """`node` and `nodes`: entities of any kind, by the prefix of their ids."""

    many: bool


Field = Column | Fact | Embed | ToOne | RootRow | Many | Aggregate | Parts | ByIds
"""What is known about a field: where its value is."""


@dataclass
class AggregateRequest:
    """What an aggregate is built from."""

    parent: Sql | None
    """The parent's id; None at the root."""
    args: Arguments
    table: Callable[[str, str], Table]
    """The way to other tables: `(entity, alias)` → the table in scope."""
    wanted: Sequence[str]
    """Which output columns are needed."""
    scope_shape: ScopeShape = ScopeShape.GROUP


@dataclass(frozen=True)
class Filter:
    """One key of a filter input: the predicate it adds."""

    predicate: Predicate
    replaces_alive: bool = False


@dataclass
class Entity:
    """A type with a table (or, without one, the shape of an aggregate's rows)."""

    name: str
    table: str = ""
    prefix: str = ""
    id_cast: str = "bigint"
    tenant: str = "group_id"
    store: Way = VISIBLE
    project: Way = VISIBLE
    alive: str = ""
    """The condition that hides deleted rows from lists and look-ups (`deleted_at IS NULL`), if there is one."""
    roles: frozenset[str] = frozenset()
    """One of these is needed to read anything of it; empty: none in particular."""
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass
class Catalog:
    """Everything the planner knows."""

    entities: dict[str, Entity]
    """By GraphQL type name; embedded object types and Query are here too, without a table."""
    filters: dict[str, dict[str, Filter]]
    """By the GraphQL name of the input type."""
    unplanned: dict[str, str] = field(default_factory=dict)
    """`Type.field` → why it runs on the resolvers."""
    prices: dict[tuple[str, str], int] = field(default_factory=dict)
    """By type and field, what it does beside being printed (`plan/cost.py`)."""

    def by_prefix(self, prefix: str) -> Entity | None:
        """The entity whose ids start so."""
        return self._prefixes.get(prefix)

    def __post_init__(self) -> None:
        self._prefixes = {e.prefix: e for e in self.entities.values() if e.prefix}
