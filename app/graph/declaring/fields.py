"""How a type is declared: once, naming the columns it reads. Both executions follow from it.

    @entity(table=tables.Store, prefix="store", store=own("id"))
    class Store(Node):
        \"\"\"A shop …\"\"\"

        name: str = column("What people call it.")
        campaigns: Connection[Campaign] = connection("Its campaigns.", CAMPAIGNS, key="store_id")

The functions return `strawberry.field(...)` with the declaration in its metadata; `catalog.py` reads it back from
the built schema. The table belongs to the type, a relation names only its key.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import strawberry
from sqlmodel import SQLModel

from app.auth.principal import Role
from app.graph.declaring.described import object_type
from app.graph.declaring.listing import KEY, ListOf, text_key
from app.graph.declaring.permitting import needing
from app.graph.declaring.resolving import resolver_of
from app.plan.binding import Bindings
from app.plan.catalog import (
    VISIBLE,
    Aggregate,
    AggregateRequest,
    ByIds,
    Entity,
    Many,
    News,
    NewsColumns,
    Parts,
    RootRow,
    Row,
    SortKey,
    TablesInScope,
    Through,
    ToOne,
    Way,
    beside,
)
from app.plan.checking import MAX_FIRST
from app.plan.cost import PRICE
from app.plan.kinds import AMOUNT, INT, Kind
from app.plan.news import fresh_by, known_by
from app.plan.sql import Select, Sql, joined, sql

T = TypeVar("T")
Expression = Callable[[Row], Sql]


@dataclass(frozen=True)
class Declared:
    """A field as declared; the catalog completes it, since kinds follow from GraphQL types."""

    what: str
    column: str = ""
    kind: Kind | None = None
    expressions: tuple[Expression, ...] = ()
    beside: Callable[[Row, TablesInScope], Sql] | None = None
    columns: Mapping[str, "Declared"] = field(default_factory=dict)
    present: Expression | None = None
    made: Any = None
    """The catalog's own, where it can be made at once."""
    prefix: str = ""
    cast: str = "text"
    read: Callable[[Bindings], Any] | None = None


# ── types ─────────────────────────────────────────────────────────────────────


def entity(
    *,
    table: type[SQLModel] | None = None,
    prefix: str = "",
    id_cast: str = "bigint",
    tenant: str = "group_id",
    store: Way = VISIBLE,
    project: Way = VISIBLE,
    alive: str = "",
    roles: Collection[Role] = (),
) -> Callable[[type[T]], type[T]]:
    """Declare a type that has rows: of a table, or (without one) of an aggregate. `roles`: whoever may read it."""

    def decorate(cls: type[T]) -> type[T]:
        name = cls.__name__

        def is_type_of(_: type, obj: Any, __: Any) -> bool:
            return getattr(obj, "type_name", None) == name

        cls.is_type_of = classmethod(is_type_of)  # type: ignore[attr-defined]
        made = object_type(cls)
        made.__entity__ = Entity(  # type: ignore[attr-defined]
            name, str(table.__tablename__) if table else "", prefix, id_cast, tenant, store, project, alive,
            frozenset(roles),
        )  # fmt: skip
        return made

    return decorate


def read_beside(name: str, table: type[SQLModel], *keys: str) -> Entity:
    """A table that figures read beside rows in scope, to which their statements tie it by one of these keys."""
    return Entity(name, str(table.__tablename__), store=beside(*keys), project=beside(*keys))


# ── fields ────────────────────────────────────────────────────────────────────


def column(
    description: str, name: str = "", *, kind: Kind | None = None, roles: Collection[Role] = ()
) -> Any:
    """A column of the row, with the field's name unless another is given. `roles`: whoever may read it."""
    return _field(Declared("column", column=name, kind=kind), description, roles=roles)


def computed(
    description: str, *expressions: Expression, kind: Kind | None = None, roles: Collection[Role] = ()
) -> Any:
    """A value that SQL computes from the row. It must not fail on any row that can be stored."""
    return _field(Declared("column", expressions=expressions, kind=kind), description, roles=roles)


