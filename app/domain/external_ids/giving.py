"""Giving rows their ids in other systems."""

from collections.abc import Mapping, Sequence

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.external_ids.kinds import EXISTS, TABLES, Ids, RowId, cast_of, column_of
from app.domain.external_ids.refusing import (
    Asked,
    conflicts,
    exists_already,
    fault_of,
    owners,
    row_shown_as,
    together,
)
from app.domain.external_ids.room import move_past
from app.errors import Conflict, Invalid, NotFound
from app.values.ids import show_id


async def set_ids(
    tx: Transaction,
    kind: str,
    ids: Mapping[RowId, Ids],
    *,
    paths: Mapping[RowId, Sequence[str | int]] | None = None,
) -> None:
    """Give each row of the scope's group its id in these systems, in place of the one it had there.

    Several says of each that cannot be given what is wrong, at the row's path; then none is. Rows keep their ids in
    other systems. An id that only a deleted row has goes over to the new one; rows of one call can exchange theirs.
    """
    asked = [
        Asked(row, system, text, place)
        for place, (row, by_system) in enumerate(ids.items())
        for system, text in by_system.items()
        if text is not None
    ]
    at = {row: tuple(path) for row, path in (paths or {}).items()}
    faults = [(one, fault) for one in asked if (fault := fault_of(kind, one)) is not None]
    gone: set[tuple[str, RowId]] = set()
    if not faults:
        # First of all: it waits for whoever draws one of these numbers at the moment.
        for system in dict.fromkeys(one.system for one in asked):
            await move_past(tx, kind, system, [one.id for one in asked if one.system == system])
        await _hold(tx, kind, ids, asked, at)
        faults, gone = await conflicts(tx, kind, ids, asked)
    if faults:
        for one, fault in faults:
            fault.path = [*at.get(one.row, ()), *fault.path]
        raise together([fault for _, fault in faults])
    await _write(tx, kind, ids, asked, gone)


async def _hold(
    tx: Transaction,
    kind: str,
    ids: Mapping[RowId, Ids],
    asked: Sequence[Asked],
    at: Mapping[RowId, Sequence[str | int]],
) -> None:
    """Hold all rows whose looks can change or matter: those given ids, those whose number or id somebody asks for.

    So nobody takes a number while its row goes back to showing it. By id, so that no two calls wait in a circle.
    """
    involved: set[RowId] = set(ids)
    involved |= {
        owner.row for owner in (await owners(tx, kind, [(one.system, one.id) for one in asked])).values()
    }
    involved |= {row for one in asked if (row := row_shown_as(one.system, kind, one.id)) is not None}
    there = {
        row["id"]
        for row in await tx.fetch(
            f"SELECT id FROM {TABLES[kind]} WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE",
            tx.scope.group_id, list(involved),
        )
    }  # fmt: skip
    missing = [
        NotFound("row", show_id(kind, row), path=[*at.get(row, ()), "row"]) for row in ids if row not in there
    ]
    if missing:
        raise together(missing)


_FREE = """
DELETE FROM external_id x
 USING unnest($3::text[], $4::text[], $5::{cast}[]) AS given(system, id, row)
 WHERE x.group_id = $1 AND x.kind = $2 AND x.system = given.system
   AND (x.{column} = given.row OR x.id = given.id)
RETURNING x.system, x.id, x.{column} AS row
"""
_INSERT = """
INSERT INTO external_id (group_id, kind, system, id, {column})
SELECT $1, $2, given.* FROM unnest($3::text[], $4::text[], $5::{cast}[]) AS given(system, id, row)
RETURNING id
"""
# A copy of what the table says, so that it can be written again at any time.
_COPY = """
UPDATE {table} t
   SET known_as_system = coalesce(k.systems, '{{}}'), known_as_id = coalesce(k.ids, '{{}}')
  FROM unnest($3::{cast}[]) AS given(row)
  LEFT JOIN LATERAL (SELECT array_agg(x.system::text ORDER BY x.system) AS systems,
                            array_agg(x.id::text ORDER BY x.system) AS ids
                       FROM external_id x
                      WHERE x.group_id = $1 AND x.kind = $2 AND x.{column} = given.row) k ON true
 WHERE t.group_id = $1 AND t.id = given.row
RETURNING t.id, cardinality(t.known_as_system) AS systems
"""
MAX_SYSTEMS = 50
"""In how many a row can have an id: whoever reads the row reads them all."""


async def _write(
    tx: Transaction,
    kind: str,
    ids: Mapping[RowId, Ids],
    asked: Sequence[Asked],
    gone: set[tuple[str, RowId]],
) -> None:
    cast, column = cast_of(kind), column_of(kind)
    group = tx.scope.group_id
    every = [(system, text, row) for row, by_system in ids.items() for system, text in by_system.items()]
    freed = await tx.fetch(
        _FREE.format(cast=cast, column=column), group, kind,
        [system for system, _, _ in every], [text for _, text, _ in every], [row for _, _, row in every],
    )  # fmt: skip
    for row in freed:
        if row["row"] not in ids and (row["system"], row["row"]) not in gone:
            # It was given away since we looked.
            raise next(
                exists_already(one, kind, row["row"])
                for one in asked
                if (one.system, one.id) == (row["system"], row["id"])
            )
    if asked:
        with refusals():
            await tx.fetch(
                _INSERT.format(cast=cast, column=column), group, kind,
                [one.system for one in asked], [one.id for one in asked], [one.row for one in asked],
            )  # fmt: skip
    rows = {*ids, *(row["row"] for row in freed)}
    copied = await tx.fetch(
        _COPY.format(table=TABLES[kind], cast=cast, column=column), group, kind, list(rows)
    )
    for row in copied:
        if row["systems"] > MAX_SYSTEMS:
            raise Invalid(
                f"{show_id(kind, row['id'])} would have ids in {row['systems']} systems; {MAX_SYSTEMS} are the most.",
                path=["externalIds"],
            )


_NOTE = """
INSERT INTO external_id (group_id, kind, system, id, {column})
SELECT $1, $2, given.* FROM unnest($3::text[], $4::text[], $5::{cast}[]) AS given(system, id, row)
ON CONFLICT DO NOTHING
RETURNING id
"""


async def note_ids(tx: Transaction, kind: str, given: Sequence[tuple[str, str, RowId]]) -> None:
    """The same for many rows that were just made with their copies of these ids: system, id there, row.

    Conflict where one is another row's already, or a number that our sequence was not moved past (`make_room`): whoever
    makes rows in bulk asks for that before.
    """
    if not given:
        return
    faults = [
        fault for at, one in enumerate(given) if (fault := fault_of(kind, Asked(one[2], one[0], one[1], at)))
    ]
    if faults:
        raise together(faults)
    cast, column = cast_of(kind), column_of(kind)
    noted = await tx.fetch(
        _NOTE.format(cast=cast, column=column), tx.scope.group_id, kind,
        [system for system, _, _ in given], [text for _, text, _ in given], [row for _, _, row in given],
    )  # fmt: skip
    if len(noted) < len(given):
        raise Conflict("Another row has one of these ids already.", path=["externalIds"], code=EXISTS)
