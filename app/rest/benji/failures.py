"""How Benji's API refuses. Its document shows no error: `{"error": {"code", "message"}}` is our choice."""

from collections.abc import Sequence

from app.errors import INTERNAL_MESSAGE
from app.graph.running.spending import BUDGET_EXCEEDED
from app.rest.failing import (
    INTERNAL,
    KEY_REUSED,
    MALFORMED_BODY,
    METHOD_NOT_ALLOWED,
    UNSUPPORTED_MEDIA_TYPE,
    Failures,
    Problem,
)

STATUSES = {
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
EXAMPLES = {
    400: ("INVALID", "`is_active` must be 0 or 1, not 2."),
    401: ("UNAUTHORIZED", "Unauthorized"),
    403: ("FORBIDDEN", "This token names no customer group."),
    404: ("NOT_FOUND", "There is nothing here."),
    405: (METHOD_NOT_ALLOWED, "POST is not possible here; use GET, HEAD."),
    409: ("CONFLICT", "It clashes with what is stored."),
    413: ("TOO_LARGE", "The body is larger than 1 MiB."),
    415: (UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."),
    422: (KEY_REUSED, "This Idempotency-Key was used for another request."),
    500: (INTERNAL, INTERNAL_MESSAGE),
    429: ("BUDGET_EXCEEDED", "This credential has spent its budget. There is more in 3 s."),
    503: ("UNAVAILABLE", "Busy; try again in a moment."),
}


def body(_: int, problems: Sequence[Problem]) -> object:
    """The first problem's code, every message."""
    message = " ".join(dict.fromkeys(problem.message for problem in problems))
    first = problems[0]
    # The precise code where the table has one, else its kind.
    return _error(first.reason if first.reason in STATUSES else first.code, message)


def example(status: int) -> object:
    """A body for the documentation."""
    return _error(*EXAMPLES[status])


def _error(code: str, message: str) -> object:
    return {"error": {"code": code.lower(), "message": message}}


FAILURES = Failures(STATUSES, body)
