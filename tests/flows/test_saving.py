"""Flows, goals and partners are saved as trees: all or nothing, 0 is new, an unknown id is an error."""

import asyncio
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.cloning import clone_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.external_ids.giving import set_ids
from app.domain.flows.fields import FlowFields
from app.domain.flows.saving import save_flows
from app.values.scope import Scope
from tests.flows.conftest import Programme
from tests.given import campaigns, groups
from tests.given.campaigns import NOON

SAVE = """
mutation Save($input: FlowsSaveInput!) {
  flowsSave(input: $input) {
    errors { code message path }
    campaign {
      flows {
        id triggerCode trigger customTriggerId isActive
        actions { id actionCode baseReward extraData partner { id } }
        conditions { id typeCode operatorCode joinerCode attribute value }
        multipliers { id typeCode attribute amount value }
      }
    }
  }
}
"""
GOALS = """
mutation Goals($input: GoalsSaveInput!) {
  goalsSave(input: $input) {
    errors { code message path }
    campaign { goals { id typeCode type value operatorCode operator partner { id } } }
  }
}
"""


async def save(programme: Programme, *flows: dict[str, Any], scope: Scope | None = None) -> Any:
    made = await programme.ask(SAVE, scope=scope, input={"campaignId": programme.camp, "flows": list(flows)})
    return made["flowsSave"]


def a_flow(programme: Programme, **more: Any) -> dict[str, Any]:
    """A flow with one child of each kind."""
    part = {"partnerId": programme.part}
    return {
        "id": "0",
        "trigger": "SPEND",
        "actions": [{**part, "id": "0", "actionCode": 1, "baseReward": 100, "extraData": {"k": [1, None]}}],
        "conditions": [
            {**part, "type": "USER", "operator": "LESS_THAN", "joiner": "OR", "attribute": 7, "value": "x"}
        ],
        "multipliers": [{**part, "typeCode": 7, "attribute": 9, "amount": "1.5", "value": 123}],
        **more,
    }


async def version(db: Database, programme: Programme) -> int:
    async with db.transaction(programme.given.scope) as tx:
        return int(
            await tx.fetchval(
                "SELECT reward_version FROM campaign WHERE group_id = $1 AND id = $2",
                programme.given.group_id, programme.campaign_id,
            )
        )  # fmt: skip


async def test_a_new_tree_is_saved_whole(programme: Programme, db: Database) -> None:
    before = await version(db, programme)
    made = await save(programme, a_flow(programme), a_flow(programme, trigger="CUSTOM", customTriggerId=7))
    assert made["errors"] == []
    first, second = made["campaign"]["flows"]
    assert (first["triggerCode"], first["isActive"]) == (1, True)
    assert (second["trigger"], second["customTriggerId"]) == ("CUSTOM", 7)
    action, condition, multiplier = first["actions"][0], first["conditions"][0], first["multipliers"][0]
    assert (action["baseReward"], action["extraData"], action["partner"]["id"]) == (
        100,
        {"k": [1, None]},
        programme.part,
    )
    assert (condition["typeCode"], condition["operatorCode"], condition["joinerCode"]) == (1, 2, 2)
    assert (multiplier["typeCode"], multiplier["amount"], multiplier["value"]) == (7, "1.5", 123)
    assert await version(db, programme) == before + 1


async def test_children_keep_their_ids_are_added_and_go(programme: Programme) -> None:
    made = await save(programme, a_flow(programme))
    flow = made["campaign"]["flows"][0]
    kept = flow["actions"][0]
    part = {"partnerId": programme.part}
    actions = [
        {**part, "actionCode": 2, "baseReward": 5},
        {**part, "id": kept["id"], "actionCode": 3, "baseReward": 7},
    ]
    again = await save(programme, {"id": flow["id"], "actions": actions, "conditions": [], "isActive": False})
    assert again["errors"] == []
    (changed,) = again["campaign"]["flows"]
    assert [(a["actionCode"], a["baseReward"], a["extraData"]) for a in changed["actions"]] == [
        (2, 5, None),
        (3, 7, None),
    ]
    assert changed["actions"][1]["id"] == kept["id"]
    assert changed["conditions"] == []
    # What was not sent stays.
    assert changed["multipliers"] == flow["multipliers"]
    assert (changed["triggerCode"], changed["isActive"]) == (1, False)


