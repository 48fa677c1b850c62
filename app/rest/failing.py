"""How failures leave a legacy API: our codes in, its status and body out.

Three things fail: what we raise before the operation runs, the operation as a whole (GraphQL `errors`), and
the typed errors inside a mutation's payload. All three become `Problem`s, and a facade's table answers them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.auth.refusals import TOO_MANY_REFUSALS
from app.errors import INTERNAL_MESSAGE, Failure, Invalid, Unavailable
from app.graph.running.idempotency import KEY_REUSED
from app.serving.bodies import MALFORMED_BODY, METHOD_NOT_ALLOWED, UNSUPPORTED_MEDIA_TYPE

INTERNAL = "INTERNAL"

DOOR_CODES = frozenset({MALFORMED_BODY, UNSUPPORTED_MEDIA_TYPE, METHOD_NOT_ALLOWED, KEY_REUSED, INTERNAL})
"""What only HTTP can refuse. A facade's table has an entry for these and for each code of `app.errors`."""

OUR_FAULTS = frozenset({INTERNAL, "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"})
"""Codes of the graph for which no client of a legacy route is to blame: the document is ours."""
KINDS = frozenset({Failure.code, *(kind.code for kind in Failure.__subclasses__())})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was wrong. `code` is the kind (`INVALID`), `reason` the precise code, if any."""

    code: str
    message: str
    reason: str = ""
    path: tuple[str | int, ...] = ()
    retry_after_s: int | None = None


class PayloadErrors(Exception):
    """Raised by a shape: the operation ran and refused, in its payload."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Failures:
    """A facade's table. `statuses` is searched for the reason first, then for the kind."""

    statuses: Mapping[str, int]
    body: Callable[[int, Sequence[Problem]], object]

    def status_of(self, problem: Problem) -> int:
        """The HTTP status; 500 for an unknown code, which is our mistake."""
        if problem.reason == TOO_MANY_REFUSALS:
            return 429
        found = self.statuses.get(problem.reason) or self.statuses.get(problem.code)
        return found or self.statuses[INTERNAL]


def problem_of(failure: Failure) -> Problem:
    """A failure that we raised ourselves."""
    wait = failure.retry_after_s if isinstance(failure, Unavailable) else None
    return Problem(failure.code, failure.message, failure.reason, tuple(failure.path), wait)


def problems_of(errors: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """The errors that the graph answered instead of data: `{message, extensions {code}}`.

    Its codes are the precise ones. One that is neither a kind nor a fault of ours is about the input.
    """
    problems = []
    for error in errors:
        code = str((error.get("extensions") or {}).get("code") or INTERNAL)
        if code in OUR_FAULTS:
            problems.append(Problem(INTERNAL, INTERNAL_MESSAGE))
        else:
            problems.append(Problem(code if code in KINDS else Invalid.code, str(error["message"]), code))
    return problems


def refuse(errors: Sequence[Mapping[str, Any]]) -> None:
    """Raise what a payload's `errors {code message path}` say, if anything; an unknown code is bad input."""
    if errors:
        raise PayloadErrors(
            [
                Problem(Invalid.code, str(e["message"]), str(e["code"]), tuple(e.get("path") or ()))
                for e in errors
            ]
        )


__all__ = [
    "DOOR_CODES",
    "INTERNAL",
    "KEY_REUSED",
    "MALFORMED_BODY",
    "METHOD_NOT_ALLOWED",
    "OUR_FAULTS",
    "UNSUPPORTED_MEDIA_TYPE",
    "Failures",
    "PayloadErrors",
    "Problem",
    "problem_of",
    "problems_of",
    "refuse",
]
