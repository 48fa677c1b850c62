"""Ids of other systems: which row a system knows by an id, and giving rows such ids.

A number that a facade shows names one row. So our sequences are moved past the numbers that come in, far enough that
those of the next system find room as well; and an id that a facade already shows for another row is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.errors import MAX_TOLD, Conflict, Failure, Invalid, NotFound, Several
from app.tables.all import metadata
from app.values.ids import read_uuid, show_id
from app.values.systems import (
    CRM,
    FACADES,
    MAX_EXTERNAL,
    SYSTEM,
    WEBMARKETER,
    Reference,
    fits,
    form_of,
    read_own,
    show_own,
)

TABLES: Mapping[str, str] = {
    "act": "flow_action",
    "asset": "asset",
    "camp": "campaign",
    "cond": "flow_condition",
    "cust": "customer",
    "event": "event",
    "evtype": "event_type",
    "flow": "flow",
    "goal": "goal",
    "interaction": "interaction",
    "intg": "integration",
    "metric": "event_metric",
    "mult": "flow_multiplier",
    "order": "customer_order",
    "outlay": "outlay",
    "part": "partner",
    "promo": "promo",
    "proj": "project",
    "pship": "partnership",
    "seg": "segment",
    "store": "store",
}
"""By kind, the prefix of their ids, the tables whose rows can have ids elsewhere."""
EXISTS = "EXTERNAL_ID_EXISTS"
NUMBER_TAKEN = "NUMBER_TAKEN"
FIRST_ROOM = 10**6
"""Our numbers go on from here at least, once a group has rows of another system."""
MAX_MOVED = 4 * 10**15
MAX_RESERVED = 5 * 10**15
"""Numbers between the two are refused: ours end up there at the most. Larger ones they never reach."""
_MARGIN = 10_000

RowId: TypeAlias = int | UUID
Ids: TypeAlias = Mapping[str, str | None]
"""By system; None: none there any more."""


class _Asked(NamedTuple):
    row: RowId
    system: str
    id: str
    place: int


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
    column = "row_uuid" if kind == "event" else "row_id"
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


async def make_room(tx: Transaction, kind: str, system: str, ids: Iterable[str]) -> None:
    """Move our sequence past the numbers among these ids, before rows are made that will have them."""
    if kind == "event":
        return
    numbers = [n for text in ids if (n := read_own(system, kind, text)) is not None and n <= MAX_MOVED]
    if not numbers:
        return
    sequence = f"{TABLES[kind]}_id_seq"
    room = _room_past(max(numbers))
    last = "coalesce(pg_sequence_last_value($1::text::regclass), 0)"
    if await tx.fetchval(f"SELECT {last} < $2", sequence, room):
        # Together two that move it could move it back.
        await tx.fetchval("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", sequence)
        await tx.fetchval(
            f"SELECT CASE WHEN {last} < $2 THEN setval($1::text::regclass, $2 + {_MARGIN}) END",
            sequence,
            room,
        )


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
        _Asked(row, system, text, place)
        for place, (row, by_system) in enumerate(ids.items())
        for system, text in by_system.items()
        if text is not None
    ]
    at = {row: tuple(path) for row, path in (paths or {}).items()}
    faults = [(one, fault) for one in asked if (fault := _fault_of(kind, one)) is not None]
    gone: set[tuple[str, RowId]] = set()
    if not faults:
        await _hold(tx, kind, ids, asked, at)
        faults, gone = await _conflicts(tx, kind, ids, asked)
    if faults:
        for one, fault in faults:
            fault.path = [*at.get(one.row, ()), *fault.path]
        told = [fault for _, fault in faults]
        raise told[0] if len(told) == 1 else Several(told[:MAX_TOLD])
    for system in dict.fromkeys(one.system for one in asked):
        await make_room(tx, kind, system, [one.id for one in asked if one.system == system])
    await _write(tx, kind, ids, asked, gone)


async def _hold(
    tx: Transaction,
    kind: str,
    ids: Mapping[RowId, Ids],
    asked: Sequence[_Asked],
    at: Mapping[RowId, Sequence[str | int]],
) -> None:
    """Hold all rows whose looks can change or matter: those given ids, those whose number or id somebody asks for.

    So nobody takes a number while its row goes back to showing it. By id, so that no two calls wait in a circle.
    """
    involved: set[RowId] = set(ids)
    involved |= {
        owner.row for owner in (await _owners(tx, kind, [(one.system, one.id) for one in asked])).values()
    }
    involved |= {row for one in asked if (row := _row_shown_as(one.system, kind, one.id)) is not None}
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
        raise missing[0] if len(missing) == 1 else Several(missing[:MAX_TOLD])


def _fault_of(kind: str, one: _Asked) -> Failure | None:
    path = ["externalIds", one.system]
    if SYSTEM.fullmatch(one.system) is None:
        return Invalid(
            "A system is named by small letters, digits and _, 32 at most: such as benji.", path=path
        )
    if not 1 <= len(one.id) <= MAX_EXTERNAL or not one.id.isprintable():
        return Invalid(f"An id in {one.system} has 1 to {MAX_EXTERNAL} printable characters.", path=path)
    if not fits(one.system, kind, one.id):
        return Invalid(
            f"An id in {one.system} is {form_of(one.system, kind)}, not {one.id!r:.60}.", path=path
        )
    number = read_own(one.system, kind, one.id)
    if number is not None and MAX_MOVED < number <= MAX_RESERVED:
        return Invalid(
            f"Numbers over {MAX_MOVED:,} up to {MAX_RESERVED:,} are kept for rows made here.", path=path
        )
    return None


async def _conflicts(
    tx: Transaction, kind: str, ids: Mapping[RowId, Ids], asked: Sequence[_Asked]
) -> tuple[list[tuple[_Asked, Failure]], set[tuple[str, RowId]]]:
    """What would make two rows look alike in a system, and the deleted rows that ids are taken from."""
    faults: list[tuple[_Asked, Failure]] = []
    given = {(system, row): text for row, by_system in ids.items() for system, text in by_system.items()}
    first: dict[tuple[str, str], _Asked] = {}
    for one in asked:
        other = first.setdefault((one.system, one.id), one)
        if other.row != one.row:
            faults.append((one, _exists(one, kind, other.row)))
    # Rows that will have no id in a system, and so show their number there: and who is to blame for it.
    bare: dict[tuple[str, RowId], _Asked] = {
        (system, row): _Asked(row, system, _shown_without(system, kind, row), place)
        for place, (row, by_system) in enumerate(ids.items())
        for system, text in by_system.items()
        if text is None and system in FACADES
    }
    gone: set[tuple[str, RowId]] = set()
    for place, owner in (await _owners(tx, kind, list(first))).items():
        one = first[place]
        if owner.row == one.row or (one.system, owner.row) in given:
            continue
        if owner.is_alive:
            faults.append((one, _exists(one, kind, owner.row)))
            continue
        gone.add((one.system, owner.row))
        if owner.is_there and one.system in FACADES:
            bare[one.system, owner.row] = one
    shown: set[tuple[str, RowId]] = set(bare)
    numbers: dict[str, set[RowId]] = {}
    for one in first.values():
        if (number := _row_shown_as(one.system, kind, one.id)) is not None:
            numbers.setdefault(one.system, set()).add(number)
    for system, asked_numbers in numbers.items():
        shown |= {
            (system, number)
            for number in await _shown_by_number(tx, kind, system, asked_numbers)
            if given.get((system, number)) is None
        }
    for one in first.values():
        number = _row_shown_as(one.system, kind, one.id)
        if number is not None and number != one.row and (one.system, number) in shown:
            faults.append((one, _number_taken(one, kind, number)))
    own = {(system, _shown_without(system, kind, row)): (system, row) for system, row in bare}
    for place, owner in (await _owners(tx, kind, list(own))).items():
        system, row = own[place]
        # Whoever has it keeps it, unless this call gives him another one or none.
        if (
            owner.is_there
            and owner.row != row
            and (system, owner.row) not in {**given, **dict.fromkeys(gone)}
        ):
            faults.append((bare[system, row], _shown_again(system, kind, row, owner.row)))
    return faults, gone


def _row_shown_as(system: str, kind: str, text: str) -> RowId | None:
    """Which of our rows the system's facade shows like this where it has no id in it; events have UUIDs."""
    if kind != "event":
        return read_own(system, kind, text)
    if system not in (CRM, WEBMARKETER):
        return None
    return read_uuid(kind, text if system == CRM else f"{kind}_{text}")


