"""Outlays: money put into campaigns."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Index,
    text,
)
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    WORDS,
    KnownElsewhere,
    TenantRow,
    amount,
    child_of,
    of_group,
)


class Outlay(TenantRow, KnownElsewhere, table=True):
    """Money put into a campaign over a stretch of time. Source: Webmarketer, "Custom Ads", outlays."""

    __tablename__ = "outlay"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "starts_at"),
        *child_of("integration", "integration_id", "starts_at"),
        CheckConstraint("starts_at < ends_at", name="window_order"),
        Index(None, "group_id", "starts_at", "id"),
        Index(None, "group_id", "amount", "id"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    integration_id: int | None = Field(default=None, sa_type=BigInteger)
    amount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    starts_at: datetime = Field(sa_type=INSTANT)
    ends_at: datetime = Field(sa_type=INSTANT)
    country: str | None = Field(default=None, sa_type=WORDS)
    region: str | None = Field(default=None, sa_type=WORDS)
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    country_key: str = Field(
        default=None,
        sa_type=WORDS,
        nullable=False,
        sa_column_args=[Computed("coalesce(country, '')", persisted=True)],
    )
    region_key: str = Field(
        default=None,
        sa_type=WORDS,
        nullable=False,
        sa_column_args=[Computed("coalesce(region, '')", persisted=True)],
    )
    """Sort keys: outlays without a place come first."""
