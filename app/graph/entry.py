"""The one way in for every operation: `/graphql` and the legacy routes both end here.

Document → variables → checks → plan. A query the planner can express is one statement, whose bytes are the answer;
anything else runs on the resolvers and dataloaders.
"""

import logging
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import asyncpg
import msgspec
from graphql import GraphQLError, OperationType, get_variable_values

from app.domain.assets.storage import Links
from app.errors import Failure, Invalid, TooLarge, Unavailable
from app.graph.context import Context
from app.graph.documents import Document, Documents, PreparedOperation, Rejected
from app.graph.loading import Loaders
from app.graph.planning import Plan, Plans, fault_messages
from app.graph.schema import catalog, schema
from app.plan.binding import Bindings
from app.plan.cost import MAX_COST
from app.plan.sql import Statement

log = logging.getLogger("gateway.graph")
_JSON = msgspec.json.Encoder(decimal_format="number")
MASKED = "Something went wrong on our side. The request id helps us to find out what."


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL request, before anything was looked at."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    extensions: dict[str, Any] = field(default_factory=dict)
    read_only: bool = False
    """A GET: mutations are refused."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    body: bytes
    """The whole response: `{"data": …, "errors": […]}`."""
    data: bytes | None
    """The JSON text of `data` alone; None where the request was refused before it ran."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    """`{message, path, locations, extensions {code}}`, masked."""
    execution: str = "planned"
    """`planned`, `resolved`, `rerun` (planned, failed, then resolved) or `refused`."""
    statements: int = 1
    """How many SQL statements a read took."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would run."""

    execution: str
    sql: str
    reason: str
    cost: int


class _Ready:
    """Caches of this process; made with the first request, since suggestions depend on the settings."""

    documents: Documents | None = None
    plans = Plans(schema._schema, catalog)
    introspections: dict[tuple[str, str], Answer] = {}


async def answer(operation: Operation, context: Context) -> Answer:
    """Check, plan, run."""
    try:
        prepared = _prepare(operation, context)
        return _refused(prepared.faults) if prepared.faults else await _run(operation, prepared, context)
    except Rejected as rejected:
        return _refused([_shown(e, rejected.code) for e in rejected.errors])
    except Failure as failure:
        return _refused([{"message": failure.message, "extensions": {"code": failure.reason}}])


async def _run(operation: Operation, prepared: "_Prepared", context: Context) -> Answer:
    statement = prepared.plan.statement
    if statement is not None and context.services.settings.planner:
        data = await _run_plan(statement, prepared.bindings, context)
        if data is not None:
            return Answer(b'{"data":' + data + b"}", data)
        return await _resolve(operation, prepared, context, execution="rerun")
    if prepared.operation.introspects:
        return await _introspect(operation, prepared, context)
    return await _resolve(operation, prepared, context, execution="resolved")


def explain(operation: Operation, context: Context) -> Explanation:
    """What `answer` would do, without doing it. Raises what it would refuse as a Failure."""
    try:
        prepared = _prepare(operation, context)
    except Rejected as rejected:
        raise Invalid(rejected.errors[0].message, code=rejected.code) from None
    if prepared.faults:
        raise Invalid(prepared.faults[0]["message"])
    statement = prepared.plan.statement
    if statement is None or not context.services.settings.planner:
        return Explanation("resolved", "", prepared.plan.reason or "the planner is off", prepared.cost)
    return Explanation("planned", statement.text, "", prepared.cost)


@dataclass(slots=True)
class _Prepared:
    document: Document
    operation: PreparedOperation
    plan: Plan
    bindings: Bindings
    cost: int
    faults: list[dict[str, Any]]


