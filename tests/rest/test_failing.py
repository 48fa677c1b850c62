"""What fails in the graph leaves by a legacy door as a problem of the right kind."""

import pytest

from app.errors import INTERNAL_MESSAGE, Unavailable
from app.rest.failing import INTERNAL, Problem, problem_of, problems_of
from app.rest.lagriffe.failures import FAILURES
from app.rest.mounting import refusal


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


@pytest.mark.parametrize("path", ["/api", "/api/campaigns", "/api/nothing/at/all"])
def test_the_outermost_door_speaks_the_facades_words(path: str) -> None:
    response = refusal(path, problem_of(Unavailable("Busy.", retry_after_s=7)))
    assert response is not None
    assert (response.status_code, response.body) == (503, b'{"message":"Busy."}')
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize("path", ["/api/v1/marketing/campaigns", "/v1/commerce/marketing/webhooks/sendgrid"])
def test_below_anothers_prefix_a_facade_keeps_its_own_words(path: str) -> None:
    response = refusal(path, problem_of(Unavailable("Busy.")))
    assert response is not None
    assert response.status_code == 503
    assert response.body == b'{"error":{"code":"unavailable","message":"Busy.","details":[]}}'


@pytest.mark.parametrize("path", ["/", "/apis", "/graphql", "/docs"])
def test_other_paths_are_no_facades(path: str) -> None:
    assert refusal(path, Problem("UNAVAILABLE", "Busy.")) is None
