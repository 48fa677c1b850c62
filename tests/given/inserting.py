"""Rows of our tables, inserted as they were made in Python."""

import json
from typing import Any

from sqlalchemy import JSON, Table
from sqlmodel import SQLModel

from app.db.database import Transaction


async def insert(tx: Transaction, *rows: SQLModel) -> list[Any]:
    """Insert rows of one table with one statement; their ids, in their order (None where the table has none).

    A field that is None is left to its column, which makes NULL of it or its default.
    """
    table: Table = rows[0].__table__  # type: ignore[attr-defined]
    columns = [c for c in table.columns if any(getattr(row, c.name) is not None for row in rows)]
    values: list[object] = []
    lines = []
    for row in rows:
        assert row.__table__ is table  # type: ignore[attr-defined]
        cells = []
        for column in columns:
            value = getattr(row, column.name)
            if value is None:
                cells.append("DEFAULT")
                continue
            values.append(json.dumps(value) if isinstance(column.type, JSON) else value)
            cells.append(f"${len(values)}")
        lines.append(f"({', '.join(cells)})")
    names = ", ".join(f'"{column.name}"' for column in columns)
    ident = "id" if "id" in table.columns else "NULL"
    made = await tx.fetch(
        f"INSERT INTO {table.name} ({names}) VALUES {', '.join(lines)} RETURNING {ident}", *values
    )
    return [row[0] for row in made]
