"""The parts of Strawberry that we use beyond its documentation, all in one place.

Strawberry documents how types are declared and operations run. The planner also reads back what was declared, runs
documents that were parsed and validated already, and has values passed on that are printed already. New minor versions
of Strawberry come often; pyproject.toml keeps them out until somebody has compared them with this file, and
`tests/graph/test_strawberry_parts.py` says what changed.

- The built schema of graphql-core is `Schema._schema`; each of its types, fields and input fields has its declaration
  under `strawberry-definition` in `extensions`; an enum class has its own as `__strawberry_definition__`.
- A field's declaration has `metadata`, `permission_classes`, `extensions`, `base_resolver.wrapped_func` and
  `python_name`; a type's has `origin`, an enum's `wrapped_cls` and `values`.
- `Info._raw_info` is graphql-core's own, with the type the field is on.
- `Definition.from_input` is asked to build an input instead of `convert_argument`, which would make `Some` of what is
  declared as `Maybe`, and a `GlobalID` of its text.
- An extension that sets `graphql_document` while parsing, and `pre_execution_errors` while validating, leaves nothing
  to do for either.
- The execution context is graphql-core's with additions, and completes every value in `complete_value`.
- A scalar's definition has an `implementation`, which is taken as it is: graphql-core would refuse to make one called
  `ID`.
- Its two rules of validation are not among those that graphql-core specifies.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING
from enum import Enum
from typing import Any

import strawberry
from graphql import DocumentNode, GraphQLResolveInfo, GraphQLScalarType, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.relay import GlobalID
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.base import StrawberryContainer, StrawberryMaybe
from strawberry.types.scalar import ScalarDefinition

_DECLARATION = "strawberry-definition"
VALIDATION_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)
"""Strawberry's own, beside `specified_rules`."""

Scalars = dict[object, ScalarDefinition]
"""What `StrawberryConfig(scalar_map=…)` takes."""


def reserved_scalar(scalar: GraphQLScalarType, *, name: str) -> ScalarDefinition:
    """The scalar under a name that graphql-core keeps for its own, which it replaces in our schema: a wider `ID`."""
    scalar.name = name
    return ScalarDefinition(
        name=name,
        description=scalar.description,
        specified_by_url=None,
        serialize=scalar.serialize,
        parse_value=scalar.parse_value,
        parse_literal=scalar.parse_literal,
        implementation=scalar,
    )


def built(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's schema, as Strawberry built it."""
    return schema._schema


def raw(info: strawberry.Info) -> "GraphQLResolveInfo[Any]":
    """graphql-core's own `info`."""
    return info._raw_info


def declaration(item: Any) -> Any:
    """How a type, a field or an input field of the built schema was declared; None where Strawberry made it itself."""
    return (item.extensions or {}).get(_DECLARATION)


def metadata(item: Any, key: str) -> Any:
    """A field's metadata under this key; None where there is none."""
    found = declaration(item)
    return None if found is None else found.metadata.get(key)


def declared_fields(cls: type) -> dict[str, Any]:
    """The declarations of a type's fields, by their names in Python, before the schema is built."""
    return {field.python_name: field for field in cls.__strawberry_definition__.fields}  # type: ignore[attr-defined]


def inner_type(field: Any) -> Any:
    """What a declared field holds, without optional, maybe and list."""
    kind = field.type
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    return kind


def origin(item: Any) -> type | None:
    """The class a type was declared by."""
    found: type | None = getattr(declaration(item), "origin", None)
    return found


def enum_class(item: Any) -> type[Enum]:
    """The class an enum was declared by."""
    found: type[Enum] = declaration(item).wrapped_cls
    return found


def python_name(item: Any) -> str:
    """What a field is called in its class."""
    name: str = declaration(item).python_name
    return name


def resolver(item: Any) -> Any:
    """The function a field was declared by; None where it is an attribute."""
    found = declaration(item).base_resolver
    return None if found is None else found.wrapped_func


def runs_around(item: Any) -> str | None:
    """Which parts of a field's declaration run around its resolver, in words; None if there are none."""
    found = declaration(item)
    if found.permission_classes:
        return "permission classes"
    return "field extensions" if found.extensions else None


def build_by(item: Any, build: Callable[[Any], Any]) -> None:
    """Have an input's instances built by `build`, from their coerced values by name."""
    declaration(item).from_input = lambda _cls, sent, _context: build(sent)


def is_built_otherwise(item: Any) -> str:
    """What an input has that needs more than its fields' values to be built, in words; empty: nothing."""
    found = declaration(item)
    if found.from_input is not None:
        return "a `from_input` of its own"
    kinds = [field.resolve_type(type_definition=found) for field in found.fields]
    if any(isinstance(kind, StrawberryMaybe) for kind in kinds):
        return "a field declared as `Maybe`"
    return "a field declared as `GlobalID`" if any(GlobalID in _named(kind) for kind in kinds) else ""


def _named(kind: Any) -> Iterator[Any]:
    yield kind
    if isinstance(kind, StrawberryContainer):
        yield from _named(kind.of_type)


def fields_without_default(item: Any) -> list[str]:
    """What the fields of an input are called in its class that have no default there."""
    return [
        field.python_name
        for field in declaration(item).fields
        if field.default_value is MISSING and field.default_factory is MISSING
    ]


def enum_values(cls: type[Enum]) -> list[Any]:
    """The values of a class that was declared as an enum, to be described."""
    found: list[Any] = cls.__strawberry_definition__.values  # type: ignore[attr-defined]
    return found


class WithoutParsing(SchemaExtension):
    """Replaces parsing and validation by a document that has passed both before."""

    def document(self) -> DocumentNode | None:
        """That document; None: the text is parsed as usual."""
        raise NotImplementedError

    def on_parse(self) -> Iterator[None]:
        """Nothing is left to parse."""
        self.execution_context.graphql_document = self.document()
        yield

    def on_validate(self) -> Iterator[None]:
        """Nothing is left to validate."""
        if self.document() is not None:
            self.execution_context.pre_execution_errors = []
        yield


class Finished:
    """A complete value of a field; nothing below it is resolved."""

    __slots__ = ()

    def under(self, key: str) -> Any:
        """What to show for it under this response key."""
        raise NotImplementedError


class Executor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which lets finished values through."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """A finished value as it is; other values as usual."""
        if isinstance(result, Finished):
            return result.under(path.key)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
