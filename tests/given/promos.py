"""Promos, customers who use them, and baskets."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.db.database import Database
from app.domain.promos.fields import PromoFields
from app.domain.promos.operations import create_promo
from app.domain.promos.redeeming import Asked, redeem
from app.domain.promos.terms import Basket, BasketLine
from app.values.scope import Scope

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


async def promo(
    db: Database, scope: Scope, code: str = "WELCOME20", *, now: datetime = NOON, **fields: Any
) -> int:
    """A promo, 20 % unless said."""
    given = {"type": "percentage", "value": Decimal(20), **fields}
    async with db.transaction(scope) as tx:
        return await create_promo(tx, PromoFields(code=code, **given), now=now)


async def customers(db: Database, group_id: int, count: int, *, store_id: int | None = None) -> list[int]:
    """So many customers."""
    async with db.transaction(Scope(group_id)) as tx:
        rows = await tx.fetch(
            "INSERT INTO customer (group_id, name, store_id)"
            " SELECT $1, 'customer ' || n, $3 FROM generate_series(1, $2::int) n RETURNING id",
            group_id, count, store_id,
        )  # fmt: skip
    return [row["id"] for row in rows]


async def segment(
    db: Database,
    group_id: int,
    *,
    kind: str = "static",
    criteria: str | None = None,
    members: Sequence[int] = (),
) -> int:
    """A segment, with its members where it is a list."""
    async with db.transaction(Scope(group_id)) as tx:
        found = await tx.fetchval(
            "INSERT INTO segment (group_id, name, type, criteria, size) VALUES ($1, 'S', $2, $3, 0) RETURNING id",
            group_id, kind, criteria,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO segment_member (group_id, segment_id, customer_id) SELECT $1, $2, unnest($3::bigint[])",
            group_id, found, list(members),
        )  # fmt: skip
    return int(found)


def basket(*lines: tuple[str, int, str], delivery: str = "0", currency: str | None = None) -> Basket:
    """Lines as (sku, quantity, unit price); the category is the sku's first letter."""
    return Basket(
        lines=[
            BasketLine(sku=sku, category=sku[0], quantity=n, unit_price=Decimal(price))
            for sku, n, price in lines
        ],
        delivery_fee=Decimal(delivery),
        currency=currency,
    )


async def use(
    db: Database,
    scope: Scope,
    code: str,
    *,
    key: str,
    customer_id: int | None = None,
    store_id: int | None = None,
    what: Basket | None = None,
    now: datetime = NOON,
) -> int:
    """Redeem it on a basket of 100."""
    asked = Asked(
        code=code, basket=what or basket(("A1", 1, "100")), customer_id=customer_id, store_id=store_id
    )
    async with db.transaction(scope) as tx:
        return await redeem(tx, asked, key=key, now=now)


async def uses(db: Database, scope: Scope, promo_id: int) -> tuple[int, int, int]:
    """What the promo counts, what its customers' counters add up to, and uses on record that were not given back."""
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow(
            "SELECT used, (SELECT coalesce(sum(used), 0) FROM promo_usage WHERE promo_id = p.id) AS counted,"
            " (SELECT count(*) FROM promo_redemption WHERE promo_id = p.id AND released_at IS NULL) AS recorded"
            " FROM promo p WHERE id = $1",
            promo_id,
        )
        assert row is not None
        return int(row["used"]), int(row["counted"]), int(row["recorded"])
