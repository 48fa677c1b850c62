"""Uses of promos, and how often each customer used one."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, WORDS, TenantRow, amount, child_of, in_group, of_group


class PromoRedemption(TenantRow, table=True):
    """One use of a promo. `key` is the caller's: the same key again is the same use."""

    __tablename__ = "promo_redemption"
    __table_args__ = (
        of_group(),
        *child_of("promo", "promo_id", "redeemed_at"),
        *child_of("customer", "customer_id", "redeemed_at"),
        *in_group(store_id="store"),
        UniqueConstraint("group_id", "key"),
        CheckConstraint("discount >= 0", name="discount_not_negative"),
        CheckConstraint("basket_total >= discount", name="discount_within_basket"),
        Index(None, "group_id", "store_id", "redeemed_at", "id"),
        Index(None, "group_id", "redeemed_at", "id"),
    )
    promo_id: int = Field(sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    key: str = Field(sa_type=WORDS)
    basket_total: Decimal = amount()
    discount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    redeemed_at: datetime = Field(sa_type=INSTANT)
    released_at: datetime | None = Field(default=None, sa_type=INSTANT)


class PromoUsage(TenantRow, table=True):
    """How often a customer uses a promo, releases taken off: what the limit per customer is held by."""

    __tablename__ = "promo_usage"
    __table_args__ = (
        of_group(),
        *child_of("promo", "promo_id")[:1],
        *child_of("customer", "customer_id"),
        UniqueConstraint("group_id", "promo_id", "customer_id"),
        CheckConstraint("used BETWEEN 0 AND 9007199254740991", name="used_long"),
    )
    promo_id: int = Field(sa_type=BigInteger)
    customer_id: int = Field(sa_type=BigInteger)
    used: int = Field(sa_type=BigInteger)
