"""What is known again is bounded, and what was used longest ago makes room."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values.known import Known, KnownFor

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STEPS = st.lists(
    st.tuples(st.sampled_from(["get", "keep", "drop"]), st.integers(0, 9), st.integers(1, 12)), max_size=60
)
"""What is done, with which key, and how much is kept: a value weighs itself."""


def of(number: int, weight: int, *, heaviest: int | None = None) -> Known[int, int]:
    """Numbers by numbers, as heavy as they are."""
    return Known(number, weight=weight, weigh=lambda _, value: value, heaviest=heaviest)


@given(steps=STEPS, number=st.integers(1, 6), weight=st.integers(1, 30), heaviest=st.integers(1, 30))
def test_it_is_what_a_list_in_the_order_of_use_would_be(
    steps: list[tuple[str, int, int]], number: int, weight: int, heaviest: int
) -> None:
    known = of(number, weight, heaviest=min(heaviest, weight))
    used: list[tuple[int, int]] = []  # the last one used last
    for what, key, value in steps:
        if what == "get":
            assert known.get(key) == dict(used).get(key)
            used = [one for one in used if one[0] != key] + [one for one in used if one[0] == key]
        elif what == "drop":
            known.drop(key)
            used = [one for one in used if one[0] != key]
        else:
            gone = known.keep(key, value)
            used = [one for one in used if one[0] != key] + [(key, value)]
            expected = []
            if value > min(heaviest, weight):
                expected.append(used.pop()[0])
            while len(used) > number or sum(value for _, value in used) > weight:
                expected.append(used.pop(0)[0])
            assert gone == expected
        assert len(known) == len(used) <= number
        assert known.weight == sum(value for _, value in used) <= weight
    for key in range(10):
        assert known.get(key) == dict(used).get(key)


@given(steps=STEPS, number=st.integers(1, 5))
def test_without_weights_the_most_recently_used_stay(steps: list[tuple[str, int, int]], number: int) -> None:
    known: Known[int, int] = Known(number)
    used: list[int] = []
    for _, key, value in steps:
        known.keep(key, value)
        used = [one for one in used if one != key] + [key]
        assert [one for one in range(10) if known.get(one) is not None] == sorted(used[-number:])
        for one in used[-number:]:  # looking changed the order: put it right again
            known.get(one)


@pytest.mark.parametrize(
    ("comes", "is_known"),
    [
        ([1], []),
        ([1, 1], [1]),
        ([1, 2, 1], [1]),
        ([1, 2, 3, 1], [1]),
        ([1, 2, 3, 4, 1], []),  # too many firsts: all were forgotten
        ([1, 2, 3, 4, 1, 4], [4]),
        ([1, 1, 2, 2, 1], [1, 2]),
    ],
)
def test_what_comes_once_is_only_noted_where_that_is_asked_for(comes: list[int], is_known: list[int]) -> None:
    known: Known[int, str] = Known(10, firsts=3)
    for key in comes:
        known.keep(key, str(key))
    assert [key for key in range(10) if known.get(key) == str(key)] == is_known


def test_what_is_kept_anew_is_kept_instead() -> None:
    known = of(3, 10)
    assert known.keep(1, 4) == []
    assert known.keep(1, 9) == []
    assert (known.get(1), known.weight, len(known)) == (9, 9, 1)
    assert known.keep(1, 11) == [1]
    assert (known.get(1), known.weight, len(known)) == (None, 0, 0)


def test_for_a_time_the_one_used_longest_ago_makes_room() -> None:
    known: KnownFor[int, str] = KnownFor(3, life=timedelta(seconds=3))
    for n in range(10):
        known.keep(n, str(n), now=NOON)
    known.keep(8, "again", now=NOON)
    known.keep(10, "ten", now=NOON)
    assert len(known) == 3
    assert [known.get(n, now=NOON) for n in (7, 8, 9, 10)] == [None, "again", "9", "ten"]
    assert known.get(9, now=NOON + timedelta(seconds=3)) is None
    known.keep(11, "short", now=NOON, until=NOON + timedelta(seconds=1))
    assert known.get(11, now=NOON + timedelta(seconds=1)) is None
    known.drop(10)
    assert known.get(10, now=NOON) is None


@pytest.mark.parametrize(
    ("after_s", "is_known", "is_aging"),
    [
        (-2, False, False),  # the clock was set back
        (-1, True, False),
        (0, True, False),
        (2, True, False),
        (2.1, True, True),
        (2.999, True, True),
        (3, False, True),
    ],
)
def test_what_is_believed_for_a_time(after_s: float, is_known: bool, is_aging: bool) -> None:
    known: KnownFor[str, int] = KnownFor(3, life=timedelta(seconds=3))
    known.keep("it", 1, now=NOON)
    now = NOON + timedelta(seconds=after_s)
    assert (known.get("it", now=now) is not None) is is_known
    assert known.is_aging("it", now=now) is is_aging
    assert not known.is_aging("other", now=now)
