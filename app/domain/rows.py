"""Rows of one table written by column: what is set is decided in Python, so the statement names what there is.

Columns come from declarations and from our own code, never from a request; values are bound.
"""

from collections.abc import Mapping

from app.db.constraints import refusals
from app.db.database import Transaction


async def insert_row(tx: Transaction, table: str, row: Mapping[str, object]) -> int:
    """Insert a row of the scope's group; its id. Raises what a broken constraint means."""
    places = ", ".join(f"${n}" for n in range(2, len(row) + 2))
    with refusals():
        ident = await tx.fetchval(
            f"INSERT INTO {table} (group_id, {', '.join(row)}) VALUES ($1, {places}) RETURNING id",
            tx.scope.group_id,
            *row.values(),
        )
    return int(ident)


async def update_row(
    tx: Transaction, table: str, ident: int, values: Mapping[str, object], *, alive: bool = False
) -> bool:
    """Change these columns of a row of the scope's group; whether it is there (`alive`: and not deleted).

    Raises what a broken constraint means.
    """
    changes = ", ".join(f"{column} = ${n}" for n, column in enumerate(values, start=3))
    further = " AND deleted_at IS NULL" if alive else ""
    with refusals():
        changed = await tx.execute(
            # No change is a question whether the row is there.
            f"UPDATE {table} SET {changes or 'group_id = group_id'} WHERE group_id = $1 AND id = $2{further}",
            tx.scope.group_id,
            ident,
            *values.values(),
        )
    return changed == 1
