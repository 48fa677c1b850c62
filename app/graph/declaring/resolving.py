"""The ordinary execution: one resolver per kind of declaration, reading records and dataloaders."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

from graphql import get_argument_values, get_named_type

from app.graph.declaring.loading import Loaders, Record, arguments
from app.graph.strawberry_parts import raw
from app.plan.arguments import FieldArguments
from app.plan.catalog import Aggregate, ByIds, Column, Embed, Many, Parts, RootRow, ToOne
from app.plan.collect import is_list
from app.plan.graphql_parts import variables_of
from app.plan.kinds import AMOUNT, CURRENCY, show
from app.plan.references import has_references, id_of
from app.values.ids import read_id, read_uuid

T = TypeVar("T")
_MONEY = {
    "amount": Column(AMOUNT, (lambda row: row("amount"), lambda row: row("currency"))),
    "currency": Column(CURRENCY, (lambda row: row("currency"),)),
}
"""Of Money that no row holds: its kinds alone are read."""


def resolver_of(what: str) -> Callable[..., Any]:
    """The resolver of a field declared as `what`. What it reads is in the catalog, under its type and name."""
    if what in {"column", "given"}:
        return _read_column
    if what == "fact":
        return _read_fact
    return _read_embed if what == "embed" else _read_relation


def money_shown(amount: Decimal, currency: str | None) -> Any:
    """Money that a resolver in Python worked out; null where its currency is not known."""
    if currency is None:
        return None
    return Record("Money", {"amount/0": amount, "amount/1": currency, "currency/0": currency}, columns=_MONEY)


def _read_column(root: Any, info: Any, **_: Any) -> Any:
    name = info.field_name
    bound = root.columns.get(name) if root.columns else None
    return root.show(name, bound or _field(raw(info)))


def _read_fact(root: Any, info: Any, **_: Any) -> Any:
    field = _field(raw(info))
    return show(field.kind, [field.read(loaders_of(info).bindings)])


def _read_embed(root: Any, info: Any, **_: Any) -> Any:
    field: Embed = _field(raw(info))
    name, record = info.field_name, root if isinstance(root, Record) else Record(field.target, {})
    if field.present is not None and not record.values[f"{record.path}{name}?"]:
        return None
    return Record(field.target, record.values, f"{record.path}{name}.", field.columns)


def _embedded(row: Record, field: Embed) -> Record | None:
    """An object with a row of its own, bound like one inside another row."""
    if field.present is not None and not row.values["?"]:
        return None
    return Record(field.target, row.values, columns=field.columns)


async def _read_relation(root: Any, info: Any, **_: Any) -> Any:
    found = await _kept(_relation(root, raw(info)))
    await loaders_of(info).ready.turn()
    return found


def _field(info: Any) -> Any:
    return loaders_of(info).catalog.entities[info.parent_type.name].fields[info.field_name]


def loaders_of(info: Any) -> Loaders:
    """This request's dataloaders."""
    loaders = info.context.loaders
    assert isinstance(loaders, Loaders)
    return loaders


async def _relation(root: Any, info: Any) -> Any:
    loaders, field = loaders_of(info), _field(info)
    definition = info.parent_type.fields[info.field_name]
    target = get_named_type(definition.type)
    match field:
        case ToOne():
            key = root.key(field.own_key)
            return (
                None
                if key is None
                else await loaders.one(target.name, key, by=field.key if field.reverse else "id")
            )
        case RootRow():
            scope = loaders.bindings.scope
            if field.scope_key:
                key = scope.group_id if field.scope_key == "group" else scope.store_id
            else:
                entity = loaders.catalog.entities[target.name]
                args = _args(info, definition)
                if has_references(args.values["id"]):
                    cast = entity.id_cast
                    key = await loaders.found(args.param("id", cast=cast, convert=id_of(entity.prefix, cast)))
                else:
                    key = _read(entity.prefix, entity.id_cast, args.values["id"])
            return None if key is None else await loaders.one(target.name, key, alive=True)
        case Many():
            parent = root.key("id") if field.key else None
            args = _args(info, definition)
            if not field.connection:
                return await loaders.listing(target.name, field, args, parent)
            nodes = get_named_type(target.fields["nodes"].type).name
            return await loaders.page(nodes, field, args, parent)
        case Aggregate():
            parent = root.key("id") if isinstance(root, Record) and "#id" in root.values else None
            rows = await loaders.aggregate(target.name, field, _args(info, definition), parent)
            if field.embed is not None:
                return _embedded(rows[0], field.embed)
            return rows if is_list(definition) else rows[0]
        case Parts():
            return root.parts(info.field_name, field)
        case ByIds():
            values = _args(info, definition).values
            if not field.many:
                return await _any(loaders, values["id"])
            return await asyncio.gather(*(_any(loaders, one) for one in values["ids"]))
        case _:
            raise TypeError(f"{field!r} is no relation")


async def _any(loaders: Loaders, text: str) -> Record | None:
    entity = loaders.catalog.by_prefix(text.rpartition("_")[0])
    if entity is None:
        return None
    key = _read(entity.prefix, entity.id_cast, text)
    return None if key is None else await loaders.one(entity.name, key, alive=True)


def _read(prefix: str, id_cast: str, text: str) -> Any:
    return read_uuid(prefix, text) if id_cast == "uuid" else read_id(prefix, text)


def _args(info: Any, definition: Any) -> FieldArguments:
    # Strawberry shows resolvers only the coerced variables.
    variables = variables_of(info.variable_values)
    return arguments(get_argument_values(definition, info.field_nodes[0], variables))


async def _kept(work: Awaitable[T]) -> T:
    # graphql-core cancels sibling fields when one fails on a non-null type; a dataloader's future is shared with
    # fields elsewhere, which must not be cancelled with them.
    return await asyncio.shield(work)
