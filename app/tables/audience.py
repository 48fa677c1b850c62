"""Who a campaign speaks to and with what: segments, customers, promos."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from app.tables.base import (
    AMOUNT,
    CODE,
    INSTANT,
    KEPT_JSON,
    WORDS,
    TenantRow,
    amount,
    child_of,
    in_group,
    of_group,
    one_of,
)


class SegmentType(StrEnum):
    """How a segment gets its customers. Source: Marketing & CRM API, "Segment Types"."""

    STATIC = "static"
    DYNAMIC = "dynamic"
    IMPORTED = "imported"


class Segment(TenantRow, table=True):
    """A set of customers. `size` is as of `sized_at`."""

    __tablename__ = "segment"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "external_id"),
        one_of("type", list(SegmentType)),
        CheckConstraint("size BETWEEN 0 AND 9007199254740991", name="size_long"),
        Index(None, "group_id", "name", "id"),
        Index(None, "group_id", "created_at", "id"),
    )
    name: str = Field(sa_type=WORDS)
    type: str = Field(sa_type=CODE)
    source: str | None = Field(default=None, sa_type=WORDS)
    """Where an imported segment comes from."""
    criteria: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    size: int = Field(default=0, sa_type=BigInteger)
    sized_at: datetime | None = Field(default=None, sa_type=INSTANT)
    external_id: str | None = Field(default=None, sa_type=CODE)
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Customer(TenantRow, table=True):
    """A person who buys from the group's stores, and the facts segments are made of.

    `order_count` and `last_order_at` are of all orders, `total_spent` of those in the group's currency; the
    transaction that records an order moves them.
    """

    __tablename__ = "customer"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        UniqueConstraint("group_id", "external_id"),
        UniqueConstraint("group_id", "email_key"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "name", "id"),
        Index(None, "group_id", "phone", "id"),
        CheckConstraint("order_count BETWEEN 0 AND 9007199254740991", name="order_count_long"),
        CheckConstraint("array_position(tags, NULL) IS NULL", name="tags_whole"),
        Index(None, "group_id", "loyalty_tier", "id"),
        Index(None, "group_id", "total_spent", "id"),
        Index(None, "group_id", "order_count", "id"),
        Index(None, "group_id", "last_order_at", "id"),
        Index(None, "tags", postgresql_using="gin"),
        Index(
            None,
            "attributes_index",
            postgresql_using="gin",
            postgresql_ops={"attributes_index": "jsonb_path_ops"},
        ),
    )
    name: str = Field(sa_type=WORDS)
    email: str | None = Field(default=None, sa_type=WORDS)
    email_key: str | None = Field(
        default=None, sa_column=Column(WORDS, Computed("lower(email)", persisted=True))
    )
    """What an address is looked up by. A column of its own, since behind the policies PostgreSQL takes no index on an
    expression whose function might leak what it is given."""
    phone: str | None = Field(default=None, sa_type=CODE)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    external_id: str | None = Field(default=None, sa_type=CODE)
    loyalty_tier: str | None = Field(default=None, sa_type=CODE)
    order_count: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    total_spent: Decimal = Field(default=Decimal(0), sa_type=AMOUNT, sa_column_kwargs={"server_default": "0"})
    """In the group's currency."""
    last_order_at: datetime | None = Field(default=None, sa_type=INSTANT)
    email_consent: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    sms_consent: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    email_consent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    sms_consent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When it was last told by somebody else than a provider: no delivery about an earlier moment undoes that."""
    tags: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    attributes: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """An object of whatever else is known, as sent."""
    attributes_index: Any = Field(
        default=None,
        sa_column=Column(JSONB(none_as_null=True), Computed("attributes::jsonb", persisted=True)),
    )
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Promo(TenantRow, table=True):
    """A promo code. `type` is an open set; `value` is a percentage or an amount by type."""

    __tablename__ = "promo"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "created_at"),
        *in_group(segment_id="segment"),
        # A deleted promo gives its code free.
        Index(
            "uq_promo_group_id_code",
            "group_id",
            text("upper(code)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("valid_from < valid_until", name="window_order"),
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint(
            "used >= 0 AND used <= coalesce(usage_limit, 9007199254740991)", name="used_within_limit"
        ),
        CheckConstraint("usage_limit BETWEEN 0 AND 9007199254740991", name="usage_limit_long"),
        CheckConstraint("per_customer_limit BETWEEN 0 AND 9007199254740991", name="per_customer_limit_long"),
        Index(None, "group_id", "code", "id"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "segment_id", "created_at", "id"),
    )
    code: str = Field(sa_type=WORDS)
    type: str = Field(sa_type=CODE)
    value: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    min_order_amount: Decimal | None = amount(default=None, nullable=True)
    max_discount: Decimal | None = amount(default=None, nullable=True)
    usage_limit: int | None = Field(default=None, sa_type=BigInteger)
    per_customer_limit: int | None = Field(default=None, sa_type=BigInteger)
    used: int = Field(default=0, sa_type=BigInteger)
    valid_from: datetime | None = Field(default=None, sa_type=INSTANT)
    valid_until: datetime | None = Field(default=None, sa_type=INSTANT)
    applies_to: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    segment_id: int | None = Field(default=None, sa_type=BigInteger)
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


__all__ = ["Customer", "Promo", "Segment", "SegmentType"]
