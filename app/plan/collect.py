"""A document's operation → a tree of selected fields, merged as graphql-core's CollectFields does.

`@include` and `@skip` are decided here, so what they read is part of the plan cache's key (`structure`).
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
)

from app.plan.catalog import Catalog, Field
from app.plan.graphql_parts import VariableValues
from app.plan.references import has_references
from app.values.instants import DayAlone


@dataclass(slots=True)
class Selected:
    """One field of the answer."""

    key: str
    """The response key: alias or name."""
    name: str
    parent: str
    """The GraphQL type it is selected on."""
    nodes: list[FieldNode]
    definition: GraphQLField | None
    """None for `__typename`."""
    field: Field | None
    """Its entry in the catalog; None where there is none and a resolver in Python has the value."""
    non_null: bool = False
    target: str = ""
    """The GraphQL type of its value, without list and non-null."""
    price: int = 0
    """What it does beside being printed, see `plan/cost.py`."""
    slot: int | None = None
    """The place of its arguments among the request's, if they use variables."""
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Its coerced arguments in the request for which the tree was made."""
    given: dict[str, Any] = dataclasses.field(default_factory=dict)
    """The names of its arguments and, inside, of their input fields: which are given, null included, is part of a
    plan's structure, in lists aside."""
    children: dict[str, list["Selected"]] = dataclasses.field(default_factory=dict)
    """What is selected inside, per concrete type."""

    @property
    def inside(self) -> list["Selected"]:
        """What is selected inside, where only one concrete type is possible."""
        return self.children.get(self.target, [])

    def walk(self) -> Iterator["Selected"]:
        """This field and everything inside."""
        yield self
        for fields in self.children.values():
            for child in fields:
                yield from child.walk()


@dataclass(slots=True)
class Tree:
    """A whole operation, ready to be planned."""

    roots: list[Selected]
    root_type: str
    slots: list[tuple[GraphQLField, FieldNode]]
    """Fields whose arguments use variables; they are coerced for every request."""

    def arguments(self, variables: VariableValues) -> list[dict[str, Any]]:
        """Those arguments, for one request."""
        return [get_argument_values(definition, node, variables) for definition, node in self.slots]

    def walk(self) -> Iterator[Selected]:
        """Every field."""
        for root in self.roots:
            yield from root.walk()


