"""Customers: people who buy from the group's stores."""

from datetime import datetime
from decimal import Decimal
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
    KnownElsewhere,
    TenantRow,
    child_of,
    counted,
    of_group,
)
from app.values.numbers import MAX_SAFE_INTEGER

EMPTY = (
    "name = '' AND num_nonnulls(email, phone, external_id, attributes) = 0 AND cardinality(tags) = 0"
    " AND NOT email_consent AND NOT sms_consent AND deleted_at IS NOT NULL"
)
"""Of an erased customer: whoever writes to one that was there a moment ago fails, instead of bringing it back."""


class Customer(TenantRow, KnownElsewhere, table=True):
    """A person who buys from the group's stores, and the facts segments are made of.

    `order_count` and `last_order_at` count orders that are not cancelled, `total_spent` what is left of those in the
    group's currency. The transaction that records, corrects, refunds or cancels an order updates them.
    """

    __tablename__ = "customer"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        UniqueConstraint("group_id", "external_id"),
        UniqueConstraint("group_id", "email_key"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "name", "id"),
        Index(None, "group_id", "phone_key", "id"),
        Index(None, "group_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_key_beside_email"),
        CheckConstraint("phone_key IS NULL OR phone IS NOT NULL", name="phone_key_beside_phone"),
        CheckConstraint("phone_key ~ '^[+]?[0-9]{4,15}$'", name="phone_key_digits"),
        CheckConstraint(f"order_count BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="order_count_long"),
        CheckConstraint("array_position(tags, NULL) IS NULL", name="tags_whole"),
        CheckConstraint("merged_into_id IS NULL OR deleted_at IS NOT NULL", name="merged_is_deleted"),
        CheckConstraint(f"erased_at IS NULL OR ({EMPTY})", name="erased_is_empty"),
        Index(None, "group_id", "loyalty_tier", "id"),
        Index(None, "group_id", "total_spent", "id"),
        Index(None, "group_id", "order_count", "id"),
        Index(None, "group_id", "last_order_at", "id"),
        Index(None, "group_id", "last_order_key", "id"),
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
    """As it was typed, trimmed; so is `phone`."""
    email_key: str | None = Field(default=None, sa_type=WORDS)
    """What the address is looked up by: `fold_email` of it."""
    phone: str | None = Field(default=None, sa_type=CODE)
    phone_key: str | None = Field(default=None, sa_type=CODE)
    """What the number is looked up by: `phone_key` of it, read in the country of its store or group when it was
    written. NULL where the text is no telephone number."""
    is_phone_told: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether the number was told of this customer by name; else it was found out by what was said together."""
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    external_id: str | None = Field(default=None, sa_type=CODE)
    loyalty_tier: str | None = Field(default=None, sa_type=CODE)
    order_count: int = counted()
    total_spent: Decimal = Field(default=Decimal(0), sa_type=AMOUNT, sa_column_kwargs={"server_default": "0"})
    """In the group's currency."""
    last_order_at: datetime | None = Field(default=None, sa_type=INSTANT)
    last_order_key: datetime = Field(
        default=None,
        sa_type=INSTANT,
        nullable=False,
        sa_column_args=[
            Computed("coalesce(last_order_at, '0001-01-02 00:00:00+00'::timestamptz)", persisted=True)
        ],
    )
    """Sort key: customers without an order come first. The driver takes the very first instant for one without
    bound."""
    told_last_order_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """What another system told of it; an order made later here moves `last_order_at`, and may be cancelled."""
    totals_as_of: datetime | None = Field(default=None, sa_type=INSTANT)
    """Up to when the totals were counted elsewhere: orders until then are in them already."""
    email_consent: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    sms_consent: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    email_consent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    sms_consent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When anybody but a provider last set it: no delivery about an earlier moment undoes that."""
    tags: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    attributes: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """Whatever else is known: an object, as sent."""
    attributes_index: Any = Field(
        default=None,
        sa_column=Column(JSONB(none_as_null=True), Computed("attributes::jsonb", persisted=True)),
    )
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    erased_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When all that says who it was was erased: orders and ledgers point at what is left, which stays empty."""
    erasure: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """What that came to, for whoever asks again."""
    merged_into_id: int | None = Field(default=None, sa_type=BigInteger)
    """Who it turned out to be; then it is deleted, and whoever names it means that one. Never one who was
    joined with another in turn: those who follow are joined with the heir as well."""
