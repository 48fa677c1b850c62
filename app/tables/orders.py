"""Orders of customers."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    WORDS,
    KnownElsewhere,
    TenantRow,
    amount,
    child_of,
    in_group,
    of_group,
)


class CustomerOrder(TenantRow, KnownElsewhere, table=True):
    """An order. `reference` is the ordering system's own: an order reported twice is stored once."""

    __tablename__ = "customer_order"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id", "ordered_at"),
        *in_group(store_id="store", campaign_id="campaign", promo_id="promo"),
        UniqueConstraint("group_id", "reference"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        Index(None, "group_id", "store_id", "ordered_at", "id"),
        Index(None, "group_id", "campaign_id", "ordered_at", "id"),
        Index(None, "group_id", "promo_id", "ordered_at", "id"),
        Index(None, "group_id", "ordered_at", "id"),
        Index(None, "group_id", "amount", "id"),
    )
    reference: str = Field(sa_type=WORDS)
    customer_id: int = Field(sa_type=BigInteger)
    store_id: int = Field(sa_type=BigInteger)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    """The campaign it is attributed to: the one named, else the promo's."""
    promo_id: int | None = Field(default=None, sa_type=BigInteger)
    channel: str | None = Field(default=None, sa_type=CODE)
    """The campaign's channel it is counted in; NULL where it has no campaign."""
    amount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    ordered_at: datetime = Field(sa_type=INSTANT)
