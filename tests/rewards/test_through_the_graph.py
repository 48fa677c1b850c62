"""Rewards asked for, paid, explained and taken back through the graph."""

from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from tests.given.rewards import CAP, Given
from tests.rewards.conftest import Ask

EVALUATION = """
  id reference trigger outcome wanted amount currency version counts reversedAt inputs trace
  campaign { id rewards { totalRewards participants transactions revenue version } }
  customer { id rewardBalances { nodes { balance currency partner { id } } } }
  event { source eventType }
"""
PROCESS = f"""
mutation($input: RewardProcessInput!) {{
  rewardProcess(input: $input) {{ errors {{ code path message }} evaluation {{ {EVALUATION} }} }}
}}
"""
REVERSE = f"""
mutation($id: ID!) {{ rewardReverse(input: {{id: $id}}) {{ errors {{ code }} evaluation {{ {EVALUATION} }} }} }}
"""
DECISION = "outcome wanted amount currency version lines { flowId amount } reasons trace"


def purchase(world: Given, campaign: int, reference: str = "order-1", **more: Any) -> dict[str, Any]:
    """The input of a purchase."""
    return {
        "campaignId": f"camp_{campaign}",
        "reference": reference,
        "trigger": "SPEND",
        "customerId": f"cust_{world.customers[0]}",
        "transaction": {"amount": 1000, "items": ["A1"]},
        **more,
    }


async def test_a_purchase_is_paid_explained_and_taken_back(ask: Ask, world: Given) -> None:
    gold = world.condition(1, 1, "gold")
    campaign = await world.campaign(
        world.flow(100, conditions=[gold], multipliers=[world.multiplier(2, 4, "1.5", "A1")])
    )
    made = (await ask(PROCESS, input=purchase(world, campaign)))["rewardProcess"]
    assert made["errors"] == []
    shown = made["evaluation"]
    assert (shown["outcome"], shown["wanted"], shown["amount"], shown["currency"]) == (
        "PAID",
        150,
        150,
        "EUR",
    )
    assert shown["campaign"]["rewards"] == {
        "totalRewards": 150, "participants": 1, "transactions": 1, "revenue": 1000, "version": 2,
    }  # fmt: skip
    assert shown["customer"]["rewardBalances"]["nodes"][0]["balance"] == 150
    assert shown["event"] == {"source": "rewards", "eventType": "spend"}
    assert shown["inputs"]["user"]["loyalty_tier"] == "gold"
    (flow,) = shown["trace"]["flows"]
    (condition,) = flow["conditions"]
    assert (condition["input"], condition["value"], condition["holds"]) == ("user.loyalty_tier", "gold", True)
    assert (flow["multipliers"][0]["applies"], flow["actions"][0]["rounded"]) == (True, 150)
    again = (await ask(PROCESS, input=purchase(world, campaign)))["rewardProcess"]
    assert again["evaluation"] == shown
    back = (await ask(REVERSE, id=shown["id"]))["rewardReverse"]["evaluation"]
    assert (back["counts"], back["amount"]) == (False, 150)
    assert back["campaign"]["rewards"]["totalRewards"] == 0
    ledger = await ask(
        "{ rewardEntries { totalCount nodes { kind amount balanceChange evaluation { id } } } }"
    )
    entries = ledger["rewardEntries"]["nodes"]
    assert sorted((one["kind"], one["amount"], one["balanceChange"]) for one in entries) == [
        ("PAYMENT", 150, 150),
        ("REVERSAL", -150, -150),
    ]
    await world.check()


