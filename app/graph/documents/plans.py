"""Plans, kept: per document, operation, scope shape and structure of the variables."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import GraphQLSchema, get_location

from app.graph.documents.parsing import Document, PreparedOperation
from app.plan.catalog import Catalog
from app.plan.checking import Fault, faults
from app.plan.collect import Collector, Selected, Tree, shape_of
from app.plan.compile import Unplannable, compile_tree
from app.plan.cost import cost_of, sizes_rows
from app.plan.graphql_parts import VariableValues
from app.plan.sql import Statement
from app.values.scope import ScopeShape

MAX_PLANS = 500
"""In all: each is a prepared statement on every reading connection (about 200 kB there)."""
MAX_PER_DOCUMENT = 32
MAX_FIELDS = 100_000
"""Selected fields of all kept plans together: what their trees take in memory."""


_UNPLANNED = (
    "it writes (the rows of its payload are printed by one statement before COMMIT), or asks for the schema"
)


@dataclass
class Plan:
    """What is known about an operation for one structure of its variables."""

    tree: Tree
    statement: Statement | None
    reason: str
    """Why there is no statement."""
    payloads: dict[tuple[str, str], Statement | None] = field(default_factory=dict)
    """Statements of a mutation's payload fields, by response keys; None: not plannable."""
    lean: tuple[Any] | None = None
    """How to call a mutation without the executor, once that was looked for."""
    _fixed: tuple[list[Fault], int] | None = None

    def check(self, catalog: Catalog, args: list[dict[str, Any]]) -> tuple[list[Fault], int]:
        """Faults and cost of one request. What no variable can change is found once."""
        if self._fixed is None:
            fixed = [one for one in self.tree.walk() if one.slot is None]
            # The cost is fixed where no variable says how many rows there may be.
            cost = -1 if any(sizes_rows(one) for one in self.varying) else cost_of(self.tree, args)
            self._fixed = faults(catalog, fixed, args), cost
        found, cost = self._fixed
        if self.varying:
            found = [*found, *faults(catalog, self.varying, args)]
        return found, cost if cost >= 0 else cost_of(self.tree, args)

    @cached_property
    def size(self) -> int:
        """How many fields its tree has."""
        return sum(1 for _ in self.tree.walk())

    @cached_property
    def varying(self) -> list[Selected]:
        """Fields whose arguments come from variables."""
        return [one for one in self.tree.walk() if one.slot is not None]


class Plans:
    """The cache of plans, least recently used out first; no document can crowd out the others."""

    def __init__(self, schema: GraphQLSchema, catalog: Catalog) -> None:
        self.schema = schema
        self.catalog = catalog
        self._kept: OrderedDict[tuple[Any, ...], Plan] = OrderedDict()
        self._of_document: dict[str, list[tuple[Any, ...]]] = {}
        self._fields = 0

    def get(
        self, document: Document, operation: PreparedOperation, variables: VariableValues, scope_shape: ScopeShape,
        *, plannable: bool,
    ) -> Plan:  # fmt: skip
        """The plan for these variables, made when there is none yet."""
        name = operation.node.name.value if operation.node.name else ""
        key = (document.text, name, scope_shape, plannable, shape_of(variables.coerced, operation.uses))
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        tree = Collector(self.schema, self.catalog, document.ast, variables).tree(operation.node)
        statement, reason = None, _UNPLANNED
        if plannable:
            try:
                statement, reason = compile_tree(self.catalog, tree, scope_shape), ""
            except Unplannable as unplannable:
                reason = str(unplannable)
        plan = Plan(tree, statement, reason)
        self._keep(key, plan)
        return plan

    def _keep(self, key: tuple[Any, ...], plan: Plan) -> None:
        siblings = self._of_document.setdefault(key[0], [])
        siblings.append(key)
        self._kept[key] = plan
        self._fields += plan.size
        if len(siblings) > MAX_PER_DOCUMENT:
            self._drop(siblings[0])
        while len(self._kept) > MAX_PLANS or self._fields > MAX_FIELDS:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[Any, ...]) -> None:
        self._fields -= self._kept.pop(key).size
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
        # Further down there are lists, and nothing was run that could say which of their entries it is.
        shown["path"] = [field.key]
    shown["extensions"] = {"code": "INVALID", "argument": fault.argument}
    return shown
