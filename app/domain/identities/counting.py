"""Rows of which a customer has one for each thing: uses of a promo, balances, places on a list.

Where two customers become one, theirs add up; where they are two again, each has what it had, and who goes on keeps
what came meanwhile. So sums stay exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from app.db.database import Transaction
from app.errors import Conflict
from app.values.json_text import read_json, write_json


@dataclass(frozen=True, slots=True)
class Counter:
    """A table of which a customer has one row for each `keys`; `sums` add up."""

    table: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    flags: tuple[str, ...] = ()
    """What holds of both where it holds of one."""


COUNTERS = (
    Counter("promo_usage", ("promo_id",), ("used",)),
    Counter("segment_member", ("segment_id",), ()),
    Counter("reward_participant", ("campaign_id",), ("rewarded", "rewarded_before")),
    Counter("reward_balance", ("partner_id", "currency"), ("balance", "pending"), ("may_owe",)),
)
"""In the order in which all writers lock them."""
_READ = """
SELECT to_jsonb(t) AS row FROM {table} t WHERE group_id = $1 AND customer_id = $2 ORDER BY {keys}, id FOR UPDATE
"""
_MOVE = "UPDATE {table} SET customer_id = $3 WHERE group_id = $1 AND id = $2"
_DROP = "DELETE FROM {table} WHERE group_id = $1 AND id = $2"
_SET = "UPDATE {table} t SET {sums} WHERE t.group_id = $1 AND t.id = $2"
_PUT = "INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"
_MAKE = """
INSERT INTO {table} (group_id, created_at, customer_id, {keys}, {sums})
SELECT r.group_id, now(), $2, {of_keys}, {of_sums} FROM jsonb_populate_record(NULL::{table}, $1::jsonb) r
"""
_PARTICIPANTS = """
UPDATE campaign c SET reward_participants = c.reward_participants + given.more
  FROM unnest($2::bigint[], $3::bigint[]) AS given (id, more) WHERE c.group_id = $1 AND c.id = given.id
"""
Row = dict[str, Any]


async def add_up(tx: Transaction, gone: int, into: int) -> dict[str, list[Row]]:
    """Add the rows of one to those of the other, which are held; the rows that were the first one's, by table."""
    found: dict[str, list[Row]] = {}
    for counter in COUNTERS:
        theirs, mine = [await _rows(tx, counter, one) for one in (gone, into)]
        by_key = {_key(counter, row): row for row in mine}
        for row in theirs:
            found.setdefault(counter.table, []).append(row)
            same = by_key.get(_key(counter, row))
            if same is None:
                await tx.execute(_MOVE.format(table=counter.table), tx.scope.group_id, row["id"], into)
                continue
            await tx.execute(_DROP.format(table=counter.table), tx.scope.group_id, row["id"])
            flags = {name: same[name] or row[name] for name in counter.flags}
            await _set(tx, counter, same, {name: same[name] + row[name] for name in counter.sums} | flags)
            if row.get("rewarded") and same.get("rewarded"):
                await _count_participants(tx, row["campaign_id"], -1)
    return found


async def take_apart(tx: Transaction, before: Mapping[str, Sequence[Row]], gone: int, into: int) -> None:
    """Give the first one back the rows it had; Conflict where some of it has been spent since."""
    for counter in COUNTERS:
        rows = before.get(counter.table, ())
        if not rows:
            continue
        mine = await _rows(tx, counter, into)
        by_key = {_key(counter, row): row for row in mine}
        for row in rows:
            same = by_key.get(_key(counter, row))
            left = {name: (same[name] if same else 0) - row[name] for name in counter.sums}
            if any(value < 0 for value in left.values()):
                raise Conflict(
                    "What came with it has been used since, so that it cannot be given back whole.",
                    path=["mergeId"],
                    code="USED_SINCE",
                )
            if row.get("rewarded") and left.get("rewarded"):
                await _count_participants(tx, row["campaign_id"], 1)
            text = write_json(row).decode()
            if same is not None and same["id"] == row["id"]:
                await tx.execute(_MOVE.format(table=counter.table), tx.scope.group_id, row["id"], gone)
                await _set(tx, counter, row, {name: row[name] for name in counter.sums})
                if any(left.values()):
                    await tx.execute(_make(counter), write_json({**row, **left}).decode(), into)
                continue
            if same is not None:
                await _set(tx, counter, same, left)
            await tx.execute(_PUT.format(table=counter.table), text)


async def move_sums(
    tx: Transaction, counter: Counter, rows: Sequence[Row], gone: int, into: int, *, path: Sequence[str | int]
) -> None:
    """Move what these rows say from one customer to another, who may have no such row yet."""
    theirs, others = [
        {_key(counter, row): row for row in await _rows(tx, counter, one)} for one in (gone, into)
    ]
    for row in rows:
        key = _key(counter, row)
        same = theirs.get(key)
        if same is None or any(same[name] < row[name] for name in counter.sums):
            raise Conflict(
                "What came with it has been used already, so that it cannot be given away whole.",
                path=list(path),
                code="USED_SINCE",
            )
        await _set(tx, counter, same, {name: same[name] - row[name] for name in counter.sums})
        if counter.table == "reward_participant" and row["rewarded"]:
            had = bool(others.get(key, {}).get("rewarded"))
            await _count_participants(tx, row["campaign_id"], int(same["rewarded"] > row["rewarded"]) - had)
        if key in others:
            other = others[key]
            await _set(tx, counter, other, {name: other[name] + row[name] for name in counter.sums})
        else:
            await tx.execute(
                _make(counter), write_json({"group_id": tx.scope.group_id, **row}).decode(), into
            )


async def _count_participants(tx: Transaction, campaign: int, more: int) -> None:
    if more:
        await tx.execute(_PARTICIPANTS, tx.scope.group_id, [campaign], [more])


async def _rows(tx: Transaction, counter: Counter, customer: int) -> list[Row]:
    statement = _READ.format(table=counter.table, keys=", ".join(counter.keys))
    rows = await tx.fetch(statement, tx.scope.group_id, customer)
    return [cast(Row, read_json(row["row"].encode())) for row in rows]


async def _set(tx: Transaction, counter: Counter, row: Row, sums: Mapping[str, int]) -> None:
    if sums:
        changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(sums, start=3))
        statement = _SET.format(table=counter.table, sums=changes)
        await tx.execute(statement, tx.scope.group_id, row["id"], *sums.values())


def _make(counter: Counter) -> str:
    return _MAKE.format(
        table=counter.table,
        keys=", ".join(counter.keys),
        sums=", ".join(counter.sums),
        of_keys=", ".join(f"r.{name}" for name in counter.keys),
        of_sums=", ".join(f"r.{name}" for name in counter.sums),
    )


def _key(counter: Counter, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in counter.keys)


__all__ = ["COUNTERS", "Counter", "add_up", "move_sums", "take_apart"]
