"""What lists can be ordered and filtered by: sort keys, filter conditions, and the GraphQL inputs made from them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import strawberry
from graphql import GraphQLError

from app.auth.principal import Role
from app.graph.declaring.described import enum_type
from app.graph.declaring.permitting import needing
from app.graph.declaring.scalars import read_decimal
from app.plan.catalog import Arguments, Filter, FilterArguments, Predicate, Row, SortKey
from app.plan.kinds import DATE, DECIMAL, INSTANT, INT, TEXT
from app.plan.references import id_of
from app.plan.sql import Sql, joined, sql, verbatim
from app.values.instants import read_date, read_instant

KEY = "campaign-gateway"
"""Where a declaration is in a field's metadata."""


@enum_type
class Direction(Enum):
    """Which way a list runs."""

    ASC = strawberry.enum_value("asc", description="Smallest first.")
    DESC = strawberry.enum_value("desc", description="Largest first.")


@dataclass(frozen=True)
class ListOf:
    """How lists of a type are ordered and filtered, wherever they appear."""

    keys: Mapping[str, SortKey]
    order: type
    filter: type
    default: tuple[tuple[str, bool], ...]


def text_key(name: str, *, roles: Collection[Role] = ()) -> SortKey:
    """Sort by a text column, by code point. `roles`: whoever may."""
    return SortKey(name, TEXT, "text", _text, frozenset(roles))


def instant_key(name: str) -> SortKey:
    """Sort by an instant."""
    return SortKey(name, INSTANT, "timestamptz", lambda v: read_instant(_text(v)))


def date_key(name: str) -> SortKey:
    """Sort by a day."""
    return SortKey(name, DATE, "date", lambda v: read_date(_text(v)))


def number_key(name: str) -> SortKey:
    """Sort by a whole number."""
    return SortKey(name, INT, "bigint", _number)


def decimal_key(name: str) -> SortKey:
    """Sort by an amount."""
    return SortKey(name, DECIMAL, "numeric", _decimal)


def list_of(
    type_name: str, filters: type, default: str, *, descending: bool = False, **keys: tuple[SortKey, str]
) -> ListOf:
    """Sort keys by GraphQL name (lower case here), each with its description; makes the input `<Type>Order`."""
    members = {
        name.upper(): strawberry.enum_value(name.upper(), description=text)
        for name, (_, text) in keys.items()
    }
    enum: Any = strawberry.enum(
        cast("type[Enum]", Enum(f"{type_name}OrderField", members)),
        description=f"What a list of type {type_name} can be ordered by.",
    )
    made = type(
        f"{type_name}Order",
        (),
        {
            "__annotations__": {"field": enum, "direction": Direction},
            "field": strawberry.field(description="The sort key."),
            "direction": strawberry.field(description="Smallest or largest first.", default=Direction.ASC),
        },
    )
    order = strawberry.input(made, description=f"One sort key of a list of type {type_name}.")
    return ListOf(
        {name.upper(): key for name, (key, _) in keys.items()}, order, filters, ((default, descending),)
    )


def filter_by(
    description: str,
    predicate: Predicate,
    *,
    replaces_alive: bool = False,
    roles: Collection[Role] = (),
) -> Any:
    """A key of a filter input: the condition it adds when it is given. `roles`: whoever may ask for it."""
    return strawberry.field(
        description=description,
        default=None,
        metadata={KEY: Filter(predicate, replaces_alive), **needing(roles)},
    )


def equals(name: str, cast: str, convert: Callable[[Any], object] | None = None) -> Predicate:
    """The column is this value."""
    return lambda row, args, path: sql(
        "{column} = {value}", column=row(name), value=args.param(*path, cast=cast, convert=convert)
    )


def one_of(name: str, cast: str, convert: Callable[[Any], object] | None = None) -> Predicate:
    """The column is one of these values."""
    return lambda row, args, path: sql(
        "{column} = ANY ({value})",
        column=row(name),
        value=args.param(*path, cast=f"{cast}[]", convert=convert),
    )


def compares(name: str, operator: str, cast: str) -> Predicate:
    """The column stands in this relation to the value."""
    return lambda row, args, path: sql(
        "{column} {operator} {value}",
        column=row(name),
        operator=verbatim(operator),
        value=args.param(*path, cast=cast),
    )


def contains_text(*names: str) -> Predicate:
    """One of the columns contains this text, upper or lower case."""

    def predicate(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
        pattern = args.param(*path, cast="text", convert=like_pattern)
        tests = [sql("{column} ILIKE {pattern}", column=row(name), pattern=pattern) for name in names]
        return sql("coalesce({any}, false)", any=joined(" OR ", tests))

    return predicate


def in_project(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    """The column `project_id` names the project with this slug or id."""
    own = args.param(*path, cast="bigint", convert=id_of("proj"))
    # One value, not a join: so the list can still be read from the index that has the project's rows in order.
    return sql(
        """
        {row.project_id} = coalesce(
            {own}, (SELECT min({pr.id}) FROM {pr} WHERE {pr.scope} AND {pr.slug} = {slug})
        )
        """,
        row=row,
        own=own,
        pr=args.table("Project", "pr"),
        slug=args.param(*path, cast="text"),
    )


def like_pattern(text: Any) -> str:
    """`100%` → `%100\\%%`: what the user typed is taken literally."""
    escaped = str(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _text(value: object) -> str:
    # A cursor is JSON inside base64: the check of all arguments did not see its contents.
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("this is not a cursor of this list")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**63 - 1:
        raise ValueError("this is not a cursor of this list")
    return value


def _decimal(value: object) -> Any:
    try:
        return read_decimal(_text(value))
    except GraphQLError:
        raise ValueError("this is not a cursor of this list") from None
