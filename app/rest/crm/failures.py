"""How the Marketing & CRM API refuses: `{"error": {"code", "message", "details"}}`.

Source: Marketing & CRM API, "Error Responses"; the body's shape and the codes it does not list are choice CRM-C7.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import INTERNAL_MESSAGE, Invalid, NotFound
from app.graph.running.spending import BUDGET_EXCEEDED
from app.rest.crm.requests import called
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

CAMPAIGN_NOT_FOUND = "CAMPAIGN_NOT_FOUND"
SEGMENT_NOT_FOUND = "SEGMENT_NOT_FOUND"

STATUSES = {
    # Documented.
    "INVALID_SEGMENT_CRITERIA": 400,
    "INVALID_PROMO_CODE": 400,
    CAMPAIGN_NOT_FOUND: 404,
    "PROMO_CODE_EXISTS": 409,
    "SEGMENT_TOO_LARGE": 422,
    # Ours.
    SEGMENT_NOT_FOUND: 404,
    MALFORMED_BODY: 400,
    "INVALID": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    METHOD_NOT_ALLOWED: 405,
    "CONFLICT": 409,
    "TOO_LARGE": 413,
    UNSUPPORTED_MEDIA_TYPE: 415,
    KEY_REUSED: 422,
    "FAILURE": 500,
    INTERNAL: 500,
    BUDGET_EXCEEDED: 429,
    "UNAVAILABLE": 503,
}
CODES = {"INVALID": "validation_error", "FAILURE": "internal", "TOO_LARGE": "body_too_large"}
"""Codes that are shown as something else than ours in lower case."""

EXAMPLES: dict[int, tuple[str, str]] = {
    400: (
        "validation_error",
        "`status` must be one of draft, scheduled, active, paused, completed, not 'open'.",
    ),
    401: ("unauthorized", "Unauthorized"),
    403: ("forbidden", "This needs one of the roles manager, marketing, marketing_manager, …"),
    404: ("campaign_not_found", "There is no campaign camp_001 here."),
    405: ("method_not_allowed", "PATCH is not possible here; use GET, HEAD, POST."),
    409: ("promo_code_exists", "Another promo of the group has the code WELCOME20 already."),
    413: ("body_too_large", "The body is larger than 1 MiB."),
    415: ("unsupported_media_type", "Send the body as application/json, not as text/plain."),
    422: (
        "segment_too_large",
        "The segment has 120000 customers; a campaign by sms may have at most 100000.",
    ),
    500: ("internal", INTERNAL_MESSAGE),
    429: ("budget_exceeded", "This credential has spent its budget. There is more in 3 s."),
    503: ("unavailable", "Busy; try again in a moment."),
}
_QUOTED = re.compile(r"`([A-Za-z_.]+)`")


def body(_: int, problems: Sequence[Problem]) -> object:
    """The first problem's code, every message, and which field each is about."""
    first = problems[0]
    details = [
        {"field": ".".join(map(str, problem.path)), "message": problem.message}
        for problem in problems
        if problem.path
    ]
    message = " ".join(dict.fromkeys(problem.message for problem in problems))
    return {"error": {"code": code_of(first), "message": message, "details": details}}


def code_of(problem: Problem) -> str:
    """The precise code where this API has one, else its kind."""
    known = problem.reason if problem.reason in STATUSES else problem.code
    return CODES.get(known, known.lower())


def example(status: int) -> object:
    """A body for the documentation."""
    code, message = EXAMPLES[status]
    return {"error": {"code": code, "message": message, "details": []}}


def refuse(errors: Sequence[Mapping[str, Any]], names: dict[str, str]) -> None:
    """Raise what a payload's `errors` say, if anything, with the names a client of this API knows."""
    if errors:
        raise PayloadErrors([_problem(error, names) for error in errors])


def not_found(kind: str, name: str, reason: str) -> PayloadErrors:
    """A failure with this API's own code for what does not exist."""
    message = NotFound(kind, name).message
    return PayloadErrors([Problem(NotFound.code, message, reason)])


def _problem(error: Mapping[str, Any], names: dict[str, str]) -> Problem:
    path = error.get("path") or ()
    reason = str(error["code"])
    if reason == NotFound.code and path[-1:] == ["segmentId"]:
        reason = SEGMENT_NOT_FOUND
    return Problem(Invalid.code, in_their_words(str(error["message"]), names), reason, called(path, names))


def in_their_words(message: str, names: dict[str, str]) -> str:
    """A message with the field names a client of this API knows."""
    return _QUOTED.sub(lambda match: f"`{'.'.join(called(match[1].split('.'), names))}`", message)


FAILURES = Failures(STATUSES, body)
