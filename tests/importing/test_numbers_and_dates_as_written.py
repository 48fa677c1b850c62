"""`12,50` and `1 234,50` are read where it is told or clear; what could be two numbers is refused."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import Invalid
from app.importing.values import exact
from tests.importing.reading_files import read


def amounts(folder: Path, *cells: str, **told: Any) -> list[Any]:
    lines = ["id;total_spent", *(f"{n};{cell}" for n, cell in enumerate(cells))]
    found = read(folder, "a.csv", "\n".join(lines).encode(), **told)
    return [one if isinstance(one, str) else one.get("total_spent") for one in found]


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["12,50", "1234", "1.234", "-1.234,5"], ["12.50", "1234", "1234", "-1234.5"]),
        (["1 234,50", "1\u202f234,50", "1\u00a0234\u00a0567", "7"], ["1234.50", "1234.50", "1234567", "7"]),
        (["1'234.50", "1\u2019234.50", "0.125"], ["1234.50", "1234.50", "0.125"]),
        (["1,234.50", "1,234", "\u22125.5"], ["1234.50", "1234", "-5.5"]),
        (["12.5", "1.234", "+3"], ["12.5", "1.234", "3"]),
        (["0,125", "1.234"], ["0.125", "1234"]),
        (["1.234.567", "1,5"], ["1234567", "1.5"]),
        (["1,234,567", "1,234"], ["1234567", "1234"]),
        ([".5", "5."], ["0.5", "5"]),
    ],
)
def test_found_out_from_the_whole_column(tmp_path: Path, cells: list[str], found: list[str]) -> None:
    assert amounts(tmp_path, *cells) == found


def test_what_could_be_two_numbers_is_refused_and_says_what_to_tell(tmp_path: Path) -> None:
    plain, first, second = amounts(tmp_path, "12", "1.234", "5,678")
    assert plain == "12"
    assert "can be 1.234 or 1234" in first
    assert "--decimal comma" in second
    assert amounts(tmp_path, "12", "1.234", decimal="comma") == ["12", "1234"]
    assert amounts(tmp_path, "12", "1.234", decimal="point") == ["12", "1.234"]


def test_a_column_that_has_both_is_refused_where_it_matters(tmp_path: Path) -> None:
    first, second, third = amounts(tmp_path, "12,50", "12.50", "7")
    assert third == "7"
    assert "decimal commas in some rows and points in others" in first
    assert "decimal commas in some rows and points in others" in second
    told = amounts(tmp_path, "12,50", "12.50", "7", decimal="comma")
    assert (told[0], told[2]) == ("12.50", "7")
    assert "no number with a decimal comma" in told[1]


@pytest.mark.parametrize(
    "cell",
    ["1_000", "١٢", "１２", "1e3", "1E+05", "much", "1,23,4", "1 23", "12 €", "--1", "1.2.3,4", "1 234.567,5", "½",
     "0x1f", "NaN", "Infinity", "1,234 567"],
)  # fmt: skip
@pytest.mark.parametrize("told", [{}, {"decimal": "comma"}, {"decimal": "point"}])
def test_what_is_no_number_is_refused(tmp_path: Path, cell: str, told: Any) -> None:
    (message,) = amounts(tmp_path, cell, **told)
    assert "number" in message
    with pytest.raises(Invalid):
        exact(cell, "amount")


@given(
    values=st.lists(st.decimals("-99999999", "99999999", places=2), min_size=1, max_size=10),
    style=st.sampled_from(
        [(".", ","), (" ", ","), ("\u202f", ","), ("\u00a0", ","), (",", "."), ("'", "."), ("", ",")]
    ),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_of_any_style_are_the_same_numbers(
    tmp_path: Path, values: list[Decimal], style: tuple[str, str]
) -> None:
    group, point = style
    cells = [f"{value:,.2f}".replace(",", "g").replace(".", point).replace("g", group) for value in values]
    assert [Decimal(one) for one in amounts(tmp_path, *cells)] == values


def test_texts_in_json_have_points_unless_told(tmp_path: Path) -> None:
    line = b'{"id": "1", "total_spent": "1.234"}\n{"id": "2", "total_spent": "12,5"}\n{"id": "3", "total_spent": 12.5}'
    first, second, third = read(tmp_path, "a.jsonl", line)
    assert (first["total_spent"], third["total_spent"]) == ("1.234", Decimal("12.5"))
    assert "decimal point" in second
    assert read(tmp_path, "a.jsonl", line, decimal="comma")[1]["total_spent"] == "12.5"


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("31.12.2025", "2025-12-31"), ("1/2/2025", "2025-02-01"), ("01-02-2025 08:30", "2025-02-01T08:30:00"),
        ("01.02.2025, 8:30:15", "2025-02-01T08:30:15"), ("01/02/2025 08:30 +02:00", "2025-02-01T08:30:00+02:00"),
        ("2025-02-01", "2025-02-01"), ("2025-02-01T08:30:00Z", "2025-02-01T08:30:00Z"),
    ],
)  # fmt: skip
def test_days_first_where_told(tmp_path: Path, cell: str, found: str) -> None:
    content = f"id;last_order_at\n1;{cell}\n".encode()
    (values,) = read(tmp_path, "a.csv", content, dates="day-first")
    assert values["last_order_at"] == found
    (untold,) = read(tmp_path, "a.csv", content)
    assert "--dates day-first" in untold if found != cell else untold == values


def test_a_year_of_two_digits_is_not_guessed(tmp_path: Path) -> None:
    (told,) = read(tmp_path, "a.csv", b"id;last_order_at\n1;31.12.25\n", dates="day-first")
    assert "four digits" in told
    for wrong in ("month-first", ""):
        with pytest.raises(Invalid):
            read(tmp_path, "a.csv", b"id\n", dates=wrong)
    with pytest.raises(Invalid):
        read(tmp_path, "a.csv", b"id\n", decimal="dot")
