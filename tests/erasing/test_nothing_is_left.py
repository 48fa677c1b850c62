"""Erasing somebody who is everywhere: the whole database and all files are searched for every text of hers."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.erasing.conftest import BYSTANDER, EMAIL, TEXTS, TRACKER, House, found_in, person, spellings

EXPECTED = {
    "customer.email", "customer.name", "customer.phone", "customer.external_id", "customer.attributes",
    "customer.attributes_index", "customer_identity.value", "event.body", "event.data", "event.user_data",
    "event.tracker_id", "event_fault.message", "interaction.landing_url", "interaction.referrer",
    "interaction.user_data", "interaction.node_data", "interaction.tracker_id", "idempotent_answer.answer",
    "reward_evaluation.inputs", "reward_evaluation.reference", "promo_redemption.key", "funnel_touch.source_ref",
    "customer_order.reference", "sale_reference.reference", "import_run.file_name", "audit_entry.after",
}  # fmt: skip
"""Where she must be found before, or the search would prove nothing."""
FIGURES = (
    "SELECT sum(amount), sum(refunded), sum(worth), count(*), count(DISTINCT customer_id), count(DISTINCT promo_id)"
    " FROM customer_order",
    "SELECT store_id, day, channel, has_promo, currency, orders, cancelled, worth, refunded FROM order_rollup",
    "SELECT campaign_id, day, channel, impressions, clicks, sent, delivered, opened, unsubscribed, conversions, revenue"
    " FROM campaign_metric",
    "SELECT campaign_id, source, sent, delivered, opened, conversions, revenue FROM metric_fact",
    "SELECT store_id, day, channel, sent, delivered, opened, conversions, revenue FROM metric_rollup",
    "SELECT key, event_type_id, hour, value FROM event_rollup",
    "SELECT kind, storage_key, value, currency, customer_id, event_id FROM event_metric",
    "SELECT campaign_id, customer_id, partner_id, kind, amount, balance_change FROM reward_entry",
    "SELECT customer_id, partner_id, balance FROM reward_balance",
    "SELECT campaign_id, customer_id, rewarded FROM reward_participant",
    "SELECT id, total_rewards, reward_participants, reward_transactions, reward_revenue FROM campaign",
    "SELECT campaign_id, customer_id, outcome, wanted, amount FROM reward_evaluation",
    "SELECT promo_id, customer_id, discount, released_at FROM promo_redemption",
    "SELECT promo_id, customer_id, used FROM promo_usage",
    "SELECT used FROM promo",
    "SELECT provider, events_received, events_ignored FROM webhook_provider",
    "SELECT customer_id, stage, channel, occurred_at FROM funnel_touch",
    "SELECT customer_id, day, path FROM funnel_day",
    "SELECT campaign_id, channel, count(*), count(delivered_at), count(opened_at) FROM message_recipient GROUP BY 1, 2",
    "SELECT customer_id, campaign_id, channel, occurred_at FROM interaction",
    "SELECT customer_id, order_id, campaign_id, amount FROM attributed_share",
    "SELECT id, order_count, total_spent, last_order_at, created_at, store_id, loyalty_tier FROM customer",
    "SELECT count(*), customer_id, event_type_id, kind FROM event WHERE status = 'processed' GROUP BY 2, 3, 4",
)
EVERYTHING = """
{
  orders { nodes { reference customer { id name email erasedAt } } }
  events { nodes { body data userData trackerId faults { message } customer { name } } }
  interactions { nodes { landingUrl referrer userData nodeData trackerId } }
  rewardEvaluations { nodes { inputs trace reference customer { name phone attributes } } }
  promoRedemptions { nodes { key customer { name } } }
  imports { nodes { fileName report failure { message } } }
  auditEntries { nodes { action subject before after } }
}
"""


@pytest.fixture(scope="module")
async def owner(database_url: str) -> AsyncIterator[Any]:
    """Sees everything, behind no policy."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def figures(owner: Any) -> list[list[tuple[Any, ...]]]:
    return [sorted((tuple(row) for row in await owner.fetch(one)), key=repr) for one in FIGURES]


