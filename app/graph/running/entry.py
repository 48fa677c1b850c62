"""The one way in for every operation: `/graphql` and the legacy routes both end here.

Document → variables → checks → plan. A query the planner can express is one statement, whose bytes are the answer;
anything else runs on the resolvers and dataloaders.
"""

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
from graphql import GraphQLError

from app.db.database import COUNTED
from app.errors import INTERNAL_MESSAGE, Failure, Forbidden
from app.graph.declaring.loading import Loaders
from app.graph.running.context import Context
from app.graph.running.explaining import explanation_of
from app.graph.running.lean import Lean, lean_of
from app.graph.running.preparing import Operation, Prepared, Rejected, prepare
from app.graph.schema import catalog, schema
from app.plan.binding import Bindings
from app.plan.sql import Statement

log = logging.getLogger("gateway.graph")
_JSON = msgspec.json.Encoder(decimal_format="number")
MAX_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    body: bytes
    """The whole response: `{"data": …, "errors": […]}`."""
    resolved: bytes | None = None
    """The JSON text of `data` where it is not simply the body without its envelope."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    """`{message, path, locations, extensions {code}}`, masked."""
    execution: str = "planned"
    """`planned`, `resolved`, `lean` (a mutation called without the executor), `rerun` (planned, failed, then resolved),
    `explained` (not run) or `refused`."""

    @property
    def data(self) -> bytes | None:
        """The JSON text of `data` alone; None where the request was refused before it ran."""
        return self.body[8:-1] if self.resolved is None and self.execution == "planned" else self.resolved


_INTROSPECTIONS: dict[tuple[str, str], Answer] = {}
"""Answers about the schema, which does not change while we run."""


async def answer(operation: Operation, context: Context) -> Answer:
    """Check, plan, run."""
    try:
        prepared = prepare(operation, context)
        if prepared.faults:
            return _refused(prepared.faults)
        if operation.extensions.get("plan") or operation.extensions.get("dryRun"):
            return await _with_plan(operation, prepared, context)
        return await _run(operation, prepared, context)
    except (Rejected, Failure) as problem:
        return _refused(refusals(problem))


def refusals(problem: Rejected | Failure) -> list[dict[str, Any]]:
    """Why an operation was not run, as GraphQL errors."""
    if isinstance(problem, Rejected):
        return [_shown(error, problem.code) for error in problem.errors]
    return [{"message": problem.message, "extensions": {"code": problem.reason}}]


async def _with_plan(operation: Operation, prepared: Prepared, context: Context) -> Answer:
    """`extensions: {"plan": true}`: the answer and how it came about; with `"dryRun": true` nothing is run."""
    if not context.may_see_plans:
        raise Forbidden("Plans are shown in development, and to platform roles.")
    told = explanation_of(prepared, context).shown()
    if operation.extensions.get("dryRun"):
        return Answer(
            _JSON.encode({"data": None, "extensions": {"plan": told}}), b"null", execution="explained"
        )
    started, counted = time.perf_counter(), [0]
    counting = COUNTED.set(counted)
    try:
        made = await _run(operation, prepared, context)
    finally:
        COUNTED.reset(counting)
    data = made.data
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    # The planned one is not among those that were counted.
    statements = counted[0] + (made.execution in ("planned", "rerun"))
    told |= {"execution": made.execution, "statements": statements, "ms": took_ms}
    body = made.body[:-1] + b',"extensions":' + _JSON.encode({"plan": told}) + b"}"
    return Answer(body, data, made.errors, made.execution)


async def _run(operation: Operation, prepared: "Prepared", context: Context) -> Answer:
    statement = prepared.plan.statement
    if statement is not None and context.services.settings.planner:
        body = await _run_plan(statement, prepared.bindings, context)
        if body is not None:
            return Answer(body)
        return await _resolve(operation, prepared, context, execution="rerun")
    if prepared.operation.introspects:
        return await _introspect(operation, prepared, context)
    lean = lean_of(prepared) if context.services.settings.planner else None
    if lean is not None:
        return await _call(lean, prepared, context)
    return await _resolve(operation, prepared, context, execution="resolved")


async def _call(lean: Lean, prepared: Prepared, context: Context) -> Answer:
    """A mutation that needs no executor."""
    shown, error = await lean.run(prepared, context)
    body: dict[str, Any] = {"data": shown}
    errors = []
    if error is not None:
        errors = body["errors"] = [_masked(error, context)]
    return Answer(_JSON.encode(body), _JSON.encode(shown), errors, "lean")


async def _run_plan(statement: Statement, bindings: Bindings, context: Context) -> bytes | None:
    """The answer's bytes; None where the statement failed on its data and the resolvers should try."""
    try:
        data = await context.db.read(
            statement.text, statement.values(bindings), bindings.scope, stale_ok=context.stale_ok
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.error("a planned statement failed", extra={"request_id": context.request_id, "error": str(error)})
        return None
    if data is None:
        log.error(
            "a planned statement gave nothing",
            extra={"request_id": context.request_id, "sql": statement.text},
        )
    return data


async def answers(operation: Operation, prepared: Prepared, context: Context) -> AsyncGenerator[bytes]:
    """One response after the other, of a subscription whose field is a resolver in Python."""
    context.loaders = Loaders(catalog, context.db, prepared.bindings)
    results = await schema.subscribe(
        operation.query,
        variable_values=operation.variables,
        context_value=_Resolving(context, prepared),
        operation_name=operation.name,
    )
    async with aclosing(results):
        async for result in results:
            yield _body(result.data, [_masked(e, context) for e in result.errors or ()])


async def _resolve(operation: Operation, prepared: Prepared, context: Context, *, execution: str) -> Answer:
    context.loaders = Loaders(catalog, context.db, prepared.bindings)
    result = await schema.execute(
        operation.query,
        variable_values=operation.variables,
        context_value=_Resolving(context, prepared),
        operation_name=operation.name,
    )
    errors = [_masked(e, context) for e in result.errors or ()]
    data = _JSON.encode(result.data)
    return Answer(_body(result.data, errors), data, errors, execution)


def _body(data: Any, errors: list[dict[str, Any]]) -> bytes:
    return _JSON.encode({"data": data, "errors": errors} if errors else {"data": data})


async def _introspect(operation: Operation, prepared: Prepared, context: Context) -> Answer:
    """The schema does not change while we run, so neither do answers about it."""
    key = (operation.query + "\0" + (operation.name or ""), repr(sorted(operation.variables.items())))
    found = _INTROSPECTIONS.get(key)
    if found is None:
        found = await _resolve(operation, prepared, context, execution="resolved")
        only = all(root.name.startswith("__") for root in prepared.plan.tree.roots)
        if only and not found.errors and len(_INTROSPECTIONS) < 50:
            _INTROSPECTIONS[key] = found
    return found


class _Resolving:
    """The resolvers' context: the request's, and what was prepared for it."""

    def __init__(self, context: Context, prepared: Prepared) -> None:
        self.request = context
        self.document = prepared.document
        self.plan = prepared.plan
        self.bindings = prepared.bindings

    def __getattr__(self, name: str) -> Any:
        return getattr(self.request, name)


def _refused(errors: list[dict[str, Any]]) -> Answer:
    return Answer(_JSON.encode({"errors": errors}), None, errors, "refused")


def _shown(error: GraphQLError, code: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": _bounded(error.message), "extensions": {"code": code}}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = list(error.path)
    return shown


def _bounded(message: str) -> str:
    """Without the megabyte of a client's own text that graphql-core quotes back."""
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"


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
    shown["message"] = INTERNAL_MESSAGE
    shown["extensions"]["requestId"] = context.request_id
    return shown


__all__ = ["Answer", "Operation", "answer", "answers", "refusals"]