def _shown_without(system: str, kind: str, row: RowId) -> str:
    """How the system's facade shows a row that has no id in it."""
    if isinstance(row, int):
        return show_own(system, kind, row)
    return show_id(kind, row) if system == CRM else str(row)


def _shown_again(system: str, kind: str, row: RowId, owner: RowId) -> Conflict:
    return Conflict(
        f"Without an id in {system} {show_id(kind, row)} would be shown like {show_id(kind, owner)}, whose id there is"
        " its number.",
        path=["externalIds", system],
        code=EXISTS,
    )


def _exists(one: _Asked, kind: str, owner: RowId) -> Conflict:
    return Conflict(
        f"{show_id(kind, owner)} has the id {one.id} in {one.system} already.",
        path=["externalIds", one.system],
        code=EXISTS,
    )


def _number_taken(one: _Asked, kind: str, number: RowId) -> Conflict:
    return Conflict(
        f"{one.system} shows {show_id(kind, number)} as {one.id} already: that row has no other id in {one.system}."
        " Give it one first.",
        path=["externalIds", one.system],
        code=NUMBER_TAKEN,
    )


class _Owner(NamedTuple):
    row: RowId
    is_there: bool
    is_alive: bool


async def _owners(
    tx: Transaction, kind: str, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], _Owner]:
    """Who has these ids, and whether that row is still there, and not deleted."""
    table, column = TABLES[kind], "row_uuid" if kind == "event" else "row_id"
    alive = "t.deleted_at IS NULL" if "deleted_at" in metadata.tables[table].columns else "true"
    rows = await tx.fetch(
        f"SELECT x.system, x.id, x.{column} AS row, t.id IS NOT NULL AS there, t.id IS NOT NULL AND {alive} AS alive"
        "  FROM unnest($3::text[], $4::text[]) AS asked(system, id)"
        "  JOIN external_id x ON x.group_id = $1 AND x.system = asked.system AND x.id = asked.id AND x.kind = $2"
        f" LEFT JOIN {table} t ON t.group_id = $1 AND t.id = x.{column}",
        tx.scope.group_id, kind, [system for system, _ in asked], [text for _, text in asked],
    )  # fmt: skip
    return {(row["system"], row["id"]): _Owner(row["row"], row["there"], row["alive"]) for row in rows}


