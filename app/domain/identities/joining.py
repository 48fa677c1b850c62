"""Two customers are one: by hand, all of one goes over to the other; and that can be undone to the row.

Locks are taken as all writers do, before anything is moved: see `holding.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.contacts.saying import settle
from app.domain.customers.operations import whole_audience
from app.domain.identities.blending import BLENDED, blended
from app.domain.identities.counting import add_up, take_apart
from app.domain.identities.holding import giving_way, hold_all
from app.domain.identities.moving import (
    FOLLOWERS,
    MOVED,
    TOUCHES,
    log_merges,
    make_paths_again,
    move_rows,
    retire,
)
from app.domain.segments.changes import note_audience_change
from app.errors import Conflict, Invalid, NotFound
from app.tables.people import DoubtReason, MergeReason
from app.values.json_text import read_json

BY_HAND = ("customer_order", "promo_redemption", "reward_entry", "reward_lot")
"""What goes over by hand alone; rows that count per customer add up (`counting.py`)."""
_LOCK = f"""
SELECT customer.id, customer.deleted_at, customer.merged_into_id, customer.erased_at, customer.known_as_system,
       customer.known_as_id,
       {", ".join(f"customer.{name}" if name != "attributes" else "customer.attributes::text" for name in BLENDED)}
  FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = ANY ($4) ORDER BY customer.id FOR UPDATE
"""
_MOVE = {
    table: f"UPDATE {table} SET customer_id = $3 WHERE group_id = $1 AND customer_id = $2 RETURNING id"
    for table in BY_HAND
}
_BACK = (
    "UPDATE {table} SET customer_id = $4 WHERE group_id = $1 AND customer_id = $3 AND id = ANY ($2::{cast}[])"
)
_PIN = """
UPDATE customer_identity SET is_pinned = true
 WHERE group_id = $1 AND customer_id = ANY ($2) AND NOT is_pinned RETURNING id
"""
_UNPIN = "UPDATE customer_identity SET is_pinned = false WHERE group_id = $1 AND id = ANY ($2)"
_STRONG = """
SELECT kind FROM customer_identity
 WHERE group_id = $1 AND customer_id = ANY ($2) AND kind NOT IN ('tracker', 'phone') AND is_vouched
 GROUP BY project_id, kind HAVING count(DISTINCT value) > 1 AND count(DISTINCT customer_id) > 1 LIMIT 1
"""
_DOUBT = """
INSERT INTO customer_doubt (group_id, created_at, customer_id, other_id, reason, kind) VALUES ($1, $2, $3, $4, $5, $6)
"""
_NO_DOUBT = """
DELETE FROM customer_doubt WHERE group_id = $1 AND customer_id = $2 AND other_id = $3 AND reason = $4
"""
# What its orders are in the totals.
_WORTH = """
SELECT count(*) FILTER (WHERE o.cancelled_at IS NULL) AS orders,
       coalesce(sum(o.worth) FILTER (WHERE o.cancelled_at IS NULL AND o.currency = g.currency), 0) AS spent
  FROM customer_order o JOIN customer_group g ON g.id = o.group_id
 WHERE o.group_id = $1 AND o.id = ANY ($2)
"""
_FOLLOW_BACK = """
UPDATE customer SET merged_into_id = $3 WHERE group_id = $1 AND id = ANY ($2) AND merged_into_id = $4
"""
_IDS = """
UPDATE external_id SET row_id = $3
 WHERE group_id = $1 AND kind = 'cust' AND row_id = $2 AND system <> ALL ($4::text[]) RETURNING system, id
"""
_IDS_BACK = """
UPDATE external_id SET row_id = $3 WHERE group_id = $1 AND kind = 'cust' AND row_id = $2 AND system = ANY ($4::text[])
"""
_KNOWN_AS = "UPDATE customer SET known_as_system = $3, known_as_id = $4 WHERE group_id = $1 AND id = $2"
_LOG = """
SELECT id, from_id, into_id, reason, undone_at, moved::text AS moved FROM customer_merge
 WHERE group_id = $1 AND id = $2
"""
_UNDONE = "UPDATE customer_merge SET undone_at = $3, undone_by = $4 WHERE group_id = $1 AND id = $2"
_RESTORE = """
UPDATE customer SET deleted_at = NULL, merged_into_id = NULL, updated_at = $3 WHERE group_id = $1 AND id = $2
"""
_LAST_ORDER = """
UPDATE customer c
   SET last_order_at = greatest(c.told_last_order_at,
                                (SELECT max(o.ordered_at) FROM customer_order o
                                  WHERE o.group_id = $1 AND o.customer_id = c.id AND o.cancelled_at IS NULL))
 WHERE c.group_id = $1 AND c.id = ANY ($2)
