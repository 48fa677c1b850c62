"""What the demonstration groups' customers did: touches of the funnel's stages, and promos they used."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from app.db.database import Database
from app.domain.funnels.stages import STAGES
from app.domain.funnels.touches import Touch, record_touches
from app.domain.promos.redeeming import Asked, redeem
from app.domain.promos.terms import Basket, BasketLine
from app.errors import Several
from app.values.scope import Scope

TRAVELLERS = 1_500
"""Customers whose journey is recorded."""
_STAYS = (1.0, 0.65, 0.62, 0.7, 0.8, 0.7, 0.8, 0.75, 0.6, 0.3)
"""The share of customers at a stage that reach the next one, in the order of the stages."""
_CHANNELS = ("email", "google_ads", "social", None)
_CUSTOMERS = "SELECT id FROM customer WHERE group_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"
_PROMOS = """
SELECT code, currency FROM promo
 WHERE group_id = $1 AND deleted_at IS NULL AND segment_id IS NULL AND type = 'percentage'
   AND coalesce(valid_from <= $2, true) AND coalesce(valid_until > $2, true) ORDER BY id LIMIT 3
"""
_AT_ONCE = 5_000


async def write_journeys(db: Database, group_id: int, *, slug: str, now: datetime) -> None:
    """Record them through the gateway's own operations. A second call changes nothing."""
    chance = Random(f"{slug} journeys")  # noqa: S311 - made-up people
    async with db.transaction(Scope(group_id)) as tx:
        customers = [row["id"] for row in await tx.fetch(_CUSTOMERS, group_id, TRAVELLERS)]
        touches = [touch for customer in customers for touch in _way(customer, chance, now)]
        for start in range(0, len(touches), _AT_ONCE):
            await record_touches(tx, touches[start : start + _AT_ONCE], source="demonstration", now=now)
        for promo in await tx.fetch(_PROMOS, group_id, now):
            for customer in customers[:5]:
                lines = (BasketLine(sku="set-01", category="gifts", quantity=2, unit_price=Decimal("60.00")),)
                basket = Basket(lines=lines, currency=promo["currency"])
                try:
                    asked = Asked(code=promo["code"], basket=basket, customer_id=customer)
                    await redeem(tx, asked, key=f"demonstration {promo['code']} {customer}", now=now)
                except Several:
                    break  # not valid for this basket, or used up


def _way(customer: int, chance: Random, now: datetime) -> Iterator[Touch]:
    at = now - timedelta(days=chance.uniform(40, 85))
    channel = chance.choice(_CHANNELS)
    for stage, stays in zip(STAGES, _STAYS, strict=True):
        if chance.random() > stays:
            return
        yield Touch(
            customer_id=customer,
            stage=stage,
            occurred_at=at,
            reference=f"{customer}/{stage}",
            channel=channel,
        )
        at += timedelta(hours=chance.uniform(1, 90))
