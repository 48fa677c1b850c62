"""GraphQL types described by their docstrings: the first paragraph is the description, the rest is for our readers."""

import inspect
from enum import EnumMeta
from typing import TypeVar, dataclass_transform

import strawberry

T = TypeVar("T")
E = TypeVar("E", bound=EnumMeta)


def description_of(declared: object) -> str:
    """The first paragraph of a class's or function's docstring, on one line."""
    text = inspect.cleandoc(getattr(declared, "__doc__", None) or "")
    assert text, f"{declared!r} has no docstring to be described by"
    return " ".join(text.partition("\n\n")[0].split())


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def object_type(cls: type[T]) -> type[T]:
    """An object type."""
    return strawberry.type(cls, description=description_of(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def interface_type(cls: type[T]) -> type[T]:
    """An interface."""
    return strawberry.interface(cls, description=description_of(cls))


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def input_type(cls: type[T]) -> type[T]:
    """An input that belongs to a call; what belongs to a thing is declared with the thing (`input_for`)."""
    return strawberry.input(cls, description=description_of(cls))


def enum_type(cls: E) -> E:
    """An enum; its values are described by `strawberry.enum_value`."""
    return strawberry.enum(cls, description=description_of(cls))
