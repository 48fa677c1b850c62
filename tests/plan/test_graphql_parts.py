"""What `plan/graphql_parts.py` says of graphql-core is so: each test fails where a version of it behaves otherwise."""

from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLInputObjectType,
    GraphQLScalarType,
    OperationDefinitionNode,
    Undefined,
    build_schema,
    get_argument_values,
    get_variable_values,
    parse,
    validate,
)

from app.plan import graphql_parts as parts

SCHEMA = build_schema(
    """
    enum Size { SMALL LARGE }
    input Wish { name: String!, size: Size, many: Int = 3 }
    type Query { things(wish: Wish, first: Int = 10, ids: [ID!]): String, itself: Query }
    """
)


def operation(text: str) -> OperationDefinitionNode:
    """The one operation of a document."""
    (found,) = parse(text).definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def read(node: OperationDefinitionNode, variables: parts.VariableValues) -> dict[str, Any]:
    """The arguments of its one field."""
    (field,) = node.selection_set.selections
    assert isinstance(field, FieldNode)
    assert SCHEMA.query_type is not None
    return get_argument_values(SCHEMA.query_type.fields["things"], field, variables)


QUERY = "query ($wish: Wish, $first: Int, $id: ID!) { things(wish: $wish, first: $first, ids: [$id]) }"
SENT: dict[str, Any] = {"wish": {"name": "a", "size": "LARGE"}, "id": 7}


def test_coerced_variables_alone_give_the_same_arguments() -> None:
    node = operation(QUERY)
    coerced = get_variable_values(SCHEMA, node.variable_definitions or (), SENT)
    assert isinstance(coerced, parts.VariableValues)
    assert coerced.coerced == {"wish": {"name": "a", "size": "LARGE", "many": 3}, "id": "7"}
    assert read(node, coerced) == {"wish": coerced.coerced["wish"], "first": 10, "ids": ["7"]}
    assert read(node, parts.variables_of(coerced.coerced)) == read(node, coerced)


def test_one_variable_made_by_hand_is_what_graphql_core_makes() -> None:
    node = operation("query ($wish: Wish!) { things(wish: $wish) }")
    sent = {"name": "a"}
    theirs = get_variable_values(SCHEMA, node.variable_definitions or (), {"wish": sent})
    signature = parts.signature_of(SCHEMA, (node.variable_definitions or ())[0])
    assert signature is not None
    ours = parts.one_variable(signature, sent, {"name": "a", "many": 3})
    assert isinstance(theirs, parts.VariableValues)
    assert ours.coerced == theirs.coerced
    # The type is made anew for each signature, and has no equality.
    assert [(k, str(s.signature.type), s.value) for k, s in ours.sources.items()] == [
        (k, str(s.signature.type), s.value) for k, s in theirs.sources.items()
    ]


def test_a_variable_of_no_input_type_has_no_signature() -> None:
    node = operation("query ($wish: Query) { things }")
    assert parts.signature_of(SCHEMA, (node.variable_definitions or ())[0]) is None


def test_leaves_are_read_and_shown_as_the_executor_does() -> None:
    size, number = SCHEMA.type_map["Size"], SCHEMA.type_map["Int"]
    assert isinstance(number, GraphQLScalarType)
    assert parts.reader_of(number)(4) == 4
    assert parts.printer_of(number)(4) == 4
    with pytest.raises(Exception, match="Int cannot represent"):
        parts.reader_of(number)("four")
    ours = GraphQLScalarType("Ours", parse_value=lambda v: f"read {v}", serialize=lambda v: f"shown {v}")
    assert (parts.reader_of(ours)(1), parts.printer_of(ours)(1)) == ("read 1", "shown 1")
    assert size.name == "Size"


def test_a_reader_may_say_undefined() -> None:
    undefined = GraphQLScalarType("Undefined", parse_value=lambda _: Undefined)
    assert parts.reader_of(undefined)(1) is Undefined


def test_defaults_of_input_fields_are_as_they_are_filled_in() -> None:
    wish = SCHEMA.type_map["Wish"]
    assert isinstance(wish, GraphQLInputObjectType)
    assert {name: parts.default_of(field) for name, field in wish.fields.items()} == {
        "name": Undefined,
        "size": Undefined,
        "many": 3,
    }


@pytest.mark.parametrize(
    "query",
    ["{ thing }", "{ things(frist: 1) }", "query ($w: Wis) { things }"],
)
def test_suggestions_are_taken_out_of_messages(query: str) -> None:
    with_names = [error.message for error in validate(SCHEMA, parse(query))]
    assert any("Did you mean" in message for message in with_names)
    without = [parts.without_suggestions(message) for message in with_names]
    assert all(without)
    assert not any("Did you mean" in message for message in without)


def test_one_suggestion_is_made_whatever_it_is_told() -> None:
    (error,) = validate(SCHEMA, parse("{ itself }"), hide_suggestions=True)
    assert "Did you mean" in error.message
    assert "Did you mean" not in parts.without_suggestions(error.message)