"""


async def merge_customers(tx: Transaction, *, gone: int, into: int, actor: str, now: datetime) -> int:
    """All of one customer goes over to another one, by hand; the id of the note about it."""
    whole_audience(tx)
    if gone == into:
        raise Invalid("These are the same customer already.", path=["fromId"])
    return await giving_way(tx, lambda: _merge(tx, gone=gone, into=into, actor=actor, now=now))


async def _merge(tx: Transaction, *, gone: int, into: int, actor: str, now: datetime) -> int:
    await hold_all(tx, [gone, into])
    rows = await _locked(tx, {gone: ["fromId"], into: ["intoId"]})
    theirs, mine = rows[gone], rows[into]
    kind = await _two_strong_keys(tx, mine, theirs)
    pinned = [row["id"] for row in await tx.fetch(_PIN, tx.scope.group_id, [gone, into])]
    found: dict[str, Any] = dict((await move_rows(tx, [gone], [into], now=now))[gone])
    for table, statement in _MOVE.items():
        ids = [row["id"] for row in await tx.fetch(statement, tx.scope.group_id, gone, into)]
        if ids:
            found[table] = ids
    orders = found.get("customer_order", [])
    worth = await tx.fetchrow(_WORTH, tx.scope.group_id, orders)
    changes, given = blended(mine, theirs)
    ids = await tx.fetch(_IDS, tx.scope.group_id, gone, into, list(mine["known_as_system"]))
    await _know(tx, mine, theirs, {row["system"] for row in ids})
    with refusals():
        await _put(tx, gone, given, now=now)
        await _put(tx, into, changes, now=now)
    counted = await add_up(tx, gone, into)
    followers = (await retire(tx, [gone], [into], now=now)).get(gone, [])
    note = {
        **found,
        "pinned": pinned,
        FOLLOWERS: followers,
        "systems": [row["system"] for row in ids],
        "counted": counted,
        "into": {name: [_told(mine[name]), _told(value)] for name, value in changes.items()},
        "from": {name: _told(theirs[name]) for name in given},
        "totals": [theirs["order_count"], str(theirs["total_spent"])],
        "worth": [worth["orders"], str(worth["spent"])] if worth else [0, "0"],
        "last_order_at": [_told(theirs["last_order_at"]), _told(mine["last_order_at"])],
    }
    [noted] = await log_merges(tx, [(gone, into)], [note], reason=MergeReason.HAND, actor=actor, now=now)
    if kind is not None:
        await tx.execute(_DOUBT, tx.scope.group_id, now, into, gone, DoubtReason.TWO_STRONG_KEYS, kind)
    await settle(tx, (into,), now=now)
    await note_audience_change(tx)
    await note_sales(tx, (gone, into))
    return noted


async def undo_merge(tx: Transaction, merge_id: int, *, actor: str, now: datetime) -> tuple[int, int]:
    """Take apart again what was joined, by hand or by a key: the customer that comes back, and who goes on.

    Each gets back what it had; what came since stays with who goes on.
    """
    whole_audience(tx)
    return await giving_way(tx, lambda: _undo(tx, merge_id, actor=actor, now=now))


async def _undo(tx: Transaction, merge_id: int, *, actor: str, now: datetime) -> tuple[int, int]:
    path: list[str | int] = ["mergeId"]
    note = await tx.fetchrow(_LOG, tx.scope.group_id, merge_id)
    if note is None:
        raise NotFound("merge", merge_id, path=path)
    gone, into = note["from_id"], note["into_id"]
    await hold_all(tx, [gone, into])
    note = await tx.fetchrow(_LOG, tx.scope.group_id, merge_id)  # As it is now: an erasure empties it.
    assert note is not None
    rows = await _locked(tx, {gone: path, into: path}, gone={gone})
    if rows[gone]["erased_at"] is not None or rows[into]["erased_at"] is not None:
        raise Conflict("They were erased; nobody knows who had what.", path=path, code="ERASED")
    if note["undone_at"] is not None:
        raise Conflict("This has been undone already.", path=path, code="UNDONE_ALREADY")
    if rows[gone]["merged_into_id"] != into or rows[into]["deleted_at"] is not None:
        raise Conflict(
            "Who it was joined with was joined with somebody else since; undo that first.",
            path=path,
            code="MERGED_SINCE",
        )
    moved = cast(dict[str, Any], read_json(note["moved"].encode()))
    await _give_back(tx, moved, gone, into, now=now)
    await tx.execute(_FOLLOW_BACK, tx.scope.group_id, moved.get(FOLLOWERS, []), gone, into)
    if note["reason"] == MergeReason.HAND:
        await take_apart(tx, moved["counted"], gone, into)
        await _restore_columns(tx, moved, rows, gone, into, now=now)
        await tx.execute(_UNPIN, tx.scope.group_id, moved["pinned"])
        await tx.execute(_NO_DOUBT, tx.scope.group_id, into, gone, DoubtReason.TWO_STRONG_KEYS)
    else:
        # Else what is said next would join them again.
        await tx.execute(_PIN, tx.scope.group_id, [gone, into])
    await tx.execute(_RESTORE, tx.scope.group_id, gone, now)
    await tx.execute(_UNDONE, tx.scope.group_id, merge_id, now, actor)
    await settle(tx, (gone, into), now=now)
    await note_audience_change(tx)
    await note_sales(tx, (gone, into))
    return gone, into


async def _locked(
    tx: Transaction, asked: Mapping[int, Sequence[str | int]], *, gone: set[int] | None = None
) -> dict[int, Any]:
    """The rows, within the scope's borders. Only those in `gone` may be deleted."""
    rows = {row["id"]: row for row in await tx.fetch(_LOCK, *borders(tx.scope), sorted(asked))}
    for ident, path in asked.items():
        row = rows.get(ident)
        if row is None or (row["deleted_at"] is not None and gone is None):
            raise NotFound("customer", ident, path=list(path))
    return rows