async def test_asking_first_pays_nothing_and_says_why(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(
        world.flow(conditions=[world.condition(1, 1, "platinum")]), goals=[(*CAP, 50)]
    )
    asked = {k: v for k, v in purchase(world, campaign).items() if k not in {"campaignId", "reference"}}
    query = f"""
    query($campaign: ID!, $input: RewardTriggerInput!) {{
      rewardEvaluate(campaignId: $campaign, input: $input) {{ {DECISION} }}
      rewardWhyNot(campaignId: $campaign, input: $input) {{
        decision {{ {DECISION} }} last {{ reference outcome }}
      }}
    }}
    """
    found = await ask(query, campaign=f"camp_{campaign}", input=asked, role=Role.MANAGER)
    decision = found["rewardEvaluate"]
    assert (decision["outcome"], decision["amount"], decision["lines"]) == ("NOT_MET", 0, [])
    assert len(decision["reasons"]) == 1
    assert "asks for user.loyalty_tier eq platinum; it is gold" in decision["reasons"][0]
    assert found["rewardWhyNot"] == {"decision": decision, "last": None}
    assert (await ask("{ rewardEvaluations { totalCount } }"))["rewardEvaluations"]["totalCount"] == 0
    await ask(PROCESS, input=purchase(world, campaign))
    found = await ask(query, campaign=f"camp_{campaign}", input=asked, role=Role.MANAGER)
    assert found["rewardWhyNot"]["last"] == {"reference": "order-1", "outcome": "NOT_MET"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"campaignId": "camp_999999"}, ["campaignId"]),
        ({"customerId": "cust_999999"}, ["customerId"]),
        ({"partnerId": "part_999999"}, ["partnerId"]),
        ({"trigger": "CUSTOM"}, ["customTriggerId"]),
        ({"customTriggerId": 4}, ["customTriggerId"]),
        ({"trigger": "UNRECOGNIZED"}, ["trigger"]),
        ({"reference": ""}, ["reference"]),
        ({"transaction": {"amount": -1}}, ["transaction", "amount"]),
        ({"attributes": {"nobody": {}}}, ["attributes"]),
        ({"attributes": {"user": 1}}, ["attributes"]),
        ({"attributes": 1}, ["attributes"]),
    ],
)
async def test_what_is_wrong_is_named(
    ask: Ask, world: Given, change: dict[str, Any], path: list[str]
) -> None:
    campaign = await world.campaign()
    made = (await ask(PROCESS, input=purchase(world, campaign, **change)))["rewardProcess"]
    assert made["evaluation"] is None
    assert made["errors"][0]["path"] == path, made["errors"]
    assert (await ask("{ events { totalCount } }"))["events"]["totalCount"] == 0


