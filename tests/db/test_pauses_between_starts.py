"""How long the embedded server rests between two starts: a few crashes cost nothing, and it is never given up."""

import pytest

from app.db.keeping import AT_ONCE, LONGEST_PAUSE_S, pause_s


@pytest.mark.parametrize(
    ("tries", "expected"), [(0, 0), (AT_ONCE - 1, 0), (AT_ONCE, 0.25), (AT_ONCE + 1, 0.5), (AT_ONCE + 3, 2)]
)
def test_pauses_double_after_a_few_tries(tries: int, expected: float) -> None:
    assert pause_s(tries) == expected


def test_it_is_tried_for_ever_and_never_rarely() -> None:
    assert {pause_s(tries) for tries in range(20, 500, 20)} == {LONGEST_PAUSE_S}
