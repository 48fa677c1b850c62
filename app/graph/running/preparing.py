"""Everything before an operation runs: document, variables, plan, faults, cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from graphql import GraphQLError, OperationType, get_variable_values

from app.auth.principal import Role
from app.domain.assets.storage import Links
from app.errors import Invalid, TooLarge
from app.graph.documents.limits import check_variables
from app.graph.documents.parsing import Document, Documents, PreparedOperation, Rejected
from app.graph.documents.plans import Plan, Plans, fault_messages
from app.graph.running.context import Context
from app.graph.schema import catalog, graph
from app.plan.binding import Bindings, RequestFacts
from app.plan.cost import MAX_COST, dearest


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL request, before anything was looked at."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict)
    read_only: bool = False
    """A GET: mutations are refused."""
    live: bool = False
    """It came on a way that can answer more than once: subscriptions are possible."""
    prepared: "dict[str, Checked] | None" = field(default=None, compare=False, repr=False)
    """What is known of it by scope shape, where it is kept because it comes again."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about an operation that holds for whoever sends it again under that scope shape."""

    document: Document
    operation: PreparedOperation
    plan: Plan
    args: Sequence[dict[str, Any]]
    cost: int
    faults: list[dict[str, Any]]


@dataclass(slots=True)
class Prepared:
    """An operation that may run, unless it has faults."""

    document: Document
    operation: PreparedOperation
    plan: Plan
    bindings: Bindings
    cost: int
    faults: list[dict[str, Any]]


class _Ready:
    """Caches of this process. Documents are kept apart by whether errors may suggest."""

    documents: ClassVar[dict[bool, Documents]] = {}
    plans = Plans(graph, catalog)


def prepare(operation: Operation, context: Context) -> Prepared:
    """Check a request and find its plan. Raises Rejected or a Failure where it cannot run at all."""
    scope, known = context.scope, operation.prepared
    found = None if known is None else known.get(scope.shape)
    if found is None:
        found = _checked(operation, context)
        if known is not None:
            known[scope.shape] = found
    bindings = Bindings(scope, context.now, found.args, _facts(context))
    return Prepared(found.document, found.operation, found.plan, bindings, found.cost, found.faults)


def _checked(operation: Operation, context: Context) -> Checked:
    suggestions = context.services.settings.development
    documents = _Ready.documents.get(suggestions)
    if documents is None:
        documents = _Ready.documents[suggestions] = Documents(graph, suggestions=suggestions)
    document = documents.get(operation.query)
    chosen = document.operation(operation.name)
    if chosen.kind is OperationType.SUBSCRIPTION and not operation.live:
        raise Invalid(
            "A subscription is answered again and again: ask over the WebSocket protocol graphql-transport-ws, or"
            " with the header Accept: text/event-stream."
        )
    if operation.read_only and chosen.kind is OperationType.MUTATION:
        raise Invalid("A GET may only query: send mutations with POST.", code="METHOD_NOT_ALLOWED")
    variables = None if chosen.plain is None else chosen.plain.read(operation.variables)
    if variables is None:
        check_variables(operation.variables)
        coerced = get_variable_values(
            graph, chosen.node.variable_definitions or (), operation.variables, max_errors=10,
            hide_suggestions=not documents.suggestions,
        )  # fmt: skip
        if isinstance(coerced, list):
            raise Rejected(coerced, "BAD_USER_INPUT")
        variables = coerced
    plannable = chosen.kind is not OperationType.MUTATION and not chosen.introspects
    try:
        plan = _Ready.plans.get(document, chosen, variables, context.scope.shape, plannable=plannable)
        args = plan.tree.arguments(variables) if plan.tree.slots else []
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None
    found, cost = plan.check(catalog, args)
    if cost > MAX_COST:
        most = dearest(plan.tree, args)
        raise TooLarge(
            f"The answer could hold {cost} values; {MAX_COST} are the most. Most of them are in {most or 'its lists'}:"
            " ask for fewer rows there (`first`), or for fewer fields."
        )
    return Checked(document, chosen, plan, args, cost, fault_messages(found) if found else [])


def _facts(context: Context) -> RequestFacts:
    """What declared facts and signed links read. Links are signed for requests that ask for one."""
    principal = context.principal
    return RequestFacts(principal.name, _sorted(principal.roles), _Links(context), context.window)


@lru_cache(256)
def _sorted(roles: frozenset[Role]) -> list[Role]:
    return sorted(roles)


class _Links:
    """Signs links for one request, made when the first of them is asked for."""

    __slots__ = ("_context", "_made")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: Links | None = None

    def __call__(self) -> Links:
        """What signs them; a statement asks for each of its parts."""
        if self._made is None:
            context = self._context
            self._made = context.services.assets.links(
                group_id=context.scope.group_id, base_url=context.base_url, now=context.now
            )
        return self._made


__all__ = ["Operation", "Prepared", "Rejected", "prepare"]
