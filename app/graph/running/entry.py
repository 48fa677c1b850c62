"""The one way in for every operation: `/graphql` and the legacy routes both end here.

It is checked (`checking.py`, which finds its plan) and run. A query the planner can express is one statement, whose
bytes are the answer; anything else runs on the resolvers and dataloaders.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any

import asyncpg
import msgspec
from graphql import (
    GraphQLError,
    OperationType,
)
from starlette.datastructures import UploadFile

from app.db.database import COUNTED
from app.db.deadlines import Deadline
from app.db.outages import Away
from app.errors import AnswerTooLarge, Failure, Forbidden, Unavailable
from app.graph.declaring.loading import Loaders
from app.graph.running.answers import (
    Answer,
    answer_of,
    cause_of,
    forbidden,
    masked,
    refusals,
    refused,
    refused_with,
)
from app.graph.running.checking import CheckedOperation, Rejected, check, check_large, is_large_and_new
from app.graph.running.context import Context
from app.graph.running.explaining import explanation_of
from app.graph.running.introspecting import asks_for_schema_alone, introspect
from app.graph.running.lean import Lean, Unshown, lean_of
from app.graph.running.operations import Operation
from app.graph.running.permitting import refusals_to
from app.graph.running.spending import BUDGET_EXCEEDED
from app.graph.schema import catalog, schema
from app.plan.binding import Bindings
from app.serving import metrics
from app.values.budgets import Left

log = logging.getLogger("gateway.graph")
_JSON = msgspec.json.Encoder(decimal_format="number")


async def answer(operation: Operation, context: Context) -> Answer:
    """Check and run."""
    asked = await check_aside_or_refuse(operation, context)
    return asked if isinstance(asked, Answer) else await run(asked, context)


def check_or_refuse(
    operation: Operation, context: Context, *, live: bool = False
) -> CheckedOperation | Answer:
    """What to run, or the answer that says why nothing is run."""
    try:
        return check(operation, context, live=live)
    except (Rejected, Failure) as problem:
        return refused(problem)


async def check_aside_or_refuse(
    operation: Operation, context: Context, *, live: bool = False
) -> CheckedOperation | Answer:
    """The same for any document: large ones that are new are checked in a thread, when it is their group's turn."""
    if not is_large_and_new(operation, context):
        return check_or_refuse(operation, context, live=live)
    try:
        return await check_in_turn(operation, context, live=live)
    except (Rejected, Failure) as problem:
        return refused(problem)


async def check_in_turn(operation: Operation, context: Context, *, live: bool = False) -> CheckedOperation:
    """Raises Rejected or a Failure."""
    group, turns = context.scope.group_id, context.services.turns
    turns.saw(group)
    with Deadline(context.services.settings.request_timeout_ms / 1000):
        async with turns.turn(group):
            return await check_large(operation, context, live=live)


async def run(checked: CheckedOperation, context: Context) -> Answer:
    """Run an operation that was checked, now or when it came before."""
    principal, services = context.principal, context.services
    if lacking := refusals_to(checked.needs, principal):
        return forbidden(lacking)
    if checked.faults:
        return refused_with(list(checked.faults))
    group, turns, settings = principal.scope.group_id, services.turns, services.settings
    is_slow = turns.saw(group)
    try:
        context.left = services.spending.charge(principal, checked.cost + checked.work)
        is_heavy = is_slow or checked.is_dear or checked.plan.was_slow
        planned = checked.plan.statement is not None and settings.planner
        is_plain = planned and not is_heavy and not checked.operation.extensions
        if is_plain and settings.statement_timeout_ms <= settings.request_timeout_ms:
            # Most requests: getting a connection and the statement have limits of their own.
            body = await _run_plan(checked, context)
            return Answer(body) if body is not None else await _rerun(checked, context)
        with _deadline(checked, context):
            if not is_heavy:
                return await _run_or_show(checked, context)
            async with turns.turn(group, is_planned=planned):
                return await _run_or_show(checked, context)
    except (Rejected, Failure) as problem:
        if isinstance(problem, Unavailable) and problem.reason == BUDGET_EXCEEDED:
            context.left = Left(0, problem.retry_after_s or 0)
        return refused(problem)


async def _run_or_show(checked: CheckedOperation, context: Context) -> Answer:
    asked = checked.operation.extensions
    if asked.get("plan") or asked.get("dryRun"):
        return await _with_plan(checked, context)
    return await _run(checked, context)


def _deadline(checked: CheckedOperation, context: Context) -> AbstractContextManager[object]:
    """The time it has as a whole. Files take the time their client takes."""
    if checked.kind is OperationType.MUTATION and _brings_files(checked.operation.variables):
        return nullcontext()
    return Deadline(context.services.settings.request_timeout_ms / 1000)