async def _shown_by_number(tx: Transaction, kind: str, system: str, numbers: set[RowId]) -> set[RowId]:
    """Which of these are rows of ours that the system's facade shows by number: they have no id in it."""
    rows = await tx.fetch(
        f"SELECT id FROM {TABLES[kind]} WHERE group_id = $1 AND id = ANY ($2)"
        " AND array_position(known_as_system, $3) IS NULL",
        tx.scope.group_id, list(numbers), system,
    )  # fmt: skip
    return {row["id"] for row in rows}


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
"""


async def _write(
    tx: Transaction,
    kind: str,
    ids: Mapping[RowId, Ids],
    asked: Sequence[_Asked],
    gone: set[tuple[str, RowId]],
) -> None:
    cast, column = ("uuid", "row_uuid") if kind == "event" else ("bigint", "row_id")
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
                _exists(one, kind, row["row"])
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
    await tx.execute(_COPY.format(table=TABLES[kind], cast=cast, column=column), group, kind, list(rows))


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
        fault
        for at, one in enumerate(given)
        if (fault := _fault_of(kind, _Asked(one[2], one[0], one[1], at)))
    ]
    if faults:
        raise faults[0] if len(faults) == 1 else Several(faults[:MAX_TOLD])
    cast, column = ("uuid", "row_uuid") if kind == "event" else ("bigint", "row_id")
    noted = await tx.fetch(
        _NOTE.format(cast=cast, column=column), tx.scope.group_id, kind,
        [system for system, _, _ in given], [text for _, text, _ in given], [row for _, _, row in given],
    )  # fmt: skip
    if len(noted) < len(given):
        raise Conflict("Another row has one of these ids already.", path=["externalIds"], code=EXISTS)


def _room_past(number: int) -> int:
    """Where our numbers go on: two digits further if that still fits into 32 bits, else one."""
    digits = len(str(number))
    if digits + 2 <= 9:
        return int(max(FIRST_ROOM, 10 ** (digits + 2)))
    return (10**9) if number < 10**9 else min(10 ** (digits + 1), MAX_MOVED + 1)


__all__ = [
    "EXISTS",
    "NUMBER_TAKEN",
    "TABLES",
    "Ids",
    "RowId",
    "make_room",
    "note_ids",
    "rows_known_as",
    "rows_with_ids",
    "set_ids",
]
