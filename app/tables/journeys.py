"""Journeys: who a user is, and the interactions that led to what they did."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Numeric, Text, UniqueConstraint, text
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, KEPT_JSON, WORDS, TenantRow, child_of, of_group, one_of


class InteractionKind(StrEnum):
    """Where an interaction happened. Source: Webmarketer API 1.0.0, "Interactions"."""

    ONLINE = "online"
    """Traffic: somebody came to the site."""
    OFFLINE = "offline"
    """Out of the website, such as a call or a visit."""


class CustomerIdentity(TenantRow, table=True):
    """Something a user is known by in a project: a tracker, or the value of an identity field, normalised."""

    __tablename__ = "customer_identity"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id"),
        *child_of("project", "project_id")[:1],
        UniqueConstraint("group_id", "project_id", "kind", "value"),
    )
    project_id: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=CODE)
    """`tracker`, `email`, `phone`, or a name from the project's user schema."""
    value: str = Field(sa_type=WORDS)
    customer_id: int = Field(sa_type=BigInteger)


class Interaction(TenantRow, table=True):
    """A contact with a user, online or offline. Without a campaign it is direct traffic.

    `customer_id` is empty while nobody knows whose tracker it is. `dedup_key` is unique in the project.
    """

    __tablename__ = "interaction"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "occurred_at"),
        *child_of("customer", "customer_id")[:1],
        # With what attribution asks for, so that it reads the index alone.
        Index(
            None,
            "group_id",
            "customer_id",
            "occurred_at",
            "id",
            postgresql_include=["campaign_id", "project_id"],
        ),
        *child_of("integration", "integration_id", "occurred_at"),
        *child_of("campaign", "campaign_id", "occurred_at"),
        UniqueConstraint("group_id", "project_id", "dedup_key"),
        one_of("kind", list(InteractionKind)),
        Index(None, "group_id", "project_id", "tracker_id", "occurred_at", "id"),
        # What came in just now and is nobody's yet.
        Index(
            "ix_interaction_unclaimed",
            "group_id",
            "created_at",
            "id",
            postgresql_where=text("customer_id IS NULL"),
        ),
    )
    project_id: int = Field(sa_type=BigInteger)
    kind: str = Field(sa_type=CODE)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    tracker_id: str | None = Field(default=None, sa_type=WORDS)
    integration_id: int | None = Field(default=None, sa_type=BigInteger)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    occurred_at: datetime = Field(sa_type=INSTANT)
    landing_url: str | None = Field(default=None, sa_type=Text)
    referrer: str | None = Field(default=None, sa_type=Text)
    user_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    node_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The advertiser's properties as sent: the integration's id, a campaign's id or slug."""
    dedup_key: str = Field(sa_type=WORDS)


class ExchangeRate(TenantRow, table=True):
    """What one unit of a currency was worth in another from a day on, until the pair's next rate."""

    __tablename__ = "exchange_rate"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "from_currency", "to_currency", "day"),
        CheckConstraint("rate > 0", name="rate_positive"),
        CheckConstraint(
            "from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$'", name="currencies_code"
        ),
        CheckConstraint("from_currency <> to_currency", name="currencies_differ"),
        Index(None, "group_id", "day", "id"),
    )
    from_currency: str = Field(sa_type=CODE)
    to_currency: str = Field(sa_type=CODE)
    day: date = Field(sa_type=Date)
    rate: Decimal = Field(sa_type=Numeric(20, 10))


__all__ = ["CustomerIdentity", "ExchangeRate", "Interaction", "InteractionKind"]
