"""The planner's catalog, read from the built schema: declarations and GraphQL types put together."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from app.graph.declaring.fields import Declared
from app.graph.declaring.listing import KEY
from app.graph.strawberry_parts import declaration, enum_class, metadata, origin, runs_around
from app.plan.catalog import Aggregate, Catalog, Column, Embed, Entity, Fact, Field, Filter, Many, Parts
from app.plan.cost import PRICE
from app.plan.kinds import (
    BOOL,
    CURRENCY,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    JSON,
    TEXT,
    TEXTS,
    Kind,
    code,
    ident,
    rate,
)

BY_SCALAR = {
    "String": TEXT, "Int": INT, "Long": INT, "Boolean": BOOL, "DateTime": INSTANT, "Date": DATE,
    "Decimal": DECIMAL, "JSON": JSON, "Rate": rate(4),
}  # fmt: skip


def read_catalog(schema: GraphQLSchema, further: Iterable[Entity] = ()) -> Catalog:
    """Complete every declaration with what only the schema knows (kinds, names), and collect them."""
    entities: dict[str, Entity] = {entity.name: entity for entity in further}
    filters: dict[str, dict[str, Filter]] = {}
    unplanned: dict[str, str] = {}
    prices: dict[tuple[str, str], int] = {}
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            its_filters = {name: f for name, item in kind.fields.items() if (f := _filter_of(item))}
            if its_filters:
                filters[kind.name] = its_filters
        if not isinstance(kind, GraphQLObjectType) or kind.name.startswith("__"):
            continue
        if _is_page_type(kind):
            continue
        entities[kind.name] = _entity(kind, unplanned)
        prices.update({(kind.name, name): p for name, f in kind.fields.items() if (p := metadata(f, PRICE))})
    return Catalog(entities, filters, unplanned, prices)


def _entity(kind: GraphQLObjectType, unplanned: dict[str, str]) -> Entity:
    declared = getattr(origin(kind), "__entity__", None)
    entity: Entity = declared if declared is not None else Entity(kind.name)
    entity.fields.clear()
    for name, item in kind.fields.items():
        reason, field = _refused(item), metadata(item, KEY)
        if reason is None and isinstance(field, Declared) and field.what != "given":
            entity.fields[name] = _field(field, item, entity, name)
        elif not isinstance(field, Declared):
            unplanned[f"{kind.name}.{name}"] = reason or "a resolver in Python"
        elif reason is not None:
            unplanned[f"{kind.name}.{name}"] = reason
    return entity


def _field(declared: Declared, item: GraphQLField, entity: Entity, name: str) -> Field:
    if declared.what == "column":
        return _column(declared, item, entity, name)
    if declared.what == "fact":
        assert declared.read is not None
        return Fact(declared.kind or _kind_of(item, entity), declared.cast, declared.read)
    if declared.what == "embed":
        return _embed(declared, item, entity)
    field: Field = declared.made
    if isinstance(field, Aggregate) and (declared.columns or declared.present):
        return replace(field, embed=_embed(declared, item, entity))
    if isinstance(field, Parts):
        return replace(field, target=get_named_type(item.type).name)
    if isinstance(field, Many) and "filter" in item.args:
        return replace(field, filter=get_named_type(item.args["filter"].type).name)
    return field


def _embed(declared: Declared, item: GraphQLField, entity: Entity) -> Embed:
    inner = get_named_type(item.type)
    assert isinstance(inner, GraphQLObjectType)
    columns = {_camel(n): _column(d, inner.fields[_camel(n)], entity, n) for n, d in declared.columns.items()}
    return Embed(columns, declared.present, inner.name, declared.prefix)


def _column(declared: Declared, item: GraphQLField, entity: Entity, name: str) -> Column:
    column = declared.column or _snake(name)
    expressions = declared.expressions or (lambda row: row(column),)
    by_name = CURRENCY if column == "currency" else None
    return Column(declared.kind or by_name or _kind_of(item, entity), expressions, declared.beside)


def _kind_of(item: GraphQLField, entity: Entity) -> Kind:
    kind = item.type.of_type if is_non_null_type(item.type) else item.type
    named = get_named_type(kind)
    if is_list_type(kind):
        return TEXTS
    if named.name == "ID":
        return ident(entity.prefix)
    if isinstance(named, GraphQLEnumType):
        return code(enum_class(named))
    return BY_SCALAR[named.name]


def _refused(item: GraphQLField) -> str | None:
    """Why a field may not be planned: a plan would skip what runs around its resolver."""
    if declaration(item) is None:
        return "a resolver in Python"
    around = runs_around(item)
    return None if around is None else f"it has {around}, which a plan would pass over"


def _filter_of(item: Any) -> Filter | None:
    found = metadata(item, KEY)
    return found if isinstance(found, Filter) else None


def _is_page_type(kind: GraphQLObjectType) -> bool:
    """Connections, their edges and PageInfo are compiled as part of the list they belong to."""
    return kind.name == "PageInfo" or kind.name.endswith(("Connection", "Edge"))


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
