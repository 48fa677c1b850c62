"""Flows and goals as another system has them, in bulk, with their instants and in the order given there.

Codes and combinations are taken as they are: what we would refuse from a client may be what the other system has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.external_ids import make_room

CHILDREN = {"act": "flow_action", "cond": "flow_condition", "mult": "flow_multiplier"}
"""The tables of what flows consist of, by the kind of their ids."""
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "flow": {
        "campaign_id": "bigint", "position": "int", "trigger_code": "int", "custom_trigger_id": "bigint",
        "is_active": "boolean", "created_at": "timestamptz", "deleted_at": "timestamptz",
    },
    "flow_action": {
        "flow_id": "bigint", "position": "int", "action_code": "int", "partner_id": "bigint", "base_reward": "bigint",
        "extra_data": "text",
    },
    "flow_condition": {
        "flow_id": "bigint", "position": "int", "partner_id": "bigint", "type_code": "int", "operator_code": "int",
        "joiner_code": "int", "attribute": "bigint", "value": "text",
    },
    "flow_multiplier": {
        "flow_id": "bigint", "position": "int", "partner_id": "bigint", "type_code": "int", "attribute": "bigint",
        "amount": "numeric", "value": "text",
    },
    "goal": {
        "campaign_id": "bigint", "position": "int", "partner_id": "bigint", "type_code": "int", "value": "bigint",
        "operator_code": "int",
    },
}  # fmt: skip
_DOCUMENTS = {
    ("flow_action", "extra_data"), ("flow_condition", "value"), ("flow_multiplier", "value"),
}  # fmt: skip
_NEW_VERSION = """
UPDATE campaign SET reward_version = reward_version + 1 WHERE group_id = $1 AND id = ANY ($2)
"""
_LOCK = """
SELECT id FROM campaign WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE
"""


@dataclass(slots=True)
class BroughtRow:
    """A row of a table as it is to be; `id` None: a new one, which gets its id here."""

    values: dict[str, Any]
    id: int | None = None


@dataclass(slots=True)
class BroughtFlow(BroughtRow):
    """A flow with all that it consists of, by kind (`act`, `cond`, `mult`), in order."""

    children: Mapping[str, Sequence[BroughtRow]] = field(default_factory=dict)
    keep: frozenset[str] = frozenset()
    """Kinds of children that stay as they are."""


async def hold_campaigns(tx: Transaction, campaigns: Iterable[int]) -> None:
    """Hold the campaigns' rows until COMMIT, as everybody does who changes their flows, goals or books."""
    await tx.fetch(_LOCK, tx.scope.group_id, sorted(set(campaigns)))


