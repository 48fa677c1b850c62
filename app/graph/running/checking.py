"""Everything before an operation runs: its document, variables, plan, faults and cost."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import GraphQLError, OperationType, get_variable_values

from app.auth.principal import Principal, Role
from app.errors import Invalid, TooLarge
from app.graph.documents.limits import check_variables
from app.graph.documents.parsing import Definition, Document, Documents, Rejected
from app.graph.documents.plans import Key, Plan, Plans, fault_messages
from app.graph.running.context import Context
from app.graph.running.operations import Operation
from app.graph.running.permitting import Need, needs_of, refusals_to
from app.graph.schema import catalog, graph
from app.plan.binding import Bindings, RequestFacts
from app.plan.cost import HEAVY_COST, HEAVY_WORK, MAX_COST, MAX_WORK, dearest
from app.plan.graphql_parts import VariableValues
from app.serving.bodies import METHOD_NOT_ALLOWED
from app.values.scope import ScopeShape

_DOCUMENTS = {suggest: Documents(graph, suggestions=suggest) for suggest in (False, True)}
"""By whether errors may suggest names."""
_PLANS = Plans(graph, catalog)
LARGE = 400
"""Characters of a document: checking one that is larger takes some milliseconds."""
_ASIDE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
"""One thread, since two would not be faster."""


class CheckedOperation(NamedTuple):
    """An operation that may run unless it has faults: all that holds for anybody who sends it in that shape of scope.

    Only what depends on who asks and when is added each time: the scope, the clock, links. One that is known is put
    together anew each time (`known_operations.py`), hence a tuple.
    """

    operation: Operation
    scope_shape: ScopeShape
    document: Document
    definition: Definition
    plan: Plan
    args: Sequence[dict[str, Any]]
    """Coerced arguments of the fields that use variables, by slot."""
    cost: int
    """Values the answer may hold."""
    work: int
    """Rows read for it beside those, see `plan/cost.py`."""
    faults: Sequence[dict[str, Any]]
    """As GraphQL errors."""
    needs: tuple[Need, ...]
    """Roles that it needs; see `forbidden`."""
    is_dear: bool = False
    """Whether it may take long by its cost or its work, so that it has to wait where others are about."""

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
        scope, services = context.principal.scope, context.services
        if scope.shape != self.scope_shape:
            # Its statement lacks a predicate that this scope needs.
            raise ValueError(
                "an operation that was checked under a scope of another shape must be checked again"
            )
        # Most requests come here: nothing is called that need not be.
        facts = RequestFacts(
            context.principal.name,
            _sorted(context.principal.roles),
            context.links,
            context.window,
            None,
            services.settings.max_answer_bytes,
        )
        return Bindings(scope, context.now, self.args, facts)


def check(operation: Operation, context: Context, *, live: bool = False) -> CheckedOperation:
    """Check an operation and find its plan. Raises Rejected or a Failure where it cannot run at all.

    `live`: it came by a protocol that can answer more than once, so subscriptions are possible.
    """
    document = _documents(context).get(operation.query)
    definition = _definition(document, operation, live=live)
    variables = _read_variables(definition, operation, context)
    try:
        plan = _PLANS.get(
            document, definition, variables, context.scope.shape, plannable=_plannable(definition)
        )
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None
    return _checked(operation, context, document, definition, plan, variables)


def is_large_and_new(operation: Operation, context: Context) -> bool:
    """Whether checking it takes long."""
    return len(operation.query) > LARGE and not _documents(context).knows(operation.query)


async def check_large(operation: Operation, context: Context, *, live: bool = False) -> CheckedOperation:
    """The same as `check`, in a thread: others need not wait for what graphql-core does in one go."""
    document, key, checked = await asyncio.get_running_loop().run_in_executor(
        _ASIDE, _check_aside, operation, context, live
    )
    _documents(context).keep(document)
    _PLANS.keep(key, checked.plan)
    return checked


def _check_aside(
    operation: Operation, context: Context, live: bool
) -> tuple[Document, Key, CheckedOperation]:
    """Touches nothing that others change."""
    document = _documents(context).read(operation.query)
    definition = _definition(document, operation, live=live)
    variables = _read_variables(definition, operation, context)
    shape, plannable = context.scope.shape, _plannable(definition)
    try:
        plan = _PLANS.make(document, definition, variables, shape, plannable=plannable)
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None
    key = _PLANS.key(document, definition, variables, shape, plannable=plannable)
    return document, key, _checked(operation, context, document, definition, plan, variables)


@dataclass(frozen=True, slots=True)
class Selection:
    """What an operation selects, before anything is said about how much that is."""

    document: Document
    definition: Definition
    plan: Plan
    """Without a statement."""
    args: list[dict[str, Any]]


async def select(operation: Operation, context: Context) -> Selection:
    """What an operation selects. Raises Rejected or a Failure where it cannot run at all."""
    documents = _documents(context)
    if is_large_and_new(operation, context):
        loop = asyncio.get_running_loop()
        documents.keep(await loop.run_in_executor(_ASIDE, documents.read, operation.query))
    document = documents.get(operation.query)
    definition = _definition(document, operation, live=False)
    variables = _read_variables(definition, operation, context)
    try:
        plan = _PLANS.get(document, definition, variables, context.scope.shape, plannable=False)
        return Selection(document, definition, plan, plan.tree.arguments(variables))
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None


def _documents(context: Context) -> Documents:
    return _DOCUMENTS[context.services.settings.development]


def _plannable(definition: Definition) -> bool:
    return definition.kind is not OperationType.MUTATION and not definition.introspects


def _definition(document: Document, operation: Operation, *, live: bool) -> Definition:
    definition = document.definition(operation.name)
    if definition.kind is OperationType.SUBSCRIPTION and not live:
        raise Invalid(
            "A subscription is answered again and again: ask over the WebSocket protocol graphql-transport-ws, or"
            " with the header Accept: text/event-stream."
        )
    if operation.read_only and definition.kind is OperationType.MUTATION:
        raise Invalid("A GET may only query: send mutations with POST.", code=METHOD_NOT_ALLOWED)
    return definition


def _read_variables(definition: Definition, operation: Operation, context: Context) -> VariableValues:
    plain = definition.plain
    if plain is None or not plain.is_flat:
        check_variables(operation.variables)
    variables = None if plain is None else plain.read(operation.variables)
    if variables is None:
        if plain is not None and plain.is_flat:
            check_variables(operation.variables)
        coerced = get_variable_values(
            graph, definition.node.variable_definitions or (), operation.variables, max_errors=10,
            hide_suggestions=not _documents(context).suggestions,
        )  # fmt: skip
        if isinstance(coerced, list):
            raise Rejected(coerced, "BAD_USER_INPUT")
        variables = coerced
    return variables


def _checked(
    operation: Operation,
    context: Context,
    document: Document,
    definition: Definition,
    plan: Plan,
    variables: VariableValues,
) -> CheckedOperation:
    try:
        args = plan.tree.arguments(variables) if plan.tree.slots else []
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None
    faults, cost, work = plan.faults(args), plan.cost(args), plan.work(args)
    if cost > MAX_COST:
        most = dearest(plan.tree, args)
        raise TooLarge(
            f"The answer could hold {cost} values; {MAX_COST} are the most. Most of them are in {most or 'its lists'}:"
            " ask for fewer rows there (`first`), or for fewer fields."
        )
    if work > MAX_WORK:
        raise TooLarge(
            f"Answering could read {work} rows; {MAX_WORK} are the most. Ask for fewer of the fields that count,"
            " simulate or share out, or in several requests."
        )
    told, needs = fault_messages(faults) if faults else (), needs_of(plan)
    is_dear = work >= HEAVY_WORK or cost >= HEAVY_COST
    return CheckedOperation(
        operation, context.scope.shape, document, definition, plan, args, cost, work, told, needs, is_dear
    )


@lru_cache(256)
def _sorted(roles: frozenset[Role]) -> list[Role]:
    return sorted(roles)


__all__ = ["CheckedOperation", "Rejected", "Selection", "check", "check_large", "is_large_and_new", "select"]
