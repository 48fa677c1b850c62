"""Erasing somebody who is everywhere: the whole database and all files are searched for every text of hers."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.erasing.conftest import BYSTANDER, House, found_in, person

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
ASKED = """
{
  orderFigures { orders worth { amount } customers }
  customerFigures { count }
  orders { nodes { reference amount { amount } customer { id } } }
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


async def test_nothing_of_her_is_left_and_all_figures_are(house: House, owner: Any) -> None:
    await person(house)
    before = await figures(owner)
    there = {where for where, _ in await found_in(house, owner)}
    assert sorted(EXPECTED - there) == []
    assert any(where.startswith("file ") for where in there)
    done = await house.erase(key="answer-3")
    assert done["erasedId"] == house.customer
    assert sorted(await found_in(house, owner)) == []
    assert await figures(owner) == before
    # Who stands beside her has all that is his.
    assert await owner.fetchval("SELECT email FROM customer WHERE external_id = 'tom'") == BYSTANDER
