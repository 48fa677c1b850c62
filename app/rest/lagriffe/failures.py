"""How the La Griffe API refuses: `{"message": …}` and nothing else.

Source: "the API returns an appropriate HTTP status code along with a JSON error message".
"""

import re
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
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "INVALID": 422,
    "CONFLICT": 409,
    "TOO_LARGE": 413,
    BUDGET_EXCEEDED: 429,
    "UNAVAILABLE": 503,
    "FAILURE": 500,
    MALFORMED_BODY: 400,
    UNSUPPORTED_MEDIA_TYPE: 415,
    METHOD_NOT_ALLOWED: 405,
    KEY_REUSED: 422,
    INTERNAL: 500,
}

NAMES = {
    "beaconKey": "external_beacon_key",
    "name": "label",
    "channels": "channels",
    "periodType": "period_type",
    "budgetTotal": "budget_total",
    "startsOn": "start_date",
    "endsOn": "end_date",
    "files": "files[]",
}
"""This API's words for the graph's field names, wherever a message quotes one."""
_QUOTED = re.compile(r"`([A-Za-z]+)`")

EXAMPLES = {
    400: "The body is not JSON: trailing characters (byte 9).",
    401: "Unauthorized",
    403: "This beacon key does not open a store of this customer group.",
    404: "There is no campaign here.",
    405: "PATCH is not possible here; use GET, HEAD, POST.",
    409: "A request with this Idempotency-Key is still running; ask again later.",
    413: "The file 'brief.pdf' is larger than 25 MiB.",
    415: "Send the body as application/json or multipart/form-data, not as text/plain.",
    422: "`end_date` must not be before `start_date`.",
    500: INTERNAL_MESSAGE,
    429: "This credential has spent its budget. There is more in 3 s.",
    503: "Busy; try again in a moment.",
}


def body(status: int, problems: Sequence[Problem]) -> object:
    """One message, however many problems there are. A 401 has the documented word and not the reason."""
    if status == 401:
        return {"message": "Unauthorized"}
    messages = dict.fromkeys(in_their_words(problem.message) for problem in problems)
    return {"message": " ".join(messages)}


def in_their_words(message: str) -> str:
    """A message with the field names a client of this API knows."""
    return _QUOTED.sub(lambda match: f"`{NAMES.get(match[1], match[1])}`", message)


FAILURES = Failures(STATUSES, body)
