"""Campaign metrics per day and channel, and the rollup over a store's campaigns, updated by the same writes.

Counts are 53-bit, so that they print as JSON numbers every client reads exactly. `spend` is the sum of the
ledger's entries of that campaign, day and channel, kept in the transaction that writes the ledger.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, KEPT_JSON, TenantRow, amount, child_of, in_group, of_group
from app.values.numbers import MAX_SAFE_INTEGER

COUNTS = ("impressions", "clicks", "conversions", "sent", "delivered", "opened", "unsubscribed")
AMOUNTS = ("spend", "revenue")


def _count() -> Any:
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


def _long_counts() -> list[CheckConstraint]:
    return [CheckConstraint(f"{c} BETWEEN 0 AND {MAX_SAFE_INTEGER}", name=f"{c}_long") for c in COUNTS]


class CampaignMetric(TenantRow, table=True):
    """What one campaign did on one day in one channel."""

    __tablename__ = "campaign_metric"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "day", "channel"),
        UniqueConstraint("group_id", "campaign_id", "day", "channel"),
        *_long_counts(),
        Index(None, "group_id", "day", "id"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)
    impressions: int = _count()
    clicks: int = _count()
    conversions: int = _count()
    sent: int = _count()
    delivered: int = _count()
    opened: int = _count()
    unsubscribed: int = _count()
    spend: Decimal = amount(default=Decimal(0))
    revenue: Decimal = amount(default=Decimal(0))
    extra: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """Metric keys beyond the known ones, as sent."""


class MetricRollup(TenantRow, table=True):
    """The sum of `campaign_metric` over a store's campaigns, per day, channel and currency."""

    __tablename__ = "metric_rollup"
    __table_args__ = (
        of_group(),
        *in_group(store_id="store"),
        UniqueConstraint("group_id", "store_id", "day", "channel", "currency"),
        *_long_counts(),
        Index(None, "group_id", "day", "id"),
    )
    store_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)
    impressions: int = _count()
    clicks: int = _count()
    conversions: int = _count()
    sent: int = _count()
    delivered: int = _count()
    opened: int = _count()
    unsubscribed: int = _count()
    spend: Decimal = amount(default=Decimal(0))
    revenue: Decimal = amount(default=Decimal(0))
