"""A sheet runs nothing of what somebody wrote into a row."""

import csv
import io

import msgspec
import pytest

from app.graph.running.sheets import Sheet


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+33", "'+33"), ("@x", "'@x"), ("-1+1", "'-1+1"), ("-2.50", "-2.50"), ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"), ("＝1+1", "'＝1+1"), ("＋1", "'＋1"), ("－x", "'－x"), ("＠x", "'＠x"), ("a=1", "a=1"),
        ("'=1", "''=1"), ("'a", "'a"),
    ],
)  # fmt: skip
def test_what_begins_like_a_formula_is_a_text(text: str, cell: str) -> None:
    line = Sheet((("name",),)).lines([msgspec.Raw(msgspec.json.encode({"name": text}))])
    [[shown]] = csv.reader(io.StringIO(line.decode(), newline=""))
    assert shown == cell
