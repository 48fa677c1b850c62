"""Orders of the demonstration groups and all that hangs on them, through the gateway's own operations."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from app.db.database import Database, Transaction
from app.domain.attribution.keeping import next_customers, settle_next_campaigns, share_again
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.orders.refunding import cancel_order, refund_order
from app.domain.promos.redeeming import Asked, redeem
from app.domain.promos.terms import Basket, BasketLine
from app.domain.segments.operations import recount_segments
from app.errors import Failure, Several
from app.seeding.numbers import CENT, DAYS
from app.seeding.orders import Bought, Buyer, Shop
from app.seeding.recipients import write_recipients
from app.seeding.stories import GroupPlan
from app.seeding.writing import JSON
from app.values.scope import Scope

AT_ONCE = 500
CORRECTED, REFUNDED, CANCELLED = 20, 60, 25
"""How many orders came to be so."""
REDEEMED = 60
"""How many uses of a promo are told."""

_HAS_ORDERS = "SELECT EXISTS (SELECT 1 FROM customer_order WHERE group_id = $1)"
_BUYERS = (
    "SELECT id, created_at, store_id FROM customer WHERE group_id = $1 AND deleted_at IS NULL ORDER BY id"
)
_CAMPAIGNS = """
SELECT DISTINCT ON (name) name, id FROM campaign
 WHERE group_id = $1 AND deleted_at IS NULL AND NOT is_template ORDER BY name, id
"""
_STORES = "SELECT id FROM store WHERE group_id = $1 AND deleted_at IS NULL ORDER BY id"
_PROJECT = "SELECT id FROM project WHERE group_id = $1 AND slug = $2"
_ADD_WAYS = """
INSERT INTO interaction
  (group_id, project_id, kind, customer_id, tracker_id, campaign_id, channel, occurred_at, landing_url, dedup_key,
   created_at)
SELECT $1, project_id, kind, customer_id, tracker_id, campaign_id, channel, occurred_at, landing_url, dedup_key,
       created_at
  FROM json_populate_recordset(NULL::interaction, $2::json)
"""
_ADD_SIZES = """
INSERT INTO segment_size (group_id, segment_id, day, size)
SELECT $1, s.id, $2::date - given.ago, round(s.size * given.share)
  FROM segment s, unnest($3::int[], $4::float8[]) AS given (ago, share)
 WHERE s.group_id = $1
