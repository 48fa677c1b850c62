"""What an operation comes to: its answer as bytes, and its errors as clients are told them."""

import logging
from dataclasses import dataclass, field
from typing import Any

import msgspec
from graphql import GraphQLError

from app.db.outages import Busy
from app.db.preparing import OUTDATED
from app.errors import INTERNAL_MESSAGE, Failure, Unavailable
from app.graph.running.checking import Rejected
from app.graph.running.context import Context

MAX_MESSAGE = 500
_JSON = msgspec.json.Encoder(decimal_format="number")

log = logging.getLogger("gateway.graph")


@dataclass(slots=True)
class Answer:
    """The answer to an operation. Never changed; not frozen, since making it would then take four times as long."""

    body: bytes
    """The whole response: `{"data": …, "errors": […]}`."""
    resolved: bytes | None = None
    """The JSON text of `data` where it is not simply the body without its envelope."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    """`{message, path, locations, extensions {code}}`, masked."""
    execution: str = "planned"
    """`planned`, `resolved`, `lean` (a mutation called without the executor), `rerun` (planned, failed, then resolved),
    `explained` (not run) or `refused`."""

    retry_after_s: int | None = None
    """The gateway could not do it just now, and nothing was done: after so many seconds it may be able to."""

    @property
    def data(self) -> bytes | None:
        """The JSON text of `data` alone; None where the request was refused before it ran."""
        return self.body[8:-1] if self.resolved is None and self.execution == "planned" else self.resolved


def refused(problem: Rejected | Failure) -> Answer:
    """The answer that says why nothing was run."""
    wait_s = problem.retry_after_s if isinstance(problem, Unavailable) else None
    return refused_with(refusals(problem), retry_after_s=wait_s)


def refusals(problem: Rejected | Failure) -> list[dict[str, Any]]:
    """Why an operation was not run, as GraphQL errors."""
    if isinstance(problem, Rejected):
        return [shown_error(error, problem.code) for error in problem.errors]
    return [{"message": problem.message, "extensions": {"code": problem.reason}}]


def answer_of(data: Any, errors: list[dict[str, Any]], *, execution: str) -> Answer:
    """`data` is written once, for both forms of the answer."""
    shown = _JSON.encode(data)
    more = b',"errors":' + _JSON.encode(errors) if errors else b""
    return Answer(b'{"data":' + shown + more + b"}", shown, errors, execution)


def refused_with(
    errors: list[dict[str, Any]], *, retry_after_s: int | None = None, execution: str = "refused"
) -> Answer:
    """Nothing was done, for these reasons."""
    return Answer(_JSON.encode({"errors": errors}), None, errors, execution, retry_after_s)


def forbidden(errors: list[dict[str, Any]]) -> Answer:
    """`data` is null, as where a field that may not be null refuses. Nothing has run."""
    return Answer(_JSON.encode({"data": None, "errors": errors}), b"null", errors, "refused")


def shown_error(error: GraphQLError, code: str) -> dict[str, Any]:
    """An error as clients see it."""
    shown: dict[str, Any] = {"message": _bounded(error.message), "extensions": {"code": code}}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        shown["path"] = list(error.path)
    return shown


def _bounded(message: str) -> str:
    """Errors cut short: graphql-core may quote a megabyte of the client's own text."""
    return message if len(message) <= MAX_MESSAGE else f"{message[: MAX_MESSAGE - 1]}…"


def cause_of(error: GraphQLError) -> Exception | None:
    """What a resolver raised; None where graphql-core itself found the fault."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    # A table was altered, again and again, while it was tried: nothing was done.
    return Busy() if isinstance(cause, OUTDATED) else cause


def masked(error: GraphQLError, context: Context) -> dict[str, Any]:
    """Our own failures keep their message; anything else is logged, and the client gets the request id."""
    cause = cause_of(error)
    if cause is None:
        return shown_error(error, "BAD_USER_INPUT")
    if isinstance(cause, Failure):
        shown = shown_error(error, cause.reason)
        shown["message"] = cause.message
        return shown
    log.error("a resolver failed", exc_info=cause, extra={"request_id": context.request_id})
    shown = shown_error(error, "INTERNAL")
    shown["message"] = INTERNAL_MESSAGE
    shown["extensions"]["requestId"] = context.request_id
    return shown
