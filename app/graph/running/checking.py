"""Everything before an operation runs: its document, variables, plan, faults and cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import GraphQLError, OperationType, get_variable_values

from app.auth.principal import Principal, Role
from app.domain.assets.storage import Links
from app.errors import Invalid, TooLarge
from app.graph.documents.limits import check_variables
from app.graph.documents.parsing import Definition, Document, Documents, Rejected
from app.graph.documents.plans import Plan, Plans, fault_messages
from app.graph.running.context import Context
from app.graph.running.operations import Operation
from app.graph.running.permitting import Need, needs_of, refusals_to
from app.graph.schema import catalog, graph
from app.plan.binding import Bindings, RequestFacts
from app.plan.cost import MAX_COST, dearest
from app.serving.bodies import METHOD_NOT_ALLOWED
from app.values.scope import ScopeShape

_DOCUMENTS = {suggest: Documents(graph, suggestions=suggest) for suggest in (False, True)}
"""By whether errors may suggest names."""
_PLANS = Plans(graph, catalog)


@dataclass(frozen=True, slots=True)
class CheckedOperation:
    """An operation that may run unless it has faults: all that holds for anybody who sends it in that shape of scope.

    Only what depends on who asks and when is added each time: the scope, the clock, links.
    """

    operation: Operation
    scope_shape: ScopeShape
    document: Document
    definition: Definition
    plan: Plan
    args: Sequence[dict[str, Any]]
    """Coerced arguments of the fields that use variables, by slot."""
    cost: int
    faults: Sequence[dict[str, Any]]
    """As GraphQL errors."""
    needs: tuple[Need, ...]
    """Roles that it needs; see `forbidden`."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.definition.kind

    def forbidden(self, principal: Principal) -> list[dict[str, Any]]:
        """Why this one may not have it run, as GraphQL errors; empty: it may.

        Asked each time it is run, and before an answer that was kept is given: a checked operation may have come from
        somebody else.
        """
        return refusals_to(self.needs, principal)

    def bound(self, context: Context) -> Bindings:
        """The values its statement is bound to in one request."""
        if context.scope.shape != self.scope_shape:
            # Its statement lacks a predicate that this scope needs.
            raise ValueError(
                "an operation that was checked under a scope of another shape must be checked again"
            )
        return Bindings(context.scope, context.now, self.args, _facts(context))


def check(operation: Operation, context: Context, *, live: bool = False) -> CheckedOperation:
    """Check an operation and find its plan. Raises Rejected or a Failure where it cannot run at all.

    `live`: it came by a protocol that can answer more than once, so subscriptions are possible.
    """
    documents = _DOCUMENTS[context.services.settings.development]
    document = documents.get(operation.query)
    definition = document.definition(operation.name)
    if definition.kind is OperationType.SUBSCRIPTION and not live:
        raise Invalid(
            "A subscription is answered again and again: ask over the WebSocket protocol graphql-transport-ws, or"
            " with the header Accept: text/event-stream."
        )
    if operation.read_only and definition.kind is OperationType.MUTATION:
        raise Invalid("A GET may only query: send mutations with POST.", code=METHOD_NOT_ALLOWED)
    plain = definition.plain
    if plain is None or not plain.is_flat:
        check_variables(operation.variables)
    variables = None if plain is None else plain.read(operation.variables)
    if variables is None:
        if plain is not None and plain.is_flat:
            check_variables(operation.variables)
        coerced = get_variable_values(
            graph, definition.node.variable_definitions or (), operation.variables, max_errors=10,
            hide_suggestions=not documents.suggestions,
        )  # fmt: skip
        if isinstance(coerced, list):
            raise Rejected(coerced, "BAD_USER_INPUT")
        variables = coerced
    shape = context.scope.shape
    plannable = definition.kind is not OperationType.MUTATION and not definition.introspects
    try:
        plan = _PLANS.get(document, definition, variables, shape, plannable=plannable)
        args = plan.tree.arguments(variables) if plan.tree.slots else []
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None
    faults, cost = plan.faults(args), plan.cost(args)
    if cost > MAX_COST:
        most = dearest(plan.tree, args)
        raise TooLarge(
            f"The answer could hold {cost} values; {MAX_COST} are the most. Most of them are in {most or 'its lists'}:"
            " ask for fewer rows there (`first`), or for fewer fields."
        )
    told = fault_messages(faults) if faults else ()
    return CheckedOperation(operation, shape, document, definition, plan, args, cost, told, needs_of(plan))


def _facts(context: Context) -> RequestFacts:
    """What declared facts and signed links read. Links are signed only for requests that select one."""
    principal = context.principal
    return RequestFacts(
        principal.name,
        _sorted(principal.roles),
        _Links(context),
        context.window,
        max_bytes=context.services.settings.max_answer_bytes,
    )


@lru_cache(256)
def _sorted(roles: frozenset[Role]) -> list[Role]:
    return sorted(roles)


class _Links:
    """Signs links for one request; made when the first of them is needed."""

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


__all__ = ["CheckedOperation", "Rejected", "check"]
