"""Which roles a field needs: said where it is declared, asked before anything of an operation runs.

    email: str | None = column("The e-mail address.", roles=PERSONAL_READERS)

A root field needs roles to be called at all. Any other field, a filter's key, a sort key, a field of an input, or a
whole type may need further ones. Where a field says nothing, whoever got so far may read it.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from graphql import GraphQLField, GraphQLInputField

from app.auth.principal import Role
from app.graph.strawberry_parts import declared_fields, metadata
from app.values.scope import ScopeShape

T = TypeVar("T")

ROLES = "campaign-gateway-roles"
"""Where the roles are in a field's metadata."""
SHAPES = "campaign-gateway-shapes"
"""Where the shapes of scope are that may call a root field; nothing: any."""
WHOLE_GROUP = frozenset({ScopeShape.GROUP})
"""What is the whole group's is not written by a credential for a part of it."""
NO_PROJECTS = frozenset({ScopeShape.GROUP, ScopeShape.STORE})
"""What belongs to stores, or to the group, is not written by one for projects."""


def roles_of(item: GraphQLField | GraphQLInputField) -> frozenset[Role]:
    """Of which roles a field of the built schema needs one; empty: none in particular."""
    return metadata(item, ROLES) or frozenset()


def shapes_of(item: GraphQLField) -> frozenset[ScopeShape]:
    """Under which shapes of scope a root field may be called; empty: under any."""
    return metadata(item, SHAPES) or frozenset()


def needing(roles: Collection[Role]) -> dict[str, frozenset[Role]]:
    """Metadata of a field that needs one of these roles; none are none in particular."""
    return {ROLES: frozenset(roles)} if roles else {}


def readable_by(roles: Collection[Role], **others: Collection[Role]) -> Callable[[type[T]], type[T]]:
    """Declare the roles of a root type's fields: all need one of `roles`, but those that are named."""

    def decorate(cls: type[T]) -> type[T]:
        fields = declared_fields(cls)
        if not others.keys() <= fields.keys():
            raise ValueError(f"{cls.__name__} has no {', '.join(sorted(others.keys() - fields.keys()))}")
        for name, field in fields.items():
            field.metadata = {**field.metadata, **needing(others.get(name, roles))}
        return cls

    return decorate