SIMULATE = """
query ($input: CampaignSimulateInput!) {
  campaignSimulate(input: $input) { events wanted paid wasPaid customers differing outcomes { outcome count } }
}
"""


async def simulated(house: House) -> list[Any]:
    """The campaign as it was, and a draft over all that happened."""
    window = {"since": "2025-01-01", "until": "2027-12-31"}
    action = {"partnerId": house.ids["partner"], "actionCode": 1, "baseReward": 7}
    flows = [{"trigger": "SPEND", "actions": [action]}]
    asked: list[dict[str, Any]] = [{"campaignId": house.ids["campaign"]}, {"draft": {"flows": flows}}]
    return [(await house.ask(SIMULATE, input={**window, **one}))["campaignSimulate"] for one in asked]


@pytest.fixture(scope="module")
async def erased(house: House, owner: Any) -> dict[str, Any]:
    """She, erased; with what was there before."""
    await person(house)
    told: dict[str, Any] = {"figures": await figures(owner), "found": await found_in(house, owner)}
    told["simulated"] = await simulated(house)
    return told | {"done": await house.erase(key="erasing"), "left": await found_in(house, owner)}


async def test_nothing_of_her_is_left_in_any_column_and_any_file(erased: dict[str, Any]) -> None:
    # The search finds her where she was, or it would prove nothing.
    before = {where for where, _ in erased["found"]}
    assert sorted(EXPECTED - before) == []
    assert any(where.startswith("file ") for where in before)
    assert {what for _, what in erased["found"]} == {*TEXTS}
    assert sorted(erased["left"]) == []


async def test_figures_and_ledgers_are_as_before(erased: dict[str, Any], owner: Any) -> None:
    for asked, before, now in zip(FIGURES, erased["figures"], await figures(owner), strict=True):
        assert now == before, asked


async def test_the_past_can_still_be_simulated(house: House, erased: dict[str, Any]) -> None:
    as_it_was, draft = await simulated(house)
    assert as_it_was == erased["simulated"][0]
    assert as_it_was["events"] == 3
    assert draft["events"] == erased["simulated"][1]["events"]


async def test_what_was_done_is_told(house: House, erased: dict[str, Any], owner: Any) -> None:
    done = erased["done"]
    assert done["erasedId"] == house.customer
    rows = {one["table"]: one for one in done["rows"]}
    assert rows["customer"] == {"table": "customer", "emptied": 1, "deleted": 0, "cut": 1}
    assert rows["customer_identity"]["deleted"] > 0
    assert rows["segment_member"]["deleted"] == 1
    assert rows["event"]["cut"] == 1
    # One with Zoe in it is written anew, so are the reasons; what cannot be taken apart goes.
    assert (done["filesRewritten"] >= 1, done["filesRemoved"] >= 1) == (True, True)
    audited = await owner.fetch(
        "SELECT subject, after::text AS after FROM audit_entry WHERE action = 'customer.erase'"
    )
    assert [row["subject"] for row in audited] == [house.customer]


async def test_what_is_somebody_elses_stays(house: House, erased: dict[str, Any], owner: Any) -> None:
    assert await owner.fetchval("SELECT email FROM customer WHERE external_id = 'tom'") == BYSTANDER
    assert (
        await owner.fetchval("SELECT attributes::text FROM customer WHERE external_id = 'tom'")
        == '{"friend":""}'
    )
    body = await owner.fetchval("SELECT data::text FROM event WHERE data::text LIKE '%a friend of%'")
    assert json.loads(body)["label"] == "a friend of , "
    assert (
        await owner.fetchval("SELECT count(*) FROM event WHERE body::text LIKE '%stranger@example.org%'") == 3
    )


async def test_twice_is_once(house: House, erased: dict[str, Any]) -> None:
    assert await house.erase() == erased["done"]
    assert await house.erase(key="erasing") == erased["done"]
    assert await house.erase(key="erasing again") == erased["done"]


