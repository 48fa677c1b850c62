"""Variables that are plain: one `input` whose values are texts, numbers and truth values.

What comes by the thousand looks like that. graphql-core walks types and values for each request anew, which costs a
fifth of an event; here the type is walked once per document, and each value is read by its own scalar. Whatever is not
plain, or wrong, is left to graphql-core, which also says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_non_null_type,
    is_required_input_field,
)

from app.plan.graphql_parts import (
    GraphQLVariableSignature,
    VariableValues,
    has_default,
    one_variable,
    reader_of,
    signature_of,
)

_PLAIN = frozenset({str, int, bool, Decimal, type(None)})


@dataclass(frozen=True, slots=True)
class PlainInput:
    """The one variable of an operation, an input object."""

    signature: GraphQLVariableSignature
    leaves: Mapping[str, tuple[str, Callable[[Any], Any], bool]]
    """What each field that is no list or object is called inside, how it is read, and whether it may be null."""
    required: frozenset[str]
    out_type: Callable[[dict[str, Any]], Any]

    def read(self, sent: Mapping[str, Any]) -> VariableValues | None:
        """The coerced variables, as graphql-core would have them; None where it has to look itself."""
        name = self.signature.name
        given = sent.get(name)
        if type(given) is not dict or len(sent) != 1 or not self.required <= given.keys():
            return None
        coerced: dict[str, Any] = {}
        for key, value in given.items():
            known = self.leaves.get(key)
            if known is None or type(value) not in _PLAIN:
                return None
            called, read, nullable = known
            if value is None:
                if not nullable:
                    return None
                coerced[called] = None
                continue
            try:
                coerced[called] = found = read(value)
            except Exception:
                return None
            if found is Undefined:
                return None
        return one_variable(self.signature, given, self.out_type(coerced))


def plain_input(schema: GraphQLSchema, operation: OperationDefinitionNode) -> PlainInput | None:
    """How to read the variables of an operation that has but one `input`; None for any other operation."""
    declared = operation.variable_definitions or ()
    if len(declared) != 1 or declared[0].default_value or declared[0].directives:
        return None
    signature = signature_of(schema, declared[0])
    if signature is None:
        return None
    kind = get_nullable_type(signature.type)
    if not isinstance(kind, GraphQLInputObjectType) or kind.is_one_of:
        return None
    leaves, required = {}, set()
    for name, field in kind.fields.items():
        leaf = get_nullable_type(field.type)
        if is_required_input_field(field):
            required.add(name)
        elif has_default(field):
            return None  # What is left out would have to be filled in.
        if is_leaf_type(leaf):
            leaves[name] = (field.out_name or name, reader_of(leaf), not is_non_null_type(field.type))
    return PlainInput(signature, leaves, frozenset(required), kind.out_type)
