"""How the Webmarketer API refuses: `{"statusCode", "message", "error"}`, and a 401 without `error`.

Source: Webmarketer API 1.0.0, response samples of "Create offline interaction" and "Update an event state".
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from app.errors import INTERNAL_MESSAGE, Invalid
from app.graph.running.spending import BUDGET_EXCEEDED
from app.rest.failing import (
    INTERNAL,
    KEY_REUSED,
    MALFORMED_BODY,
    METHOD_NOT_ALLOWED,
    UNSUPPORTED_MEDIA_TYPE,
    Failures,
    PayloadErrors,
    Problem,
)

EVENT_TRASHED = "EVENT_TRASHED"
"""The event is kept, but could not be processed (choice WM-C16)."""
STATUSES = {
    MALFORMED_BODY: 400,
    "INVALID": 400,
    EVENT_TRASHED: 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "NO_STORAGE_KEY": 404,
    METHOD_NOT_ALLOWED: 405,
    "CONFLICT": 409,
    "REFERENCE_EXISTS": 409,
    "SLUG_EXISTS": 409,
    "KIND_DIFFERS": 409,
    "WRONG_STATUS": 409,
    "WINDOW_OVER": 409,
    "PROJECT_ARCHIVED": 409,
    "INTEGRATION_ARCHIVED": 409,
    "TOO_LARGE": 413,
    UNSUPPORTED_MEDIA_TYPE: 415,
    KEY_REUSED: 422,
    "FAILURE": 500,
    INTERNAL: 500,
    "RATE_LIMITED": 429,
    BUDGET_EXCEEDED: 429,
    "UNAVAILABLE": 503,
}
EXAMPLES = {
    400: "wmktId must be present in nodeData",
    401: "Unauthorized",
    403: "This needs one of the roles manager, marketing, marketing_manager, …",
    404: "No storageKey matching field in this eventType",
    405: "PUT is not possible here; use GET, HEAD, POST.",
    409: "Another campaign of the integration has the slug spring already.",
    413: "The body is larger than 1 MiB.",
    415: "Send the body as application/json, not as application/x-www-form-urlencoded.",
    422: "This Idempotency-Key came with a different request before; use a new key for a new request.",
    429: "This project sends more than 1000 events a second; try again in a moment.",
    500: INTERNAL_MESSAGE,
    503: "Busy; try again in a moment.",
}
PRINTED = {
    "NO_STORAGE_KEY": "No storageKey matching field in this eventType",
    "WMKT_ID_MISSING": "wmktId must be present in nodeData",
}
"""The messages that the document prints, by our codes."""
_QUOTED = re.compile(r"`([A-Za-z.]+)`")
_NUMBERED = re.compile(r"There is no ([a-z ]+) ([0-9]{1,19}) here\.", re.ASCII)


def body(status: int, problems: Sequence[Problem]) -> object:
    """All messages in one. An event in the trash comes with its id and reasons, beyond what is documented."""
    said = " ".join(dict.fromkeys(problem.message for problem in problems))
    shown = _shown(status, "Unauthorized" if status == 401 else said)
    faults = [problem for problem in problems if problem.code == EVENT_TRASHED]
    if faults:
        shown["errors"] = [
            {"field": f.path[-1] if f.path else None, "code": f.reason, "message": f.message} for f in faults
        ]
    return shown


def example(status: int) -> object:
    """A body for the documentation."""
    return _shown(status, EXAMPLES[status])


def refuse(errors: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    """Raise what a payload's `errors` say, if anything, with the names a client of this API knows."""
    if errors:
        raise PayloadErrors([_problem(error, names) for error in errors])


def _problem(error: Mapping[str, Any], names: Mapping[str, str]) -> Problem:
    code = str(error["code"])
    message = _QUOTED.sub(lambda found: f"`{names.get(found[1], found[1])}`", str(error["message"]))
    message = _NUMBERED.sub(lambda found: f"There is no {found[1]} {int(found[2]):024x} here.", message)
    return Problem(Invalid.code, PRINTED.get(code, message), code, tuple(error.get("path") or ()))


def _shown(status: int, message: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"statusCode": status, "message": message}
    return shown if status == 401 else {**shown, "error": HTTPStatus(status).phrase}


FAILURES = Failures(STATUSES, body)
