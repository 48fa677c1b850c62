"""`schema.graphql` is what the code says, and every word of it is explained."""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from app.graph.schema import graph, schema

FILE = Path(__file__).parents[2] / "schema.graphql"


def test_the_file_is_what_the_code_says() -> None:
    printed = schema.as_str().strip() + "\n"
    assert FILE.read_text(encoding="utf-8") == printed, "run `make schema`, and look at the difference"


def test_the_file_can_be_read_by_others() -> None:
    read = build_schema(FILE.read_text(encoding="utf-8"))
    assert read.query_type is not None
    assert read.query_type is not None
    assert graph.query_type is not None
    assert set(read.query_type.fields) == set(graph.query_type.fields)


def ours() -> Iterator[GraphQLNamedType]:
    """Every type but GraphQL's own."""
    for kind in graph.type_map.values():
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind):
            yield kind


def unexplained() -> Iterator[str]:
    """Whatever has no description."""
    for kind in ours():
        if not kind.description:
            yield kind.name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{kind.name}.{name}" for name, value in kind.values.items() if not value.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in kind.fields.items():
                if not field.description:
                    yield f"{kind.name}.{name}"
                for argument, given in getattr(field, "args", {}).items():
                    if not given.description:
                        yield f"{kind.name}.{name}({argument})"
    for directive in graph.directives:
        if not directive.description:
            yield f"@{directive.name}"


def test_everything_is_explained() -> None:
    assert list(unexplained()) == []


def test_explanations_are_sentences() -> None:
    for kind in ours():
        assert kind.description is not None
        assert kind.description.rstrip()[-1] in ".:)…", f"{kind.name}: {kind.description}"
        assert not kind.description[0].islower(), kind.name


def test_the_planner_s_types_hold_no_float() -> None:
    """A float has no digits that both executions could agree on."""
    for kind in ours():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                assert "Float" not in str(field.type), f"{kind.name}.{name}"
