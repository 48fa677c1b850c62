"""Customers told by name, in bulk: who else was known by their addresses or numbers follows."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.contacts.statements import GRAPH
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import Upserted, upsert_customers
from app.domain.identities.identifying import settle_columns


async def tell_customers(
    tx: Transaction, entries: Sequence[CustomerEntry], *, now: datetime, source: str = GRAPH
) -> Upserted:
    """As `upsert_customers`; then keys that belong to these customers go to them, with what was known by them."""
    done = await upsert_customers(tx, entries, now=now, source=source)
    await settle_columns(tx, done.ids, now=now)
    return done


__all__ = ["tell_customers"]
