"""Why a row cannot be given an id: a number or an id that a facade shows names one row."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.db.database import Transaction
from app.domain.external_ids.finding import shown_by_number
from app.domain.external_ids.kinds import EXISTS, NUMBER_TAKEN, TABLES, Ids, RowId, column_of
from app.domain.external_ids.room import MAX_MOVED, MAX_RESERVED
from app.errors import MAX_TOLD, Conflict, Failure, Invalid, Several
from app.tables.all import metadata
from app.values.ids import read_uuid, show_id
from app.values.systems import (
    CRM,
    FACADES,
    MAX_EXTERNAL,
    SYSTEM,
    WEBMARKETER,
    fits,
    form_of,
    read_own,
    show_own,
)


class Asked(NamedTuple):
    """An id that a row is to have in a system; `place`: the row's among those of the call."""

    row: RowId
    system: str
    id: str
    place: int


def fault_of(kind: str, one: Asked) -> Failure | None:
    """What is wrong with it by itself."""
    path = ["externalIds", one.system]
    if SYSTEM.fullmatch(one.system) is None:
        return Invalid(
            "A system is named by small letters, digits and _, 32 at most: such as benji.", path=path
        )
    if not 1 <= len(one.id) <= MAX_EXTERNAL or not one.id.isprintable():
        return Invalid(f"An id in {one.system} has 1 to {MAX_EXTERNAL} printable characters.", path=path)
    if one.id != one.id.strip():
        return Invalid(
            f"An id in {one.system} neither begins nor ends with a blank: {one.id!r:.60}.", path=path
        )
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


def together(faults: Sequence[Failure]) -> Failure:
    """One is told as it is, more as Several."""
    return faults[0] if len(faults) == 1 else Several(list(faults[:MAX_TOLD]))


async def conflicts(
    tx: Transaction, kind: str, ids: Mapping[RowId, Ids], asked: Sequence[Asked]
) -> tuple[list[tuple[Asked, Failure]], set[tuple[str, RowId]]]:
    """What would make two rows look alike in a system, and the deleted rows that ids are taken from."""
    faults: list[tuple[Asked, Failure]] = []
    given = {(system, row): text for row, by_system in ids.items() for system, text in by_system.items()}
    first: dict[tuple[str, str], Asked] = {}
    for one in asked:
        other = first.setdefault((one.system, one.id), one)
        if other.row != one.row:
            faults.append((one, exists_already(one, kind, other.row)))
    # Rows that will have no id in a system, and so show their number there: and who is to blame for it.
    bare: dict[tuple[str, RowId], Asked] = {
        (system, row): Asked(row, system, shown_without(system, kind, row), place)
        for place, (row, by_system) in enumerate(ids.items())
        for system, text in by_system.items()
        if text is None and system in FACADES
    }
    gone: set[tuple[str, RowId]] = set()
    for place, owner in (await owners(tx, kind, list(first))).items():
        one = first[place]
        if owner.row == one.row or (one.system, owner.row) in given:
            continue
        if owner.is_alive:
            faults.append((one, exists_already(one, kind, owner.row)))
            continue
        gone.add((one.system, owner.row))
        if owner.is_there and one.system in FACADES:
            bare[one.system, owner.row] = one
    shown: set[tuple[str, RowId]] = set(bare)
    numbers: dict[str, set[RowId]] = {}
    for one in first.values():
        if (number := row_shown_as(one.system, kind, one.id)) is not None:
            numbers.setdefault(one.system, set()).add(number)
    for system, asked_numbers in numbers.items():
        shown |= {
            (system, number)
            for number in await shown_by_number(tx, kind, system, asked_numbers)
            if given.get((system, number)) is None
        }
    for one in first.values():
        number = row_shown_as(one.system, kind, one.id)
        if number is not None and number != one.row and (one.system, number) in shown:
            faults.append((one, _number_taken(one, kind, number)))
    own = {(system, shown_without(system, kind, row)): (system, row) for system, row in bare}
    for place, owner in (await owners(tx, kind, list(own))).items():
        system, row = own[place]
        # Whoever has it keeps it, unless this call gives him another one or none.
        if (
            owner.is_there
            and owner.row != row
            and (system, owner.row) not in {**given, **dict.fromkeys(gone)}
        ):
            faults.append((bare[system, row], _shown_again(system, kind, row, owner.row)))
    return faults, gone


def row_shown_as(system: str, kind: str, text: str) -> RowId | None:
    """Which of our rows the system's facade shows like this where it has no id in it; events have UUIDs."""
    if kind != "event":
        return read_own(system, kind, text)
    if system not in (CRM, WEBMARKETER):
        return None
    return read_uuid(kind, text if system == CRM else f"{kind}_{text}")


def shown_without(system: str, kind: str, row: RowId) -> str:
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


def exists_already(one: Asked, kind: str, owner: RowId) -> Conflict:
    return Conflict(
        f"{show_id(kind, owner)} has the id {one.id} in {one.system} already.",
        path=["externalIds", one.system],
        code=EXISTS,
    )


def _number_taken(one: Asked, kind: str, number: RowId) -> Conflict:
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


async def owners(
    tx: Transaction, kind: str, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], _Owner]:
    """Who has these ids, and whether that row is still there, and not deleted."""
    table, column = TABLES[kind], column_of(kind)
    alive = "t.deleted_at IS NULL" if "deleted_at" in metadata.tables[table].columns else "true"
    rows = await tx.fetch(
        f"SELECT x.system, x.id, x.{column} AS row, t.id IS NOT NULL AS there, t.id IS NOT NULL AND {alive} AS alive"
        "  FROM unnest($3::text[], $4::text[]) AS asked(system, id)"
        "  JOIN external_id x ON x.group_id = $1 AND x.system = asked.system AND x.id = asked.id AND x.kind = $2"
        f" LEFT JOIN {table} t ON t.group_id = $1 AND t.id = x.{column}",
        tx.scope.group_id, kind, [system for system, _ in asked], [text for _, text in asked],
    )  # fmt: skip
    return {(row["system"], row["id"]): _Owner(row["row"], row["there"], row["alive"]) for row in rows}
