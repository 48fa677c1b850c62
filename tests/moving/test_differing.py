"""What counts as a difference, and what it is called."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.moving.differing import Difference, Kind, compare, decoded, differences
from app.moving.reasons import REASONS, reason_of
from app.moving.requests import Answer

NOW = datetime(2026, 11, 30, tzinfo=UTC)

CASES: list[tuple[str, str, list[tuple[Kind, str]]]] = [
    ('{"a": 1}', '{"a":1}', []),
    ('{"a": "\\u00e9"}', '{"a": "é"}', []),
    ('{"a": 1}', '{"a": 2}', [(Kind.VALUE, "a")]),
    ('{"a": 1}', '{"a": 1.0}', [(Kind.DIGITS, "a")]),
    ('{"a": 12.50}', '{"a": 12.5}', [(Kind.DIGITS, "a")]),
    ('{"a": 1e2}', '{"a": 100}', [(Kind.DIGITS, "a")]),
    ('{"a": 12345678901234567890.01}', '{"a": 12345678901234567890.02}', [(Kind.VALUE, "a")]),
    ('{"a": 1}', '{"a": "1"}', [(Kind.TYPE, "a")]),
    ('{"a": 0}', '{"a": false}', [(Kind.TYPE, "a")]),
    ('{"a": null}', '{"a": ""}', [(Kind.TYPE, "a")]),
    ('{"a": {}}', '{"a": []}', [(Kind.TYPE, "a")]),
    ('{"a": null}', "{}", [(Kind.MISSING, "a")]),
    ("{}", '{"a": null}', [(Kind.ADDED, "a")]),
    ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', [(Kind.KEY_ORDER, "")]),
    ('{"a": 1, "b": 2}', '{"b": 2, "c": 3}', [(Kind.MISSING, "a"), (Kind.ADDED, "c")]),
    ("[1, 2, 3]", "[3, 2, 1]", [(Kind.ORDER, "[]")]),
    ('["1", 2]', '[1, "2"]', [(Kind.TYPE, "[]"), (Kind.TYPE, "[]")]),
    ('["1", 2]', '[2, "1"]', [(Kind.ORDER, "[]")]),
    ("[1, 2]", "[1, 2, 3]", [(Kind.ROW_ADDED, "[]")]),
    ("[1, 2]", "[1]", [(Kind.ROW_MISSING, "[]")]),
    ('[{"id": 1}, {"id": 2}]', '[{"id": 2}, {"id": 1}]', [(Kind.ORDER, "[]")]),
    ('[{"id": 1}, {"id": 2}]', '[{"id": 2}]', [(Kind.ROW_MISSING, "[]")]),
    (
        '[{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]',
        '[{"id": 2, "n": "b"}, {"id": 1, "n": "c"}]',
        [(Kind.VALUE, "[].n"), (Kind.ORDER, "[]")],
    ),
    # Without ids of their own rows are compared by their places.
    ('[{"id": 1}, {"id": 1}]', '[{"id": 1}, {"id": 2}]', [(Kind.VALUE, "[].id")]),
    ('{"a": [{"b": [1]}]}', '{"a": [{"b": [2]}]}', [(Kind.VALUE, "a[].b[]")]),
    ("[]", "[[]]", [(Kind.ROW_ADDED, "[]")]),
    ('"a"', '"b"', [(Kind.VALUE, "")]),
    ("1", "1.0", [(Kind.DIGITS, "")]),
    ("NaN", "NaN", []),
]


@pytest.mark.parametrize(("old", "new", "found"), CASES)
def test_bodies_are_compared_key_by_key(old: str, new: str, found: list[tuple[Kind, str]]) -> None:
    assert [(one.kind, one.key) for one in compare(decoded(old), decoded(new))] == found


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with these headers, their names written with underscores."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, NOW)


def test_only_headers_that_count_are_compared() -> None:
    old, new = answer(b"{}", date="1", content_type="a"), answer(b"{}", date="2", content_type="b")
    assert list(differences(old, new, headers=["content-type", "link"])) == [
        Difference(Kind.HEADER, "content-type", "a", "b")
    ]


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_said(body: bytes) -> None:
    assert [one.kind for one in differences(answer(b"{}"), answer(body))] == [Kind.NOT_JSON]
    assert [one.kind for one in differences(answer(body), answer(b"{}"))] == [Kind.NOT_JSON]
    assert list(differences(answer(body), answer(body))) == []


def test_what_is_shown_of_a_value_is_bounded() -> None:
    [one] = compare(decoded('{"a": "' + "x" * 10_000 + '"}'), decoded('{"a": "y"}'))
    assert len(one.old) < 200


def test_numbers_are_shown_with_their_digits() -> None:
    [one] = compare(decoded('{"a": [1.50, {"b": 2}]}'), decoded('{"a": {}}'))
    assert one.old == '[1.50, {"b": 2}]'


REASONED = [
    (
        "lagriffe",
        Difference(Kind.VALUE, "data.assets[].url", '"https://a/x"', '"https://b/y"'),
        "signed address",
        True,
    ),
    ("criteo", Difference(Kind.VALUE, "errors[].traceIdentifier", '"a"', '"b"'), "trace identifier", True),
    (
        "crm",
        Difference(
            Kind.HEADER,
            "link",
            '<https://old.example/a?page=2&limit=3&after=x>; rel="next"',
            '<http://new.example/a?page=2&limit=3&after=yy>; rel="next"',
        ),
        "address of the host",
        True,
    ),
    (
        "crm",
        Difference(
            Kind.HEADER, "link", '<https://a/a?page=2>; rel="next"', '<https://b/a?page=3>; rel="next"'
        ),
        None,
        False,
    ),
    ("benji", Difference(Kind.HEADER, "x-total-count", "none", "7"), "beyond the document", True),
    ("benji", Difference(Kind.HEADER, "x-total-count", "6", "7"), None, False),
    (
        "crm",
        Difference(Kind.VALUE, "created_at", '"2026-01-25T10:00:00Z"', '"2026-01-25T11:00:00.000+01:00"'),
        "instant written otherwise",
        False,
    ),
    ("lagriffe", Difference(Kind.VALUE, "data[].updated_at", '"a"', '"b"'), "instant of change", False),
    ("crm", Difference(Kind.VALUE, "metrics.open_rate", "40.5", "40.52"), "rounding", False),
    ("crm", Difference(Kind.VALUE, "metrics.open_rate", "40.5", "40.7"), None, False),
    ("crm", Difference(Kind.VALUE, "metrics.sent", "40", "41"), None, False),
    ("crm", Difference(Kind.DIGITS, "value", "20", "20.00"), "digits", False),
    ("crm", Difference(Kind.ADDED, "segment", "", "null"), "null or absent", False),
    ("crm", Difference(Kind.ADDED, "segment", "", "{}"), None, False),
    ("crm", Difference(Kind.ORDER, "data[]", "", ""), "order", False),
    ("crm", Difference(Kind.MISSING, "updated_at", '"a"', ""), None, False),
]


@pytest.mark.parametrize(("system", "difference", "name", "expected"), REASONED)
def test_a_reason_is_given_where_it_is_known(
    system: str, difference: Difference, name: str | None, expected: bool
) -> None:
    reason = reason_of(system, difference)
    assert (reason and reason.name, bool(reason and reason.expected)) == (name, expected)


def test_only_what_comes_with_every_move_counts_as_no_difference() -> None:
    assert {reason.name for reason in REASONS if reason.expected} == {
        "number of the group",
        "signed address",
        "trace identifier",
        "address of the host",
        "beyond the document",
    }


def test_the_papers_name_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "moving.md").read_text(encoding="utf-8")
    expected, named = page.partition("These come with every move")[2].split("These are only named")
    for reason in REASONS:
        assert reason.name in (expected if reason.expected else named)


@pytest.mark.parametrize("depth", [101, 480, 900, 100_000])
@pytest.mark.parametrize("around", [("[", "]"), ('{"a":', "}"), ('{"a":[1,', "]}")])
def test_what_is_nested_too_deeply_is_one_difference(depth: int, around: tuple[str, str]) -> None:
    def nested(inner: str) -> Answer:
        return Answer(200, {}, (around[0] * depth + inner + around[1] * depth).encode(), NOW)

    for old, new in ((nested("1"), nested("2")), (nested("1"), PLAIN), (PLAIN, nested("1"))):
        assert [one.kind for one in differences(old, new)] == [Kind.NOT_JSON]
    assert list(differences(nested("1"), nested("1"))) == []


PLAIN = Answer(200, {}, b'{"a": 1}', NOW)