async def _two_strong_keys(tx: Transaction, mine: Any, theirs: Any) -> str | None:
    for name in ("email_key", "external_id"):
        if None not in (mine[name], theirs[name]) and mine[name] != theirs[name]:
            return name.removesuffix("_key")
    kind: str | None = await tx.fetchval(_STRONG, tx.scope.group_id, [mine["id"], theirs["id"]])
    return kind


async def _know(tx: Transaction, mine: Any, theirs: Any, systems: set[str]) -> None:
    """Ids in other systems, beside their table."""
    if not systems:
        return
    ids = dict(zip(theirs["known_as_system"], theirs["known_as_id"], strict=True))
    kept = {system: ident for system, ident in ids.items() if system not in systems}
    all_mine = dict(zip(mine["known_as_system"], mine["known_as_id"], strict=True))
    all_mine |= {system: ids[system] for system in ids if system in systems}
    for row, known in ((theirs, kept), (mine, all_mine)):
        await tx.execute(_KNOWN_AS, tx.scope.group_id, row["id"], list(known), list(known.values()))


async def _put(tx: Transaction, customer: int, values: Mapping[str, Any], *, now: datetime) -> None:
    columns = {**values, "updated_at": now}
    changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, start=3))
    await tx.execute(
        f"UPDATE customer SET {changes} WHERE group_id = $1 AND id = $2",
        tx.scope.group_id, customer, *columns.values(),
    )  # fmt: skip


async def _give_back(
    tx: Transaction, moved: Mapping[str, Any], gone: int, into: int, *, now: datetime
) -> None:
    for table in (*MOVED, TOUCHES, *BY_HAND):
        if moved.get(table):
            cast = "uuid" if table == "event" else "bigint"
            await tx.execute(
                _BACK.format(table=table, cast=cast), tx.scope.group_id, moved[table], into, gone
            )
    if moved.get(TOUCHES):
        await make_paths_again(tx, [gone, into], now=now)


async def _restore_columns(
    tx: Transaction, moved: Mapping[str, Any], rows: Mapping[int, Any], gone: int, into: int, *, now: datetime
) -> None:
    """Columns as they were, unless somebody has changed them since; totals by what became of the orders."""
    systems = moved["systems"]
    if systems:
        await tx.execute(_IDS_BACK, tx.scope.group_id, into, gone, systems)
        await _know(tx, rows[gone], rows[into], set(systems))
    mine = rows[into]
    is_number_same = mine["phone_key"] == rows[gone]["phone_key"]
    back = {
        name: _read(name, before)
        for name, (before, after) in moved["into"].items()
        if name not in ("order_count", "total_spent")
        and _told(mine[name]) == after
        and (name != "is_phone_told" or is_number_same)
    }
    worth = await tx.fetchrow(_WORTH, tx.scope.group_id, moved.get("customer_order", []))
    assert worth is not None
    orders = moved["totals"][0] + worth["orders"] - moved["worth"][0]
    spent = Decimal(moved["totals"][1]) + worth["spent"] - Decimal(moved["worth"][1])
    back["order_count"] = max(mine["order_count"] - orders, 0)
    back["total_spent"] = max(mine["total_spent"] - spent, Decimal(0))
    with refusals():
        await _put(tx, into, back, now=now)
        # What it gave away it gets back, unless it has become somebody else's.
        given = {name: _read(name, before) for name, before in moved["from"].items() if name in back}
        await _put(
            tx, gone, {**given, "order_count": max(orders, 0), "total_spent": max(spent, Decimal(0))}, now=now
        )
    if "last_order_at" not in back and [orders, str(spent)] != moved["totals"]:
        await tx.execute(_LAST_ORDER, tx.scope.group_id, [gone, into])


def _told(value: Any) -> Any:
    """A column's value, as a note keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value


def _read(name: str, value: Any) -> Any:
    if value is not None and (name.endswith("_at") or name == "totals_as_of"):
        return datetime.fromisoformat(value)
    return value


__all__ = ["merge_customers", "undo_merge"]