def _brings_files(value: object) -> bool:
    if isinstance(value, dict):
        return any(_brings_files(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_brings_files(inner) for inner in value)
    return isinstance(value, UploadFile)


async def _with_plan(checked: CheckedOperation, context: Context) -> Answer:
    """`extensions: {"plan": true}`: the answer and how it was made; with `"dryRun": true` nothing is run."""
    if not context.may_see_plans:
        raise Forbidden("Plans are shown in development, and to platform roles.")
    told = explanation_of(checked, context).shown()
    if checked.operation.extensions.get("dryRun"):
        return Answer(
            _JSON.encode({"data": None, "extensions": {"plan": told}}), b"null", execution="explained"
        )
    started, counted = time.perf_counter(), [0]
    counting = COUNTED.set(counted)
    try:
        made = await _run(checked, context)
    finally:
        COUNTED.reset(counting)
    data = made.data
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    # The planned statement is not among those counted.
    statements = counted[0] + (made.execution in ("planned", "rerun"))
    told |= {"execution": made.execution, "statements": statements, "ms": took_ms}
    body = made.body[:-1] + b',"extensions":' + _JSON.encode({"plan": told}) + b"}"
    return Answer(body, data, made.errors, made.execution, made.retry_after_s)


async def _run(checked: CheckedOperation, context: Context) -> Answer:
    if checked.plan.statement is not None and context.services.settings.planner:
        body = await _run_plan(checked, context)
        return Answer(body) if body is not None else await _rerun(checked, context)
    if checked.definition.introspects and asks_for_schema_alone(checked):
        return await introspect(checked, context)
    lean = lean_of(checked) if context.services.settings.planner else None
    if lean is not None:
        return await _call(lean, checked, context)
    return await _resolve(checked, context, execution="resolved")


async def _rerun(checked: CheckedOperation, context: Context) -> Answer:
    """Its statement failed on its data."""
    with _deadline(checked, context):
        return await _resolve(checked, context, execution="rerun")


async def _call(lean: Lean, checked: CheckedOperation, context: Context) -> Answer:
    """A mutation that needs no executor."""
    resolving = _Resolving(context, checked)
    try:
        shown, error = await lean.run(checked.args, resolving)
    except Unshown as made:
        resolving.made = made.payload
        return await _execute(checked, resolving, execution="resolved")
    errors = [] if error is None else [error]
    return _unavailable(errors, shown, checked, context, execution="lean") or answer_of(
        shown, [masked(error, context) for error in errors], execution="lean"
    )


async def _run_plan(checked: CheckedOperation, context: Context) -> bytes | None:
    """The answer's bytes; None where the statement failed on its data and the resolvers should have a try."""
    plan, scope, failed = checked.plan, context.principal.scope, False
    statement = plan.statement
    assert statement is not None
    started = time.perf_counter()
    try:
        values = statement.values(checked.bound(context))
        if context.stale_ok:
            data, context.is_stale = await context.db.read_stale(statement.text, values, scope)
            metrics.stale_read(by_replica=context.is_stale)
        else:
            data = await context.db.read(statement.text, values, scope)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.error("a planned statement failed", extra={"request_id": context.request_id, "error": str(error)})
        data, failed = None, True
    took_ms = (time.perf_counter() - started) * 1000
    plan.saw(took_ms)
    context.services.turns.took(scope.group_id, took_ms)
    if data == b"":
        raise AnswerTooLarge
    if data is None and not failed:
        log.error(
            "a planned statement gave nothing",
            extra={"request_id": context.request_id, "sql": statement.text},
        )
    return data


async def answers(checked: CheckedOperation, context: Context) -> AsyncGenerator[bytes]:
    """The responses, one after the other, to a subscription whose field is a resolver in Python."""
    operation = checked.operation
    results = await schema.subscribe(
        operation.query,
        variable_values=operation.variables,
        context_value=_Resolving(context, checked),
        operation_name=operation.name,
    )
    async with aclosing(results):
        async for result in results:
            errors = [masked(e, context) for e in result.errors or ()]
            yield answer_of(result.data, errors, execution="resolved").body


async def _resolve(checked: CheckedOperation, context: Context, *, execution: str) -> Answer:
    return await _execute(checked, _Resolving(context, checked), execution=execution)


async def _execute(checked: CheckedOperation, resolving: "_Resolving", *, execution: str) -> Answer:
    operation = checked.operation
    try:
        result = await schema.execute(
            operation.query,
            variable_values=operation.variables,
            context_value=resolving,
            operation_name=operation.name,
        )
    except asyncio.CancelledError:
        # Loads are shared and shielded: they would go on.
        resolving.stop()
        raise
    context, errors = resolving.request, result.errors or ()
    given = _unavailable(errors, result.data, checked, context, execution=execution) or answer_of(
        result.data, [masked(error, context) for error in errors], execution=execution
    )
    if len(given.body) > resolving.bindings.facts.max_bytes and checked.kind is OperationType.QUERY:
        # A mutation has done its work: what it did is told, whatever its size.
        raise AnswerTooLarge
    return given


def _unavailable(
    errors: Sequence[GraphQLError],
    data: dict[str, Any] | None,
    checked: CheckedOperation,
    context: Context,
    *,
    execution: str,
) -> Answer | None:
    """The answer where nothing was done since the gateway could not; None: what was done or found is told.

    A statement for all would have failed as a whole while the database is away, so a read does it here as well. What
    a mutation has done before that is told, unless it is undone with the rest.
    """
    causes = [cause for error in errors if isinstance(cause := cause_of(error), Unavailable)]
    if not causes:
        return None
    found = data is not None and any(value is not None for value in data.values())
    is_away = any(isinstance(one, Away) for one in causes)
    if found and context.whole is None and (checked.kind is OperationType.MUTATION or not is_away):
        return None
    shown = [masked(error, context) for error in errors]
    return refused_with(shown, retry_after_s=causes[0].retry_after_s, execution=execution)


class _Resolving:
    """The resolvers' context: the request's, with loaders, and what is known of its operation."""

    def __init__(self, context: Context, checked: CheckedOperation) -> None:
        self.request = context
        self.document = checked.document
        self.plan = checked.plan
        self.bindings: Bindings = checked.bound(context)
        self.made: Any = None
        """The payload of a mutation that was called already."""
        self._loaders = context.loaders = Loaders(catalog, context.db, self.bindings)

    def stop(self) -> None:
        """Nobody waits for what is loaded."""
        self._loaders.stop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.request, name)


__all__ = [
    "Answer",
    "Operation",
    "answer",
    "answers",
    "check_aside_or_refuse",
    "check_in_turn",
    "check_or_refuse",
    "refusals",
    "run",
]
