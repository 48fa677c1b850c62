"""Campaigns."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.tables.base import (
    AMOUNT,
    CODE,
    INSTANT,
    KEPT_JSON,
    WORDS,
    KnownElsewhere,
    TenantRow,
    amount,
    child_of,
    counted,
    in_group,
    of_group,
    one_of,
)
from app.values.numbers import MAX_SAFE_INTEGER


class CampaignStatus(StrEnum):
    """Where a campaign stands in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class CampaignType(StrEnum):
    """What a campaign is for. Source: Marketing & CRM API, "Campaign Types"."""

    ONBOARDING = "onboarding"
    REENGAGEMENT = "reengagement"
    PROMOTION = "promotion"
    NEWSLETTER = "newsletter"
    TRANSACTIONAL = "transactional"
    LOYALTY = "loyalty"


class Objective(StrEnum):
    """The marketing goal of an ad campaign. Source: Criteo, "Campaign Attributes", goal."""

    ACQUISITION = "acquisition"
    RETENTION = "retention"
    UNSPECIFIED = "unspecified"


class NegativeBalance(StrEnum):
    """Whether what is taken back may bring a customer's balance below zero."""

    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"


class ExpiryPeriod(StrEnum):
    """A calendar period with which points expire."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Campaign(TenantRow, KnownElsewhere, table=True):
    """A campaign of any kind. `ends_at` is exclusive; `starts_on`, `ends_on` are kept when dates were given."""

    __tablename__ = "campaign"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        *in_group(
            project_id="project",
            segment_id="segment",
            integration_id="integration",
            partner_id="partner",
            partnership_id="partnership",
            template_id="campaign",
        ),
        UniqueConstraint("group_id", "integration_id", "slug"),
        one_of("status", list(CampaignStatus)),
        one_of("type", list(CampaignType)),
        one_of("objective", list(Objective)),
        CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
        CheckConstraint("budget_total >= 0", name="budget_not_negative"),
        CheckConstraint("ends_at >= starts_at", name="window_order"),
        CheckConstraint(f"total_rewards BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="total_rewards_long"),
        CheckConstraint(
            "reward_version > 0 AND least(reward_participants, reward_transactions, reward_revenue) >= 0"
            f" AND greatest(reward_participants, reward_transactions, reward_revenue) <= {MAX_SAFE_INTEGER}",
            name="reward_counts_long",
        ),
        one_of("negative_balance", list(NegativeBalance)),
        one_of("reward_expire_period", list(ExpiryPeriod)),
        CheckConstraint("reward_wait_days BETWEEN 1 AND 3650", name="reward_wait_days_within"),
        CheckConstraint("reward_expire_days BETWEEN 1 AND 36500", name="reward_expire_days_within"),
        CheckConstraint("reward_late_days BETWEEN 0 AND 3650", name="reward_late_days_within"),
        CheckConstraint(f"owner_id BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="owner_long"),
        CheckConstraint("array_position(channels, NULL) IS NULL", name="channels_whole"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "name", "id"),
        Index(None, "group_id", "starts_key", "id"),
        Index(None, "group_id", "budget_key", "id"),
        Index(None, "group_id", "status", "created_at", "id"),
        Index(None, "group_id", "project_id", "created_at", "id"),
        Index(None, "group_id", "segment_id", "created_at", "id"),
        Index(None, "group_id", "integration_id", "created_at", "id"),
        Index(None, "group_id", "partner_id", "created_at", "id"),
        Index(None, "group_id", "partnership_id", "created_at", "id"),
        Index(None, "group_id", "template_id", "created_at", "id"),
        # Traffic without a known slug counts for one campaign of the integration, which is made automatically.
        Index(
            "uq_campaign_implicit",
            "group_id",
            "integration_id",
            unique=True,
            postgresql_where=text("NOT is_explicit AND deleted_at IS NULL"),
        ),
        # What the worker looks for: the next campaign to start or to end.
        Index(
            "ix_campaign_due_start", "group_id", "starts_at", postgresql_where=text("status = 'scheduled'")
        ),
        Index(
            "ix_campaign_due_end",
            "group_id",
            "ends_at",
            postgresql_where=text("status IN ('active', 'paused')"),
        ),
    )
    name: str = Field(sa_type=WORDS)
    description: str | None = Field(default=None, sa_type=Text)
    logo_url: str | None = Field(default=None, sa_type=Text)
    status: str = Field(default=CampaignStatus.DRAFT, sa_type=CODE)
    type: str = Field(default=CampaignType.PROMOTION, sa_type=CODE)
    objective: str = Field(default=Objective.UNSPECIFIED, sa_type=CODE)
    channels: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    store_id: int = Field(sa_type=BigInteger)
    project_id: int | None = Field(default=None, sa_type=BigInteger)
    segment_id: int | None = Field(default=None, sa_type=BigInteger)
    starts_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ends_at: datetime | None = Field(default=None, sa_type=INSTANT)
    starts_on: date | None = Field(default=None, sa_type=Date)
    ends_on: date | None = Field(default=None, sa_type=Date)
    period_type: str | None = Field(default=None, sa_type=CODE)
    budget_total: Decimal | None = amount(default=None, nullable=True)
    currency: str = Field(sa_type=CODE)
    subject: str | None = Field(default=None, sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    cta_text: str | None = Field(default=None, sa_type=Text)
    cta_url: str | None = Field(default=None, sa_type=Text)
    integration_id: int | None = Field(default=None, sa_type=BigInteger)
    slug: str | None = Field(default=None, sa_type=CODE)
    is_explicit: bool = Field(default=True)
    reward_type: int | None = Field(default=None)
    partner_id: int | None = Field(default=None, sa_type=BigInteger)
    partnership_id: int | None = Field(default=None, sa_type=BigInteger)
    owner_id: int | None = Field(default=None, sa_type=BigInteger)
    total_rewards: int = Field(default=0, sa_type=BigInteger)
    """The sum of its lines in the reward ledger."""
    reward_version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """Counts the changes of its flows and goals."""
    reward_participants: int = counted()
    reward_transactions: int = counted()
    reward_late_days: int = Field(default=30, sa_column_kwargs={"server_default": "30"})
    """How many days after its end it still pays for what happened before."""
    reward_wait_days: int | None = Field(default=None)
    """How long what is earned waits until it can be used, from when it happened."""
    reward_expire_days: int | None = Field(default=None)
    """How long it can be used from then on."""
    reward_expire_period: str | None = Field(default=None, sa_type=CODE)
    negative_balance: str = Field(
        default=NegativeBalance.FORBIDDEN, sa_type=CODE, sa_column_kwargs={"server_default": "forbidden"}
    )
    reward_revenue: int = counted()
    """In the smallest currency unit. Like the two above: what was rewarded, less reversals."""
    opening: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """Totals counted elsewhere, up to when, and what of them is in the metrics: `domain/metrics/opening.py`."""
    is_template: bool = Field(default=False)
    template_id: int | None = Field(default=None, sa_type=BigInteger)
    activated_at: datetime | None = Field(default=None, sa_type=INSTANT)
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    starts_key: datetime = Field(
        default=None,
        sa_type=INSTANT,
        nullable=False,
        sa_column_args=[
            Computed("coalesce(starts_at, '9999-12-31 00:00:00+00'::timestamptz)", persisted=True)
        ],
    )
    """Sort key: campaigns without a start come last."""
    budget_key: Decimal = Field(
        default=None,
        sa_type=AMOUNT,
        nullable=False,
        sa_column_args=[Computed("coalesce(budget_total, 0)", persisted=True)],
    )
    """Sort key: campaigns without a budget count as zero."""


class CampaignStatusChange(TenantRow, table=True):
    """From when a campaign had a status. What that says of a moment: `domain/campaigns/history.py`."""

    __tablename__ = "campaign_status_change"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "at"),
        one_of("status", list(CampaignStatus)),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    status: str = Field(sa_type=CODE)
    at: datetime = Field(sa_type=INSTANT)
    """Where time made the change, the moment at which it was due, however late it was noticed."""
    by_clock: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether it followed from the campaign's window, not from somebody's decision."""
