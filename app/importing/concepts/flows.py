"""Flows of reward campaigns, each with its actions, conditions and multipliers.

A record is one flow (`external_id campaign trigger custom_trigger is_active is_deleted created_at position actions
conditions multipliers`), or all that a campaign has (`flows`, a list of such objects; then the record's ids are the
campaign's). Inner things have `external_id` or `external_ids`, and name their `partner`. What a flow consists of and
is not named any more is deleted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.flows.bringing_in import CHILDREN, BroughtFlow, BroughtRow, bring_in_flows, hold_campaigns
from app.errors import Conflict, Failure
from app.importing.concepts.trees import (
    Names,
    Told,
    give_all,
    new_ids,
    refuse_repeated,
    systems_of,
)
from app.importing.knowing import known_rows
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import flag, whole
from app.values.ids import show_id

_LISTS = {"act": "actions", "cond": "conditions", "mult": "multipliers"}
_FLOWS = """
SELECT id, campaign_id, position, trigger_code, custom_trigger_id, is_active, created_at, deleted_at, known_as_system
  FROM flow WHERE group_id = $1 AND campaign_id = ANY ($2) ORDER BY campaign_id, position, id
"""
_ELSEWHERE = "SELECT id, campaign_id FROM flow WHERE group_id = $1 AND id = ANY ($2)"


class FlowWriter:
    """Makes or changes flows, a batch at once: all of it, or those that prevent it."""

    columns = Columns(
        known=(
            "external_id", "campaign", "trigger", "custom_trigger", "is_active", "is_deleted", "created_at",
            "position", "actions", "conditions", "multipliers", "flows",
        ),
        also={
            "id": "external_id", "campaign_id": "campaign", "trigger_type": "trigger", "trigger_code": "trigger",
            "custom_trigger_id": "custom_trigger", "created_date": "created_at",
        },
        moments=frozenset({"created_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch(tx, records, now)
        await batch.read()
        await batch.match()
        await batch.match_children()
        batch.stop()
        return await batch.write()


class _Batch:
    def __init__(self, tx: Transaction, records: Sequence[Record], now: datetime) -> None:
        self._tx, self._records, self._now = tx, records, now
        self._faults: dict[int, Failure] = {}
        self._told: list[Told] = []
        self._campaigns: dict[int, int] = {}
        self._names = Names(tx)
        self._flows: list[tuple[BroughtFlow, Told]] = []
        self._inner: dict[str, list[tuple[BroughtRow, Told]]] = {kind: [] for kind in CHILDREN}

    def stop(self) -> None:
        """Say which records prevent the others."""
        if self._faults:
            raise RefusedTogether(self._faults)

    async def read(self) -> None:
        """The flows told, and the campaigns they belong to."""
        asked = []
        for at, record in enumerate(self._records):
            whole_tree = Told(at, record.values, record.external_ids)
            try:
                if "flows" in record.values:
                    self._told += whole_tree.inner("flows")
                else:
                    self._told.append(whole_tree)
                asked.append((systems_of(record), self._campaign_named(record)))
            except Failure as failure:
                self._faults[at] = failure
        await self._names.find("camp", asked)
        for at, record in enumerate(self._records):
            name = self._campaign_named(record)
            try:
                self._campaigns[at] = self._names.row(
                    "camp", "campaign", systems_of(record), name, ["campaign"]
                )
            except Failure as failure:
                self._faults.setdefault(at, failure)
        await hold_campaigns(self._tx, self._campaigns.values())

    def _campaign_named(self, record: Record) -> Any:
        named = record.values.get("campaign")
        if named is None and "flows" in record.values:
            return next(iter(record.external_ids.values()), None)
        return named

    async def match(self) -> None:
        """Which flows are there already."""
        tx, group = self._tx, self._tx.scope.group_id
        told = [one for one in self._told if one.at in self._campaigns]
        refuse_repeated("Flow", told, self._faults)
        there: dict[int, list[Any]] = {}
        for row in await tx.fetch(_FLOWS, group, sorted(set(self._campaigns.values()))):
            there.setdefault(row["campaign_id"], []).append(row)
        known = await known_rows(tx, "flow", [one.ids for one in told])
        elsewhere = {
            row["id"]: row["campaign_id"]
            for row in await tx.fetch(_ELSEWHERE, group, [one for one in known if isinstance(one, int)])
        }
        next_place = {campaign: max(row["position"] for row in rows) + 1 for campaign, rows in there.items()}
        for one, found in zip(told, known, strict=True):
            try:
                if isinstance(found, Conflict):
                    raise found
                campaign = self._campaigns[one.at]
                place = one.path[-1] if one.path else None
                before = next((row for row in there.get(campaign, ()) if row["id"] == found), None)
                if found is not None and before is None and found in elsewhere:
                    raise Conflict(
                        f"{show_id('flow', found)} belongs to {show_id('camp', elsewhere[found])}.",
                        path=one.path,
                        code="WRONG_CAMPAIGN",
                    )
                if before is None and not one.ids:
                    before = _at_place(there.get(campaign, ()), place)
                values = self._flow(one, campaign, before)
                if values["position"] is None:
                    values["position"] = next_place.setdefault(campaign, 0)
                    next_place[campaign] += 1
                flow = BroughtFlow(values, None if before is None else before["id"])
                self._flows.append((flow, one))
            except Failure as failure:
                self._faults.setdefault(one.at, failure)

    def _flow(self, one: Told, campaign: int, before: Mapping[str, Any] | None) -> dict[str, Any]:
        one.only(
            "campaign", "trigger", "custom_trigger", "is_active", "is_deleted", "created_at", "position",
            *_LISTS.values(),
        )  # fmt: skip
        there = dict(before) if before is not None else {}
        deleted = one.take("is_deleted", flag)
        deleted_at = there.get("deleted_at")
        if deleted is not None:
            deleted_at = (deleted_at or self._now) if deleted else None
        is_active = one.take("is_active", flag)
        position = one.path[-1] if one.path else one.take("position", whole)
        return {
            "campaign_id": campaign,
            "position": there.get("position") if position is None else position,
            "trigger_code": one.code("trigger", default=there.get("trigger_code")),
            "custom_trigger_id": one.optional_count("custom_trigger")
            if "custom_trigger" in one.values
            else there.get("custom_trigger_id"),
            "is_active": there.get("is_active", True) if is_active is None else is_active,
            "created_at": one.moment("created_at") or there.get("created_at") or self._now,
            "deleted_at": deleted_at,
        }

    async def match_children(self) -> None:
        """What the flows consist of, and what of it is there already."""
        tx, group = self._tx, self._tx.scope.group_id
        for kind, table in CHILDREN.items():
            listed: list[tuple[BroughtFlow, Told]] = []
            for flow, one in self._flows:
                try:
                    listed += [(flow, inner) for inner in one.inner(_LISTS[kind])]
                except Failure as failure:
                    self._faults.setdefault(one.at, failure)
            refuse_repeated(kind, (inner for _, inner in listed), self._faults)
            await self._names.find(
                "part", [(self._systems(inner), inner.values.get("partner")) for _, inner in listed]
            )
            known = await known_rows(tx, kind, [inner.ids for _, inner in listed])
            rows = await tx.fetch(
                f"SELECT id, flow_id FROM {table} WHERE group_id = $1 AND flow_id = ANY ($2) ORDER BY position, id",
                group,
                [flow.id for flow, _ in self._flows if flow.id],
            )
            there: dict[int, list[int]] = {}
            for row in rows:
                there.setdefault(row["flow_id"], []).append(row["id"])
            children: dict[int, list[BroughtRow]] = {id(flow): [] for flow, _ in self._flows}
            claimed = {one for one in known if isinstance(one, int)}
            for (flow, inner), found in zip(listed, known, strict=True):
                own = there.get(flow.id or 0, [])
                ident = found if isinstance(found, int) and found in own else None
                if ident is None and not inner.ids:
                    # Without an id it is the next one that has no other owner.
                    ident = next((one for one in own if one not in claimed), None)
                    claimed |= {ident} if ident is not None else set()
                try:
                    if isinstance(found, Conflict):
                        raise found
                    row_told = BroughtRow(self._child(kind, inner), ident)
                    children[id(flow)].append(row_told)
                    self._inner[kind].append((row_told, inner))
                except Failure as failure:
                    self._faults.setdefault(inner.at, failure)
            for flow, one in self._flows:
                if _LISTS[kind] in one.values or flow.id is None:
                    flow.children = {**flow.children, kind: children[id(flow)]}
                else:
                    # Not told: it stays as it is.
                    flow.keep |= {kind}

    def _systems(self, inner: Told) -> tuple[str, ...]:
        return systems_of(self._records[inner.at])

    def _child(self, kind: str, one: Told) -> dict[str, Any]:
        partner = self._names.row(
            "part", "partner", self._systems(one), one.values.get("partner"), [*one.path, "partner"]
        )
        if kind == "act":
            one.only("partner", "action", "base_reward", "extra_data")
            return {
                "partner_id": partner,
                "action_code": one.code("action"),
                "base_reward": one.count("base_reward"),
                "extra_data": one.document("extra_data"),
            }
        both = {
            "partner_id": partner,
            "type_code": one.code("type"),
            "attribute": one.count("attribute"),
            "value": one.document("value"),
        }
        if kind == "mult":
            one.only("partner", "type", "attribute", "amount", "value")
            return {**both, "amount": one.factor("amount")}
        one.only("partner", "type", "operator", "joiner", "attribute", "value")
        return {
            **both,
            "operator_code": one.code("operator", default=1),
            "joiner_code": one.code("joiner", default=1),
        }

    async def write(self) -> list[Outcome]:
        """Write it, and say what became of each record."""
        new = {at for row, told in self._flows if row.id is None for at in [told.at]}
        ids = {"flow": new_ids(self._flows), **{kind: new_ids(rows) for kind, rows in self._inner.items()}}
        changed = await bring_in_flows(self._tx, [flow for flow, _ in self._flows], ids=ids)
        await give_all(self._tx, "flow", self._flows)
        for kind, rows in self._inner.items():
            await give_all(self._tx, kind, rows)
        different = {
            told.at for (_, told), is_changed in zip(self._flows, changed, strict=True) if is_changed
        }
        return [
            Outcome(Verdict.MADE if at in new else Verdict.CHANGED if at in different else Verdict.SAME)
            for at in range(len(self._records))
        ]


def _at_place(rows: Sequence[Any], place: object) -> Any:
    """The flow at this place that no system has a name for."""
    return next((row for row in rows if row["position"] == place and not row["known_as_system"]), None)
