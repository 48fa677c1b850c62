"""Saving the flow tree and the goals of a campaign.

What is saved is checked first, as a whole: an unknown id or partner or a code out of range refuses everything. The
campaign's row is locked, so that two saves at once happen one after the other, and every save gives the
configuration a new version, which rewards refer to.
"""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.flows.fields import (
    CUSTOM,
    MAX_CHILDREN,
    MAX_FLOWS,
    FlowFields,
    GoalFields,
    row_of,
)
from app.domain.inputs import Path
from app.domain.rows import insert_row, update_row
from app.domain.settable import written
from app.errors import Conflict, Invalid, NotFound
from app.values.changes import Unset, sent
from app.values.ids import show_id

_LOCK = f"""
SELECT campaign.id FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL FOR NO KEY UPDATE
"""
_NEW_VERSION = """
UPDATE campaign SET reward_version = reward_version + 1, updated_at = $3 WHERE group_id = $1 AND id = $2
"""
_FLOWS = """
SELECT id, position, trigger_code, custom_trigger_id, is_active, deleted_at
  FROM flow WHERE group_id = $1 AND campaign_id = $2
"""
_DELETE_FLOWS = """
UPDATE flow SET deleted_at = $3 WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL
"""
_GOALS = "SELECT id, position FROM goal WHERE group_id = $1 AND campaign_id = $2"
_DELETE_GOALS = "DELETE FROM goal WHERE group_id = $1 AND id = ANY ($2)"
_PARTNERS = """
SELECT id, archived_at IS NULL AS is_open FROM partner WHERE group_id = $1 AND id = ANY ($2) ORDER BY id
"""
# Sorted, so that two requests that hold the same cannot deadlock; held until COMMIT against archiving.
_HOLD = " FOR KEY SHARE"

Rows = list[tuple[int | None, dict[str, Any]]]
"""Children as they are to be: the id of an existing one, or None, and its columns."""

_CHILDREN = {
    "actions": ("flow_action", "act", "action"),
    "conditions": ("flow_condition", "cond", "condition"),
    "multipliers": ("flow_multiplier", "mult", "multiplier"),
}
"""The lists of a flow: table, prefix of ids, word for messages."""


async def save_flows(
    tx: Transaction,
    campaign_id: int,
    flows: Sequence[FlowFields],
    *,
    remove: Sequence[int] = (),
    now: datetime,
) -> list[int]:
    """Save these flows with their children, and delete those of `remove`; the ids of the former in the order given.
    Other flows stay.

    An `id` of None is a new flow; one that is not the campaign's is NotFound. A list that is given in a
    flow is the whole list: children that are not in it are deleted.
    """
    if len(flows) > MAX_FLOWS:
        raise Invalid(f"At most {MAX_FLOWS} flows at a time.", path=["flows"])
    await lock_campaign(tx, campaign_id)
    known = {row["id"]: row for row in await tx.fetch(_FLOWS, tx.scope.group_id, campaign_id)}
    judged = [_judged(flow, known, ["flows", at], now=now) for at, flow in enumerate(flows)]
    _refuse_twice((flow.id for flow in flows), "flow", "flow", ["flows"])
    _refuse_removing(remove, known, {flow.id for flow in flows}, "flow", "flow")
    await check_partners(tx, flows, ["flows"])
    position = max((row["position"] for row in known.values()), default=-1)
    saved: list[int] = []
    with refusals():
        for at, (flow, (values, children)) in enumerate(zip(flows, judged, strict=True)):
            if flow.id is None:
                position += 1
                more = {"campaign_id": campaign_id, "position": position, "created_at": now}
                ident = await insert_row(tx, "flow", {**values, **more})
            else:
                ident = flow.id
                await update_row(tx, "flow", ident, values)
            for name, rows in children.items():
                table, prefix, word = _CHILDREN[name]
                await _save_children(
                    tx, table, "flow_id", ident, rows, prefix, word, ["flows", at, name], now=now
                )
            saved.append(ident)
        await tx.execute(_DELETE_FLOWS, tx.scope.group_id, list(remove), now)
    await new_version(tx, campaign_id, now=now)
    return saved


async def save_goals(
    tx: Transaction,
    campaign_id: int,
    goals: Sequence[GoalFields],
    *,
    remove: Sequence[int] = (),
    now: datetime,
) -> None:
    """Save these goals, new ones after those that are there, and remove those of `remove`. Others stay."""
    await lock_campaign(tx, campaign_id)
    there = {row["id"]: row for row in await tx.fetch(_GOALS, tx.scope.group_id, campaign_id)}
    rows: Rows = [(goal.id, row_of(goal, ["goals", at])) for at, goal in enumerate(goals)]
    named = [ident for ident, _ in rows if ident is not None]
    _refuse_twice(named, "goal", "goal", ["goals"])
    for at, (ident, _) in enumerate(rows):
        if ident is not None and ident not in there:
            raise NotFound("goal", show_id("goal", ident), path=["goals", at, "id"])
    _refuse_removing(remove, there, set(named), "goal", "goal")
    if len(there) - len(remove) + len(rows) - len(named) > MAX_CHILDREN:
        raise Invalid(f"A campaign has {MAX_CHILDREN} goals at most.", path=["goals"])
    await check_goal_partners(tx, goals, ["goals"])
    position = max((row["position"] for row in there.values()), default=-1)
    with refusals():
        await tx.execute(_DELETE_GOALS, tx.scope.group_id, list(remove))
        for ident, values in rows:
            if ident is not None:
                await update_row(tx, "goal", ident, values)
                continue
            position += 1
            more = {"campaign_id": campaign_id, "position": position, "created_at": now}
            await insert_row(tx, "goal", {**values, **more})
    await new_version(tx, campaign_id, now=now)


