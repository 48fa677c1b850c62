"""Stores, and what they can use."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, WORDS, KnownElsewhere, TenantRow, known_zone, of_group


class StoreFeature(StrEnum):
    """What a store may lack. Source: Criteo, `unavailable-feature-for-this-advertiser`."""

    SPEND_LIMITS = "spend_limits"
    """Without it no spend limit can be set, changed or removed."""
    DAILY_LIMITS = "daily_limits"
    MONTHLY_LIMITS = "monthly_limits"
    LIFETIME_LIMITS = "lifetime_limits"


class Store(TenantRow, KnownElsewhere, table=True):
    """A shop, restaurant or advertiser of the group."""

    __tablename__ = "store"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "beacon_key"),
        CheckConstraint("length(beacon_key) BETWEEN 1 AND 64", name="beacon_key_length"),
        known_zone(),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        CheckConstraint(
            f"unavailable_features <@ '{{{','.join(StoreFeature)}}}'::text[]",
            name="unavailable_features_known",
        ),
        CheckConstraint(
            "array_position(unavailable_features, NULL) IS NULL", name="unavailable_features_whole"
        ),
        Index("uq_store_default", "group_id", unique=True, postgresql_where=text("is_default")),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    beacon_key: str = Field(sa_type=CODE)
    time_zone: str | None = Field(default=None, sa_type=CODE)
    country: str | None = Field(default=None, sa_type=CODE)
    """ISO 3166 alpha-2; NULL: the group's."""
    is_default: bool = Field(default=False)
    unavailable_features: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """Values of `StoreFeature` that this store cannot use; it can use all others."""
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)
