"""Orders of customers, their sums, their refunds, and the references that orders and events tell the same sale by."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Computed, Date, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import (
    AMOUNT,
    CODE,
    INSTANT,
    WORDS,
    KnownElsewhere,
    TenantRow,
    amount,
    child_of,
    counted,
    in_group,
    of_group,
    summed,
    written_now,
)


class CustomerOrder(TenantRow, KnownElsewhere, table=True):
    """A sale. `reference` is the ordering system's own: an order reported again is the same one, as it is now."""

    __tablename__ = "customer_order"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id", "ordered_at"),
        *in_group(store_id="store", campaign_id="campaign", promo_id="promo"),
        UniqueConstraint("group_id", "reference"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("refunded BETWEEN 0 AND amount", name="refunded_within_amount"),
        CheckConstraint("told_refunded BETWEEN 0 AND amount", name="told_refunded_within_amount"),
        CheckConstraint("version >= 0", name="version_not_negative"),
        CheckConstraint("NOT is_called_off OR cancelled_at IS NOT NULL", name="called_off_is_cancelled"),
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
    promo_code: str | None = Field(default=None, sa_type=WORDS)
    """The code it came with, as codes are compared; NULL where its promo was named otherwise."""
    channel: str | None = Field(default=None, sa_type=CODE)
    """The campaign's channel it is counted in; NULL where it has no campaign."""
    amount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    ordered_at: datetime = Field(sa_type=INSTANT)
    ordered_on: date = Field(sa_type=Date)
    """The day it was made on, where the store was then: figures of orders count it on that one."""
    refunded: Decimal = Field(default=Decimal(0), sa_type=AMOUNT, sa_column_kwargs={"server_default": "0"})
    """Of the amount, what was given back: what reports say or what its refunds add up to, whichever is more."""
    cancelled_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When it was found to be cancelled; NULL: it holds."""
    version: int = counted()
    """The sender's number of what is stored; 0 where it gave none."""
    worth: Decimal = Field(
        default=None,
        sa_type=AMOUNT,
        nullable=False,
        sa_column_args=[
            Computed("CASE WHEN cancelled_at IS NULL THEN amount - refunded ELSE 0 END", persisted=True)
        ],
    )
    """What is left of it."""
    told_refunded: Decimal = Field(
        default=Decimal(0), sa_type=AMOUNT, sa_column_kwargs={"server_default": "0"}
    )
    """What the report that is stored said was given back."""
    is_called_off: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether it was cancelled by a call: a later report that does not speak of it leaves it so."""
    updated_at: datetime = written_now()


class OrderRollup(TenantRow, table=True):
    """The sum of a store's orders per day, channel and currency, those with a promo apart. Moved by what writes orders.

    What is asked by promo or campaign is read of the orders that have one, and the others from here.
    """

    __tablename__ = "order_rollup"
    __table_args__ = (
        of_group(),
        *in_group(store_id="store"),
        UniqueConstraint(
            "group_id",
            "store_id",
            "day",
            "channel",
            "has_promo",
            "currency",
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "group_id", "day", "id"),
    )
    store_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str | None = Field(default=None, sa_type=CODE)
    """NULL: of orders without a campaign."""
    has_promo: bool
    currency: str = Field(sa_type=CODE)
    orders: int = counted()
    """Those that hold."""
    cancelled: int = counted()
    worth: Decimal = summed()
    refunded: Decimal = summed()


class OrderRefund(TenantRow, table=True):
    """Money given back for an order. `reference` is the sender's: the same one again is the same refund."""

    __tablename__ = "order_refund"
    __table_args__ = (
        of_group(),
        *child_of("customer_order", "order_id", "refunded_at"),
        UniqueConstraint("group_id", "reference"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )
    order_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=WORDS)
    amount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    """The order's."""
    refunded_at: datetime = Field(sa_type=INSTANT)


class SaleReference(TenantRow, table=True):
    """Where those who tell the same sale meet: orders and events with its reference hold this row while they write."""

    __tablename__ = "sale_reference"
    __table_args__ = (of_group(), UniqueConstraint("group_id", "reference"))
    reference: str = Field(sa_type=WORDS)