async def bring_in_flows(
    tx: Transaction, flows: Sequence[BroughtFlow], *, ids: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[bool]:
    """Make these flows, or make them what is given: whether each is changed by it. Held before (`hold_campaigns`).

    What a known flow consists of and is not named any more is deleted. `ids`: the numbers that the new rows will have
    elsewhere, by kind and system, to which our own give way.
    """
    await _make_room(tx, ids)
    changed = await _write(tx, "flow", flows)
    for flow in flows:
        for rows in flow.children.values():
            for place, row in enumerate(rows):
                row.values |= {"flow_id": flow.id, "position": place}
    for kind, table in CHILDREN.items():
        owners = [at for at, flow in enumerate(flows) for _ in flow.children.get(kind, ())]
        rows = [row for flow in flows for row in flow.children.get(kind, ())]
        whole = [flow.id for flow in flows if flow.id is not None and kind not in flow.keep]
        gone = await _leave_only(tx, table, "flow_id", whole, rows)
        for at, is_changed in zip(owners, await _write(tx, table, rows), strict=True):
            changed[at] = changed[at] or is_changed
        for at, flow in enumerate(flows):
            changed[at] = changed[at] or flow.id in gone
    await _count_up(tx, {flow.values["campaign_id"] for flow, c in zip(flows, changed, strict=True) if c})
    return changed


async def bring_in_goals(
    tx: Transaction,
    goals: Sequence[BroughtRow],
    *,
    whole: Iterable[int] = (),
    ids: Mapping[str, Mapping[str, Sequence[str]]],
) -> tuple[list[bool], set[int]]:
    """The same for goals, and which campaigns have lost some.

    `whole`: campaigns all of whose goals these are.
    """
    await _make_room(tx, ids)
    gone = await _leave_only(tx, "goal", "campaign_id", list(whole), goals)
    changed = await _write(tx, "goal", goals)
    touched = {goal.values["campaign_id"] for goal, c in zip(goals, changed, strict=True) if c}
    await _count_up(tx, touched | gone)
    return changed, gone


async def _make_room(tx: Transaction, ids: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    for kind, by_system in ids.items():
        for system, texts in by_system.items():
            await make_room(tx, kind, system, texts)


async def _count_up(tx: Transaction, campaigns: set[int]) -> None:
    if campaigns:
        await tx.execute(_NEW_VERSION, tx.scope.group_id, sorted(campaigns))


async def _leave_only(
    tx: Transaction, table: str, key: str, parents: Sequence[int], rows: Sequence[BroughtRow]
) -> set[int]:
    """Delete the children of these parents that are not among the rows; which parents had some."""
    kept = [row.id for row in rows if row.id is not None]
    deleted = await tx.fetch(
        f"DELETE FROM {table} WHERE group_id = $1 AND {key} = ANY ($2) AND NOT id = ANY ($3) RETURNING {key} AS parent",
        tx.scope.group_id,
        parents,
        kept,
    )
    return {row["parent"] for row in deleted}


async def _write(tx: Transaction, table: str, rows: Sequence[BroughtRow]) -> list[bool]:
    """Insert those without an id, update the others where they differ; whether each is changed by it."""
    changed = [row.id is None for row in rows]
    new = [row for row in rows if row.id is None]
    if new:
        numbers = await tx.fetch(
            f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) AS id FROM generate_series(1, $1)",
            len(new),
        )
        for row, number in zip(new, numbers, strict=True):
            row.id = number["id"]
        with refusals():
            await tx.fetch(_insert(table), tx.scope.group_id, *_columns(table, new))
    known = [row for row, is_new in zip(rows, changed, strict=True) if not is_new]
    if known:
        with refusals():
            done = await tx.fetch(_update(table), tx.scope.group_id, *_columns(table, known))
        different = {row["id"] for row in done}
        changed = [is_new or row.id in different for row, is_new in zip(rows, changed, strict=True)]
    return changed


def _columns(table: str, rows: Sequence[BroughtRow]) -> list[list[Any]]:
    names = _COLUMNS[table]
    return [[row.id for row in rows], *([row.values.get(name) for row in rows] for name in names)]


def _given(table: str) -> str:
    names = _COLUMNS[table]
    places = ", ".join(f"${n}::{cast}[]" for n, cast in enumerate(["bigint", *names.values()], start=2))
    return f"unnest({places}) AS given(id, {', '.join(names)})"


def _insert(table: str) -> str:
    names = _COLUMNS[table]
    values = ", ".join(f"given.{name}{_cast(table, name)}" for name in names)
    return (
        f"INSERT INTO {table} (group_id, id, {', '.join(names)})"
        f" SELECT $1, given.id, {values} FROM {_given(table)} RETURNING id"
    )


def _update(table: str) -> str:
    names = _COLUMNS[table]
    changes = ", ".join(f"{name} = given.{name}{_cast(table, name)}" for name in names)
    # Documents have no equality; their texts have.
    before = ", ".join(f"t.{name}{'::text' if (table, name) in _DOCUMENTS else ''}" for name in names)
    after = ", ".join(f"given.{name}" for name in names)
    return (
        f"UPDATE {table} t SET {changes} FROM {_given(table)}"
        f" WHERE t.group_id = $1 AND t.id = given.id AND ({before}) IS DISTINCT FROM ({after}) RETURNING t.id"
    )


def _cast(table: str, name: str) -> str:
    return "::json" if (table, name) in _DOCUMENTS else ""


__all__ = ["CHILDREN", "BroughtFlow", "BroughtRow", "bring_in_flows", "bring_in_goals", "hold_campaigns"]