def computed_beside(
    description: str, expression: Callable[[Row, TablesInScope], Sql], *, kind: Kind | None = None
) -> Any:
    """A value that SQL computes from the row and few rows of other tables, which it takes in scope."""
    return _field(Declared("column", beside=expression, kind=kind), description)


def fact(description: str, read: Callable[[Bindings], Any], *, cast: str = "text") -> Any:
    """A value from the request itself, see `RequestFacts`."""
    return _field(Declared("fact", read=read, cast=cast), description)


def embed(description: str, *, present: Expression | None = None, prefix: str = "", **columns: Any) -> Any:
    """An object over columns of the same row. `columns` bind fields its type leaves open (see `given`).

    `prefix`: the names of its columns begin so, for an object of a type that the row itself has, too.
    """
    return _field(Declared("embed", columns=_bound(columns), present=present, prefix=prefix), description)


def _bound(columns: Mapping[str, Any]) -> dict[str, Declared]:
    return {
        name: value if isinstance(value, Declared) else Declared("column", column=value)
        for name, value in columns.items()
    }


def amount_of(name: str) -> Any:
    """Inside `embed(amount=…)`: a money column, printed with the digits of the row's currency."""
    return Declared("column", expressions=(lambda row: row(name), lambda row: row("currency")), kind=AMOUNT)


def is_set(name: str) -> Expression:
    """For `present`: the column is not NULL."""
    return lambda row: sql("{column} IS NOT NULL", column=row(name))


def any_set(*names: str) -> Expression:
    """For `present`: one of the columns is not NULL."""
    return lambda row: sql("num_nonnulls({columns}) > 0", columns=joined(", ", [row(n) for n in names]))


def given(description: str) -> Any:
    """A field of an embedded type whose column the embedding field names."""
    return _field(Declared("given"), description)


def to_one(description: str, key: str, *, reverse: bool = False) -> Any:
    """Another entity, by a key of this row; `reverse`: by this row's id in a unique column of the other."""
    return _field(Declared("made", made=ToOne(key, reverse)), description)


def look_up(
    description: str, *further: inspect.Parameter, scope_key: str = "", name: str | None = None
) -> Any:
    """At the root: the row with this `id`, or the one that the scope names. `further` arguments do not affect rows.

    `name`: the field's, where Python cannot call it so.
    """
    arguments = () if scope_key else (argument("id", strawberry.ID, "Its id, as the graph shows it."),)
    return _field(Declared("made", made=RootRow(scope_key)), description, (*arguments, *further), name=name)


def listing(description: str, *, key: str, order: str = "position") -> Any:
    """Children that are few by nature, all of them, in their order."""
    keys = {order: SortKey(order, INT, "bigint", int)}
    return _field(Declared("made", made=Many(key, ((order, False),), keys)), description)


def every_group(description: str) -> Any:
    """All customer groups of the credential, by name."""
    keys = {"name": text_key("name")}
    return _field(Declared("made", made=Many("", (("name", False),), keys, every_group=True)), description)


ROOT_FIRST = 50
NESTED_FIRST = 20
"""Smaller than at the root, since each parent has such a page."""


def news(
    description: str,
    rows: ListOf,
    *further: inspect.Parameter,
    columns: NewsColumns,
    first: int,
    settled_by: Callable[[Mapping[str, Any]], bool],
) -> Any:
    """At the root: rows that the subscriber has not seen yet, oldest first, `first` at a time.

    `settled_by`: whether this filter asks for what is only known of settled rows, which are told when they are.
    """
    which = argument("filter", rows.filter | None, "Which ones; all conditions must hold.", None)
    key = next(name for name, one in rows.keys.items() if one.column == columns.instant)
    made = News(
        "",
        ((key, False),),
        rows.keys,
        default_first=first,
        columns=columns,
        fresh=fresh_by(columns),
        known=known_by(columns),
        settled_by=lambda values: settled_by(values.get("filter") or {}),
    )
    return _field(Declared("made", made=made), description, (which, *further))


