"""What of the headline follows from touches."""

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Date, Identity, Index
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, TenantRow, amount, child_of, in_group, of_group


class AttributedShare(TenantRow, table=True):
    """What of a customer's sale counts for a campaign by a channel, since touches say so."""

    __tablename__ = "attributed_share"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id"),
        *in_group(campaign_id="campaign"),
        Index(None, "group_id", "campaign_id", "id"),
        CheckConstraint("num_nonnulls(order_id, metric_id) = 1", name="one_sale"),
    )
    source: str = Field(sa_type=CODE)
    """Of the fact it moves: shares of the model, or an order whose channel a touch tells."""
    customer_id: int = Field(sa_type=BigInteger)
    order_id: int | None = Field(default=None, sa_type=BigInteger)
    metric_id: int | None = Field(default=None, sa_type=BigInteger)
    """The statistic of an event."""
    campaign_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)
    amount: Decimal = amount()


class SaleChange(SQLModel, table=True):
    """Directory: a customer's sales or touches changed, so that they are to be shared again.

    NULL: all of the group's, since it chose another model. Rows are only inserted, so nobody waits for anybody, and one
    that commits late is found late, but not lost. The worker deletes those it has dealt with.
    """

    __tablename__ = "sale_change"
    __table_args__ = (of_group(), Index(None, "group_id", "id"))
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    group_id: int = Field(sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
