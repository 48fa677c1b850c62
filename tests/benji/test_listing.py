"""`GET /campaigns` as Benji's document prints it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.domain.campaigns.lifecycle import Move
from app.domain.campaigns.operations import delete_campaign, move_campaign
from app.graph.running.spending import BUDGET_EXCEEDED
from app.rest.benji.failures import FAILURES
from app.rest.failing import Problem
from tests.benji.conftest import Member
from tests.given import campaigns
from tests.given.campaigns import NOON
from tests.rest.test_lagriffe_reading import assert_documented

PRINTED = json.loads((Path(__file__).parent / "printed.json").read_text(encoding="utf-8"))
SAMPLE = PRINTED["campaigns"][0]


async def full(member: Member, db: Database, **fields: Any) -> tuple[int, int, int]:
    """A reward campaign with everything: its id, its partner's and its partnership's."""
    given = member.inner.given
    partner = await campaigns.partner(db, member.group_id)
    ship = await campaigns.partnership(db, member.group_id, partner_id=partner, store_id=given.store_id)
    said = {
        "name": "Points",
        "description": "One cent a euro",
        "logo_url": "https://partner.example/l.png",
        "reward_type": 1,
        "partnership_id": ship,
        "owner_id": 0,
        "starts_at": NOON,
        "ends_at": datetime(2099, 1, 1, tzinfo=UTC),
        **fields,
    }
    made = await campaigns.campaign(db, given.scope, **said)
    await campaigns.flow_tree(db, member.group_id, made, partner_id=partner)
    return made, partner, ship


def shape_of(value: Any) -> Any:
    """Keys in order and types, all the way down; any JSON where the sample shows an open value."""
    if isinstance(value, dict):
        return [(key, "any" if key in OPEN else shape_of(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [shape_of(value[0])]
    return type(value).__name__


OPEN = {
    "extra_data",
    "condition_value",
    "multiplier_value",
    "multiplier_amount",
    "custom_trigger_id",
    "template_id",
}


async def test_a_campaign_has_the_printed_keys_in_their_order_and_types(member: Member, db: Database) -> None:
    made, partner, ship = await full(member, db)
    response = await member.inner.call("GET", "/campaigns", base="")
    assert_documented(response.json(), "BenjiCampaigns")
    assert response.headers["x-total-count"] == "1"
    (shown,) = response.json()["campaigns"]
    assert shape_of(shown) == shape_of(SAMPLE)
    flows = shown.pop("campaign_flows")
    goals = shown.pop("goals")
    assert shown == {
        "id": made,
        "name": "Points",
        "campaign_type": 1,
        "created_date": "2025-06-15T12:00:00Z",
        "description": "One cent a euro",
        "campaign_logo": "https://partner.example/l.png",
        "merchant_id": member.inner.given.store_id,
        "partner_id": partner,
        "partnership_id": ship,
        "is_active": 1,
        "is_deleted": 0,
        "start_date": "2025-06-15T12:00:00Z",
        "end_date": "2099-01-01T00:00:00Z",
        "activation_date": "2025-06-15T12:00:00Z",
        "owner_id": 0,
        "is_template": 0,
        "template_id": None,
        "total_rewards": 0,
    }
    # A deleted flow is hidden; an inactive one is shown as such.
    assert [
        (flow["campaign_id"], flow["trigger_type"], flow["is_active"], flow["is_deleted"]) for flow in flows
    ] == [
        (made, 1, 1, 0),
        (made, 2, 0, 0),
    ]
    first = flows[0]
    assert [a["base_reward"] for a in first["actions"]] == [100, 200]
    assert {a["partner_id"] for a in first["actions"]} == {partner}
    assert all(type(child["id"]) is int and child["id"] > 0 for child in [*first["actions"], *goals])
    assert first["actions"][0]["extra_data"] == {"b": 1.5, "a": 1}
    assert '"extra_data":{"b":1.50,"a":1}' in response.text
    assert first["conditions"][0] | {"id": 0, "partner_id": 0} == {
        "partner_id": 0,
        "campaign_condition_type": 1,
        "condition_operator": 2,
        "or_and_operator": 1,
        "id": 0,
        "condition_attribute": 7,
        "condition_value": [1, 2],
    }
    assert (first["multipliers"][0]["multiplier_amount"], first["multipliers"][0]["multiplier_value"]) == (
        2,
        None,
    )
    assert [goal["goal_type"] for goal in goals] == [0, 1]


async def test_nothing_that_matches_is_an_empty_list(member: Member) -> None:
    response = await member.inner.call("GET", "/campaigns", base="")
    assert (response.status_code, response.content) == (200, b'{"campaigns":[]}')


async def test_an_action_without_further_data_shows_an_empty_object(member: Member, db: Database) -> None:
    await full(member, db)
    async with db.transaction(member.inner.given.scope) as tx:
        await tx.execute("UPDATE flow_action SET extra_data = NULL WHERE group_id = $1", member.group_id)
    (shown,) = await member.campaigns()
    assert [action["extra_data"] for action in shown["campaign_flows"][0]["actions"]] == [{}, {}]


async def test_codes_without_a_name_keep_their_number(member: Member, db: Database) -> None:
    await full(member, db, reward_type=77)
    strange = {
        "flow": "trigger_code",
        "flow_action": "action_code",
        "flow_multiplier": "type_code",
        "goal": "type_code",
    }
    async with db.transaction(member.inner.given.scope) as tx:
        for table, column in strange.items():
            await tx.execute(f"UPDATE {table} SET {column} = 9 WHERE group_id = $1", member.group_id)
        await tx.execute(
            "UPDATE flow_condition SET type_code = 9, operator_code = 8, joiner_code = 7 WHERE group_id = $1",
            member.group_id,
        )
        await tx.execute("UPDATE goal SET operator_code = 4 WHERE group_id = $1", member.group_id)
    (shown,) = await member.campaigns()
    flow = shown["campaign_flows"][0]
    condition, multiplier = flow["conditions"][0], flow["multipliers"][0]
    assert (shown["campaign_type"], flow["trigger_type"], flow["actions"][0]["action_type"]) == (77, 9, 9)
    codes = ("campaign_condition_type", "condition_operator", "or_and_operator")
    assert tuple(condition[code] for code in codes) == (9, 8, 7)
    assert multiplier["multiplier_attribute_type"] == 9
    assert (shown["goals"][0]["goal_type"], shown["goals"][0]["goal_operator"]) == (9, 4)


async def test_filters_that_the_document_leaves_open(member: Member, db: Database) -> None:
    scope = member.inner.given.scope
    earn, partner, ship = await full(member, db)
    redeem = await campaigns.campaign(db, scope, name="Redeem", reward_type=2, draft=True)
    template = await campaigns.campaign(db, scope, name="Template", reward_type=1, is_template=True)
    gone = await campaigns.campaign(db, scope, name="Gone", reward_type=3)
    await campaigns.campaign(db, scope, name="No rewards")
    async with db.transaction(scope) as tx:
        await delete_campaign(tx, gone, now=NOON)

    async def ids(**query: Any) -> list[int]:
        return [one["id"] for one in await member.campaigns(**query)]

    assert await ids() == [template, redeem, earn]
    assert await ids(partner_id=partner) == [earn]
    assert await ids(partnership_id=ship) == [earn]
    assert await ids(merchant_id=member.inner.given.store_id) == [template, redeem, earn]
    assert await ids(merchant_id=10**9) == []
    assert await ids(merchant_id=0) == []
    assert await ids(campaign_type=2) == [redeem]
    assert await ids(is_active=1) == [earn]
    assert await ids(is_active=0) == [template, redeem]
    assert await ids(is_template=1) == [template]
    assert await ids(is_template=0, campaign_type=1) == [earn]
    assert await ids(is_deleted=1) == [gone]
    assert await ids(is_deleted=0) == [template, redeem, earn]
    assert await ids(limit=1, offset=1) == [redeem]
    assert await ids(colour="green") == [template, redeem, earn]
    (shown,) = await member.campaigns(is_deleted=1)
    assert shown["is_deleted"] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("is_active", "2"), ("is_active", "true"), ("partner_id", "x"), ("campaign_type", "-1")],
)
async def test_a_filter_of_another_kind_says_what_would_be_right(
    member: Member, name: str, value: str
) -> None:
    response = await member.inner.call("GET", "/campaigns", base="", params={name: value})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == "invalid"
    assert f"`{name}`" in error["message"]


async def test_a_token_is_needed(member: Member) -> None:
    answer = await member.inner.http.get("/campaigns")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert list(answer.json()) == ["error"]


async def test_activation_and_pauses_show(member: Member, db: Database) -> None:
    made = await campaigns.campaign(db, member.inner.given.scope, reward_type=1, draft=True)
    (shown,) = await member.campaigns()
    assert (shown["is_active"], shown["activation_date"], shown["start_date"], shown["end_date"]) == (
        0,
        None,
        None,
        None,
    )
    async with db.transaction(member.inner.given.scope) as tx:
        await move_campaign(tx, made, Move.ACTIVATE, now=NOON)
    (shown,) = await member.campaigns()
    assert (shown["is_active"], shown["activation_date"]) == (1, "2025-06-15T12:00:00Z")
    async with db.transaction(member.inner.given.scope) as tx:
        await move_campaign(tx, made, Move.PAUSE, now=NOON)
    (shown,) = await member.campaigns()
    assert (shown["is_active"], shown["activation_date"]) == (0, "2025-06-15T12:00:00Z")


async def test_a_last_day_ends_with_its_last_second(member: Member, db: Database) -> None:
    days: dict[str, Any] = {"starts_on": date(2025, 6, 1), "ends_on": date(2025, 6, 30)}
    await campaigns.campaign(db, member.inner.given.scope, reward_type=1, **days)
    (shown,) = await member.campaigns()
    assert (shown["start_date"], shown["end_date"]) == ("2025-05-31T22:00:00Z", "2025-06-30T21:59:59Z")


async def test_the_whole_list_is_one_statement(member: Member, db: Database) -> None:
    await full(member, db)
    response = await member.inner.call("GET", "/campaigns", base="", headers={"X-Explain": "1"})
    explained = response.json()
    assert explained["execution"] == "planned"
    assert explained["sql"].lstrip().startswith("SELECT CASE WHEN octet_length(made.answer)")
    assert explained["document"].startswith("query BjCampaigns")


def test_a_spent_budget_is_called_by_its_own_name() -> None:
    spent = Problem("UNAVAILABLE", "There is more in 3 s.", BUDGET_EXCEEDED, retry_after_s=3)
    assert FAILURES.status_of(spent) == 429
    assert FAILURES.body(429, [spent]) == {
        "error": {"code": "budget_exceeded", "message": "There is more in 3 s."}
    }
    busy = Problem("UNAVAILABLE", "Busy.", "BUSY")
    assert FAILURES.body(503, [busy]) == {"error": {"code": "unavailable", "message": "Busy."}}
