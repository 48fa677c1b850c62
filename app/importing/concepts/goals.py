"""Goals of reward campaigns.

A record is one goal (`external_id campaign partner type value operator position`), or all that a campaign has (`goals`,
a list of such objects; then the record's ids are the campaign's, and goals that are not named any more are deleted).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.flows.bringing_in import BroughtRow, bring_in_goals, hold_campaigns
from app.errors import Conflict, Failure
from app.importing.concepts.trees import Names, Told, give_all, new_ids, refuse_repeated, systems_of
from app.importing.knowing import known_rows
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import whole

_GOALS = """
SELECT id, campaign_id, position, known_as_system FROM goal
 WHERE group_id = $1 AND campaign_id = ANY ($2) ORDER BY campaign_id, position, id
"""


class GoalWriter:
    """Makes or changes goals, a batch at once: all of it, or those that prevent it."""

    columns = Columns(
        known=("external_id", "campaign", "partner", "type", "value", "operator", "position", "goals"),
        also={
            "id": "external_id", "campaign_id": "campaign", "partner_id": "partner", "goal_type": "type",
            "goal_value": "value", "goal_operator": "operator",
        },
        amounts=frozenset({"value"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        faults: dict[int, Failure] = {}
        names = Names(tx)
        told: list[Told] = []
        for at, record in enumerate(records):
            one = Told(at, record.values, record.external_ids)
            try:
                told += one.inner("goals") if "goals" in record.values else [one]
            except Failure as failure:
                faults[at] = failure
        await names.find("camp", [(systems_of(one), _campaign_named(one)) for one in records])
        await names.find("part", [(systems_of(records[one.at]), one.values.get("partner")) for one in told])
        campaigns: dict[int, int] = {}
        for at, record in enumerate(records):
            try:
                campaigns[at] = names.row(
                    "camp", "campaign", systems_of(record), _campaign_named(record), ["campaign"]
                )
            except Failure as failure:
                faults.setdefault(at, failure)
        await hold_campaigns(tx, campaigns.values())
        told = [one for one in told if one.at in campaigns]
        refuse_repeated("Goal", told, faults)
        goals = await _match(tx, records, told, campaigns, names, faults)
        if faults:
            raise RefusedTogether(faults)
        lists = {at: campaigns[at] for at, record in enumerate(records) if "goals" in record.values}
        new = {one.at for goal, one in goals if goal.id is None}
        changed, lessened = await bring_in_goals(
            tx, [goal for goal, _ in goals], whole=lists.values(), ids={"goal": new_ids(goals)}
        )
        await give_all(tx, "goal", goals)
        different = {one.at for (_, one), is_changed in zip(goals, changed, strict=True) if is_changed}
        different |= {at for at, campaign in lists.items() if campaign in lessened}
        return [
            Outcome(Verdict.MADE if at in new else Verdict.CHANGED if at in different else Verdict.SAME)
            for at in range(len(records))
        ]


async def _match(
    tx: Transaction,
    records: Sequence[Record],
    told: Sequence[Told],
    campaigns: dict[int, int],
    names: Names,
    faults: dict[int, Failure],
) -> list[tuple[BroughtRow, Told]]:
    """The goals as they are to be, those that are there already with their ids."""
    rows = await tx.fetch(_GOALS, tx.scope.group_id, sorted(set(campaigns.values())))
    there = {row["id"]: row for row in rows}
    known = await known_rows(tx, "goal", [one.ids for one in told])
    next_place: dict[int, int] = {}
    for row in rows:
        next_place[row["campaign_id"]] = row["position"] + 1
    goals: list[tuple[BroughtRow, Told]] = []
    for one, found in zip(told, known, strict=True):
        campaign = campaigns[one.at]
        place = one.path[-1] if one.path else None
        try:
            if isinstance(found, Conflict):
                raise found
            before: Any = there.get(found) if found is not None else None
            if before is not None and before["campaign_id"] != campaign:
                before = None  # it moved: the other campaign has lost it, or it is refused as that one's
            if before is None and not one.ids:
                before = next(
                    (
                        row for row in rows
                        if row["campaign_id"] == campaign and row["position"] == place and not row["known_as_system"]
                    ),
                    None,
                )  # fmt: skip
            values = _values(one, campaign, names.row(
                "part", "partner", systems_of(records[one.at]), one.values.get("partner"), [*one.path, "partner"]
            ))  # fmt: skip
            if values["position"] is None and before is not None:
                values["position"] = before["position"]
            elif values["position"] is None:
                values["position"] = next_place.setdefault(campaign, 0)
                next_place[campaign] += 1
            goals.append((BroughtRow(values, None if before is None else before["id"]), one))
        except Failure as failure:
            faults.setdefault(one.at, failure)
    return goals


def _values(one: Told, campaign: int, partner: int) -> dict[str, Any]:
    one.only("campaign", "partner", "type", "value", "operator", "position")
    return {
        "campaign_id": campaign,
        "position": one.path[-1] if one.path else one.take("position", whole),
        "partner_id": partner,
        "type_code": one.code("type"),
        "value": one.count("value"),
        "operator_code": one.code("operator"),
    }


def _campaign_named(record: Record) -> Any:
    named = record.values.get("campaign")
    if named is None and "goals" in record.values:
        return next(iter(record.external_ids.values()), None)
    return named