async def test_flows_that_are_not_named_stay_and_deleted_ones_come_back(programme: Programme) -> None:
    made = await save(programme, a_flow(programme), a_flow(programme, trigger="REFERRAL"))
    first, second = made["campaign"]["flows"]
    gone = await save(programme, {"id": first["id"], "isDeleted": True})
    assert [flow["id"] for flow in gone["campaign"]["flows"]] == [second["id"]]
    back = await save(programme, {"id": first["id"], "isDeleted": False})
    assert [flow["id"] for flow in back["campaign"]["flows"]] == [first["id"], second["id"]]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "flow_999999"}, ["flows", "1", "id"]),
        ({"id": "camp_1"}, ["flows", "1", "id"]),
        ({"actions": [{"id": "act_999999", "partnerId": ..., "actionCode": 1, "baseReward": 1}]},
         ["flows", "1", "actions", "0", "id"]),
        ({"actions": [{"partnerId": "part_999999", "actionCode": 1, "baseReward": 1}]},
         ["flows", "1", "actions", "0", "partnerId"]),
        ({"actions": [{"partnerId": ..., "actionCode": 5, "baseReward": 1}]},
         ["flows", "1", "actions", "0", "actionCode"]),
        ({"actions": [{"partnerId": ..., "actionCode": 1, "baseReward": -1}]},
         ["flows", "1", "actions", "0", "baseReward"]),
        ({"actions": [{"partnerId": ..., "actionCode": 1, "baseReward": 1, "extraData": [1]}]},
         ["flows", "1", "actions", "0", "extraData"]),
        ({"actions": [{"partnerId": ..., "actionCode": 1, "baseReward": 1, "extraData": "x"}]},
         ["flows", "1", "actions", "0", "extraData"]),
        ({"conditions": [{"partnerId": ..., "typeCode": 10, "attribute": 1}]},
         ["flows", "1", "conditions", "0", "typeCode"]),
        ({"conditions": [{"partnerId": ..., "type": "USER", "typeCode": 1, "attribute": 1}]},
         ["flows", "1", "conditions", "0", "typeCode"]),
        ({"conditions": [{"partnerId": ..., "type": "UNRECOGNIZED", "attribute": 1}]},
         ["flows", "1", "conditions", "0", "type"]),
        ({"multipliers": [{"partnerId": ..., "type": "USER", "attribute": 1, "amount": "-1"}]},
         ["flows", "1", "multipliers", "0", "amount"]),
        ({"trigger": "CUSTOM"}, ["flows", "1", "customTriggerId"]),
        ({"trigger": "SPEND", "customTriggerId": 3}, ["flows", "1", "customTriggerId"]),
        ({"triggerCode": 6, "trigger": None}, ["flows", "1", "triggerCode"]),
        ({"trigger": None}, ["flows", "1", "triggerCode"]),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_is_saved(
    programme: Programme, db: Database, change: dict[str, Any], path: list[str]
) -> None:
    for value in change.values():
        for child in value if isinstance(value, list) else ():
            child["partnerId"] = programme.part if child["partnerId"] is ... else child["partnerId"]
    before = await version(db, programme)
    made = await save(programme, a_flow(programme), {"trigger": "SPEND", **change})
    assert made["campaign"] is None
    assert [error["path"] for error in made["errors"]] == [path], made["errors"]
    assert await version(db, programme) == before
    shown = await programme.ask("query($id: ID!) { campaign(id: $id) { flows { id } } }", id=programme.camp)
    assert shown == {"campaign": {"flows": []}}


async def test_another_flow_s_child_is_not_there(programme: Programme) -> None:
    made = await save(programme, a_flow(programme), a_flow(programme))
    first, second = made["campaign"]["flows"]
    stolen = {"id": first["actions"][0]["id"], "partnerId": programme.part, "actionCode": 1, "baseReward": 1}
    refused = await save(programme, {"id": second["id"], "actions": [stolen]})
    assert refused["errors"][0]["code"] == "NOT_FOUND"


