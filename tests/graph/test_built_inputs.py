"""Inputs are built as Strawberry would build them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    get_nullable_type,
    is_non_null_type,
    is_required_input_field,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.types.arguments import convert_argument

from app.graph.declaring.built_inputs import BuiltInputs
from app.graph.schema import graph, inputs, schema
from app.graph.strawberry_parts import built, declaration, origin

INPUTS = [one for one in graph.type_map.values() if isinstance(one, GraphQLInputObjectType)]
SCALARS: Mapping[str, Any] = {
    "String": st.just("text"), "ID": st.just("camp_1"), "Int": st.just(1), "Long": st.just(2**40),
    "Decimal": st.just(Decimal("1.5")), "Boolean": st.booleans(), "Date": st.just(date(2025, 1, 1)),
    "DateTime": st.just(datetime(2025, 1, 1, tzinfo=UTC)), "JSON": st.just({"a": [1]}), "Upload": st.just(object()),
    "Float": st.just(0.5),
}  # fmt: skip


def coerced(kind: Any, depth: int = 3) -> Any:
    """Coerced values of a type."""
    if not is_non_null_type(kind):
        return st.none() | coerced_value(kind, depth)
    return coerced_value(get_nullable_type(kind), depth)


def coerced_value(kind: Any, depth: int) -> Any:
    if isinstance(kind, GraphQLList):
        return st.lists(coerced(kind.of_type, depth), max_size=2)
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from([kind.coerce_input_value(name) for name in kind.values])
    if not isinstance(kind, GraphQLInputObjectType):
        return SCALARS[kind.name]
    needed = {
        name: coerced(f.type, depth - 1) for name, f in kind.fields.items() if is_required_input_field(f)
    }
    others = {
        name: coerced(f.type, depth - 1)
        for name, f in kind.fields.items()
        if name not in needed and depth > 0
    }
    return st.fixed_dictionaries(needed, optional=others)


def alike(one: Any, other: Any) -> bool:
    """Whether two are the same value of the same type, to the last field."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if is_dataclass(one):
        return all(alike(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return one is other or bool(one == other)


@pytest.fixture
def own_way() -> Iterator[None]:
    """Strawberry builds the schema's inputs by itself."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in INPUTS:
            patch.setattr(declaration(kind), "from_input", None)
        yield


@pytest.mark.parametrize("kind", INPUTS, ids=str)
@pytest.mark.usefixtures("own_way")
def test_every_input_is_built_as_strawberry_builds_it(kind: GraphQLInputObjectType) -> None:
    build = inputs.build(kind)
    assert build is not None

    @settings(
        max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
    )  # fmt: skip
    @given(coerced_value(kind, 3))
    def compared(sent: Any) -> None:
        theirs = convert_argument(sent, origin(kind), schema.schema_converter.scalar_registry, schema.config)  # type: ignore[arg-type]
        assert alike(build(sent), theirs)

    compared()


def test_strawberry_asks_for_them() -> None:
    assert all(declaration(kind).from_input is not None for kind in INPUTS)


def test_lists_are_never_those_of_the_schemas_defaults() -> None:
    build = inputs.build(GraphQLList(graph.type_map["String"]))
    sent = ["a"]
    assert build is not None
    assert build(sent) == sent
    assert build(sent) is not sent
    assert build(None) is None
    assert build(strawberry.UNSET) is strawberry.UNSET


def test_what_is_built_otherwise_is_refused_with_its_reason() -> None:
    @strawberry.input
    class Perhaps:
        """An input."""

        value: strawberry.Maybe[int]

    @strawberry.input
    class Pointed:
        """An input."""

        ids: list[strawberry.relay.GlobalID]

    for one, why in ((Perhaps, "`Maybe`"), (Pointed, "`GlobalID`")):
        query = strawberry.type(
            type("Query", (), {"a": strawberry.field(resolver=lambda: 1, graphql_type=int)})
        )
        small = strawberry.Schema(query=query, types=[one])
        with pytest.raises(TypeError, match=why):
            BuiltInputs(built(small))
