"""Customer groups (tenants), their stores and their projects."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, TenantRow, child_of, of_group


class Tenant(SQLModel, table=True):
    """Directory: which groups exist, for work that visits every group in turn. No policy, no content."""

    __tablename__ = "tenant"
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])


class StoreFeature(StrEnum):
    """What a store may be without. Source: Criteo, `unavailable-feature-for-this-advertiser`."""

    SPEND_LIMITS = "spend_limits"
    """Without it no spend limit can be set, changed or taken away."""
    DAILY_LIMITS = "daily_limits"
    MONTHLY_LIMITS = "monthly_limits"
    LIFETIME_LIMITS = "lifetime_limits"


def _known_zone() -> CheckConstraint:
    """Days are computed in it, also where an error would cost the whole answer; an unknown one raises here."""
    return CheckConstraint(
        "(timestamptz '2000-01-01 00:00:00+00' AT TIME ZONE time_zone) > '1999-01-01'", name="time_zone_known"
    )


class CustomerGroup(SQLModel, table=True):
    """A customer group. Its row-level policy asks for `app.group_ids`, every group of the credential."""

    __tablename__ = "customer_group"
    __table_args__ = (ForeignKeyConstraint(["id"], ["tenant.id"], ondelete="CASCADE"), _known_zone())
    id: int = Field(sa_type=BigInteger, primary_key=True)
    name: str = Field(sa_type=WORDS)
    currency: str = Field(sa_type=CODE)
    time_zone: str = Field(sa_type=CODE)
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )


class Store(TenantRow, table=True):
    """A shop, restaurant or advertiser of the group."""

    __tablename__ = "store"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "beacon_key"),
        UniqueConstraint("group_id", "external_id"),
        CheckConstraint("length(beacon_key) BETWEEN 1 AND 64", name="beacon_key_length"),
        _known_zone(),
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
    is_default: bool = Field(default=False)
    external_id: str | None = Field(default=None, sa_type=CODE)
    unavailable_features: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """Of `StoreFeature`: what this store cannot use; everything else it can."""
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Project(TenantRow, table=True):
    """A project: made by itself for a campaign (internal), or a tracking project with a slug."""

    __tablename__ = "project"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        CheckConstraint("array_position(identity_fields, NULL) IS NULL", name="identity_fields_whole"),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    slug: str | None = Field(default=None, sa_type=CODE)
    is_internal: bool = Field(default=False)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    identity_fields: list[str] = Field(
        default_factory=lambda: ["email", "phone"],
        sa_column=Column(ARRAY(Text), nullable=False, server_default="{email,phone}"),
    )
    """What its users are known by, surest first."""


class ProjectSlug(SQLModel, table=True):
    """Directory: a slug is unique over all groups and found before the group is known."""

    __tablename__ = "project_slug"
    __table_args__ = (
        CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) BETWEEN 3 AND 64", name="slug_form"
        ),
        ForeignKeyConstraint(
            ["group_id", "project_id"], ["project.group_id", "project.id"], ondelete="CASCADE"
        ),
    )
    slug: str = Field(sa_type=CODE, primary_key=True)
    group_id: int = Field(sa_type=BigInteger)
    project_id: int = Field(sa_type=BigInteger)


class Partner(TenantRow, table=True):
    """A company whose customers earn or redeem rewards."""

    __tablename__ = "partner"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "external_id"),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    external_id: str | None = Field(default=None, sa_type=CODE)


class Partnership(TenantRow, table=True):
    """An agreement between a partner and a store."""

    __tablename__ = "partnership"
    __table_args__ = (
        of_group(),
        *child_of("partner", "partner_id", "name"),
        *child_of("store", "store_id", "name"),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    partner_id: int = Field(sa_type=BigInteger)
    store_id: int = Field(sa_type=BigInteger)


class Integration(TenantRow, table=True):
    """A connection of a project to an advertising tool; campaigns it tracks have a slug of their own."""

    __tablename__ = "integration"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "name"),
        UniqueConstraint("group_id", "wmkt_id"),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    project_id: int = Field(sa_type=BigInteger)
    kind: str = Field(default="custom_ads", sa_type=CODE)
    wmkt_id: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)


__all__ = [
    "CustomerGroup",
    "Integration",
    "Partner",
    "Partnership",
    "Project",
    "ProjectSlug",
    "Store",
    "StoreFeature",
    "Tenant",
]
