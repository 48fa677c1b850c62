"""Inputs built from coerced values: what Strawberry does for every value is found once per type here.

A report of 5,000 metrics has 5,000 inputs of a dozen fields. Strawberry asks for each of them how the field is called,
what its type is, and of which of its nine kinds; that took two fifths of the request. The instances are the same, and a
test compares them for every input of the schema.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLList, GraphQLSchema, get_nullable_type
from strawberry import UNSET

from app.graph.strawberry_parts import (
    build_by,
    fields_without_default,
    is_built_otherwise,
    origin,
    python_name,
)

Build = Callable[[Any], Any]
"""From a coerced value, which may be null or absent, to what a resolver gets."""


class BuiltInputs:
    """How the inputs of a schema are built, which Strawberry is told, too."""

    def __init__(self, graph: GraphQLSchema) -> None:
        self._known: dict[str, _Input] = {}
        for kind in graph.type_map.values():
            if isinstance(kind, GraphQLInputObjectType):
                build_by(kind, self._of_input(kind))

    def build(self, kind: Any) -> Build | None:
        """For values of this GraphQL type; None where they stay as they are."""
        kind = get_nullable_type(kind)
        if isinstance(kind, GraphQLList):
            return _list_of(self.build(kind.of_type))
        return self._of_input(kind) if isinstance(kind, GraphQLInputObjectType) else None

    def _of_input(self, kind: GraphQLInputObjectType) -> "_Input":
        known = self._known.get(kind.name)
        if known is None:
            why = is_built_otherwise(kind)
            if why:
                raise TypeError(f"{kind.name} has {why}, which its instances are not built with here.")
            known = self._known[kind.name] = _Input(kind)
            # Only now: an input can hold itself.
            known.fields = {
                name: (python_name(field), self.build(field.type)) for name, field in kind.fields.items()
            }
        return known


class _Input:
    """How one input is built."""

    __slots__ = ("absent", "fields", "made")

    def __init__(self, kind: GraphQLInputObjectType) -> None:
        made = origin(kind)
        assert made is not None, f"{kind.name} was declared by no class"
        self.made: Callable[..., Any] = made
        self.absent: Mapping[str, None] = dict.fromkeys(fields_without_default(kind))
        """What is None when it is left out. The class has the defaults of the others."""
        self.fields: Mapping[str, tuple[str, Build | None]] = {}
        """By their names in the graph: what they are called in the class, and how they are built."""

    def __call__(self, sent: Any) -> Any:
        """The instance."""
        if sent is None or sent is UNSET:
            return sent
        fields, values = self.fields, dict[str, Any](self.absent)
        for key, value in sent.items():
            name, build = fields[key]
            values[name] = value if build is None else build(value)
        return self.made(**values)


def _list_of(build: Build | None) -> Build:
    def several(sent: Any) -> Any:
        if sent is None or sent is UNSET:
            return sent
        # A list of its own in any case: a default is the same object in every request.
        return list(sent) if build is None else [build(one) for one in sent]

    return several
