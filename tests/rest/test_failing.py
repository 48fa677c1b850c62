"""What fails in the graph leaves by a legacy door as a problem of the right kind."""

import pytest

from app.rest.failing import INTERNAL, INTERNAL_MESSAGE, Problem, problems_of
from app.rest.lagriffe.failures import FAILURES


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("FORBIDDEN", 403),
        ("NOT_FOUND", 404),
        ("INVALID", 422),
        ("END_BEFORE_START", 422),
        ("BAD_USER_INPUT", 422),
        ("CONFLICT", 409),
        ("TOO_LARGE", 413),
        ("UNAVAILABLE", 503),
    ],
)
def test_a_code_of_the_graph_keeps_its_message(code: str, status: int) -> None:
    (problem,) = problems_of([{"message": "Wrong.", "extensions": {"code": code}}])
    assert problem.message == "Wrong."
    assert FAILURES.status_of(problem) == status


@pytest.mark.parametrize("code", [None, INTERNAL, "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"])
def test_a_fault_of_ours_says_nothing_of_how_we_are_made(code: str | None) -> None:
    errors = [{"message": 'column "x" does not exist', "extensions": {"code": code} if code else {}}]
    assert problems_of(errors) == [Problem(INTERNAL, INTERNAL_MESSAGE)]
    assert FAILURES.status_of(problems_of(errors)[0]) == 500