async def test_what_is_still_to_come_is_not_rewarded(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    later = purchase(world, campaign, occurredAt="2099-01-01T00:00:00Z")
    (error,) = (await ask(PROCESS, input=later))["rewardProcess"]["errors"]
    assert (error["code"], error["path"]) == ("DAY_TO_COME", ["occurredAt"])
    tomorrow_somewhere = purchase(world, campaign, occurredAt="2025-06-16T02:00:00+00:00")
    assert (await ask(PROCESS, input=tomorrow_somewhere))["rewardProcess"]["errors"] == []
    assert await world.total(campaign) == 100


async def test_a_group_names_attributes_of_its_own(ask: Ask, world: Given, db: Database) -> None:
    gift = world.condition(2, 1001, True)
    campaign = await world.campaign(world.flow(conditions=[gift]))
    with_gift = {"attributes": {"transaction": {"gift": True}}}
    before = (await ask(PROCESS, input=purchase(world, campaign, "a", **with_gift)))["rewardProcess"][
        "evaluation"
    ]
    assert (before["outcome"], before["version"]) == ("NOT_MET", 2)
    query = """
    mutation($input: RewardAttributeCreateInput!) {
      rewardAttributeCreate(input: $input) { errors { code path } attribute { type attribute name kind builtIn } }
    }
    """
    said = {"type": "TRANSACTION", "attribute": 1001, "name": "gift", "kind": "FLAG"}
    made = (await ask(query, input=said))["rewardAttributeCreate"]
    assert made == {"errors": [], "attribute": {**said, "builtIn": False}}
    after = (await ask(PROCESS, input=purchase(world, campaign, "b", **with_gift)))["rewardProcess"][
        "evaluation"
    ]
    assert (after["outcome"], after["version"]) == ("PAID", 3)
    for change in ({"attribute": 1002}, {"name": "other"}, {"attribute": 5}, {"name": "amount", "attribute": 1003},
                   {"type": "UNRECOGNIZED"}):  # fmt: skip
        refused = (await ask(query, input={**said, **change}))["rewardAttributeCreate"]
        assert refused["errors"], change
    known = (await ask("{ rewardAttributes { type attribute name kind builtIn description } }"))[
        "rewardAttributes"
    ]
    assert [one["attribute"] for one in known if not one["builtIn"]] == [1001]
    assert all(one["description"] for one in known if one["builtIn"])


async def test_readers_pay_nothing(ask: Ask, world: Given) -> None:
    campaign = await world.campaign()
    with pytest.raises(AssertionError, match="FORBIDDEN"):
        await ask(PROCESS, role=Role.READ, input=purchase(world, campaign))


SIMULATE = """
query($input: CampaignSimulateInput!) {
  campaignSimulate(input: $input) {
    events wanted paid wasPaid currency customers outcomes { outcome count } limits { of reachedAt }
    differing differences { reference paid wouldBe }
  }
}
"""


async def test_a_simulation_shows_what_another_configuration_would_have_paid(ask: Ask, world: Given) -> None:
    campaign = await world.campaign(goals=[(*CAP, 250)])
    for n in range(4):
        await ask(PROCESS, input=purchase(world, campaign, f"order-{n}"))
    window = {"since": "2025-01-01", "until": "2026-01-01"}
    named = {**window, "campaignId": f"camp_{campaign}"}
    real = (await ask(SIMULATE, role=Role.READ, input=named))["campaignSimulate"]
    assert (real["events"], real["wanted"], real["paid"], real["wasPaid"], real["differing"]) == (
        4,
        400,
        250,
        250,
        0,
    )
    assert real["outcomes"] == [
        {"outcome": "LIMIT_REACHED", "count": 1}, {"outcome": "PAID", "count": 2}, {"outcome": "TRIMMED", "count": 1},
    ]  # fmt: skip
    assert real["limits"] == [{"of": "rewards", "reachedAt": "2025-06-15T12:00:00Z"}]
    cap = {
        "partnerId": f"part_{world.partner_id}",
        "type": "REWARD_AMOUNT",
        "operator": "LESS_THAN",
        "value": 300,
    }
    other = (await ask(SIMULATE, input={**named, "draft": {"goals": [cap]}}))["campaignSimulate"]
    assert (other["paid"], other["differing"]) == (300, 1)
    assert other["differences"] == [{"reference": "order-2", "paid": 50, "wouldBe": 100}]
    action = {"partnerId": f"part_{world.partner_id}", "actionCode": 1, "baseReward": 7}
    flows = [{"trigger": "SPEND", "actions": [action]}]
    draft = (await ask(SIMULATE, input={**window, "draft": {"flows": flows}}))["campaignSimulate"]
    assert (draft["events"], draft["paid"], draft["wasPaid"], draft["customers"], draft["currency"]) == (
        4, 28, 0, 1, "EUR",
    )  # fmt: skip
    for wrong in ({"campaignId": "camp_999999", **window}, window, {**named, "until": "2024-01-01"},
                  {**window, "draft": {"flows": [{}]}}):  # fmt: skip
        with pytest.raises(AssertionError):
            await ask(SIMULATE, input=wrong)
    nobody = {"partnerId": "part_99999"}
    unknown = {"trigger": "SPEND", "actions": [{**action, **nobody}]}
    drafts: list[dict[str, Any]] = [{"flows": [unknown]}, {"goals": [{**cap, **nobody}]}]
    for of_nobody in drafts:
        for whose in (window, named):
            with pytest.raises(AssertionError, match=r"NOT_FOUND.*There is no partner part_99999"):
                await ask(SIMULATE, input={**whose, "draft": of_nobody})


async def test_what_saved_flows_ask_freely_is_told_to_who_may_know(ask: Ask, world: Given) -> None:
    dry = """query($campaign: ID!, $input: RewardTriggerInput!) {
        rewardEvaluate(campaignId: $campaign, input: $input) { outcome amount } }"""
    why_not = """query($campaign: ID!, $input: RewardTriggerInput!) {
        rewardWhyNot(campaignId: $campaign, input: $input) { decision { outcome } } }"""
    clone = """mutation($campaign: ID!) {
        campaignClone(input: {sourceId: $campaign, name: "copy"}) { campaign { id } errors { code } } }"""
    window = {"since": "2025-01-01", "until": "2026-01-01"}

    async def refused(campaign: int, **roles: Role) -> list[tuple[str, bool]]:
        given = {k: v for k, v in purchase(world, campaign).items() if k not in {"campaignId", "reference"}}
        named = {**window, "campaignId": f"camp_{campaign}"}
        found: list[tuple[str, bool]] = []
        for name, query, variables in (
            ("clone", clone, {"campaign": f"camp_{campaign}"}),
            ("dry", dry, {"campaign": f"camp_{campaign}", "input": given}),
            ("why not", why_not, {"campaign": f"camp_{campaign}", "input": given}),
            ("simulate", SIMULATE, {"input": named}),
            ("goals", SIMULATE, {"input": {**named, "draft": {"goals": []}}}),
            ("flows", SIMULATE, {"input": {**named, "draft": {"flows": [{"trigger": "SPEND"}]}}}),
        ):
            try:
                await ask(query, **roles, **variables)
            except AssertionError as told:
                found.append((name, "FORBIDDEN" in str(told)))
        return found

    all_but_other_flows = [(name, True) for name in ("clone", "dry", "why not", "simulate", "goals")]
    for flow in (
        world.flow(conditions=[world.condition(1, 1_777, "X123")]),
        world.flow(multipliers=[world.multiplier(1, 1_777, "1.5", "X123")]),
        # An inactive one may be made active in the copy.
        world.flow(conditions=[world.condition(1, 1_777, "X123")], is_active=False),
    ):
        campaign = await world.campaign(world.flow(), flow)
        assert await refused(campaign, role=Role.WRITE) == all_but_other_flows
        assert await refused(campaign, role=Role.MARKETING) == []
    gone = world.flow(conditions=[world.condition(1, 1_777, "X123")], is_deleted=True)
    harmless = await world.campaign(world.flow(conditions=[world.condition(1, 1, "gold")]), gone)
    assert await refused(harmless, role=Role.WRITE) == []
