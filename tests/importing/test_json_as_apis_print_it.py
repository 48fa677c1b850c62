"""JSON lines, lists, and answers with the rows in a list inside: element by element, each with its own bytes."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.importing.reading.elements import Elements
from app.importing.records import Lists
from tests.importing.reading_files import opened, read, rows_of, systems

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": 'a "b" ]}', "list": [1, [2, {"x": "\\"}]], "amount": 12.50},
    {"id": 2, "name": "é\u2028\n", "object": {"data": [{"id": 9}]}},
    {"id": 3},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a", "a.txt"])
def test_the_same_rows_in_any_form(tmp_path: Path, name: str, indent: int | None, encoding: str) -> None:
    forms = [json.dumps(ROWS, indent=indent, ensure_ascii=False)]
    forms += [
        json.dumps(wrapped, indent=indent)
        for wrapped in ({"data": ROWS}, {"total": 3, "things": ROWS, "x": []})
    ]
    forms += [json.dumps({"data": {"items": ROWS}, "page": 1}, indent=indent)]
    forms += ["\n".join(json.dumps(row, indent=indent) for row in ROWS)]
    if indent is None:
        forms += ["\r\n\r\n".join(json.dumps(row) for row in ROWS)]
    for text in forms:
        rows = rows_of(tmp_path, name, text.encode(encoding))
        assert [json.loads(json.dumps(row.values, default=float)) for row in rows] == ROWS, text


def test_a_row_knows_its_list_and_what_stands_around(tmp_path: Path) -> None:
    answer = {
        "project": "martin",
        "events": [{"id": 1}, {"id": 2}],
        "paging": {"next": None},
        "more": [{"id": 3}],
    }
    rows = systems(tmp_path, "a.json", json.dumps(answer).encode(), "events")
    assert [(row.inside, row.values) for row in rows] == [("events", {"id": 1}), ("events", {"id": 2})]
    assert {name: rows[0].around[name] for name in ("project", "paging", "more")} == {
        "project": "martin", "paging": {"next": None}, "more": [{"id": 3}],
    }  # fmt: skip
    (row,) = systems(tmp_path, "a.json", b'{"campaign_id": "c", "daily": [{"sent": 1}]}', "events", "data")
    assert (row.inside, row.values) == ("", {"campaign_id": "c", "daily": [{"sent": 1}]})
    assert systems(tmp_path, "a.json", b'{"data": [], "total": 0}', "data") == []
    nested = systems(tmp_path, "a.json", b'{"data": {"campaigns": [{"id": 1}], "x": 2}}', "data.campaigns")
    assert [(row.inside, row.around["data"]["x"]) for row in nested] == [("data.campaigns", 2)]


def test_lines_of_answers(tmp_path: Path) -> None:
    lines = [
        {"data": [{"id": 1}, {"id": 2}], "page": 1},
        {"data": [], "page": 2},
        {"id": 3, "x": {"data": [{"y": 1}]}},
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode() + b"\n{broken\n"
    rows = systems(tmp_path, "a.jsonl", content, "data")
    assert [(row.number, row.inside, row.values.get("id")) for row in rows] == [
        (1, "data", 1), (1, "data", 2), (3, "", 3), (4, "", None),
    ]  # fmt: skip


def test_an_answer_too_large_to_be_held_still_says_what_stands_before_its_list(tmp_path: Path) -> None:
    row = {"text": "x" * 10_000}
    answer = {"project": "martin", "events": [row] * 2_000, "after": 1}
    rows = systems(tmp_path, "a.json", json.dumps(answer).encode(), "events")
    assert len(rows) == 2_000
    assert all(row.around["project"] == "martin" for row in rows)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[{"id":1},{bad},{"id":2}]', [1, None, 2]),
        ('[{"id":1},,{"id":2},]', [1, None, 2]),
        ('[{"id":1},5,"x",null,[],{"id":2}]', [1, None, None, None, None, 2]),
        ('[{"id":1},{"id":2}', [1, None]),
        ('[{"id":1},{"id":"2', [1, None]),
        ('[{"id":1}}', [None]),
        ('{"id":1', [None]),
        ('{"id":[1}', [None]),
        ('{"data":[{"id":1},{"id":2}]', [1, 2, None]),
        ("null", [None]),
        ("[]", []),
        ("{}", [None]),
        ("", []),
        ('[{"id":1},{"id":"\\u0000"},{"id":2}]', [1, None, 2]),
        ('[{"id":1},{"id":"\\ud800"},{"id":2}]', [1, None, 2]),
    ],
)
def test_what_is_broken_costs_itself(tmp_path: Path, text: str, found: list[int | None]) -> None:
    assert [row.values.get("id") for row in rows_of(tmp_path, "a.json", text.encode())] == found


def test_a_detail_is_one_row_and_may_be_wrapped(tmp_path: Path) -> None:
    detail = {"id": "camp_1", "name": "Summer", "channels": ["email"], "content": {"subject": "Hi"}}
    for text in (detail, {"campaign": detail}, {"data": detail}, [detail], {"campaigns": [detail]}):
        (values,) = read(tmp_path, "a.json", json.dumps(text).encode(), "campaigns")
        assert (values["name"], values["crm"], values["channels"]) == ("Summer", "camp_1", ["email"])


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), values, max_size=4)


@given(rows=st.lists(objects, max_size=6), indent=st.sampled_from([None, 2]), seed=st.integers(0, 1000))
@settings(max_examples=300, deadline=None)
def test_elements_are_the_same_however_the_bytes_arrive(
    rows: list[Any], indent: int | None, seed: int
) -> None:
    cut = random.Random(seed)
    for whole, lists in ((rows, Lists()), ({"n": 1, "rows": rows, "m": [[]]}, Lists(frozenset({"rows"})))):
        content = json.dumps(whole, indent=indent, ensure_ascii=bool(seed % 2)).encode()
        chunks: list[bytes] = []
        while content:
            size = cut.randint(1, 9)
            chunks.append(content[:size])
            content = content[size:]
        found = list(Elements(chunks, lists))
        assert [json.loads(element.raw) for element in found] == rows
        text = b"".join(chunks)
        for element in found:
            assert element.raw in text.split(b"\n", element.number - 1)[-1]


def test_gzip_stdin_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b'{"id": 1}\n{"id": 2}\n'
    assert len(rows_of(tmp_path, "a.jsonl.gz", gzip.compress(content))) == 2
    assert len(rows_of(tmp_path, "b.csv.gz", gzip.compress(b"id;a\n1;2\n"))) == 1


@pytest.mark.parametrize("damage", [slice(0, 30), slice(0, 12)])
def test_a_damaged_archive_is_said(tmp_path: Path, damage: slice) -> None:
    from app.errors import Invalid

    content = gzip.compress(b"".join(b"%d,x\n" % n for n in range(1000)))[damage]
    with pytest.raises(Invalid, match="damaged"):
        opened(tmp_path, "a.csv.gz", content)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ('{\n  \u2022 "id": "1",\n  \u2022 "data": {\n    }\n}', "\u2022"),
        ("[\n  \u2022 {\n    },\n  \u2022 {\n    }\n]", "\u2022"),
        ('{"id": "1", "content": {...}}', "..."),
        ('{"data": {"id": "1", "attributes": { \u2026 }}}', "..."),
        ('{"id": "\u2022 one...", broken}', None),
    ],
)
def test_a_sample_copied_from_a_page_is_refused_with_what_to_take_out(
    tmp_path: Path, text: str, sign: str | None
) -> None:
    for row in rows_of(tmp_path, "a.json", text.encode()):
        assert row.fault is not None
        assert row.fault.message.endswith("as pages of documentation show it: take that out.") == bool(sign)
        assert sign is None or f"`{sign}`" in row.fault.message
