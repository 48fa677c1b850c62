"""Mutations that come by the thousand, executed without an executor.

graphql-core spends a quarter of a millisecond on what is, for sending an event, one call and one small object. A
mutation whose declaration says so (`writes(…, lean=True)`: its resolver reads nothing of `info` but the context) is
called directly where the document asks for nothing that would need more: that field alone, one `input` by variable
with plain values, and of its payload leaves, or lists of objects with leaves. Everything before is the same as for
any operation (document, variables, bounds, faults), and so is every answer; a test compares the two.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLScalarType,
    OperationType,
    VariableNode,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    located_error,
)

from app.graph.declaring.writing import LEAN
from app.graph.documents.plans import MAX_FIELDS, MAX_PLANS, Plan
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context
from app.graph.schema import graph
from app.graph.strawberry_parts import declaration, metadata, origin, python_name, resolver
from app.plan.graphql_parts import printer_of
from app.values.known import Known


class LeanInfo(NamedTuple):
    """What such a resolver sees of `info`."""

    context: Context


@dataclass(frozen=True, slots=True)
class _Read:
    """A payload field: a leaf, a list of leaves, or a list of objects."""

    key: str
    attribute: str
    leaf: GraphQLLeafType | None
    many: bool = False
    inside: "tuple[_Read, ...]" = ()

    def shown(self, payload: Any) -> Any:
        """What the executor would make of it."""
        value = getattr(payload, self.attribute)
        if value is None:
            return None
        if self.leaf is not None:
            show = printer_of(self.leaf)
            return [show(item) for item in value] if self.many else show(value)
        return [{one.key: one.shown(item) for one in self.inside} for item in value]


@dataclass(frozen=True, slots=True)
class Lean:
    """A mutation that can be called."""

    key: str
    node: FieldNode
    slot: int
    argument: str
    call: Callable[..., Awaitable[Any]]
    takes: Callable[..., Any]
    names: Mapping[str, str]
    """Of the input's fields, by their names in the graph."""
    reads: tuple[_Read, ...]
    is_required: bool
    """A failure nulls all of `data`."""

    async def run(
        self, args: Sequence[dict[str, Any]], context: Context
    ) -> tuple[dict[str, Any] | None, GraphQLError | None]:
        """`data`, and the error there was. `args`: the coerced arguments of the request, by slot."""
        sent = args[self.slot][self.argument]
        names = self.names
        given = self.takes(**{names[name]: value for name, value in sent.items()})
        try:
            payload = await self.call(info=LeanInfo(context), **{self.argument: given})
            return {self.key: {one.key: one.shown(payload) for one in self.reads}}, None
        except Exception as problem:
            data = None if self.is_required else {self.key: None}
            return data, located_error(problem, [self.node], [self.key])


_KNOWN: Known[Plan, Lean | Literal[False]] = Known(
    MAX_PLANS, weight=MAX_FIELDS, weigh=lambda plan, _: plan.size
)
"""How the mutation of a plan is called; False where it needs the executor."""


def lean_of(checked: CheckedOperation) -> Lean | None:
    """How to call it; None where it needs the executor. Found once per plan."""
    lean = _KNOWN.get(checked.plan)
    if lean is None:
        lean = _lean(checked) or False
        _KNOWN.keep(checked.plan, lean)
    return lean or None


def _lean(checked: CheckedOperation) -> Lean | None:
    operation = checked.definition.node
    selections = operation.selection_set.selections
    if operation.operation is not OperationType.MUTATION or len(selections) != 1 or operation.directives:
        return None
    (node,) = selections
    mutation = graph.mutation_type
    assert mutation is not None
    if not isinstance(node, FieldNode) or node.directives or node.name.value not in mutation.fields:
        return None
    definition = mutation.fields[node.name.value]
    (root,) = checked.plan.tree.roots
    arguments = node.arguments or ()
    if not metadata(definition, LEAN) or root.slot is None or len(arguments) != 1:
        return None
    (argument,) = arguments
    takes = get_nullable_type(definition.args[argument.name.value].type)
    payload = get_nullable_type(definition.type)
    if not isinstance(argument.value, VariableNode) or not isinstance(payload, GraphQLObjectType):
        return None
    names, reads, made = _names(takes), _reads(payload, node), origin(takes)
    if names is None or reads is None or made is None:
        return None
    return Lean(
        key=node.alias.value if node.alias else node.name.value,
        node=node,
        slot=root.slot,
        argument=argument.name.value,
        call=resolver(definition),
        takes=made,
        names=names,
        reads=reads,
        is_required=is_non_null_type(definition.type),
    )


def _names(takes: Any) -> dict[str, str] | None:
    """The input's fields, where all of them are scalars that arrive as they are."""
    if not isinstance(takes, GraphQLInputObjectType):
        return None
    names = {}
    for name, one in takes.fields.items():
        if not isinstance(get_nullable_type(one.type), GraphQLScalarType):
            return None
        names[name] = python_name(one)
    return names


def _reads(payload: GraphQLObjectType, node: FieldNode, *, deep: bool = True) -> tuple[_Read, ...] | None:
    """What is asked of an object, where it is leaves and, one level down, lists of objects with leaves."""
    reads: list[_Read] = []
    for one in node.selection_set.selections if node.selection_set else ():
        if not isinstance(one, FieldNode) or one.directives or one.arguments:
            return None
        definition = payload.fields.get(one.name.value)
        key = one.alias.value if one.alias else one.name.value
        if definition is None or declaration(definition) is None or resolver(definition):
            return None
        if any(key == r.key for r in reads):
            return None
        kind = get_nullable_type(definition.type)
        many = is_list_type(kind)
        item: Any = get_nullable_type(kind.of_type) if many else kind
        if isinstance(item, GraphQLScalarType):
            reads.append(_Read(key, python_name(definition), item, many))
            continue
        inside = (
            _reads(item, one, deep=False) if many and deep and isinstance(item, GraphQLObjectType) else None
        )
        if inside is None:
            return None
        reads.append(_Read(key, python_name(definition), None, many, inside))
    return tuple(reads)


__all__ = ["Lean", "lean_of"]
