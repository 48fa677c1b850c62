"""Interactions: contacts with users."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    KEPT_JSON,
    WORDS,
    KnownElsewhere,
    TenantRow,
    child_of,
    of_group,
    one_of,
)


class InteractionKind(StrEnum):
    """Where an interaction happened. Source: Webmarketer API 1.0.0, "Interactions"."""

    ONLINE = "online"
    """Traffic: somebody came to the site."""
    OFFLINE = "offline"
    """Away from the website, such as a call or a visit to a shop."""


class Interaction(TenantRow, KnownElsewhere, table=True):
    """A contact with a user, online or offline. Without a campaign and a channel it is direct traffic.

    `customer_id` is empty while nobody knows whose tracker it is. `dedup_key` is unique in the project.
    """

    __tablename__ = "interaction"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "occurred_at"),
        *child_of("customer", "customer_id")[:1],
        # Includes all that attribution asks for, so that it reads only the index.
        Index(
            None,
            "group_id",
            "customer_id",
            "occurred_at",
            "id",
            postgresql_include=["campaign_id", "project_id", "channel"],
        ),
        *child_of("integration", "integration_id", "occurred_at"),
        *child_of("campaign", "campaign_id", "occurred_at"),
        UniqueConstraint("group_id", "project_id", "dedup_key"),
        one_of("kind", list(InteractionKind)),
        Index(None, "group_id", "project_id", "tracker_id", "occurred_at", "id"),
        # What has just come in and has no customer yet.
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
    identity_id: int | None = Field(default=None, sa_type=BigInteger)
    """The identity that says whose it is: it goes where that goes."""
    tracker_id: str | None = Field(default=None, sa_type=WORDS)
    integration_id: int | None = Field(default=None, sa_type=BigInteger)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    channel: str | None = Field(default=None, sa_type=CODE)
    """Of the campaigns' words; NULL: nothing says how they came."""
    occurred_at: datetime = Field(sa_type=INSTANT)
    landing_url: str | None = Field(default=None, sa_type=Text)
    referrer: str | None = Field(default=None, sa_type=Text)
    user_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    node_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The advertiser's properties as sent: the integration's id, a campaign's id or slug."""
    dedup_key: str = Field(sa_type=WORDS)
