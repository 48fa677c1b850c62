"""What we rely on of Strawberry beyond its documentation, all in one place.

Strawberry documents how types are declared and operations run. The planner also reads back what was declared, runs
documents that were parsed and validated already, and has values passed on that are printed already. New minor versions
of Strawberry come often; pyproject.toml keeps them out until somebody has read them against this file, and
`tests/graph/test_strawberry_parts.py` says what changed.

- The built schema of graphql-core is `Schema._schema`; each of its types, fields and input fields has its declaration
  under `strawberry-definition` in `extensions`; an enum class has its own as `__strawberry_definition__`.
- A field's declaration has `metadata`, `permission_classes`, `extensions`, `base_resolver.wrapped_func` and
  `python_name`; a type's has `origin`, an enum's `wrapped_cls` and `values`.
- `Info._raw_info` is graphql-core's own, with the type the field is on.
- An extension that sets `graphql_document` while parsing, and `pre_execution_errors` while validating, leaves nothing
  to do for either.
- The execution context is graphql-core's with additions, and completes every value in `complete_value`.
- Its two rules of validation are not among those that graphql-core specifies.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any

import strawberry
from graphql import DocumentNode, GraphQLResolveInfo, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.scalar import ScalarDefinition

_DECLARATION = "strawberry-definition"
VALIDATION_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)
"""Strawberry's own, beside `specified_rules`."""

Scalars = dict[object, ScalarDefinition]
"""What `StrawberryConfig(scalar_map=…)` takes."""


def built(schema: strawberry.Schema) -> GraphQLSchema:
    """graphql-core's schema, as Strawberry built it."""
    return schema._schema


def raw(info: strawberry.Info) -> "GraphQLResolveInfo[Any]":
    """graphql-core's own `info`."""
    return info._raw_info


def declaration(item: Any) -> Any:
    """How a type, a field or an input field of the built schema was declared; None where Strawberry made it up."""
    return (item.extensions or {}).get(_DECLARATION)


def metadata(item: Any, key: str) -> Any:
    """What a field was declared with under this key; None where there is none."""
    found = declaration(item)
    return None if found is None else found.metadata.get(key)


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
    """What of a field's declaration runs around its resolver, in words; None if nothing does."""
    found = declaration(item)
    if found.permission_classes:
        return "permission classes"
    return "field extensions" if found.extensions else None


def enum_values(cls: type[Enum]) -> list[Any]:
    """The values of a class that was declared as an enum, to be described."""
    found: list[Any] = cls.__strawberry_definition__.values  # type: ignore[attr-defined]
    return found


class WithoutParsing(SchemaExtension):
    """Puts a document that was parsed and validated before in place of both."""

    def document(self) -> DocumentNode | None:
        """That document; None has the text parsed as always."""
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
    """A field's value that is complete; nothing below it is resolved."""

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
        """A finished value as it is; anything else as always."""
        if isinstance(result, Finished):
            return result.under(path.key)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
