"""A shop with customers, campaigns and a promo, what it says of its orders, and what that should come to.

What should be is worked out from the orders as they are in the end, each by itself, without anything that moves.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.db.database import Database
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import OrdersRecorded, record_orders
from app.domain.orders.refunding import cancel_order, refund_order
from app.values.scope import Scope
from tests.given import audience, campaigns, groups, promos

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
REFERENCES = ("A-1", "A-2")
WHO = ("ada", "bo")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it should be."""

    amount: Decimal
    whom: str
    campaign: int | None
    ordered_at: datetime
    currency: str = "EUR"
    version: int = 0
    told: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    cancelled: bool = False
    called_off: bool = False

    @property
    def refunded(self) -> Decimal:
        return min(self.amount, max(self.told, self.refunds))

    @property
    def worth(self) -> Decimal:
        return Decimal(0) if self.cancelled else self.amount - self.refunded

    @property
    def stands(self) -> bool:
        return not self.cancelled and (self.worth > 0 or self.amount == 0)


@dataclass(slots=True)
class Shop:
    """A group of its own."""

    db: Database
    scope: Scope
    customers: dict[str, int]
    campaigns: list[int]
    promo: int
    refunds: set[str] = field(default_factory=set)

    async def report(self, *entries: OrderEntry, now: datetime = NOON) -> OrdersRecorded:
        async with self.db.transaction(self.scope) as tx:
            return await record_orders(tx, entries, now=now)

    async def refund(self, order: str, reference: str, amount: str | Decimal | None = None) -> int:
        async with self.db.transaction(self.scope) as tx:
            given = None if amount is None else Decimal(amount)
            return await refund_order(
                tx, order_id=None, order=order, amount=given, reference=reference, now=NOON
            )

    async def cancel(self, order: str) -> int:
        async with self.db.transaction(self.scope) as tx:
            return await cancel_order(tx, order_id=None, order=order, now=NOON)

    def order(self, reference: str, amount: str = "10", **more: Any) -> OrderEntry:
        said = {"customer_external_id": "ada", "ordered_at": NOON, **more}
        return OrderEntry(reference=reference, amount=Decimal(amount), **said)

    async def found(self) -> dict[str, Any]:
        """What there is."""
        async with self.db.transaction(self.scope) as tx:
            orders = await tx.fetch(
                "SELECT reference, amount, refunded, worth, cancelled_at IS NOT NULL AS cancelled, customer_id,"
                "       campaign_id, ordered_at, version FROM customer_order"
            )
            facts = await tx.fetch(
                "SELECT external_id, order_count, total_spent, last_order_at FROM customer"
                " WHERE external_id IS NOT NULL"
            )
            metrics = await tx.fetch(
                "SELECT campaign_id, day, sum(conversions), coalesce(sum(revenue) FILTER (WHERE currency = 'EUR'), 0)"
                " FROM campaign_metric WHERE conversions <> 0 OR revenue <> 0 GROUP BY 1, 2"
            )
            rolled = await tx.fetchrow(
                "SELECT sum(conversions) AS n, sum(revenue) FILTER (WHERE currency = 'EUR') AS r FROM metric_rollup"
            )
            used = await tx.fetchval("SELECT used FROM promo WHERE id = $1", self.promo)
            of_customers = await tx.fetchval("SELECT coalesce(sum(used), 0) FROM promo_usage")
        return {
            "orders": {row["reference"]: tuple(row)[1:] for row in orders},
            "facts": {row["external_id"]: tuple(row)[1:] for row in facts},
            "metrics": {(row["campaign_id"], row["day"]): tuple(row)[2:] for row in metrics},
            "rollup": (rolled["n"] or 0, rolled["r"] or 0) if rolled is not None else (0, 0),
            "used": (used, int(of_customers or 0)),
        }

    def should(self, orders: dict[str, Order]) -> dict[str, Any]:
        """What there should be."""
        facts: dict[str, tuple[int, Decimal, datetime | None]] = {}
        for who in self.customers:
            mine = [one for one in orders.values() if one.whom == who and not one.cancelled]
            facts[who] = (
                len(mine),
                sum((one.worth for one in mine if one.currency == "EUR"), Decimal(0)),
                max((one.ordered_at for one in mine), default=None),
            )
        metrics: defaultdict[tuple[int, date], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for one in orders.values():
            if one.campaign is not None and one.worth > 0:
                count, revenue = metrics[one.campaign, one.ordered_at.date()]
                more = one.worth if one.currency == "EUR" else Decimal(0)
                metrics[one.campaign, one.ordered_at.date()] = (count + 1, revenue + more)
        used = sum(1 for reference in REFERENCES if reference not in orders or orders[reference].stands)
        return {
            "orders": {
                reference: (
                    one.amount, one.refunded, one.worth, one.cancelled, self.customers[one.whom], one.campaign,
                    one.ordered_at, one.version,
                )
                for reference, one in orders.items()
            },
            "facts": facts,
            "metrics": dict(metrics),
            "rollup": (
                sum(count for count, _ in metrics.values()),
                sum((revenue for _, revenue in metrics.values()), Decimal(0)),
            ),
            "used": (used, used),
        }  # fmt: skip


async def shop(db: Database) -> Shop:
    """A shop whose two orders, to come, have redeemed the promo already."""
    made = await groups.group(db)
    who = {name: await audience.customer(db, made.scope, name) for name in WHO}
    ads = [await campaigns.campaign(db, made.scope, channels=["email"], name=n) for n in ("June", "July")]
    promo = await promos.promo(db, made.scope, "JUNE", now=NOON)
    for reference in REFERENCES:
        await promos.use(db, made.scope, "JUNE", key=reference, customer_id=who["ada"], now=NOON)
    return Shop(db, made.scope, who, ads, promo)


@dataclass(frozen=True, slots=True)
class Said:
    """A report of an order, plainly."""

    reference: str
    version: int
    amount: int
    whom: str = "ada"
    campaign: int | None = None
    """Which of the shop's."""
    days_ago: int = 0
    currency: str = "EUR"
    refunded: int | None = None
    cancelled: bool | None = None

    def entry(self, shop: Shop) -> OrderEntry:
        return OrderEntry(
            reference=self.reference, version=self.version or None, amount=Decimal(self.amount),
            customer_external_id=self.whom, ordered_at=NOON - timedelta(days=self.days_ago),
            campaign_id=None if self.campaign is None else shop.campaigns[self.campaign],
            currency=self.currency, is_cancelled=self.cancelled,
            refunded=None if self.refunded is None else Decimal(min(self.refunded, self.amount)),
        )  # fmt: skip


def after(orders: dict[str, Order], said: Said, shop: Shop) -> str:
    """Do to the orders what a report does; the outcome."""
    known = orders.get(said.reference)
    if known is not None and said.version < known.version:
        return "outdated"
    if known is not None and said.version == known.version > 0:
        return "repeated"
    entry = said.entry(shop)
    whole = known is None or said.version > known.version
    assert entry.ordered_at is not None
    made = Order(
        entry.amount, said.whom, entry.campaign_id, entry.ordered_at, said.currency, said.version,
        entry.refunded or Decimal(0), cancelled=bool(said.cancelled),
    )  # fmt: skip
    if known is not None:
        called_off = known.called_off and said.cancelled is not False
        cancelled = bool(said.cancelled) or called_off
        told = made.told
        if not whole:
            if said.cancelled is None:
                cancelled = known.cancelled
            if said.refunded is None:
                told = min(known.told, made.amount)
            if said.campaign is None:
                made = replace(made, campaign=known.campaign)
        made = replace(made, told=told, refunds=known.refunds, cancelled=cancelled, called_off=called_off)
    orders[said.reference] = made
    if known is None:
        return "recorded"
    return "repeated" if replace(known, version=made.version) == made else "corrected"