class Collector:
    """Builds the tree of one operation for one set of structural values."""

    def __init__(
        self, schema: GraphQLSchema, catalog: Catalog, document: DocumentNode, variables: VariableValues
    ) -> None:
        self.schema = schema
        self.catalog = catalog
        self.variables = variables
        self.fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self.slots: list[tuple[GraphQLField, FieldNode]] = []

    def tree(self, operation: OperationDefinitionNode) -> Tree:
        """The operation's fields from the root."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        return Tree(self._fields(root, [operation.selection_set]), root.name, self.slots)

    def _fields(self, parent: GraphQLObjectType, sets: list[SelectionSetNode]) -> list[Selected]:
        grouped: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for one in sets:
            self._group(parent, one, grouped, seen)
        return [self._field(parent, key, nodes) for key, nodes in grouped.items()]

    def _group(
        self,
        parent: GraphQLObjectType,
        one: SelectionSetNode,
        grouped: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for selection in one.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                grouped.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                if selection.type_condition is None or self._applies(
                    selection.type_condition.name.value, parent
                ):
                    self._group(parent, selection.selection_set, grouped, seen)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in seen:
                    continue
                seen.add(name)
                fragment = self.fragments[name]
                if self._applies(fragment.type_condition.name.value, parent):
                    self._group(parent, fragment.selection_set, grouped, seen)

    def _included(self, node: Any) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not include or bool(include["if"])

    def _applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        if condition == parent.name:
            return True
        wanted = self.schema.type_map[condition]
        return isinstance(wanted, GraphQLInterfaceType | GraphQLUnionType) and self.schema.is_sub_type(
            wanted, parent
        )

    def _field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        node = nodes[0]
        name = node.name.value
        definition = parent.fields.get(name)
        if definition is None:  # __typename; __schema and __type never reach the planner
            return Selected(key, name, parent.name, nodes, None, None, non_null=True)
        entity = self.catalog.entities.get(parent.name)
        selected = Selected(
            key, name, parent.name, nodes, definition, entity.fields.get(name) if entity else None,
            non_null=is_non_null_type(definition.type), price=self.catalog.prices.get((parent.name, name), 0),
        )  # fmt: skip
        if definition.args:
            selected.values = get_argument_values(definition, node, self.variables)
            selected.given = _names(definition.args, selected.values)
            if any(_uses_variables(argument.value) for argument in node.arguments or ()):
                selected.slot = len(self.slots)
                self.slots.append((definition, node))
        inner = get_named_type(definition.type)
        selected.target = inner.name
        sets = [n.selection_set for n in nodes if n.selection_set]
        if sets:
            concrete = self.schema.get_possible_types(inner) if is_abstract_type(inner) else [inner]
            for one in concrete:
                assert isinstance(one, GraphQLObjectType)
                selected.children[one.name] = self._fields(one, sets)
        return selected


def _names(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Of arguments or an input's fields those that have a value, and the same inside of each."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        kind = get_named_type(fields[name].type)
        is_input = isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict)
        found[name] = _names(kind.fields, value) if is_input else {}
    return found


def _uses_variables(node: Node) -> bool:
    if isinstance(node, VariableNode):
        return True
    inner = getattr(node, "values", None) or [f.value for f in getattr(node, "fields", None) or ()]
    return any(_uses_variables(one) for one in inner)


def is_list(definition: GraphQLField | None) -> bool:
    """Whether the field holds a list."""
    if definition is None:
        return False
    kind = definition.type
    return is_list_type(kind.of_type if is_non_null_type(kind) else kind)


def node_type(connection: Selected) -> str:
    """The type of a connection's nodes, from its type's own `nodes` field."""
    assert connection.definition is not None
    kind = get_named_type(connection.definition.type)
    assert isinstance(kind, GraphQLObjectType)
    return str(get_named_type(kind.fields["nodes"].type).name)


def structure(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    structural: frozenset[str],
) -> dict[str, str]:
    """How each variable shapes the statement: `value` (directives, structural arguments), `ids`, or `presence`.

    That an instant was given as a day alone is part of its presence.

    Found once per document, by walking it. A variable used in several ways takes the strongest.
    """
    uses: dict[str, str] = {}
    strength = {"presence": 0, "ids": 1, "value": 2}

    def note(node: Node, how: str) -> None:
        if isinstance(node, VariableNode):
            name = node.name.value
            if strength[how] > strength.get(uses.get(name, ""), -1):
                uses[name] = how
            return
        for inner in getattr(node, "values", None) or ():
            note(inner, how)
        for one in getattr(node, "fields", None) or ():
            note(one.value, how)

    def visit(one: SelectionSetNode, seen: set[str]) -> None:
        for selection in one.selections:
            for directive in selection.directives or ():
                for argument in directive.arguments or ():
                    note(argument.value, "value")
            if isinstance(selection, FieldNode):
                for argument in selection.arguments or ():
                    name = argument.name.value
                    ids = name in {"id", "ids"} and selection.name.value in {"node", "nodes"}
                    note(argument.value, "value" if name in structural else "ids" if ids else "presence")
                if selection.selection_set:
                    visit(selection.selection_set, seen)
            elif isinstance(selection, InlineFragmentNode):
                visit(selection.selection_set, seen)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                seen.add(selection.name.value)
                visit(fragments[selection.name.value].selection_set, seen)

    visit(operation.selection_set, set())
    return uses


def shape_of(variables: Mapping[str, Any], uses: Mapping[str, str]) -> tuple[Any, ...]:
    """The structural part of one request's variables; equal shapes share a plan."""
    return tuple(
        (name, _shape(variables[name], how) if name in variables else "absent") for name, how in uses.items()
    )


def _shape(value: Any, how: str) -> Any:
    if value is None:
        return None
    if isinstance(value, DayAlone):
        return "day", value if how == "value" else None
    if how == "ids":
        ids = value if isinstance(value, list) else [value]
        # None of our prefixes is longer, and a cache key must not grow with what a client sends.
        return tuple(sorted({str(i).rpartition("_")[0][:12] for i in ids}))
    if isinstance(value, dict):
        return tuple((key, _shape(inner, how)) for key, inner in value.items())
    if how == "value":
        return tuple(_shape(v, how) for v in value) if isinstance(value, list) else value
    return "references" if has_references(value) else "given"
