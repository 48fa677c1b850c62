"""The row that a record is about, by what each system calls it."""

from collections.abc import Iterable, Mapping, Sequence

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.external_ids.finding import rows_known_as, rows_with_ids
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import TABLES, RowId
from app.domain.external_ids.room import make_room
from app.errors import Conflict, Invalid, NotFound
from app.values.ids import read_id
from app.values.systems import read_reference


async def known_row(tx: Transaction, kind: str, ids: Mapping[str, str]) -> RowId | None:
    """The row that was given these ids; None where there is none yet. Conflict where they are several rows'.

    A row made here that only has such a number is another one.
    """
    if not ids:
        raise Invalid("`external_id` says what the system it comes from calls it.", path=["external_id"])
    found = {
        row
        for system, ident in ids.items()
        if (row := (await rows_with_ids(tx, kind, system, [ident])).get(ident))
    }
    if len(found) > 1:
        raise _several(ids)
    return next(iter(found), None)


async def before_made(tx: Transaction, kind: str, ids: Mapping[str, str]) -> None:
    """Make room for the numbers that a new row will have."""
    await before_many_made(tx, kind, [ids])


async def before_many_made(tx: Transaction, kind: str, many: Iterable[Mapping[str, str]]) -> None:
    """The same for many rows at once."""
    for system, idents in _by_system(many).items():
        await make_room(tx, kind, system, idents)


async def give_ids(tx: Transaction, kind: str, row: RowId, ids: Mapping[str, str]) -> None:
    """Let the row be known by them."""
    await set_ids(tx, kind, {row: dict(ids)}, paths={row: []})


async def known_rows(
    tx: Transaction, kind: str, many: Sequence[Mapping[str, str]]
) -> list[int | Conflict | None]:
    """`known_row` for many at once; a Conflict in the place of one whose ids are several rows'. Without ids: None."""
    found = await _found(tx, kind, many)
    rows: list[int | Conflict | None] = []
    for ids in many:
        own = {row for system, ident in ids.items() if isinstance(row := found[system].get(ident), int)}
        if len(own) > 1:
            rows.append(_several(ids))
        else:
            rows.append(next(iter(own), None))
    return rows


async def give_many(tx: Transaction, kind: str, many: Sequence[tuple[int, Mapping[str, str]]]) -> None:
    """`give_ids` for many at once, where rows do not have them already. The path of a failure begins with the place."""
    found = await _found(tx, kind, [ids for _, ids in many])
    missing: dict[RowId, dict[str, str | None]] = {}
    paths: dict[RowId, Sequence[str | int]] = {}
    for place, (row, ids) in enumerate(many):
        for system, ident in ids.items():
            if found[system].get(ident) != row:
                missing.setdefault(row, {})[system] = ident
                paths[row] = [place]
    if missing:
        await set_ids(tx, kind, missing, paths=paths)


async def named_rows(
    tx: Transaction, kind: str, systems: Iterable[str], names: Sequence[str]
) -> dict[str, RowId]:
    """What the file's systems mean by these names; our own ids (`seg_7`) and `benji:500` are understood as well.

    A row that only has such a number here is not meant.
    """
    found: dict[str, RowId] = {}
    for system in systems:
        found = {**await rows_with_ids(tx, kind, system, [n for n in names if n not in found]), **found}
    for name in names:
        if (other := read_reference(name)) is not None:
            there = await rows_known_as(tx, kind, other.system, [other.id])
            found |= {name: there[other.id]} if there else {}
    return {**{name: own for name in names if (own := read_id(kind, name)) is not None}, **found}


async def named_row(
    tx: Transaction, kind: str, what: str, systems: Iterable[str], name: str, *path: str
) -> int:
    """The same for one; NotFound where there is none."""
    found = (await named_rows(tx, kind, systems, [name])).get(name)
    if not isinstance(found, int):
        raise NotFound(what, name, path=path)
    return found


async def within_reach(tx: Transaction, kind: str, rows: Iterable[int]) -> set[int]:
    """Which of these rows the scope reaches, deleted ones as well."""
    table = TABLES[kind]
    reach = CAMPAIGN_BORDERS if kind == "camp" else f"{table}.group_id = $1"
    values = borders(tx.scope) if kind == "camp" else (tx.scope.group_id,)
    found = await tx.fetch(
        f"SELECT {table}.id FROM {table} WHERE {reach} AND {table}.id = ANY (${len(values) + 1})",
        *values,
        list(rows),
    )
    own = tx.scope.store_id if kind == "store" else None
    return {row["id"] for row in found if own in (None, row["id"])}


async def _found(
    tx: Transaction, kind: str, many: Iterable[Mapping[str, str]]
) -> dict[str, dict[str, RowId]]:
    """By system: its ids → the rows that were given them."""
    asked = _by_system(many)
    return {system: await rows_with_ids(tx, kind, system, idents) for system, idents in asked.items()}


def _by_system(many: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for ids in many:
        for system, ident in ids.items():
            grouped.setdefault(system, []).append(ident)
    return grouped


def _several(ids: Mapping[str, str]) -> Conflict:
    return Conflict(
        f"{' and '.join(f'{ident} of {system}' for system, ident in ids.items())} are different rows here.",
        path=["external_id"],
        code="SEVERAL_ROWS",
    )
