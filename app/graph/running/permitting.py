"""What an operation needs of whoever sends it: found once per plan, asked before anything of it runs.

A root field needs roles to be called; what it selects, filters, sorts by and sets may need further ones (`declaring/
permitting.py`). All of that stands in the tree of selected fields, so both executions are refused alike, and a mutation
that may not be called keeps those beside it from running.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from graphql import GraphQLField, GraphQLInputObjectType, get_location, get_named_type

from app.auth.principal import Principal, Role
from app.graph.declaring.permitting import WHOLE_GROUP, roles_of, shapes_of
from app.graph.documents.plans import ROOTS, Plan
from app.graph.schema import catalog
from app.plan.catalog import ByIds, Many
from app.plan.collect import Selected
from app.values.scope import ScopeShape

MAX_TOLD = 20
"""The most fields that a refusal names."""


@dataclass(frozen=True, slots=True)
class Need:
    """Roles of which one is needed, and what is said to whoever has none."""

    roles: frozenset[Role]
    """Empty: none, but one of these shapes of scope."""
    errors: list[dict[str, Any]]
    """As GraphQL errors, one for each field that needs it."""
    shapes: frozenset[ScopeShape] = frozenset()

    def is_met_by(self, principal: Principal) -> bool:
        """Whether this one has it."""
        if self.shapes:
            return principal.scope.shape in self.shapes
        return not self.roles.isdisjoint(principal.roles)


def refusals_to(needs: tuple[Need, ...], principal: Principal) -> list[dict[str, Any]]:
    """Why this one may not do that, as GraphQL errors; empty: it may."""
    for need in needs:
        if not need.is_met_by(principal):
            break
    else:
        return []  # Most requests.
    refused = [need for need in needs if not need.is_met_by(principal)]
    return [error for need in refused for error in need.errors][:MAX_TOLD]


_KNOWN: WeakKeyDictionary[Plan, tuple[Need, ...]] = WeakKeyDictionary()
"""As long as the plans are known: nothing here holds on to one."""


def needs_of(plan: Plan) -> tuple[Need, ...]:
    """What operations of this plan need."""
    needs = _KNOWN.get(plan)
    if needs is None:
        needs = _needs(plan)
        _KNOWN[plan] = needs
    return needs


def _needs(plan: Plan) -> tuple[Need, ...]:
    found: dict[frozenset[Role], list[dict[str, Any]]] = {}
    borders: dict[frozenset[ScopeShape], list[dict[str, Any]]] = {}
    for root in plan.tree.roots:
        if root.definition is not None and (shapes := shapes_of(root.definition)):
            wider = "the whole group" if shapes == WHOLE_GROUP else "the group or a store"
            message = f"{root.name} needs a credential for {wider}, not for a part of it."
            borders.setdefault(shapes, []).append(_error(root, message))
        for selected, roles, what in _needed(root):
            errors = found.setdefault(roles, [])
            if len(errors) < MAX_TOLD:
                needed = ", ".join(sorted(roles))
                errors.append(_error(selected, f"{what} needs one of the roles {needed}."))
    return (
        *(Need(roles, errors) for roles, errors in found.items()),
        *(Need(frozenset(), errors, shapes) for shapes, errors in borders.items()),
    )


def _needed(selected: Selected) -> Iterator[tuple[Selected, frozenset[Role], str]]:
    """All that needs a role in this field and below: where, which, and how it is called in words."""
    if selected.definition is not None:
        if roles := roles_of(selected.definition):
            yield selected, roles, _name(selected)
        yield from _asked(selected, selected.definition)
        yield from _written(selected, selected.definition)
    reached = None
    if isinstance(selected.field, ByIds):
        # Of all the types that are possible here, the ids say which ones can come.
        ids = selected.values.get("ids") or [selected.values.get("id")]
        reached = {str(ident).rpartition("_")[0] for ident in ids}
    for name, children in selected.children.items():
        entity = catalog.entities.get(name)
        if reached is not None and (entity is None or entity.prefix not in reached):
            continue
        if children and entity is not None and entity.roles:
            yield children[0], _as_roles(entity.roles), name
        for child in children:
            yield from _needed(child)


def _asked(selected: Selected, definition: GraphQLField) -> Iterator[tuple[Selected, frozenset[Role], str]]:
    """What its rows are chosen and ordered by. Which keys are given is part of a plan's structure."""
    asked = selected.values.get("filter")
    if isinstance(asked, Mapping):
        kind = get_named_type(definition.args["filter"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        for key, value in asked.items():
            if value is not None and (roles := roles_of(kind.fields[key])):
                yield selected, roles, f"{_name(selected)}(filter: {{{key}}})"
    many = selected.field
    if isinstance(many, Many):
        for item in selected.values.get("orderBy") or ():
            key = item["field"].value
            if needed := many.orders[key].roles:
                yield selected, _as_roles(needed), f"{_name(selected)}(orderBy: {{field: {key}}})"


def _written(selected: Selected, definition: GraphQLField) -> Iterator[tuple[Selected, frozenset[Role], str]]:
    """What is given in a mutation's input. Null is given as well: it sets something, too."""
    if selected.parent != "Mutation":
        return
    for name, given in selected.given.items():
        kind = get_named_type(definition.args[name].type)
        if isinstance(kind, GraphQLInputObjectType):
            for steps, roles in _guarded(kind, given, ()):
                yield selected, roles, f"{_name(selected)}({name}: {{{'.'.join(steps)}}})"


def _guarded(
    kind: GraphQLInputObjectType, given: Mapping[str, Any], at: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], frozenset[Role]]]:
    for key, inside in given.items():
        field, steps = kind.fields[key], (*at, key)
        if roles := roles_of(field):
            yield steps, roles
        held = get_named_type(field.type)
        if isinstance(held, GraphQLInputObjectType):
            yield from _guarded(held, inside, steps)


def _as_roles(names: frozenset[str]) -> frozenset[Role]:
    return frozenset(map(Role, names))


def _name(selected: Selected) -> str:
    return selected.name if selected.parent in ROOTS else f"{selected.parent}.{selected.name}"


def _error(selected: Selected, message: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": message, "extensions": {"code": "FORBIDDEN"}}
    places = [
        get_location(node.loc.source, node.loc.start) for node in selected.nodes if node.loc is not None
    ]
    if places:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in places]
    if selected.parent in ROOTS:
        shown["path"] = [selected.key]
    return shown
