"""An order that was recorded by mistake is deleted: everything is as if it had never been told."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.attribution.keeping import note_sales
from app.domain.orders.deleting import delete_order
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.errors import NotFound
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import audience, events, groups, rewards
from tests.given.asking import Asker
from tests.given.campaigns import NOON as REWARDED
from tests.given.rewards import Given
from tests.orders import shops
from tests.orders.shops import Shop
from tests.orders.test_one_sale_told_twice import FIELDS, marks, sale

ROLLED = "SELECT orders, cancelled, worth, refunded FROM order_rollup WHERE (orders, cancelled) <> (0, 0)"


async def delete(shop: Shop, order: str) -> int:
    async with shop.db.transaction(shop.scope) as tx:
        return await delete_order(tx, order_id=None, order=order, now=shops.NOON)


async def rolled(shop: Shop) -> list[tuple[Any, ...]]:
    async with shop.db.transaction(shop.scope) as tx:
        return sorted(tuple(row) for row in await tx.fetch(ROLLED))


@pytest.mark.parametrize("before", ["as it is", "given back in part", "given back", "cancelled"])
async def test_it_leaves_everything_as_if_it_had_never_been(db: Database, before: str) -> None:
    shop = await shops.shop(db)
    campaign = shop.campaigns[0]
    await shop.report(shop.order("A-2", "30", campaign_id=campaign))
    found, sums = await shop.found(), await rolled(shop)
    await shop.report(shop.order("A-1", "50", campaign_id=campaign, promo_code="JUNE"))
    if before.startswith("given"):
        await shop.refund("A-1", "r", "20" if before.endswith("part") else None)
    elif before == "cancelled":
        await shop.cancel("A-1")
    await delete(shop, "A-1")
    left = await shop.found()
    # Its use of the promo was redeemed before the order came, and is given back with it.
    assert left.pop("used") == (1, 1)
    assert found.pop("used") == (2, 2)
    assert left == found
    assert await rolled(shop) == sums
    async with db.transaction(shop.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM order_refund") == 0


async def test_its_reference_is_free_again(db: Database) -> None:
    shop = await shops.shop(db)
    await shop.report(shop.order("A-1", "50", version=7))
    await delete(shop, "A-1")
    with pytest.raises(NotFound):
        await delete(shop, "A-1")
    await shop.report(shop.order("A-1", "20", version=1))
    assert (await shop.found())["facts"]["ada"][:2] == (1, Decimal(20))


async def test_many_at_once_delete_it_once(db: Database) -> None:
    shop = await shops.shop(db)
    for _ in range(4):
        await shop.report(shop.order("A-1", "50", campaign_id=shop.campaigns[0]))
        done = await asyncio.gather(
            *(delete(shop, "A-1") for _ in range(4)),
            shop.report(shop.order("A-2", "5", campaign_id=shop.campaigns[0])),
            return_exceptions=True,
        )
        assert sum(isinstance(one, NotFound) for one in done[:4]) == 3
        assert (await shop.found())["facts"]["ada"][:2] == (1, Decimal(5))


async def test_rewards_that_were_paid_for_it_are_taken_back(db: Database) -> None:
    world: Given = await rewards.given(db)
    campaign = await world.campaign()
    async with db.transaction(world.scope) as tx:
        entry = OrderEntry(
            reference="o1", amount=Decimal(50), customer_id=world.customers[0], ordered_at=REWARDED
        )
        await record_orders(tx, [entry], now=REWARDED)
    await world.pay(campaign, world.spend("o1"))
    assert await world.balance() == 100
    async with db.transaction(world.scope) as tx:
        await delete_order(tx, order_id=None, order="o1", now=REWARDED)
    assert (await world.balance(), await world.total(campaign)) == (0, 0)


@pytest.fixture
async def site(db: Database) -> AsyncIterator[events.Shop]:
    made = await events.shop(db, fields=FIELDS)
    await audience.customer(db, made.scope, "ada", email="ada@example.org")
    yield made
    await made.acceptor.close()


async def test_what_an_event_tells_of_the_sale_counts_again(site: events.Shop) -> None:
    told = await sale(site, "A-1")
    await site.process()
    async with site.db.transaction(site.scope) as tx:
        await record_orders(
            tx, [OrderEntry(reference="A-1", amount=Decimal(80), customer_external_id="ada")], now=events.NOON
        )
    assert (await marks(site, told))["turnover"] is True
    async with site.db.transaction(site.scope) as tx:
        await delete_order(tx, order_id=None, order="A-1", now=events.NOON)
        await note_sales(tx, [])
    assert (await marks(site, told))["turnover"] is False


DELETE = """
mutation ($input: OrderDeleteInput!) { orderDelete(input: $input) { deletedId errors { code path } } }
"""


async def test_who_may_and_what_is_out_of_reach(db: Database, tmp_path: Path) -> None:
    asker = Asker(db, read_settings({"DATA_DIR": str(tmp_path)}))
    group, other = await groups.group(db), await groups.group(db)
    second = await groups.store(db, group.group_id, name="Second")
    await audience.customer(db, group.scope, "ada")
    made = await audience.orders(db, group.scope, audience.order("o1", "ada"))
    ident = f"order_{made.ids[0]}"

    async def ask(scope: Scope, *roles: Role, **named: Any) -> Any:
        context = asker.context(scope)
        context.principal = Principal("key:1", scope, frozenset(roles))
        told = await answer(Operation(DELETE, {"input": named}), context)
        return told.body.decode()

    assert "FORBIDDEN" in await ask(group.scope, Role.READ, Role.PERSONAL_DATA, orderId=ident)
    for scope in (other.scope, Scope(group.group_id, store_id=second.store_id)):
        assert "NOT_FOUND" in await ask(scope, Role.WRITE, orderId=ident)
        assert "NOT_FOUND" in await ask(scope, Role.WRITE, orderReference="o1")
    assert "ORDER_UNNAMED" in await ask(group.scope, Role.WRITE)
    assert await ask(group.scope, Role.WRITE, orderId=ident) == (
        f'{{"data":{{"orderDelete":{{"deletedId":"{ident}","errors":[]}}}}}}'
    )
    async with db.transaction(group.scope) as tx:
        kept = await tx.fetchrow(
            "SELECT actor, subject, before ->> 'amount' AS amount, after FROM audit_entry"
            " WHERE action = 'order.delete'"
        )
    assert kept is not None
    assert (kept["actor"], kept["subject"], kept["after"]) == ("key:1", ident, None)
    assert kept["amount"] is not None
    for found in await asker.both(group.scope, "{ orders { totalCount nodes { id } } }"):
        assert found.body == b'{"data":{"orders":{"totalCount":0,"nodes":[]}}}'
