"""Orders: each reference counts once; the customer's facts and the campaign's metrics move with it, or not at all."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.orders.entries import OrderEntry
from app.errors import Several
from app.values.scope import Scope
from tests.given import audience as given
from tests.given import campaigns, groups
from tests.given.groups import GivenGroup

NOON = given.NOON


async def facts(db: Database, scope: Scope, external_id: str) -> tuple[Any, ...]:
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow(
            "SELECT order_count, total_spent, last_order_at FROM customer WHERE external_id = $1", external_id
        )
        assert row is not None
        return tuple(row)


async def metrics(db: Database, scope: Scope, table: str = "campaign_metric") -> list[tuple[Any, ...]]:
    async with db.transaction(scope) as tx:
        rows = await tx.fetch(f"SELECT day, channel, conversions, revenue FROM {table} ORDER BY day, channel")
        return [tuple(row) for row in rows]


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    made = await groups.group(db)
    await given.customer(db, made.scope, "ada", email="ada@example.org")
    await given.customer(db, made.scope, "bo")
    return made


async def test_an_order_moves_the_customers_facts_and_the_campaigns_metrics(
    db: Database, shop: GivenGroup
) -> None:
    campaign = await campaigns.campaign(db, shop.scope, channels=["email", "push"])
    done = await given.orders(
        db,
        shop.scope,
        given.order("o1", "ada", "12.50", campaign_id=campaign, channel="email"),
        given.order(
            "o2", "ada", "7.50", campaign_id=campaign, channel="email", ordered_at=NOON - timedelta(hours=1)
        ),
        given.order("o3", "bo", "1", campaign_id=campaign),
        given.order("o4", "bo", "3", ordered_at=NOON - timedelta(days=2)),
        OrderEntry(reference="o5", customer_email="ADA@example.org", amount=Decimal(1), currency="JPY"),
    )
    assert (len(done.ids), done.repeated) == (5, 0)
    # The order in yen counts; its amount is not added to euros.
    assert await facts(db, shop.scope, "ada") == (3, Decimal(20), NOON)
    assert await facts(db, shop.scope, "bo") == (2, Decimal(4), NOON)
    day = date(2025, 6, 15)
    for table in ("campaign_metric", "metric_rollup"):
        assert await metrics(db, shop.scope, table) == [
            (day, "email", 2, Decimal(20)), (day, "unknown", 1, Decimal(1)),
        ]  # fmt: skip


async def test_a_repeated_reference_counts_once(db: Database, shop: GivenGroup) -> None:
    campaign = await campaigns.campaign(db, shop.scope, channels=["email"])
    order = given.order("o1", "ada", "10", campaign_id=campaign)
    done = await given.orders(db, shop.scope, order, order)
    assert (len(done.ids), done.repeated) == (1, 1)
    many = await asyncio.gather(
        *(
            given.orders(db, shop.scope, order, given.order(f"n{n // 2}", "bo", campaign_id=campaign))
            for n in range(20)
        )
    )
    assert sum(len(one.ids) for one in many) == 10
    assert (await facts(db, shop.scope, "ada"))[:2] == (1, Decimal(10))
    assert (await facts(db, shop.scope, "bo"))[:2] == (10, Decimal(100))
    assert await metrics(db, shop.scope) == [(date(2025, 6, 15), "email", 11, Decimal(110))]


async def test_a_promo_leads_to_its_campaign(db: Database, shop: GivenGroup) -> None:
    campaign = await campaigns.campaign(db, shop.scope, channels=["sms"])
    async with db.transaction(shop.scope) as tx:
        await tx.execute(
            "WITH made AS (INSERT INTO promo (group_id, code, code_key, type, value, currency, used, campaign_id)"
            " VALUES ($1, 'FLASH25', 'FLASH25', 'percentage', 25, 'EUR', 0, $2) RETURNING group_id, id)"
            " INSERT INTO promo_campaign (group_id, promo_id, campaign_id) SELECT group_id, id, $2 FROM made",
            shop.group_id, campaign,
        )  # fmt: skip
    await given.orders(db, shop.scope, given.order("o1", "ada", promo_code="flash25"))
    assert await metrics(db, shop.scope) == [(date(2025, 6, 15), "sms", 1, Decimal(10))]
    async with db.transaction(shop.scope) as tx:
        row = await tx.fetchrow("SELECT campaign_id, promo_id IS NOT NULL, store_id FROM customer_order")
        assert row is not None
        assert tuple(row) == (campaign, True, shop.store_id)


async def test_one_wrong_order_and_none_is_stored(db: Database, shop: GivenGroup) -> None:
    with pytest.raises(Several) as refused:
        await given.orders(
            db,
            shop.scope,
            given.order("o1", "ada"),
            given.order("o2", "nobody"),
            given.order("o3", "ada", campaign_id=10**12),
            given.order("o4", "ada", promo_code="NONE"),
            given.order("o6", "ada", store_id=10**12),
        )
    assert [(f.reason, [str(p) for p in f.path]) for f in refused.value.failures] == [
        ("NOT_FOUND", ["orders", "1"]),
        ("NOT_FOUND", ["orders", "2", "campaignId"]),
        ("NOT_FOUND", ["orders", "3", "promoCode"]),
        ("NOT_FOUND", ["orders", "4", "storeId"]),
    ]
    with pytest.raises(Several) as refused:
        await given.orders(
            db,
            shop.scope,
            given.order("", "ada"),
            given.order("o1", "ada", "-1"),
            given.order("o2", "ada", ordered_at=NOON + timedelta(days=2)),
            OrderEntry(reference="o3", amount=Decimal(1)),
        )
    assert [f.reason for f in refused.value.failures] == [
        "INVALID",
        "INVALID",
        "DAY_TO_COME",
        "CUSTOMER_UNNAMED",
    ]
    assert await facts(db, shop.scope, "ada") == (0, Decimal(0), None)


async def test_another_stores_customers_and_campaigns_are_not_there(db: Database, shop: GivenGroup) -> None:
    other = await groups.store(db, shop.group_id)
    narrow = Scope(shop.group_id, other.store_id)
    await given.customer(db, narrow, "own")
    foreign = await campaigns.campaign(db, shop.scope)
    for order in (given.order("o1", "ada"), given.order("o2", "own", campaign_id=foreign)):
        with pytest.raises(Several) as refused:
            await given.orders(db, narrow, order)
        assert refused.value.reason == "NOT_FOUND"
    await given.orders(db, narrow, given.order("o3", "own"))
    async with db.transaction(shop.scope) as tx:
        assert (
            await tx.fetchval("SELECT store_id FROM customer_order WHERE reference = 'o3'") == other.store_id
        )
