"""Stores: a row makes one, or changes the one that has its id or its beacon key; and stores as other rows name them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.external_ids.room import make_room
from app.domain.groups.fields import StoreFields
from app.domain.groups.operations import create_store, update_store
from app.errors import NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.knowing import before_made, give_ids, known_row, named_rows
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, instant, text
from app.values.changes import UNSET
from app.values.ids import read_id
from app.values.systems import CRM

# A store by the graph's id, by the id it was imported with, or by its beacon key.
_STORES = """
SELECT id, known_as_system, known_as_id, beacon_key FROM store WHERE group_id = $1 AND deleted_at IS NULL
   AND (id = ANY ($2) OR known_as_id && $3::text[] OR beacon_key = ANY ($3))
"""
_BY_BEACON = "SELECT id FROM store WHERE group_id = $1 AND beacon_key = $2"
_STATE = "SELECT md5((to_jsonb(s) - 'updated_at')::text) FROM store s WHERE group_id = $1 AND id = $2"
_ALIVE = "SELECT EXISTS (SELECT FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL)"


class StoreWriter:
    """Makes or changes stores, known by their ids or their beacon key."""

    columns = Columns(
        known=("external_id", "name", "beacon_key", "time_zone", "country", "created_at"),
        also={"id": "external_id", "external_beacon_key": "beacon_key"},
        moments=frozenset({"created_at"}),
        unkept=frozenset({"created_at", "updated_at"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be. Many rows name the same few stores: each is written once a batch."""
        done: dict[object, Outcome] = {}
        outcomes: list[Outcome] = []
        for record in records:
            key = (
                *sorted(record.external_ids.items()),
                *sorted((k, str(v)) for k, v in record.values.items()),
            )
            if key not in done:
                (done[key],) = await one_by_one(tx, [record], _write, now=now)
                outcomes.append(done[key])
            else:
                first = done[key]
                outcomes.append(first if first.verdict is Verdict.REFUSED else Outcome(Verdict.SAME))
        return outcomes


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    values: dict[str, Any] = {
        name: row.take(name, text) for name in ("name", "beacon_key", "time_zone", "country")
    }
    row.take("created_at", instant)
    name_if_new = row.take("name_if_new", text)
    row.nothing_left(StoreWriter.columns.known)
    named = None
    if not ids and values["beacon_key"] is None:
        await known_row(tx, "store", ids)  # says that it needs an id
    if ids:
        named = await known_row(tx, "store", ids)
    if named is None and values["beacon_key"] is not None:
        named = await tx.fetchval(_BY_BEACON, tx.scope.group_id, values["beacon_key"])
    if named is not None and not await tx.fetchval(_ALIVE, tx.scope.group_id, named):
        named = None
    if not isinstance(named, int):
        # Where a system knows it as a number alone.
        values["name"] = values["name"] or name_if_new
    fields = StoreFields(**{name: UNSET if value is None else value for name, value in values.items()})
    if not isinstance(named, int):
        if values["name"] is None:
            # Where a system shows no more of it than its number or key.
            named_by = [*(f"{system} {ident}" for system, ident in ids.items()), values["beacon_key"]]
            fields = replace(fields, name=named_by[0])
        await before_made(tx, "store", ids)
        await give_ids(tx, "store", await create_store(tx, fields, now=now), ids)
        return Verdict.MADE
    before = await tx.fetchval(_STATE, tx.scope.group_id, named)
    await update_store(tx, named, fields, now=now)
    await give_ids(tx, "store", named, ids)
    return Verdict.SAME if before == await tx.fetchval(_STATE, tx.scope.group_id, named) else Verdict.CHANGED


async def store_named(tx: Transaction, systems: Iterable[str], name: str) -> int:
    """The store that these systems mean by a name, or that has this beacon key or id; NotFound."""
    found = (await named_rows(tx, "store", systems, [name])).get(name)
    if found is None:
        found = await tx.fetchval(_BY_BEACON, tx.scope.group_id, name)
    if not isinstance(found, int) or tx.scope.store_id not in (None, found):
        raise NotFound("store", name, path=["store"])
    return found


_GROUP = """
SELECT name, EXISTS (SELECT FROM store WHERE group_id = $1 AND deleted_at IS NULL) AS has_stores
  FROM customer_group WHERE id = $1
"""


async def some_store(tx: Transaction, *, now: datetime) -> None:
    """Make a store, called after the group, where the group has none: some systems know of no stores."""
    row = await tx.fetchrow(_GROUP, tx.scope.group_id)
    if row is not None and not row["has_stores"] and tx.scope.store_id is None:
        await make_room(tx, "store", CRM)
        await create_store(tx, StoreFields(name=row["name"]), now=now)


async def stores_of(tx: Transaction, names: Iterable[object], systems: Collection[str]) -> dict[str, int]:
    """The names that rows give their stores → ids. What these systems mean comes first; a number that only others know
    is understood where it is one store's: two systems may call two stores 7.
    """
    named = {str(name).strip() for name in names if name}
    if not named:
        return {}
    ids = [ident for name in named if (ident := read_id("store", name)) is not None]
    own = tx.scope.store_id
    surely: dict[str, int] = {}
    perhaps: dict[str, set[int]] = {}
    for row in await tx.fetch(_STORES, tx.scope.group_id, ids, list(named)):
        if own not in (None, row["id"]):
            continue
        surely |= {f"store_{row['id']}": row["id"], row["beacon_key"]: row["id"]}
        for system, ident in zip(row["known_as_system"], row["known_as_id"], strict=True):
            if system in systems:
                surely[ident] = row["id"]
            else:
                perhaps.setdefault(ident, set()).add(row["id"])
    return {name: min(rows) for name, rows in perhaps.items() if len(rows) == 1} | surely