def _prepare(operation: Operation, context: Context) -> _Prepared:
    documents = _Ready.documents
    if documents is None:
        documents = _Ready.documents = Documents(
            schema._schema, suggestions=context.services.settings.development
        )
    document = documents.get(operation.query)
    chosen = document.operation(operation.name)
    if chosen.kind is OperationType.SUBSCRIPTION:
        raise Invalid("Subscriptions run over the WebSocket protocol graphql-transport-ws.")
    if operation.read_only and chosen.kind is not OperationType.QUERY:
        raise Invalid("A GET may only query: send mutations with POST.", code="METHOD_NOT_ALLOWED")
    variables = get_variable_values(
        schema._schema, chosen.node.variable_definitions or (), operation.variables, max_errors=10,
        hide_suggestions=not documents.suggestions,
    )  # fmt: skip
    if isinstance(variables, list):
        raise Rejected(variables, "BAD_USER_INPUT")
    plannable = chosen.kind is OperationType.QUERY and not chosen.introspects
    scope = context.scope
    try:
        plan = _Ready.plans.get(document, chosen, variables, scope.shape, plannable=plannable)
        args = plan.tree.arguments(variables) if plan.tree.slots else []
    except GraphQLError as error:
        raise Rejected([error], "BAD_USER_INPUT") from None
    found, cost = plan.check(catalog, args)
    if cost > MAX_COST:
        raise TooLarge(
            f"The answer could hold {cost} values; {MAX_COST} are the most. Ask for fewer rows or fields."
        )
    bindings = Bindings(scope, context.now, args, _facts(context))
    return _Prepared(document, chosen, plan, bindings, cost, fault_messages(found) if found else [])


def _facts(context: Context) -> dict[str, Any]:
    """What declared facts and signed links read. Links are signed for requests that ask for one."""

    @cache
    def links() -> Links:
        return context.services.assets.links(
            group_id=context.scope.group_id, base_url=context.base_url, now=context.now
        )

    return {"name": context.principal.name, "roles": sorted(context.principal.roles), "links": links}


async def _run_plan(statement: Statement, bindings: Bindings, context: Context) -> bytes | None:
    """The answer's bytes; None where the statement failed on its data and the resolvers should try."""
    try:
        data = await context.db.read(statement.text, statement.values(bindings), bindings.scope)
    except asyncpg.QueryCanceledError:
        raise Unavailable("The query took too long. Ask for less, or narrow it down.") from None
    except (asyncpg.DataError, asyncpg.SyntaxOrAccessError, asyncpg.InterfaceError) as error:
        log.error("a planned statement failed", extra={"request_id": context.request_id, "error": str(error)})
        return None
    except (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, OSError):
        raise Unavailable("The database cannot be reached just now.") from None
    if data is None:
        log.error(
            "a planned statement gave nothing",
            extra={"request_id": context.request_id, "sql": statement.text},
        )
    return data


async def _resolve(operation: Operation, prepared: _Prepared, context: Context, *, execution: str) -> Answer:
    loaders = context.loaders = Loaders(catalog, context.db, prepared.bindings)
    result = await schema.execute(
        operation.query,
        variable_values=operation.variables,
        context_value=_Resolving(context, prepared),
        operation_name=operation.name,
    )
    errors = [_masked(e, context) for e in result.errors or ()]
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = errors
    data = _JSON.encode(result.data)
    return Answer(_JSON.encode(body), data, errors, execution, len(loaders.statements))


async def _introspect(operation: Operation, prepared: _Prepared, context: Context) -> Answer:
    """The schema does not change while we run, so neither do answers about it."""
    key = (operation.query + "\0" + (operation.name or ""), repr(sorted(operation.variables.items())))
    found = _Ready.introspections.get(key)
    if found is None:
        found = await _resolve(operation, prepared, context, execution="resolved")
        only = all(root.name.startswith("__") for root in prepared.plan.tree.roots)
        if only and not found.errors and len(_Ready.introspections) < 50:
            _Ready.introspections[key] = found
    return found


class _Resolving:
    """The resolvers' context: the request's, and what was prepared for it."""

    def __init__(self, context: Context, prepared: _Prepared) -> None:
        self.request = context
        self.document = prepared.document
        self.plan = prepared.plan
        self.bindings = prepared.bindings

    def __getattr__(self, name: str) -> Any:
        return getattr(self.request, name)


def _refused(errors: list[dict[str, Any]]) -> Answer:
    return Answer(_JSON.encode({"errors": errors}), None, errors, "refused", 0)


def _shown(error: GraphQLError, code: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": error.message, "extensions": {"code": code}}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = list(error.path)
    return shown


def _masked(error: GraphQLError, context: Context) -> dict[str, Any]:
    """Our own failures keep their words; anything else is logged and shown as a request id."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        return _shown(error, "BAD_USER_INPUT")
    if isinstance(cause, Failure):
        shown = _shown(error, cause.reason)
        shown["message"] = cause.message
        return shown
    log.error("a resolver failed", exc_info=cause, extra={"request_id": context.request_id})
    shown = _shown(error, "INTERNAL")
    shown["message"] = MASKED
    shown["extensions"]["requestId"] = context.request_id
    return shown
