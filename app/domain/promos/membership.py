"""Who redeems: the customer, whether the promo's segment holds it, and the store it buys in."""

from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.promos.terms import Buyer
from app.domain.segments.attributes import FACT_COLUMNS, facts_of
from app.domain.segments.operations import kept_predicate
from app.domain.segments.predicates import evaluate
from app.errors import NotFound
from app.tables.segments import SegmentType
from app.values.ids import show_id
from app.values.instants import zone_of

_CUSTOMER = f"""
SELECT {FACT_COLUMNS} FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = $4 AND deleted_at IS NULL
"""
# What a promo's segment and counter say about one customer.
_STANDING = """
SELECT (SELECT used FROM promo_usage
         WHERE group_id = $1 AND promo_id = $2 AND customer_id = $4) AS used,
       segment.type, segment.criteria::text AS criteria,
       (SELECT time_zone FROM customer_group WHERE id = $1) AS zone,
       EXISTS (SELECT 1 FROM segment_member
                WHERE group_id = $1 AND segment_id = $3 AND customer_id = $4) AS listed
  FROM (SELECT 1) AS one LEFT JOIN segment ON segment.group_id = $1 AND segment.id = $3
"""
_STORE = "SELECT known_as_id FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"


async def buyer_of(
    tx: Transaction, promo: Any, customer_id: int | None, store_id: int | None, *, now: datetime
) -> Buyer:
    """What the rules need to know about whoever redeems this promo; NotFound for a customer or store out of scope."""
    names = await _store_names(tx, store_id)
    if customer_id is None:
        return Buyer(store_names=names)
    facts = await customer_of(tx, customer_id)
    standing = await tx.fetchrow(_STANDING, tx.scope.group_id, promo["id"], promo["segment_id"], customer_id)
    assert standing is not None
    return Buyer(
        known=True,
        in_segment=_holds(standing, facts, now=now),
        used=standing["used"] or 0,
        store_names=names,
        orders=facts["order_count"],
    )


async def customer_of(tx: Transaction, customer_id: int) -> Any:
    """The customer's row; NotFound where this scope has no such customer."""
    row = await tx.fetchrow(_CUSTOMER, *borders(tx.scope), customer_id)
    if row is None:
        raise NotFound("customer", customer_id, path=["customerId"])
    return row


def _holds(standing: Any, facts: Any, *, now: datetime) -> bool:
    """A list holds its members, a dynamic segment whoever meets its criteria, counted already or not."""
    if standing["type"] != SegmentType.DYNAMIC:
        return bool(standing["listed"])
    predicate = kept_predicate(standing)
    return predicate is not None and evaluate(
        predicate, facts_of(facts), now=now, zone=zone_of(standing["zone"])
    )


async def _store_names(tx: Transaction, store_id: int | None) -> frozenset[str] | None:
    own = tx.scope.store_id
    if own is not None and store_id not in (None, own):
        raise NotFound("store", store_id, path=["basket", "storeId"])
    store_id = store_id if store_id is not None else own
    if store_id is None:
        return None
    row = await tx.fetchrow(_STORE, tx.scope.group_id, store_id)
    if row is None:
        raise NotFound("store", store_id, path=["basket", "storeId"])
    return frozenset({show_id("store", store_id), *row["known_as_id"]})