async def check_partners(
    tx: Transaction, flows: Sequence[FlowFields], path: Path, *, holds: bool = True
) -> None:
    """NotFound where a child of these flows names an unknown partner, Conflict where it is archived.

    `path` leads to the list. `holds` the partners until COMMIT against archiving.
    """
    await _find_partners(
        tx,
        [
            (child.partner_id, [*path, at, name, n, "partnerId"])
            for at, flow in enumerate(flows)
            for name in _CHILDREN
            for n, child in enumerate(sent(getattr(flow, name)) or ())
        ],
        holds=holds,
    )


async def check_goal_partners(
    tx: Transaction, goals: Sequence[GoalFields], path: Path, *, holds: bool = True
) -> None:
    """The same for goals."""
    named = [(goal.partner_id, [*path, at, "partnerId"]) for at, goal in enumerate(goals)]
    await _find_partners(tx, named, holds=holds)


async def lock_campaign(tx: Transaction, campaign_id: int) -> None:
    """Hold the campaign's row until COMMIT; NotFound where this scope has no such campaign."""
    if await tx.fetchval(_LOCK, *borders(tx.scope), campaign_id) is None:
        raise NotFound("campaign", show_id("camp", campaign_id), path=["campaignId"])


async def new_version(tx: Transaction, campaign_id: int, *, now: datetime) -> None:
    """Count up the configuration's version."""
    await tx.execute(_NEW_VERSION, tx.scope.group_id, campaign_id, now)


def _judged(
    flow: FlowFields, known: dict[int, Any], path: Path, *, now: datetime
) -> tuple[dict[str, Any], dict[str, Rows]]:
    """The columns and children of the flow that were sent, checked."""
    there = None if flow.id is None else known.get(flow.id)
    if flow.id is not None and there is None:
        raise NotFound("flow", show_id("flow", flow.id), path=[*path, "id"])
    if isinstance(flow.trigger_code, Unset) and there is None:
        raise Invalid("A new flow needs a trigger.", path=[*path, "triggerCode"])
    values = written(flow, path, without=("id", "is_deleted", *_CHILDREN))
    is_deleted = sent(flow.is_deleted)
    if is_deleted is not None and (there is None or is_deleted != (there["deleted_at"] is not None)):
        values["deleted_at"] = now if is_deleted else None
    merged = {**(dict(there) if there is not None else {}), **values}
    if (merged["trigger_code"] == CUSTOM) != (merged.get("custom_trigger_id") is not None):
        raise Invalid(
            "`customTriggerId` goes with the trigger CUSTOM (4), and with no other.",
            path=[*path, "customTriggerId"],
            code="CUSTOM_TRIGGER",
        )
    if there is None:
        values.setdefault("is_active", True)
    children: dict[str, Rows] = {}
    for name in _CHILDREN:
        sent_list = sent(getattr(flow, name))
        if sent_list is None:
            continue
        if len(sent_list) > MAX_CHILDREN:
            raise Invalid(f"At most {MAX_CHILDREN} {name} in a flow.", path=[*path, name])
        children[name] = [(one.id, row_of(one, [*path, name, at])) for at, one in enumerate(sent_list)]
    return values, children


async def _save_children(
    tx: Transaction,
    table: str,
    key: str,
    parent: int,
    rows: Rows,
    prefix: str,
    word: str,
    path: Path,
    *,
    now: datetime,
) -> None:
    """Replace the parent's children by these, in this order."""
    kept = [ident for ident, _ in rows if ident is not None]
    _refuse_twice(kept, prefix, word, path)
    there = {
        row["id"]
        for row in await tx.fetch(
            f"SELECT id FROM {table} WHERE group_id = $1 AND {key} = $2", tx.scope.group_id, parent
        )
    }
    for at, (ident, _) in enumerate(rows):
        if ident is not None and ident not in there:
            raise NotFound(word, show_id(prefix, ident), path=[*path, at, "id"])
    gone = sorted(there.difference(kept))
    if gone:
        await tx.execute(
            f"DELETE FROM {table} WHERE group_id = $1 AND id = ANY ($2)", tx.scope.group_id, gone
        )
    for at, (ident, values) in enumerate(rows):
        if ident is None:
            await insert_row(tx, table, {**values, key: parent, "position": at, "created_at": now})
        else:
            await update_row(tx, table, ident, {**values, "position": at})


async def _find_partners(tx: Transaction, named: Sequence[tuple[int, Path]], *, holds: bool) -> None:
    if not named:
        return
    wanted = sorted({ident for ident, _ in named})
    rows = await tx.fetch(_PARTNERS + (_HOLD if holds else ""), tx.scope.group_id, wanted)
    found = {row["id"]: row["is_open"] for row in rows}
    for ident, path in named:
        if ident not in found:
            raise NotFound("partner", show_id("part", ident), path=path)
        if not found[ident]:
            raise Conflict("The partner is archived.", path=path, code="PARTNER_ARCHIVED")


def _refuse_removing(
    remove: Sequence[int], there: Container[int], saved: Container[int | None], prefix: str, word: str
) -> None:
    _refuse_twice(remove, prefix, word, ["remove"])
    for at, ident in enumerate(remove):
        if ident not in there:
            raise NotFound(word, show_id(prefix, ident), path=["remove", at])
        if ident in saved:
            raise Invalid(f"The {word} {show_id(prefix, ident)} is saved and removed.", path=["remove", at])


def _refuse_twice(idents: Iterable[int | None], prefix: str, word: str, path: Path) -> None:
    seen: set[int] = set()
    for ident in idents:
        if ident in seen:
            raise Invalid(f"The {word} {show_id(prefix, ident or 0)} is named twice.", path=path)
        if ident is not None:
            seen.add(ident)
