"""Spend: limits of campaigns, and the ledger."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from app.tables.base import (
    AMOUNT,
    CODE,
    INSTANT,
    WORDS,
    TenantRow,
    amount,
    child_of,
    of_group,
    one_of,
)


class SpendLimitType(StrEnum):
    """Whether spend is capped. Source: Criteo, "spendLimit.spendLimitType"."""

    CAPPED = "capped"
    UNCAPPED = "uncapped"


class SpendLimitRenewal(StrEnum):
    """How often a cap starts again. Source: Criteo, "spendLimit.spendLimitRenewal"."""

    DAILY = "daily"
    MONTHLY = "monthly"
    LIFETIME = "lifetime"


class SpendLimit(TenantRow, table=True):
    """How much a campaign may spend per renewal period. Source: Criteo, "Spend Limit"."""

    __tablename__ = "spend_limit"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id")[:1],
        UniqueConstraint("group_id", "campaign_id"),
        one_of("type", list(SpendLimitType)),
        one_of("renewal", list(SpendLimitRenewal)),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "(type = 'capped' AND amount IS NOT NULL AND renewal IS NOT NULL)"
            " OR (type = 'uncapped' AND amount IS NULL AND renewal IS NULL)",
            name="capped_means_amount",
        ),
        # A lifetime has no next period: a cap below what was already spent is refused, not kept for later.
        CheckConstraint("pending_renewal IN ('daily', 'monthly')", name="pending_renewal_known"),
        CheckConstraint("pending_amount > 0", name="pending_amount_positive"),
        CheckConstraint(
            "num_nonnulls(pending_amount, pending_renewal, effective_from) IN (0, 3)", name="pending_whole"
        ),
        # What the worker looks for: the next cap to take effect.
        Index(
            "ix_spend_limit_due",
            "group_id",
            "effective_from",
            postgresql_where=text("effective_from IS NOT NULL"),
        ),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    type: str = Field(sa_type=CODE)
    renewal: str | None = Field(default=None, sa_type=CODE)
    amount: Decimal | None = amount(default=None, nullable=True)
    currency: str = Field(sa_type=CODE)
    pending_amount: Decimal | None = Field(default=None, sa_type=AMOUNT, nullable=True)
    """The cap from `effective_from` on, which is the start of a period. The worker then moves it to `amount`."""
    pending_renewal: str | None = Field(default=None, sa_type=CODE)
    effective_from: datetime | None = Field(default=None, sa_type=INSTANT)


class SpendEntry(TenantRow, table=True):
    """The one ledger of spend: reported ad spend, outlays spread over their days, anything that costs.

    `source_ref` is unique per source, so a report sent twice counts once. The currency is the campaign's.
    """

    __tablename__ = "spend_entry"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "day"),
        UniqueConstraint("group_id", "source", "source_ref"),
        Index(None, "group_id", "day", "id"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    source: str = Field(sa_type=CODE)
    source_ref: str = Field(sa_type=WORDS)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    amount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
