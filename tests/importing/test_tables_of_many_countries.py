"""CSV as people have it: any separator, encoding, line end and quote; a fault costs its own row."""

import contextlib
import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import Invalid
from app.importing.reading.cells import Records
from tests.importing.reading_files import opened, read, rows_of

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "utf-32"]
SEPARATORS = [",", ";", "\t", "|"]


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separator_encoding_and_line_ends_are_found_out(
    tmp_path: Path, separator: str, encoding: str, end: str
) -> None:
    lines = [
        ["Id", "Straße", "Größe"],
        ["1", "Allée", "12,5" if separator != "," else "12.5"],
        ["2", "Çà", "9"],
    ]
    text = end.join(separator.join(line) for line in lines) + end
    rows = rows_of(tmp_path, "a.csv", text.encode(encoding))
    assert [row.values for row in rows] == [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    assert [row.number for row in rows] == [2, 3]


@given(
    data=st.data(),
    separator=st.sampled_from(SEPARATORS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_written_in_any_dialect_are_the_same_rows(
    tmp_path: Path, data: Any, separator: str, end: str, encoding: str, quoting: int
) -> None:
    letters = st.characters(codec="cp1252" if encoding == "cp1252" else "utf-8", exclude_characters="\0")
    cell = st.text(letters | st.sampled_from(' ",;|\n\r\t"'), max_size=12)
    width = data.draw(st.integers(2, 4))
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=8))
    names = [f"n{n}" for n in range(width)]
    out = io.StringIO(newline="")
    # The first cell is an id, so no row is empty. csv quotes only those line ends that are its own.
    if end != "\r\n" and any("\r" in cell or "\n" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["id", *names])
    for number, row in enumerate(rows):
        writer.writerow([str(number), *row])
    content = out.getvalue().encode(encoding)
    told = {"separator": separator, "encoding": "cp1252" if encoding == "cp1252" else None}
    found = rows_of(tmp_path, "a.csv", content, **told)
    assert [row.fault for row in found] == [None] * len(rows)
    assert [[row.values.get(name, "") for name in ["id", *names]] for row in found] == [
        [str(number), *row] for number, row in enumerate(rows)
    ]
    # What is written down as refused is, byte by byte, what was there.
    file = opened(tmp_path, "a.csv", content, **told)
    again = file.encoded(file.head(), first=True) + b"".join(file.encoded(file.written(row)) for row in found)
    assert again == content


@given(text=st.text(st.sampled_from('ab,"\n'), max_size=40))
@settings(max_examples=500, deadline=None)
def test_no_line_is_lost_whatever_the_quotes(text: str) -> None:
    lines = io.StringIO(text, newline="")
    records = Records(lines.readline, ",")
    records.width = 2
    assert "".join(record.text for record in records) == text


@given(content=st.binary(max_size=200), name=st.sampled_from(["a.csv", "a.json", "a.jsonl", "a", "a.tsv"]))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_rows_or_refused_in_words(tmp_path: Path, content: bytes, name: str) -> None:
    with contextlib.suppress(Invalid):
        for row in rows_of(tmp_path, name, content):
            assert row.fault is None or row.fault.message
            row.raw.encode(errors="surrogatepass")


def test_quotes_inside_of_cells_swallow_nothing(tmp_path: Path) -> None:
    lines = ["id;thing"] + [f'{n};TV 55" wide' if n in (5, 45) else f"{n};chair" for n in range(60)]
    rows = rows_of(tmp_path, "a.csv", "\n".join(lines).encode())
    assert [row.values["id"] for row in rows] == [str(n) for n in range(60)]
    assert rows[5].values["thing"] == 'TV 55" wide'


@pytest.mark.parametrize(
    "cell",
    [
        '"TV',
        '"TV 55" wide"',
        'TV"\n',
        '"a',
        '"x"y',
        '"a"b"',
        '"',
        '"""',
        '"a""',
        '"TV 55"" wide',
        "'",
        '"\\""',
    ],
)
def test_odd_quotes_cost_their_own_lines(tmp_path: Path, cell: str) -> None:
    lines = ["id;thing;more"] + [f"{n};{cell};m" if n in (5, 45) else f"{n};chair;m" for n in range(60)]
    rows = rows_of(tmp_path, "a.csv", "\n".join(lines).encode())
    read_well = [row.values["id"] for row in rows if row.fault is None and row.values["id"].isdecimal()]
    assert {str(n) for n in range(60)} - set(read_well) <= {"5", "45"}


def test_a_quote_that_closes_far_away_in_another_cell_swallows_nothing(tmp_path: Path) -> None:
    lines = ["id;thing;more"] + [f"{n};chair;m" for n in range(40)]
    lines[5], lines[30] = '4;"wide;m', '29;TV";m'
    rows = rows_of(tmp_path, "a.csv", "\n".join(lines).encode())
    assert len(rows) == 40
    assert [row.number for row in rows if row.fault is not None] == [6]


def test_a_quoted_cell_goes_over_several_lines(tmp_path: Path) -> None:
    content = b'id,text\r\n1,"a\r\n\r\n""b"", c\nd"\r\n2,e\r\n'
    rows = rows_of(tmp_path, "a.csv", content)
    assert [row.values["text"] for row in rows] == ['a\r\n\r\n"b", c\nd', "e"]
    assert [row.number for row in rows] == [2, 6]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"sep=;\r\nid;name\r\n1;a,b\r\n", [{"id": "1", "name": "a,b"}]),
        (b"\n\nid,name\n\n1,a\n,,\n \n2,b", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        (b"id,name,,\n1,a,,\n2,b\n", [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]),
        (b"id,name\n1,a,,,\n", [{"id": "1", "name": "a"}]),
        (b'"id","full, name"\n1,a\n', [{"id": "1", "full, name": "a"}]),
        (b"id\n1\n2\n", [{"id": "1"}, {"id": "2"}]),
        (b"id,name", []),
        (b"id;price, EUR;x\n1;2,5;3,5\n2;1,0;3,5\n", [{"id": "1", "price, EUR": "2,5", "x": "3,5"},
                                                      {"id": "2", "price, EUR": "1,0", "x": "3,5"}]),
    ],
)  # fmt: skip
def test_odd_tables(tmp_path: Path, content: bytes, values: list[Any]) -> None:
    assert [row.values for row in rows_of(tmp_path, "a.csv", content)] == values


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "names its columns"),
        (b"\n\n", "names its columns"),
        (b"a,,a\n1,2,3\n", "`a` twice"),
        (b"External Id,externalId\n1,2\n", "mean the same"),
        (b"id,na\0me\n1,2\n", "--encoding"),
        (b"id,n\x81me\n1,\xe9\n", "--encoding"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(tmp_path, "a.csv", content)
    assert told in refused.value.message


def test_ragged_rows_are_refused_alone(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", b"id,name,town\n1,a\n2,a,b\n3,a,b,c\n4,a,b\n")
    assert [row.fault.message if row.fault else row.values["id"] for row in rows] == [
        "The line has 2 cells, the header 3.", "2", "The line has 4 cells, the header 3.", "4",
    ]  # fmt: skip


def test_a_column_without_a_name_may_be_empty_only(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", b"id,,name\n1,,a\n2,x,b\n")
    assert (rows[0].fault, rows[0].values) == (None, {"id": "1", "name": "a"})
    assert rows[1].fault is not None
    assert "without a name" in rows[1].fault.message


def test_latin_in_the_last_row_of_a_long_file_is_seen(tmp_path: Path) -> None:
    content = b"id,name\n" + b"".join(b"%d,plain\n" % n for n in range(100_000)) + b"x,caf\xe9\n"
    assert rows_of(tmp_path, "a.csv", content)[-1].values["name"] == "café"


def test_a_few_bytes_that_are_no_utf8_cost_their_rows(tmp_path: Path) -> None:
    content = "id,name\n1,Ærø\n2,Łódź\n3,".encode() + b"\xff\n" + "4,naïve\n".encode()
    rows = rows_of(tmp_path, "a.csv", content)
    assert [row.fault is None for row in rows] == [True, True, False, True]
    assert rows_of(tmp_path, "a.csv", content, encoding="latin-1")[2].values["name"] == "ÿ"


def test_an_encoding_that_was_told_holds(tmp_path: Path) -> None:
    assert (
        rows_of(tmp_path, "a.csv", "id,name\n1,Łódź\n".encode("cp1250"), encoding="cp1250")[0].values["name"]
        == "Łódź"
    )
    (row,) = rows_of(tmp_path, "a.csv", b"id,name\n1,\xe9\n", encoding="utf-8")
    assert row.fault is not None
    for wrong in ("klingon", "base64", "rot13", "utf-7", "idna", "", "a\0b"):
        with pytest.raises(Invalid):
            opened(tmp_path, "a.csv", b"id\n", encoding=wrong)


def test_utf16_with_half_a_character_at_its_end(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "a.csv", "id,name\n1,a\n2,b".encode("utf-16") + b"x")
    assert [row.fault is None for row in rows] == [True, False]


@pytest.mark.parametrize("word", ["", ",,", '"', "\n", "commas"])
def test_a_separator_is_one_sign(tmp_path: Path, word: str) -> None:
    with pytest.raises(Invalid):
        opened(tmp_path, "a.csv", b"id\n", separator=word)


def test_a_separator_that_was_told_holds(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "a.csv", b"id#a,b\n1#2,3\n", separator="#")[0].values == {
        "id": "1",
        "a,b": "2,3",
    }
    assert rows_of(tmp_path, "a.csv", b"id;a,b\n1;2,3\n", separator="comma")[0].values == {
        "id;a": "1;2",
        "b": "3",
    }


def test_a_long_cell_or_row_is_refused_alone(tmp_path: Path) -> None:
    content = b"id,a\n1," + b"x" * 140_000 + b"\n2,y\n3," + b",".join([b"x" * 1000] * 1200) + b"\n4,z\n"
    assert [row.fault is None for row in rows_of(tmp_path, "a.csv", content)] == [False, True, False, True]