def connection(
    description: str,
    rows: ListOf,
    *further: inspect.Parameter,
    key: str = "",
    where: str = "",
    through: Through | None = None,
) -> Any:
    """A list in pages: `first`/`after`, `last`/`before` or `offset`, ordered and filtered.

    `where`: only rows that this condition holds for, `status = 'trashed'`. `through`: what links rows that may have
    several parents; `key` is then a column of the links.
    """
    first = NESTED_FIRST if key else ROOT_FIRST
    size = f"How many from the start; {first} unless said, {MAX_FIRST} at most."
    arguments = [
        argument("first", int | None, size, None),
        argument("after", str | None, "Only what follows this cursor.", None),
        argument("last", int | None, "How many from the end.", None),
        argument("before", str | None, "Only what precedes this cursor.", None),
        argument("offset", int | None, "How many to pass over; not together with cursors.", None),
        argument("order_by", list[rows.order] | None, "Sort keys, the first one counts most.", None),  # type: ignore[name-defined]
        argument("filter", rows.filter | None, "Which ones; all conditions must hold.", None),
        *further,
    ]
    made = Many(
        key, rows.default, rows.keys, connection=True, default_first=first, where=where, through=through
    )
    return _field(Declared("made", made=made), description, tuple(arguments))


def aggregate(
    description: str,
    build: Callable[[AggregateRequest], Select],
    *arguments: inspect.Parameter,
    many: bool = False,
    check: Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]] | None = None,
    present: Expression | None = None,
    price: int = 0,
    **columns: Any,
) -> Any:
    """Sums over other rows. With `columns` one object that others embed, too; `present` as there.

    `check` says which argument is wrong, and why. `price`: how many rows it may read, where they are many.
    """
    declared = Declared("made", made=Aggregate(build, many, check), columns=_bound(columns), present=present)
    return _field(declared, description, arguments, price=price)


def parts(description: str, prefix: str, *, always: str, shared: Collection[str] = ()) -> Any:
    """Objects kept in arrays of the row: their column `x` in `<prefix>_x`; `always` is always selected.

    `shared`: columns that they read from the row itself.
    """
    return _field(Declared("made", made=Parts(prefix, always, frozenset(shared))), description)


def by_ids(description: str, *, many: bool) -> Any:
    """`node` and `nodes`."""
    one = (
        argument("ids", list[strawberry.ID], "Ids of any kind, 100 at most; the answer keeps their places.")
        if many
        else argument("id", strawberry.ID, "An id of any kind, as the graph shows it.")
    )
    return _field(Declared("made", made=ByIds(many)), description, (one,))


# ── the Strawberry side ───────────────────────────────────────────────────────


def _field(
    declared: Declared,
    description: str,
    arguments: tuple[inspect.Parameter, ...] = (),
    *,
    roles: Collection[Role] = (),
    price: int = 0,
    name: str | None = None,
) -> Any:
    shared = resolver_of(declared.what)

    # A function of its own per field: the signature is what GraphQL shows.
    def resolver(root: Any, info: Any, **arguments: Any) -> Any:
        return shared(root, info, **arguments)

    info = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)
    root = inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    resolver.__signature__ = inspect.Signature([root, info, *arguments])  # type: ignore[attr-defined]
    return strawberry.field(
        resolver=resolver,
        name=name,
        description=description,
        metadata={KEY: declared, **needing(roles), **priced(price)},
    )


def priced(rows: int) -> dict[str, Any]:
    """Metadata of a field that does more than it prints: `rows` it may read, or as long as reading so many takes."""
    return {PRICE: rows} if rows else {}


def argument(
    name: str, kind: Any, description: str, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[kind, strawberry.argument(description=description)],
        default=default,
    )
