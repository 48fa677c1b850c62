"""Every way a request can fail has an answer at every legacy door."""

import pytest

from app import errors
from app.rest.facades import FACADES
from app.rest.failing import DOOR_CODES, Problem
from app.rest.openapi import PHRASES
from app.rest.route import Facade

CODES = sorted(
    {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
)


def test_the_codes_are_found() -> None:
    assert {"UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND", "INVALID", "CONFLICT", "TOO_LARGE"} < set(CODES)


@pytest.mark.parametrize("facade", FACADES, ids=lambda facade: facade.name)
@pytest.mark.parametrize("code", [*CODES, *sorted(DOOR_CODES)])
def test_a_facade_answers_every_code(facade: Facade, code: str) -> None:
    status = facade.failures.statuses[code]
    assert status in PHRASES
    assert facade.failures.body(status, [Problem(code, "Wrong.")])
    assert facade.failure_example(status)


@pytest.mark.parametrize("facade", FACADES, ids=lambda facade: facade.name)
def test_a_precise_reason_without_an_entry_falls_back_to_its_kind(facade: Facade) -> None:
    assert facade.failures.status_of(Problem("CONFLICT", "", reason="NO_SUCH_REASON")) == 409
    assert facade.failures.status_of(Problem("NO_SUCH_CODE", "")) == 500
