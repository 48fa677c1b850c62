"""How the Criteo API refuses and warns: entries with a trace identifier, which the log has too.

Source: Criteo, "Partial Success / Partial Failure" and "Validation Errors and Warnings". The document prints one title
and one detail; the others are ours, close to its descriptions.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from app.domain.spend.rules import (
    BELOW_SPENT,
    FEATURE_UNAVAILABLE,
    LIMIT_INVALID,
    LIMIT_MISSING,
    SAME_CAMPAIGN,
)
from app.errors import INTERNAL_MESSAGE, NotFound
from app.graph.running.spending import BUDGET_EXCEEDED
from app.rest.criteo.requests import WRONG_TYPE
from app.rest.failing import (
    INTERNAL,
    KEY_REUSED,
    MALFORMED_BODY,
    METHOD_NOT_ALLOWED,
    UNSUPPORTED_MEDIA_TYPE,
    Failures,
    Problem,
)
from app.serving.exchange import REQUEST_ID

log = logging.getLogger(__name__)

CHECK = "campaign--campaign-update-check--"
UPDATES: dict[str, tuple[str, str, str]] = {
    # our code: (theirs, title, detail)
    LIMIT_MISSING: (
        "spend-limit-does-not-exist",
        "Spend limit does not exist",
        "The campaign does not have a spend limit, or you may not update it.",
    ),
    BELOW_SPENT: (
        "cannot-decrease-lifetime-spend-limit-below-what-is-already-spent",
        "Cannot decrease lifetime spend limit below what is already spent",
        "The lifetime spend limit specified is lower than what has already been spent.",
    ),
    LIMIT_INVALID: (
        "validation-failed-on-spend-limit",
        "Validation failed on spend limit",
        "There was an issue with the spend limit value specified.",
    ),
    SAME_CAMPAIGN: (
        "cannot-update-same-campaign-multiple-times",
        "Cannot update same campaign multiple times",
        "The campaign is included multiple times in the payload. Consolidate its updates into one item.",
    ),
    FEATURE_UNAVAILABLE: (
        "unavailable-feature-for-this-advertiser",
        "Unavailable feature for this advertiser",
        "The advertiser of the campaign cannot use this kind of spend limit.",
    ),
}
UPDATES[NotFound.code] = UPDATES[LIMIT_MISSING]
"""A campaign that does not exist looks like one whose limit the requestor may not update."""
NEXT_PERIOD = (
    CHECK + "new-spend-limit-amount-will-take-place-at-the-next-period-start",
    "New spend limit amount will take place at the next period start",
)
READ_ONLY = (CHECK + "read-only-field-ignored", "Read-only field ignored")
"""Of ours (CR-C9)."""

STATUSES = {
    MALFORMED_BODY: 400,
    WRONG_TYPE: 400,
    "INVALID": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    NotFound.code: 404,
    METHOD_NOT_ALLOWED: 405,
    "CONFLICT": 409,
    "TOO_LARGE": 413,
    UNSUPPORTED_MEDIA_TYPE: 415,
    KEY_REUSED: 422,
    "FAILURE": 500,
    INTERNAL: 500,
    BUDGET_EXCEEDED: 429,
    "UNAVAILABLE": 503,
    LIMIT_INVALID: 400,
    FEATURE_UNAVAILABLE: 400,
}
TYPES = {401: "authentication", 403: "authorization", 429: "quota", 500: "unknown", 503: "availability"}
"""The type of a general error, by status; `validation` for the others."""
TITLES = {
    400: ("invalid", "Invalid request", "`goal` is required: Acquisition or Retention."),
    401: ("unauthorized", "Unauthorized", "Unauthorized"),
    403: ("forbidden", "Forbidden", "This needs one of the roles manager, marketing, …"),
    404: ("not-found", "Not found", "There is no campaign 99999 here."),
    405: ("method-not-allowed", "Method not allowed", "PUT is not possible here; use PATCH, POST."),
    409: ("conflict", "Conflict", "A request with this Idempotency-Key is still running; ask again later."),
    413: ("too-large", "Too large", "There are 1001 changes; at most 1000 are taken at once."),
    415: (
        "unsupported-media-type",
        "Unsupported media type",
        "Send the body as application/json, not as text/plain.",
    ),
    422: ("idempotency-key-reused", "Idempotency-Key reused", "The key was used for another request."),
    429: (
        "too-many-refusals",
        "Too many requests",
        "Too many credentials from your address were refused. Please try again shortly.",
    ),
    500: (
        "internal",
        "Internal error",
        INTERNAL_MESSAGE,
    ),
    503: ("unavailable", "Unavailable", "Busy; try again in a moment."),
}
TRACE = "56ed4096-f96a-4944-8881-05468efe0ec8"


def entry(
    code: str, title: str, detail: str, *, instance: str, kind: str = "validation", trace: str = ""
) -> dict[str, Any]:
    """An error or a warning, as it is printed. It is logged under its trace identifier, next to the request's."""
    if not trace:
        trace = str(uuid4())
        request = {"request_id": REQUEST_ID.get()}
        log.info("trace %s: %s at %s", trace, code, instance or "/", extra=request)
    return {
        "traceIdentifier": trace,
        "type": kind,
        "code": code,
        "instance": instance,
        "title": title,
        "detail": detail,
    }


def update_error(index: int, code: str, message: str) -> dict[str, Any]:
    """Why an update was refused, in the documented words where there are some."""
    instance = f"@data/{index}"
    if code in UPDATES:
        theirs, title, detail = UPDATES[code]
        return entry(CHECK + theirs, title, detail, instance=instance)
    return entry(_code(code), "Invalid update", message, instance=instance)


def waits(index: int, effective_from: str) -> dict[str, Any]:
    """The new limit takes effect later."""
    return entry(
        *NEXT_PERIOD,
        f"The new spend limit was accepted and takes effect at {effective_from}: it is lower than what is already"
        " spent in the current period.",
        instance=f"@data/{index}",
    )


def ignored(index: int, name: str) -> dict[str, Any]:
    """A field that was sent but cannot be changed, or not to that value."""
    why = "can only be changed to Acquisition or Retention" if name == "goal" else "cannot be changed here"
    return entry(*READ_ONLY, f"`{name}` {why}; its value was ignored.", instance=f"@data/{index}")


def body(status: int, problems: Sequence[Problem]) -> object:
    """An entry per problem; nothing was done."""
    return {"errors": [_general(status, problem) for problem in problems], "warnings": []}


def example(status: int) -> object:
    """A body for the documentation."""
    code, title, detail = TITLES[status]
    kind = TYPES.get(status, "validation")
    return {"errors": [entry(code, title, detail, instance="", kind=kind, trace=TRACE)], "warnings": []}


def _general(status: int, problem: Problem) -> Mapping[str, Any]:
    instance = "@" + "/".join(map(str, problem.path)) if problem.path else ""
    if problem.reason in (LIMIT_INVALID, FEATURE_UNAVAILABLE):
        theirs, title, detail = UPDATES[problem.reason]
        return entry(CHECK + theirs, title, f"{detail} {problem.message}", instance=instance)
    kind = TYPES.get(status, "validation")
    return entry(
        _code(problem.reason or problem.code),
        TITLES[status][1],
        problem.message,
        instance=instance,
        kind=kind,
    )


def _code(ours: str) -> str:
    return ours.lower().replace("_", "-")


FAILURES = Failures(STATUSES, body)