async def test_another_store_s_campaign_is_not_there(programme: Programme, db: Database) -> None:
    other = await groups.store(db, programme.given.group_id)
    scope = Scope(programme.given.group_id, store_id=other.store_id)
    refused = await save(programme, a_flow(programme), scope=scope)
    assert refused["errors"][0]["path"] == ["campaignId"]


async def test_goals_that_are_not_named_stay_and_removing_is_said(programme: Programme) -> None:
    part = {"partnerId": programme.part}
    cap = {**part, "type": "REWARD_AMOUNT", "operator": "LESS_THAN", "value": 10_000}
    odd = {**part, "typeCode": 2, "operatorCode": 4, "value": 3}
    made = await programme.ask(GOALS, input={"campaignId": programme.camp, "goals": [cap, odd]})
    first, second = made["goalsSave"]["campaign"]["goals"]
    assert (first["type"], first["operator"], first["value"]) == ("REWARD_AMOUNT", "LESS_THAN", 10_000)
    assert (second["operatorCode"], second["operator"]) == (4, "UNRECOGNIZED")
    again = await programme.ask(
        GOALS, input={"campaignId": programme.camp, "goals": [{**odd, "id": second["id"], "value": 4}]}
    )
    assert [(g["id"], g["value"]) for g in again["goalsSave"]["campaign"]["goals"]] == [
        (first["id"], 10_000),
        (second["id"], 4),
    ]
    for both in (
        {"goals": [{**cap, "id": first["id"]}]},
        {"remove": ["goal_999999"]},
        {"remove": [first["id"]] * 2},
    ):
        said = {"campaignId": programme.camp, "remove": [first["id"]], **both}
        refused = (await programme.ask(GOALS, input=said))["goalsSave"]
        assert refused["errors"][0]["path"][0] == "remove"
    # A new one comes after those that are there; removed is what is named.
    third = {"campaignId": programme.camp, "goals": [odd], "remove": [first["id"]]}
    shown = (await programme.ask(GOALS, input=third))["goalsSave"]["campaign"]["goals"]
    assert [g["value"] for g in shown] == [4, 3]
    assert shown[0]["id"] == second["id"]
    refused = await programme.ask(
        GOALS, input={"campaignId": programme.camp, "goals": [{**cap, "id": first["id"]}]}
    )
    assert refused["goalsSave"]["errors"][0]["path"] == ["goals", "0", "id"]


async def test_partners_and_their_agreements(programme: Programme) -> None:
    made = await programme.ask(
        'mutation { partnerCreate(input: {name: "Bank"}) { errors { code } partner { id name } } }'
    )
    partner = made["partnerCreate"]["partner"]["id"]
    changed = await programme.ask(
        "mutation($i: PartnerUpdateInput!) { partnerUpdate(input: $i) { partner { name } } }",
        i={"id": partner, "name": "The bank"},
    )
    assert changed["partnerUpdate"]["partner"] == {"name": "The bank"}
    ship = await programme.ask(
        "mutation($i: PartnershipCreateInput!) { partnershipCreate(input: $i)"
        " { errors { code } partnership { id name store { id } partner { id } } } }",
        i={"name": "Deal", "partnerId": partner},
    )
    shown = ship["partnershipCreate"]["partnership"]
    assert (shown["partner"]["id"], shown["store"]["id"]) == (partner, f"store_{programme.given.store_id}")
    renamed = await programme.ask(
        "mutation($i: PartnershipRenameInput!) { partnershipRename(input: $i) { partnership { name } } }",
        i={"id": shown["id"], "name": "New deal"},
    )
    assert renamed["partnershipRename"]["partnership"] == {"name": "New deal"}


async def test_saving_at_once_loses_nothing(programme: Programme, db: Database) -> None:
    async def one(at: int) -> None:
        async with db.transaction(programme.given.scope) as tx:
            await save_flows(tx, programme.campaign_id, [FlowFields(trigger_code=1 + at % 3)], now=NOON)

    before = await version(db, programme)
    await asyncio.gather(*(one(at) for at in range(8)))
    assert await version(db, programme) == before + 8
    async with db.transaction(programme.given.scope) as tx:
        positions = await tx.fetch(
            "SELECT position FROM flow WHERE group_id = $1 AND campaign_id = $2 ORDER BY 1",
            programme.given.group_id, programme.campaign_id,
        )  # fmt: skip
    assert [row["position"] for row in positions] == list(range(8))


