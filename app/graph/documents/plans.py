"""Plans: what an operation compiles to under one shape of scope and for one structure of its variables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import GraphQLSchema, get_location

from app.graph.documents.parsing import Definition, Document
from app.plan.catalog import Catalog
from app.plan.checking import Fault, faults
from app.plan.collect import Collector, Selected, Tree, shape_of
from app.plan.compile import Unplannable, compile_tree
from app.plan.cost import cost_of, sizes_rows, work_of
from app.plan.graphql_parts import VariableValues
from app.plan.sql import Statement
from app.values.known import Known
from app.values.scope import ScopeShape

MAX_PLANS = 500
"""In total. Those that come again are prepared statements on reading connections, which bound their size."""
MAX_PER_DOCUMENT = 32
MAX_FIELDS = 100_000
"""Selected fields of all kept plans together, which is what their trees take in memory."""

SLOW_MS = 100.0
NEWEST_COUNTS = 0.3

_UNPLANNED = (
    "it writes (the rows of its payload are printed by one statement before COMMIT), or asks for the schema"
)


@dataclass(eq=False)
class Plan:
    """What is known about an operation for one structure of its variables and one shape of scope.

    What follows from these alone is found when it is first needed. Plans are compared by identity.
    """

    catalog: Catalog = field(repr=False)
    document: Document = field(repr=False)
    definition: Definition = field(repr=False)
    tree: Tree
    statement: Statement | None
    reason: str
    """Why there is no statement."""
    seen_ms: float = 0.0
    """How long its statement takes, of late."""
    was_slow: bool = False
    """Whether its statement was seen to take long."""

    def saw(self, took_ms: float) -> None:
        """It took so long this time."""
        self.seen_ms += (took_ms - self.seen_ms) * NEWEST_COUNTS
        self.was_slow = self.seen_ms > SLOW_MS

    def faults(self, args: list[dict[str, Any]]) -> list[Fault]:
        """What is wrong with one request's arguments."""
        if not self._varying:
            return self._fixed_faults
        return [*self._fixed_faults, *faults(self.catalog, self._varying, args)]

    def cost(self, args: list[dict[str, Any]]) -> int:
        """How many values the answer to one request may hold."""
        return cost_of(self.tree, args) if self._fixed_cost is None else self._fixed_cost

    def work(self, args: list[dict[str, Any]]) -> int:
        """What it may do beside printing its answer, in rows."""
        if not self._has_work:
            return 0
        return work_of(self.tree, args) if self._fixed_work is None else self._fixed_work

    @cached_property
    def size(self) -> int:
        """How many fields its tree has."""
        return sum(1 for _ in self.tree.walk())

    @cached_property
    def _varying(self) -> list[Selected]:
        """Fields whose arguments come from variables."""
        return [one for one in self.tree.walk() if one.slot is not None]

    @cached_property
    def _fixed_faults(self) -> list[Fault]:
        """Faults that no variable can change."""
        return faults(self.catalog, [one for one in self.tree.walk() if one.slot is None], [])

    @cached_property
    def _fixed_cost(self) -> int | None:
        """The cost where no variable decides how many rows there may be; so none of their values is read."""
        if any(sizes_rows(one) for one in self._varying):
            return None
        return cost_of(self.tree, [{} for _ in self.tree.slots])

    @cached_property
    def _has_work(self) -> bool:
        return self.tree.root_type == "Mutation" or any(one.price for one in self.tree.walk())

    @cached_property
    def _fixed_work(self) -> int | None:
        if self._fixed_cost is None:
            return None
        return work_of(self.tree, [{} for _ in self.tree.slots])


Key = tuple[str, str, ScopeShape, bool, tuple[Any, ...]]
"""What a plan is for: document, name of the operation, shape of the scope, `plannable`, structure of the variables."""


class Plans:
    """From an operation's definition, the structure of its variables and the shape of the scope to its plan."""

    def __init__(self, schema: GraphQLSchema, catalog: Catalog) -> None:
        self.schema = schema
        self.catalog = catalog
        self._known: Known[Key, Plan] = Known(MAX_PLANS, weight=MAX_FIELDS, weigh=lambda _, plan: plan.size)
        self._of_document: dict[str, list[Key]] = {}
        """The keys of known plans, oldest first, so that no document crowds out the others."""

    def get(
        self, document: Document, definition: Definition, variables: VariableValues, scope_shape: ScopeShape,
        *, plannable: bool,
    ) -> Plan:  # fmt: skip
        """The plan for these variables, made when there is none yet."""
        key = self.key(document, definition, variables, scope_shape, plannable=plannable)
        plan = self._known.get(key)
        if plan is None:
            plan = self.make(document, definition, variables, scope_shape, plannable=plannable)
            self.keep(key, plan)
        return plan

    def key(
        self, document: Document, definition: Definition, variables: VariableValues, scope_shape: ScopeShape,
        *, plannable: bool,
    ) -> Key:  # fmt: skip
        """What the plan is known by."""
        name = definition.node.name.value if definition.node.name else ""
        return document.text, name, scope_shape, plannable, shape_of(variables.coerced, definition.uses)

    def make(
        self, document: Document, definition: Definition, variables: VariableValues, scope_shape: ScopeShape,
        *, plannable: bool,
    ) -> Plan:  # fmt: skip
        """A plan, without remembering it: in any thread."""
        tree = Collector(self.schema, self.catalog, document.ast, variables).tree(definition.node)
        statement, reason = None, _UNPLANNED
        if plannable:
            try:
                statement, reason = compile_tree(self.catalog, tree, scope_shape), ""
            except Unplannable as unplannable:
                reason = str(unplannable)
        else:
            for root in tree.roots:
                if root.slot is not None:
                    # A mutation's variables may be secret. Its plan needs none of them, and outlives them.
                    root.values = {}
        return Plan(self.catalog, document, definition, tree, statement, reason)

    def keep(self, key: Key, plan: Plan) -> None:
        """Know a plan that was made."""
        siblings = self._of_document.setdefault(key[0], [])
        siblings.append(key)
        for gone in self._known.keep(key, plan):
            self._forget(gone)
        if len(siblings) > MAX_PER_DOCUMENT:
            self._known.drop(siblings[0])
            self._forget(siblings[0])

    def _forget(self, key: Key) -> None:
        siblings = self._of_document[key[0]]
        siblings.remove(key)
        if not siblings:
            del self._of_document[key[0]]


ROOTS = ("Query", "Mutation", "Subscription")


def fault_messages(found: Sequence[Fault]) -> list[dict[str, Any]]:
    """Faults as GraphQL errors."""
    return [_message(fault) for fault in found[:20]]


def _message(fault: Fault) -> dict[str, Any]:
    field, loc = fault.selected, fault.selected.nodes[0].loc
    shown: dict[str, Any] = {"message": fault.message}
    if loc is not None:
        at = get_location(loc.source, loc.start)
        shown["locations"] = [{"line": at.line, "column": at.column}]
    if field.parent in ROOTS:
        # Further down there are lists, and since nothing was run, nobody knows which of their entries it is.
        shown["path"] = [field.key]
    shown["extensions"] = {"code": "INVALID", "argument": fault.argument}
    return shown
