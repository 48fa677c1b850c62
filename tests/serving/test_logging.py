"""What the log says of what clients got wrong: nothing they sent."""

import logging
from collections.abc import Iterator

import pytest

from app.serving.journal import set_up_logging
from tests.serving.conftest import Caller


@pytest.fixture
def logging_as_served(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Logging as `gateway serve` sets it up, for one test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    set_up_logging()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_a_clients_mistake_leaves_no_word_of_its_document(
    caller: Caller, logging_as_served: None, capsys: pytest.CaptureFixture[str]
) -> None:
    query = '{ trashReasons(project: "jane@example.com") { code } }'
    answer = (await caller.post({"query": query})).json()
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert "jane@example.com" not in capsys.readouterr().err