async def test_a_template_is_cloned_with_its_tree(programme: Programme, db: Database) -> None:
    template = await campaigns.campaign(
        db, programme.given.scope, name="T", is_template=True, reward_type=1, partner_id=programme.partner_id
    )
    await campaigns.flow_tree(db, programme.given.group_id, template, partner_id=programme.partner_id)
    async with db.transaction(programme.given.scope) as tx:
        made = await clone_campaign(tx, template, CampaignFields(is_template=False), now=NOON)
    query = (
        "query($id: ID!) { campaign(id: $id) { isTemplate template { id } rewards { totalRewards } goals { value }"
        " flows { triggerCode actions { baseReward extraData } conditions { attribute value }"
        " multipliers { amount } } } }"
    )
    copy = (await programme.ask(query, id=f"camp_{made}"))["campaign"]
    original = (await programme.ask(query, id=f"camp_{template}"))["campaign"]
    assert (copy["isTemplate"], copy["template"]["id"]) == (False, f"camp_{template}")
    assert len(copy["flows"]) == 2
    assert (copy["flows"], copy["goals"]) == (original["flows"], original["goals"])


async def test_flows_are_removed_by_name(programme: Programme) -> None:
    first, second = (await save(programme, a_flow(programme), a_flow(programme)))["campaign"]["flows"]
    said = {"campaignId": programme.camp, "remove": [first["id"]]}
    for _ in range(2):
        gone = (await programme.ask(SAVE, input=said))["flowsSave"]
        assert gone["errors"] == []
        assert [flow["id"] for flow in gone["campaign"]["flows"]] == [second["id"]]
    refused = (await programme.ask(SAVE, input={**said, "flows": [{"id": first["id"]}]}))["flowsSave"]
    assert refused["errors"][0]["path"] == ["remove", "0"]


async def test_ids_may_be_the_numbers_of_the_document(programme: Programme, db: Database) -> None:
    flow = (await save(programme, a_flow(programme)))["campaign"]["flows"][0]
    number = flow["id"].removeprefix("flow_")
    action = flow["actions"][0]
    changed = {
        "id": int(number), "isActive": False,
        "actions": [
            {"id": action["id"].removeprefix("act_"), "partnerId": programme.part.removeprefix("part_"),
             "actionCode": 1, "baseReward": 5}
        ],
    }  # fmt: skip
    camp = programme.camp.removeprefix("camp_")
    made = (await programme.ask(SAVE, input={"campaignId": camp, "flows": [changed]}))["flowsSave"]
    assert made["errors"] == []
    (shown,) = made["campaign"]["flows"]
    assert (shown["id"], shown["isActive"], shown["actions"][0]["id"]) == (flow["id"], False, action["id"])
    assert shown["actions"][0]["baseReward"] == 5
    # Benji's own number comes first, where it gave the flow one.
    async with db.transaction(programme.given.scope) as tx:
        await set_ids(tx, "flow", {int(number): {"benji": "24"}})
    made = (await programme.ask(SAVE, input={"campaignId": camp, "flows": [{"id": 24, "isActive": True}]}))[
        "flowsSave"
    ]
    assert made["errors"] == []
    assert [(one["id"], one["isActive"]) for one in made["campaign"]["flows"]] == [(flow["id"], True)]
    goal = {"partnerId": programme.part, "type": "REWARD_AMOUNT", "operator": "LESS_THAN", "value": 1}
    goals = (await programme.ask(GOALS, input={"campaignId": camp, "goals": [goal]}))["goalsSave"][
        "campaign"
    ]["goals"]
    bare = goals[0]["id"].removeprefix("goal_")
    saved = await programme.ask(
        GOALS, input={"campaignId": camp, "goals": [{**goal, "id": bare, "value": 2}]}
    )
    assert [one["value"] for one in saved["goalsSave"]["campaign"]["goals"]] == [2]
    refused = (await programme.ask(SAVE, input={"campaignId": camp, "flows": [{"id": 999_999}]}))["flowsSave"]
    assert [(one["code"], one["path"]) for one in refused["errors"]] == [("NOT_FOUND", ["flows", "0", "id"])]
