"""Which row a system knows by an id."""

from collections.abc import Iterable

from app.db.database import Transaction
from app.domain.external_ids.kinds import TABLES, RowId, column_of
from app.values.systems import Reference, read_own


async def rows_known_as(tx: Transaction, kind: str, system: str, ids: Iterable[str]) -> dict[str, RowId]:
    """The rows that a system knows by these ids, else those with that number here, deleted ones as well."""
    asked = list(dict.fromkeys(ids))
    found = await rows_with_ids(tx, kind, system, asked)
    if kind == "event":
        return found
    ours = {
        text: n for text in asked if text not in found and (n := read_own(system, kind, text)) is not None
    }
    if ours:
        rows = await tx.fetch(
            f"SELECT id FROM {TABLES[kind]} WHERE group_id = $1 AND id = ANY ($2)",
            tx.scope.group_id, list(ours.values()),
        )  # fmt: skip
        there = {row["id"] for row in rows}
        found |= {text: number for text, number in ours.items() if number in there}
    return found


async def rows_with_ids(tx: Transaction, kind: str, system: str, ids: Iterable[str]) -> dict[str, RowId]:
    """The rows that were given these ids in a system, deleted ones as well; none that only has such a number here."""
    column = column_of(kind)
    rows = await tx.fetch(
        f"SELECT id, {column} AS row FROM external_id"
        " WHERE group_id = $1 AND system = $2 AND kind = $3 AND id = ANY ($4)",
        tx.scope.group_id, system, kind, list(dict.fromkeys(ids)),
    )  # fmt: skip
    return {row["id"]: row["row"] for row in rows}


_ANY_KIND = """
SELECT x.system, x.id, x.kind, x.row_id, x.row_uuid
  FROM unnest($2::text[], $3::text[]) AS asked(system, id)
  JOIN external_id x ON x.group_id = $1 AND x.system = asked.system AND x.id = asked.id
"""


async def rows_of_any_kind(
    tx: Transaction, references: Iterable[Reference]
) -> dict[Reference, dict[str, RowId]]:
    """The row of each kind that a system knows by each of these ids, else the one with that number here.

    Whether there is a row of ours with such a number is not asked.
    """
    asked = list(dict.fromkeys(references))
    found: dict[Reference, dict[str, RowId]] = {one: {} for one in asked}
    rows = await tx.fetch(
        _ANY_KIND, tx.scope.group_id, [one.system for one in asked], [one.id for one in asked]
    )
    for row in rows:
        here = row["row_uuid"] if row["row_id"] is None else row["row_id"]
        found[Reference(row["system"], row["id"])][row["kind"]] = here
    for one in asked:
        for kind in TABLES:
            number = None if kind == "event" else read_own(one.system, kind, one.id)
            if number is not None:
                found[one].setdefault(kind, number)
    return found


async def shown_by_number(tx: Transaction, kind: str, system: str, numbers: set[RowId]) -> set[RowId]:
    """Which of these are rows of ours that the system's facade shows by number: they have no id in it."""
    rows = await tx.fetch(
        f"SELECT id FROM {TABLES[kind]} WHERE group_id = $1 AND id = ANY ($2)"
        " AND array_position(known_as_system, $3) IS NULL",
        tx.scope.group_id, list(numbers), system,
    )  # fmt: skip
    return {row["id"] for row in rows}
