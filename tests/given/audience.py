"""Customers, segments and orders."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import Upserted, upsert_customers
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import OrdersRecorded, record_orders
from app.values.scope import Scope

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


async def customers(db: Database, scope: Scope, *entries: CustomerEntry, now: datetime = NOON) -> Upserted:
    """Customers as `upsert_customers` makes them."""
    async with db.transaction(scope) as tx:
        return await upsert_customers(tx, entries, now=now)


async def customer(db: Database, scope: Scope, external_id: str, **facts: Any) -> int:
    """One customer; its id."""
    made = await customers(db, scope, CustomerEntry(external_id=external_id, **facts))
    return made.ids[0]


async def orders(db: Database, scope: Scope, *entries: OrderEntry, now: datetime = NOON) -> OrdersRecorded:
    """Orders as `record_orders` records them."""
    async with db.transaction(scope) as tx:
        return await record_orders(tx, entries, now=now)


def order(reference: str, whom: str, amount: str = "10", **more: Any) -> OrderEntry:
    """An order of the customer with this external id."""
    return OrderEntry(reference=reference, customer_external_id=whom, amount=Decimal(amount), **more)
