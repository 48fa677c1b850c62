"""What a JSON body may hold, and what is refused with a reason."""

from decimal import Decimal

import pytest

from app.values.json_text import MAX_DEPTH, kind_of, read_json, read_object, write_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1.10}', {"a": Decimal("1.10")}),
        (b"[1e5]", [Decimal("1E+5")]),
        (b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        ('"Google Ads – June"'.encode(), "Google Ads – June"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"null", None),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ],
)
def test_a_strict_document_is_read(body: bytes, value: object) -> None:
    read = read_json(body)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "truncated"),
        (b'{"a": 1} x', "trailing characters"),
        (b"[NaN]", "invalid character"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\\u0000"', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'"\\ud800abcdefghi"', r"half of a character: \\ud800 \(byte 1\)"),
        (b'"\\udc00abcdefghi"', r"half of a character: \\udc00 \(byte 1\)"),
        (b'{"a": "\\ud83d"}', r"half of a character: \\ud83d \(byte 7\)"),
        (b'["\\\\ud83d \\ud83d\\ude00", "\\ud83d\\n\\ude00"]', r"half of a character: \\ud83d \(byte 26\)"),
        (b'["\\ud83d\\ude00", "\\\\ud83d', "truncated"),
        (b"9223372036854775808", "64 bits"),
        (b'{"a": [-9223372036854775809]}', "64 bits"),
        (b"9" * 500_000, "out of range"),
        (b"1e999999999", "400 digits"),
        (b"1e99999999999999999999", "400 digits"),
        (b"1." + b"9" * 5_000, "400 digits"),
        (b"[" * 5_000 + b"]" * 5_000, "64 levels"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "64 levels"),
        (b"[" * (MAX_DEPTH + 1) + b"0" + b"]" * (MAX_DEPTH + 1), "64 levels"),
    ],
)
def test_anything_else_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_json(body)


@pytest.mark.parametrize("body", [b"null", b"1", b"1.5", b'"x"', b"[]", b"true"])
def test_an_object_is_asked_for_by_name(body: bytes) -> None:
    with pytest.raises(ValueError, match=f"not {kind_of(read_json(body))}"):
        read_object(body)


@pytest.mark.parametrize("digits", ["9223372036854775808", "1" + "0" * 30, "-" + "9" * 400])
def test_what_is_kept_as_it_was_sent_may_hold_long_numbers(digits: str) -> None:
    body = f'{{"a": [{{"b": {digits}}}]}}'.encode()
    assert read_object(body, long_numbers=True) == {"a": [{"b": int(digits)}]}
    assert write_json(int(digits)) == digits.encode()


def test_no_number_is_longer_than_400_digits() -> None:
    with pytest.raises(ValueError, match="400 digits"):
        read_json(b"9" * 401, long_numbers=True)
