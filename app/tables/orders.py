"""What customers ordered, and which customers are in segments that are lists."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, TenantRow, amount, child_of, in_group, of_group


class CustomerOrder(TenantRow, table=True):
    """An order. `reference` is the ordering system's own; it is there once, however often it is reported."""

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


class SegmentMember(TenantRow, table=True):
    """A customer in a static or imported segment. Dynamic segments have no rows here."""

    __tablename__ = "segment_member"
    __table_args__ = (
        of_group(),
        *child_of("segment", "segment_id", "created_at"),
        *child_of("customer", "customer_id", "created_at"),
        UniqueConstraint("group_id", "segment_id", "customer_id"),
    )
    segment_id: int = Field(sa_type=BigInteger)
    customer_id: int = Field(sa_type=BigInteger)


class AudienceChange(SQLModel, table=True):
    """Directory: facts of a group's customers changed, so its dynamic segments are to be counted anew.

    One row per writing transaction: rows that are only added never wait for one another, and one that commits
    late is found late, not lost. The worker deletes what it has counted.
    """

    __tablename__ = "audience_change"
    __table_args__ = (of_group(), Index(None, "group_id", "id"))
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    group_id: int = Field(sa_type=BigInteger)


__all__ = ["AudienceChange", "CustomerOrder", "SegmentMember"]
