"""Mutations called without an executor.

graphql-core spends more on a mutation than its rules do, though all that is left for it is one call and one small
object: the rows of a payload come as text (`declaring/payloads.py`). So an operation with one mutation is called
directly. Everything before is the same as for any operation (document, variables, bounds, faults), and so is every
answer: a test compares the two for every mutation of the schema.

What the call needs is found once per plan, whose tree has the selected fields as the executor would collect them, with
fragments, aliases and directives. Where more is asked for than values and rows that are printed (several mutations, a
payload's field with a resolver, arguments without a variable, which are read once per document), the executor runs as
ever. Where the payload itself turns out otherwise than its shape said, the executor completes it (`Unshown`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    OperationType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    located_error,
)

from app.graph.declaring.built_inputs import Build
from app.graph.documents.plans import MAX_FIELDS, MAX_PLANS, Plan
from app.graph.running.checking import CheckedOperation
from app.graph.schema import catalog, inputs
from app.graph.strawberry_parts import Finished, declaration, python_name, resolver, runs_around
from app.plan.collect import Selected
from app.plan.graphql_parts import printer_of
from app.values.known import Known


class _Path(NamedTuple):
    key: str


class LeanInfo(NamedTuple):
    """What such a resolver sees of `info`."""

    context: Any
    path: _Path


class Unshown(Exception):
    """The payload is not of the shape that was expected: the executor has to complete it."""

    def __init__(self, payload: Any) -> None:
        super().__init__(payload)
        self.payload = payload


class _Unexpected(Exception):
    """A value that the executor completes otherwise, or refuses."""


Show = Callable[[Any], Any]
"""From a value to what the executor would print for it; _Unexpected where that is not certain."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A field of a payload, or of an object in it."""

    key: str
    attribute: str
    show: Show
    non_null: bool

    def of(self, holder: Any) -> Any:
        """What is printed of this object."""
        value = getattr(holder, self.attribute)
        if isinstance(value, Finished):
            return value.under(self.key)
        if value is None:
            if self.non_null:
                raise _Unexpected
            return None
        return self.show(value)


@dataclass(frozen=True, slots=True)
class _TypeName:
    """`__typename`."""

    key: str
    name: str

    def of(self, _: Any) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Lean:
    """A mutation that can be called."""

    key: str
    path: _Path
    nodes: Sequence[FieldNode]
    slot: int
    arguments: Mapping[str, tuple[str, Build | None]]
    """By their names in the graph: what they are called in Python, and how they are built."""
    call: Callable[..., Awaitable[Any]]
    reads: tuple[_Read | _TypeName, ...]

    async def run(
        self, args: Sequence[dict[str, Any]], context: Any
    ) -> tuple[dict[str, Any], GraphQLError | None]:
        """`data`, and the error there was; Unshown if the executor has to complete the payload.

        `args`: the coerced arguments of the request, by slot. `context`: the resolvers'.
        """
        try:
            given = {}
            for key, value in args[self.slot].items():
                name, build = self.arguments[key]
                given[name] = value if build is None else build(value)
            payload = await self.call(info=LeanInfo(context, self.path), **given)
        except Exception as problem:
            return {self.key: None}, located_error(problem, self.nodes, [self.key])
        if payload is None:
            raise Unshown(payload)
        try:
            return {self.key: {one.key: one.of(payload) for one in self.reads}}, None
        except Exception:
            # The executor says what is wrong with it, and where.
            raise Unshown(payload) from None


_KNOWN: Known[Plan, Lean | Literal[False]] = Known(
    MAX_PLANS, weight=MAX_FIELDS, weigh=lambda plan, _: plan.size
)
"""How to call the mutation of a plan; False where it needs the executor."""


def lean_of(checked: CheckedOperation) -> Lean | None:
    """How to call it; None where it needs the executor. Found once per plan."""
    if checked.kind is not OperationType.MUTATION:
        return None
    lean = _KNOWN.get(checked.plan)
    if lean is None:
        lean = _lean(checked.plan) or False
        _KNOWN.keep(checked.plan, lean)
    return lean or None


def _lean(plan: Plan) -> Lean | None:
    if len(plan.tree.roots) != 1:
        return None
    (root,) = plan.tree.roots
    definition = root.definition
    if definition is None or root.slot is None or runs_around(definition):
        return None
    payload = get_nullable_type(definition.type)
    reads = _reads(payload, root) if isinstance(payload, GraphQLObjectType) else None
    if reads is None:
        return None
    return Lean(
        key=root.key,
        path=_Path(root.key),
        nodes=root.nodes,
        slot=root.slot,
        arguments={name: (python_name(one), inputs.build(one.type)) for name, one in definition.args.items()},
        call=resolver(definition),
        reads=reads,
    )


def _reads(kind: GraphQLObjectType, selected: Selected) -> tuple[_Read | _TypeName, ...] | None:
    """How what is selected of an object is read, if all of it is attributes; None if resolvers have to run."""
    if kind.is_type_of is not None:
        return None
    reads: list[_Read | _TypeName] = []
    for one in selected.children.get(kind.name, ()):
        definition = one.definition
        if definition is None:
            reads.append(_TypeName(one.key, kind.name))
            continue
        if definition.args or declaration(definition) is None or resolver(definition):
            return None
        show = _shower(definition.type, one)
        if show is None:
            return None
        reads.append(_Read(one.key, python_name(definition), show, one.non_null))
    return tuple(reads)


def _shower(kind: Any, selected: Selected) -> Show | None:
    """How a value of this type, not null, is shown; None where the executor surely has to do it."""
    kind = get_nullable_type(kind)
    if is_leaf_type(kind):
        return _leaf(printer_of(kind))
    if is_list_type(kind):
        inner = _shower(kind.of_type, selected)
        return None if inner is None else _several(inner, non_null=is_non_null_type(kind.of_type))
    reads = _reads(kind, selected) if isinstance(kind, GraphQLObjectType) else None
    if reads is not None:
        return _object(reads)
    # Rows come as text, all at once: see _Read.of.
    return _not_printed if selected.target in catalog.entities else None


def _leaf(show: Show) -> Show:
    def shown(value: Any) -> Any:
        found = show(value)
        if found is None or found is Undefined:
            raise _Unexpected
        return found

    return shown


def _several(show: Show, *, non_null: bool) -> Show:
    def shown(values: Any) -> list[Any]:
        if not isinstance(values, list | tuple) or (non_null and None in values):
            raise _Unexpected
        return [None if value is None else show(value) for value in values]

    return shown


def _object(reads: Sequence[_Read | _TypeName]) -> Show:
    return lambda holder: {one.key: one.of(holder) for one in reads}


def _not_printed(_: Any) -> Any:
    raise _Unexpected


__all__ = ["Lean", "Unshown", "lean_of"]