UNION ALL
SELECT $1, s.id, $2, s.size FROM segment s WHERE s.group_id = $1
ON CONFLICT (group_id, segment_id, day) DO NOTHING
"""
_NOTED = (
    "DELETE FROM sale_change WHERE group_id = $1",
    "DELETE FROM audience_change WHERE group_id = $1",
)


async def write_sales(db: Database, group_id: int, plan: GroupPlan, *, now: datetime) -> None:
    """Record orders, the ways to them and the messages that people got; all or nothing, and only once."""
    async with db.transaction(Scope(group_id)) as tx:
        if await tx.fetchval(_HAS_ORDERS, group_id):
            return
        shop = await _shop(tx, plan, now=now)
        orders = sorted(shop.orders(), key=lambda one: one.at)
        await tx.execute(_ADD_WAYS, group_id, JSON.encode([*shop.ways(orders)]).decode())
        await _redeem(tx, plan, orders)
        for start in range(0, len(orders), AT_ONCE):
            entries = [_entry(shop, order) for order in orders[start : start + AT_ONCE]]
            await record_orders(tx, entries, now=now)
        await _settle(tx, shop, orders)
        await write_recipients(tx, plan, shop.campaigns, now=now)
    await _catch_up(db, plan, group_id, now=now)


async def _shop(tx: Transaction, plan: GroupPlan, *, now: datetime) -> Shop:
    group_id = tx.scope.group_id
    buyers = await tx.fetch(_BUYERS, group_id)
    return Shop(
        plan,
        [Buyer(id=row["id"], joined=row["created_at"], store_id=row["store_id"]) for row in buyers],
        {row["name"]: row["id"] for row in await tx.fetch(_CAMPAIGNS, group_id)},
        [row["id"] for row in await tx.fetch(_STORES, group_id)],
        await tx.fetchval(_PROJECT, group_id, plan.slug),
        now,
    )


def _entry(shop: Shop, order: Bought) -> OrderEntry:
    return OrderEntry(
        reference=order.reference,
        amount=order.amount,
        customer_id=order.customer_id,
        store_id=order.store_id,
        currency=shop.plan.currency,
        ordered_at=order.at,
        campaign_id=shop.campaigns[order.campaign] if order.campaign else None,
        channel=order.channel,
        promo_code=order.promo,
    )


async def _redeem(tx: Transaction, plan: GroupPlan, orders: Sequence[Bought]) -> None:
    """Uses of promos by some of the orders made with them; before the orders, which take people off segments."""
    used: dict[str, int] = {}
    for order in orders:
        if order.promo is None or used.get(order.promo, 0) >= REDEEMED:
            continue
        lines = (BasketLine(sku="set-01", category="gifts", quantity=1, unit_price=order.amount),)
        asked = Asked(
            code=order.promo,
            basket=Basket(lines=lines, currency=plan.currency),
            customer_id=order.customer_id,
        )
        try:
            async with tx.savepoint():
                await redeem(tx, asked, key=order.reference, now=order.at)
        except (Failure, Several):
            continue  # used up, used by this customer, or not for this customer
        used[order.promo] = used.get(order.promo, 0) + 1


async def _settle(tx: Transaction, shop: Shop, orders: Sequence[Bought]) -> None:
    """Some orders were told anew with another amount, given back in part or as a whole, or called off."""
    chance = Random(f"{shop.plan.slug} returns")  # noqa: S311 - made-up returns
    chosen = chance.sample(orders, CORRECTED + REFUNDED + CANCELLED)
    corrected = [
        OrderEntry(
            reference=one.reference, customer_id=one.customer_id, amount=(one.amount * 2).quantize(CENT)
        )
        for one in chosen[:CORRECTED]
    ]
    await record_orders(tx, corrected, now=shop.now)
    for order in chosen[CORRECTED:-CANCELLED]:
        whole = chance.random() < 0.4
        amount = None if whole else (order.amount * Decimal("0.3")).quantize(CENT)
        at = min(order.at + timedelta(days=chance.uniform(1, 14)), shop.now)
        await refund_order(
            tx,
            order_id=None,
            order=order.reference,
            amount=amount,
            reference=f"back-{order.reference}",
            now=at,
        )
    for order in chosen[-CANCELLED:]:
        at = min(order.at + timedelta(hours=chance.uniform(1, 48)), shop.now)
        await cancel_order(tx, order_id=None, order=order.reference, now=at)


async def _catch_up(db: Database, plan: GroupPlan, group_id: int, *, now: datetime) -> None:
    """What the worker would do seconds later: so the numbers are right from the first look on."""
    chance = Random(f"{plan.slug} sizes")  # noqa: S311 - made-up sizes
    scope = Scope(group_id)
    async with db.transaction(scope) as tx:
        after = 0
        while customers := await next_customers(tx, after):
            await share_again(tx, customers, now=now)
            after = customers[-1]
        place: int | None = 0
        while place is not None:
            place = await settle_next_campaigns(tx, place, now=now)
        zone = ZoneInfo(plan.time_zone)
        await recount_segments(db, tx, now=now, zone=zone, all_of_them=True)
        await tx.execute(
            _ADD_SIZES,
            group_id,
            now.astimezone(zone).date(),
            [7 * week for week in range(1, DAYS // 7 + 1)],
            [1 - 0.011 * week - chance.uniform(0, 0.02) for week in range(1, DAYS // 7 + 1)],
        )
    async with db.directory() as connection:
        for forget in _NOTED:
            await connection.execute(forget, group_id)
