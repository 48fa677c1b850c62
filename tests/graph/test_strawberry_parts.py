"""What `graph/strawberry_parts.py` says of Strawberry is so: a test fails where a version of it behaves otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    parse,
    specified_rules,
    validate,
)

from app.graph import strawberry_parts as parts


class Size(StrEnum):
    """An enum of the domain."""

    SMALL = "s"
    LARGE = "l"


strawberry.enum(Size, description="How large.")


@strawberry.input
class Wish:
    """An input with a name that is changed on its way."""

    at_most: int | None = None
    exactly: strawberry.Maybe[int]


@strawberry.input(one_of=True)
class Either:
    """An input of which one field is given."""

    one: int | None = strawberry.UNSET
    other: int | None = strawberry.UNSET


@strawberry.type
class Thing:
    """A type with a plain field and a Python one."""

    full_name: str
    size: Size = Size.SMALL


class Nobody(strawberry.BasePermission):
    """A permission class."""

    message = "no"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        """Never."""
        return False


def find(root: Any, info: strawberry.Info, wish: Wish | None = None) -> Thing:
    """A resolver."""
    SEEN.append(parts.raw(info))
    return Thing(full_name="a")


SEEN: list[Any] = []
FINISHED: list[Any] = []


@dataclass(frozen=True, slots=True)
class Text(parts.Finished):
    """A value that is printed already."""

    text: str

    def under(self, key: str) -> Any:
        """The text and its key."""
        return f"{key}: {self.text}"


@strawberry.type
class Query:
    """The root."""

    found: Thing = strawberry.field(resolver=find, description="Found.", metadata={"ours": 7})
    hidden: Thing = strawberry.field(resolver=find, permission_classes=[Nobody])

    @strawberry.field
    def printed(self) -> Thing:
        """Not a thing: the text of one."""
        return Text("x")  # type: ignore[return-value]  # what the executor is told to pass on

    @strawberry.field
    def printed_list(self) -> list[Thing]:
        """The same for a list."""
        return Text("y")  # type: ignore[return-value]  # what the executor is told to pass on

    @strawberry.field
    def either(self, either: Either) -> int:
        """Takes one of two."""
        return either.one or either.other or 0


class Prepared(parts.WithoutParsing):
    """Takes the document from the context."""

    def document(self) -> DocumentNode | None:
        """The one that was given along."""
        found: DocumentNode | None = self.execution_context.context
        return found


SCHEMA = strawberry.Schema(
    query=Query, types=[Wish], extensions=[Prepared], execution_context_class=parts.Executor
)


def built_type(name: str) -> Any:
    """A type of the built schema."""
    return parts.built(SCHEMA).type_map[name]


def test_the_built_schema_is_graphql_cores() -> None:
    graph = parts.built(SCHEMA)
    assert isinstance(graph, GraphQLSchema)
    assert isinstance(built_type("Query"), GraphQLObjectType)
    assert isinstance(built_type("Wish"), GraphQLInputObjectType)
    assert isinstance(built_type("Size"), GraphQLEnumType)


def test_what_was_declared_is_read_back() -> None:
    query, thing, wish = built_type("Query"), built_type("Thing"), built_type("Wish")
    assert (parts.origin(query), parts.origin(thing), parts.origin(wish)) == (Query, Thing, Wish)
    assert parts.metadata(query.fields["found"], "ours") == 7
    assert parts.metadata(query.fields["found"], "theirs") is None
    assert parts.python_name(thing.fields["fullName"]) == "full_name"
    assert parts.python_name(wish.fields["atMost"]) == "at_most"
    assert parts.resolver(query.fields["found"]) is find
    assert parts.resolver(thing.fields["fullName"]) is None
    assert parts.enum_class(built_type("Size")) is Size


def test_what_graphql_core_adds_has_no_declaration() -> None:
    kind = built_type("__Type")
    assert parts.declaration(kind) is None
    assert parts.origin(kind) is None
    assert parts.metadata(kind.fields["name"], "ours") is None


def test_what_runs_around_a_resolver_is_seen() -> None:
    fields = built_type("Query").fields
    assert parts.runs_around(fields["found"]) is None
    assert parts.runs_around(fields["hidden"]) == "permission classes"


def test_an_enums_values_can_be_described_before_the_schema_is_built() -> None:
    class Colour(StrEnum):
        RED = "r"

    strawberry.enum(Colour)
    (red,) = parts.enum_values(Colour)
    red.description = "Like blood."

    @strawberry.type
    class Root:
        colour: Colour = Colour.RED

    kind = parts.built(strawberry.Schema(query=Root)).type_map["Colour"]
    assert isinstance(kind, GraphQLEnumType)
    assert (red.name, kind.values["RED"].description) == ("RED", "Like blood.")


async def test_the_raw_info_knows_the_type_and_the_nodes() -> None:
    SEEN.clear()
    result = await SCHEMA.execute("{ found { fullName size } }")
    assert result.data == {"found": {"fullName": "a", "size": "SMALL"}}
    (info,) = SEEN
    assert (info.parent_type.name, info.field_name) == ("Query", "found")
    assert [type(node) for node in info.field_nodes] == [FieldNode]
    assert info.variable_values == {}


async def test_a_prepared_document_is_neither_parsed_nor_validated() -> None:
    document = parse("{ found { size } }")
    result = await SCHEMA.execute("not GraphQL at all", context_value=document)
    assert (result.errors, result.data) == (None, {"found": {"size": "SMALL"}})
    unknown = await SCHEMA.execute("-", context_value=parse("{ found { size } unknown }"))
    assert unknown.errors is None


async def test_without_one_the_text_is_both() -> None:
    for text in ("not GraphQL at all", "{ unknown }"):
        result = await SCHEMA.execute(text)
        assert result.errors
        assert result.data is None


async def test_a_finished_value_is_passed_on_under_each_key() -> None:
    result = await SCHEMA.execute("{ printed { fullName } again: printed { size } printedList { size } }")
    assert result.errors is None
    assert result.data == {"printed": "printed: x", "again": "again: x", "printedList": "printedList: y"}


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("{ found(wish: {exactly: null}) { size } }", "exactly"),
        ("{ either(either: {one: 1, other: 2}) }", "one"),
    ],
)
def test_strawberrys_rules_are_its_own(query: str, complaint: str) -> None:
    rules: Sequence[Any] = parts.VALIDATION_RULES
    assert not set(rules) & set(specified_rules)
    (error,) = validate(parts.built(SCHEMA), parse(query), rules)
    assert complaint in error.message