async def test_no_answer_tells_of_her(house: House, erased: dict[str, Any]) -> None:
    told = await house.ask(EVERYTHING)
    assert {"name": "", "email": None, "id": house.customer, "erasedAt": erased["done"]["erasedAt"]} in [
        one["customer"] for one in told["orders"]["nodes"]
    ]
    text = json.dumps(told, ensure_ascii=False).lower()
    assert [one for _, one in spellings() if one.lower() in text] == []
    listed = await house.ask("{ customers { nodes { id } } }")
    assert house.customer not in [one["id"] for one in listed["customers"]["nodes"]]


async def test_an_answer_that_was_kept_is_given_without_her(house: House, erased: dict[str, Any]) -> None:
    headers = {**house.headers, "Idempotency-Key": "answer-2"}
    body = {
        "query": house.ids["record"], "variables": json.loads(house.ids["recorded"]),
    }  # fmt: skip
    answer = await house.http.post("/graphql", json=body, headers=headers)
    assert [one for _, one in spellings() if one.lower() in answer.text.lower()] == []
    assert await house.value("SELECT count(*) FROM customer_order WHERE group_id = $1") == 3


async def test_she_does_not_come_back_by_herself(house: House, erased: dict[str, Any], owner: Any) -> None:
    assert house.shop is not None
    before = await owner.fetchval("SELECT count(*) FROM customer")
    await house.shop.process()
    replay = (
        "mutation ($input: EventReplayInput!) { eventReplay(input: $input) { replayed errors { message } } }"
    )
    await house.ask(replay, input={"project": house.shop.slug})
    await house.run_imports()
    assert sorted(await found_in(house, owner)) == []
    # Zoe, who stood beside her in a file.
    assert await owner.fetchval("SELECT count(*) FROM customer") == before + 1
    assert await owner.fetchval("SELECT name FROM customer WHERE external_id = 'zoe'") == "Zoe"
    assert await figures(owner) != []
    assert (await house.ask("query ($id: ID!) { import(id: $id) { state } }", id=house.ids["json"]))[
        "import"
    ] == {"state": "CANCELLED"}


async def test_what_is_sent_of_her_afterwards_is_somebody_new(
    house: House, erased: dict[str, Any], owner: Any
) -> None:
    assert house.shop is not None
    ident = await house.shop.send("later", data={"basket": 1, "email": EMAIL}, tracker_id=TRACKER)
    await house.shop.process()
    found = await owner.fetchval("SELECT customer_id FROM event WHERE id = $1", ident)
    assert f"cust_{found}" not in (house.customer, house.bystander)
    assert await owner.fetchval("SELECT email FROM customer WHERE id = $1", int(house.customer[5:])) is None
    # The repeat of one that was never processed is known.
    assert await owner.fetchval("SELECT count(*) FROM event WHERE dedup_key LIKE '%n8'") == 1
    await house.shop.send("n8", data={"basket": 1, "email": EMAIL}, tracker_id=TRACKER)
    assert await owner.fetchval("SELECT count(*) FROM event WHERE dedup_key LIKE '%n8'") == 1


async def test_figures_of_an_emptied_event_can_still_be_corrected(
    house: House, erased: dict[str, Any], owner: Any
) -> None:
    assert house.shop is not None
    event = await owner.fetchval(
        "SELECT event_id FROM event_metric WHERE customer_id = $1 AND storage_key = 'turnover' LIMIT 1",
        int(house.customer[5:]),
    )
    correct = "mutation ($i: EventMetricInput!) { eventStatisticSet(input: $i) { errors { message } } }"
    await house.ask(correct, i={"id": f"event_{event}", "storageKey": "turnover", "value": 5})
    shown = await house.http.get(f"/api/v1/projects/{house.shop.slug}/events/{event}", headers=house.headers)
    assert shown.status_code < 500
    told = await owner.fetchrow(
        "SELECT value, currency FROM event_metric WHERE event_id = $1 AND storage_key = 'turnover'", event
    )
    assert tuple(told) == (5, "USD")
