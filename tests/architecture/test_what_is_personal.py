"""Every column that can hold a text is told to be personal, with how it is emptied, or not to be, with the reason."""

import pytest
from sqlalchemy import ARRAY, JSON, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB

from app.tables.all import metadata
from app.tables.personal import EVERYWHERE, GENERATED, NOT_PERSONAL, PERSONAL

TEXTS = (String, JSON, JSONB, ARRAY, LargeBinary)


def unsaid(tables: "dict[str, list[str]]") -> list[str]:
    """Columns that are neither."""
    return [
        f"{table}.{column}"
        for table, columns in sorted(tables.items())
        for column in columns
        if column not in (PERSONAL[table].columns if table in PERSONAL else ())
        and column not in NOT_PERSONAL.get(table, ())
        and column not in EVERYWHERE
    ]


def holding_texts() -> "dict[str, list[str]]":
    return {
        name: [column.name for column in table.columns if isinstance(column.type, TEXTS)]
        for name, table in metadata.tables.items()
    }


def test_every_column_that_holds_texts_is_personal_or_not() -> None:
    assert unsaid(holding_texts()) == [], "say what they are in app/tables/personal.py, one line each"


def test_a_new_column_is_noticed() -> None:
    tables = holding_texts()
    tables["customer"].append("nickname")
    tables["letter"] = ["text"]
    assert unsaid(tables) == ["customer.nickname", "letter.text"]


def test_nothing_is_said_of_what_is_not_there() -> None:
    tables = holding_texts()
    told = {name: {*rows.columns} for name, rows in PERSONAL.items()}
    for name, columns in NOT_PERSONAL.items():
        told.setdefault(name, set()).update(columns)
    gone = {name: sorted(columns - {*tables.get(name, ())}) for name, columns in told.items()}
    assert {name: columns for name, columns in gone.items() if columns} == {}


@pytest.mark.parametrize("table", sorted(PERSONAL))
def test_nothing_is_both(table: str) -> None:
    assert not set(PERSONAL[table].columns) & set(NOT_PERSONAL.get(table, ()))


def test_what_is_told_to_be_generated_is() -> None:
    told = [
        (name, column) for name, said in NOT_PERSONAL.items() for column in said if said[column] == GENERATED
    ]
    assert told
    assert [one for one in told if metadata.tables[one[0]].columns[one[1]].computed is None] == []
