"""The parts of graphql-core that we use beyond what its package exports, all in one place.

The planner reads values as graphql-core does, and coercion is its job, not ours. A few of the parts for it are only in
modules of the execution, which may move with a minor version; pyproject.toml keeps newer ones out until somebody has
compared them with this file, and `tests/plan/test_graphql_parts.py` says what changed.

- `VariableValues(sources, coerced)` is what arguments are read with. They come out the same without `sources`, so the
  coerced variables by name, which is what resolvers are shown, are enough (`variables_of`).
- `VariableValueSource` and the signature of a variable are what a single variable is kept as.
- `coerce_default_value` is what it fills in for a field that is left out.
- A leaf type's `coerce_input_value` and `coerce_output_value` are what the executor itself calls.
- A message may suggest names of the schema, and the one about missing subfields does so whatever `hide_suggestions`
  says (`without_suggestions`).
"""

import re
from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputField,
    GraphQLLeafType,
    GraphQLSchema,
    VariableDefinitionNode,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value

_SUGGESTION = re.compile(r" Did you mean .*\?$", re.DOTALL)


def variables_of(coerced: dict[str, Any]) -> VariableValues:
    """Coerced variables by name, as arguments are read with them."""
    return VariableValues({}, coerced)


def one_variable(signature: GraphQLVariableSignature, sent: Any, coerced: Any) -> VariableValues:
    """The variables of an operation that has but this one."""
    return VariableValues({signature.name: VariableValueSource(signature, sent)}, {signature.name: coerced})


def signature_of(schema: GraphQLSchema, variable: VariableDefinitionNode) -> GraphQLVariableSignature | None:
    """Name and type of a declared variable; None where its type is no input type."""
    found = get_variable_signature(schema, variable)
    return None if isinstance(found, GraphQLError) else found


def reader_of(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """How the executor reads a value that was sent; it raises, or gives `Undefined`, where it is none."""
    return leaf.coerce_input_value


def printer_of(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """How the executor shows a value."""
    return leaf.coerce_output_value


def default_of(field: GraphQLInputField) -> Any:
    """What is filled in for a field that is left out, as it is after coercion; `Undefined` where nothing is."""
    return coerce_default_value(field)


def without_suggestions(message: str) -> str:
    """The message of an error without the names it suggests."""
    return _SUGGESTION.sub("", message)


__all__ = [
    "GraphQLVariableSignature",
    "VariableValues",
    "default_of",
    "one_variable",
    "printer_of",
    "reader_of",
    "signature_of",
    "variables_of",
    "without_suggestions",
]
