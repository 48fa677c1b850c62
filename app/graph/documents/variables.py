"""Variables read without a walk through the types: those of an operation that has one, an input object.

Requests that come by the thousand look like that, and reports hold thousands of entries. graphql-core walks types and
values side by side for each of them, which costs a fifth of an event and half of a report; here the types are walked
once per document, and what is left of them is a reader for each place. Whatever is wrong, or only lenient (one value
for a list), is left to graphql-core, which also says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_required_input_field,
)

from app.plan.graphql_parts import (
    GraphQLVariableSignature,
    VariableValues,
    default_of,
    one_variable,
    reader_of,
    signature_of,
)

_PLAIN = frozenset({str, int, bool, Decimal})
_DOCUMENT = frozenset({*_PLAIN, dict, list})
"""What a scalar may be given that keeps JSON as it was sent."""

Read = Callable[[Any], Any]
"""A value that was sent, coerced; _NotPlain where graphql-core has to do it."""


class _NotPlain(Exception):
    """It is wrong, or graphql-core is more lenient than the readers here."""


@dataclass(frozen=True, slots=True)
class PlainInput:
    """The one variable of an operation, an input object."""

    signature: GraphQLVariableSignature
    read_object: Read
    is_flat: bool
    """It holds neither lists nor objects, so that nothing in it has to be counted."""

    def read(self, sent: Mapping[str, Any]) -> VariableValues | None:
        """The coerced variables, as graphql-core would have them; None where graphql-core has to do it."""
        given = sent.get(self.signature.name)
        if given is None or len(sent) != 1:
            return None
        try:
            return one_variable(self.signature, given, self.read_object(given))
        except (_NotPlain, RecursionError):
            return None


def plain_input(schema: GraphQLSchema, operation: OperationDefinitionNode) -> PlainInput | None:
    """How to read the variables of an operation that has only one, `input`; None for any other operation."""
    declared = operation.variable_definitions or ()
    if len(declared) != 1 or declared[0].default_value or declared[0].directives:
        return None
    signature = signature_of(schema, declared[0])
    if signature is None:
        return None
    kind = get_nullable_type(signature.type)
    if not isinstance(kind, GraphQLInputObjectType):
        return None
    flat = all(_is_flat(field.type) for field in kind.fields.values())
    return PlainInput(signature, _object(kind, {}), flat)


def _is_flat(kind: GraphQLInputType) -> bool:
    leaf = get_nullable_type(kind)
    return is_leaf_type(leaf) and not _keeps_json(leaf)


def _keeps_json(leaf: Any) -> bool:
    return isinstance(leaf, GraphQLScalarType) and leaf.name == "JSON"


def _reader(kind: GraphQLInputType, known: dict[str, "_Object"]) -> Read:
    """For values of this type that are not null."""
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(inner, GraphQLList):
        return _list(inner.of_type, known)
    if isinstance(inner, GraphQLInputObjectType):
        return _object(inner, known)
    return _leaf(reader_of(inner), _DOCUMENT if _keeps_json(inner) else _PLAIN)


def _leaf(read: Read, plain: frozenset[type]) -> Read:
    def leaf(sent: Any) -> Any:
        if type(sent) not in plain:
            raise _NotPlain
        try:
            found = read(sent)
        except Exception:
            raise _NotPlain from None
        if found is Undefined:
            raise _NotPlain
        return found

    return leaf


def _list(kind: GraphQLInputType, known: dict[str, "_Object"]) -> Read:
    read, nullable = _reader(kind, known), not isinstance(kind, GraphQLNonNull)

    def several(sent: Any) -> list[Any]:
        if type(sent) is not list:
            raise _NotPlain
        if None in sent:
            if not nullable:
                raise _NotPlain
            return [None if one is None else read(one) for one in sent]
        return [read(one) for one in sent]

    return several


def _object(kind: GraphQLInputObjectType, known: dict[str, "_Object"]) -> Read:
    found = known.get(kind.name)
    if found is None:
        found = known[kind.name] = _Object(kind)
        # Only now: an input can hold itself.
        found.fields = {
            name: (
                field.out_name or name,
                _reader(field.type, known),
                not isinstance(field.type, GraphQLNonNull),
            )
            for name, field in kind.fields.items()
        }
    return found.read


class _Object:
    """How an input object is read."""

    __slots__ = ("defaults", "fields", "is_one_of", "out_type", "required")

    def __init__(self, kind: GraphQLInputObjectType) -> None:
        self.fields: Mapping[str, tuple[str, Read, bool]] = {}
        """By their names in the graph: the name in Python, how it is read, whether it may be null."""
        required = (name for name, field in kind.fields.items() if is_required_input_field(field))
        self.required = frozenset(required)
        filled = ((field.out_name or name, default_of(field)) for name, field in kind.fields.items())
        self.defaults = {name: value for name, value in filled if value is not Undefined}
        self.out_type = kind.out_type
        self.is_one_of = kind.is_one_of

    def read(self, sent: Any) -> Any:
        """The object, coerced."""
        if type(sent) is not dict or self.is_one_of or not self.required <= sent.keys():
            raise _NotPlain
        fields, coerced = self.fields, dict[str, Any](self.defaults)
        for key, value in sent.items():
            known = fields.get(key)
            if known is None:
                raise _NotPlain
            name, read, nullable = known
            if value is not None:
                coerced[name] = read(value)
            elif nullable:
                coerced[name] = None
            else:
                raise _NotPlain
        return self.out_type(coerced)
