"""Promos, the campaigns they belong to, their generated codes, their uses, and how often each customer used them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Computed, Date, Index, Integer, UniqueConstraint, text
from sqlmodel import Field

from app.tables.base import (
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


def _no() -> Any:
    return Field(default=False, sa_column_kwargs={"server_default": "false"})


class Stacking(StrEnum):
    """Whether a promo may be used on a basket with others."""

    EXCLUSIVE = "exclusive"
    """On its own alone."""
    WITH_OTHERS = "with_others"
    """With others that say so, too."""


class Promo(TenantRow, KnownElsewhere, table=True):
    """A promo code. `type` is an open set; `value` is a percentage or an amount by type."""

    __tablename__ = "promo"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id", "created_at"),
        *in_group(segment_id="segment"),
        # The code of a deleted promo may be used again.
        Index(
            "uq_promo_group_id_code_key",
            "group_id",
            "code_key",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("valid_from < valid_until", name="window_order"),
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint(
            f"used >= 0 AND used <= coalesce(usage_limit, {MAX_SAFE_INTEGER})", name="used_within_limit"
        ),
        CheckConstraint(f"usage_limit BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="usage_limit_long"),
        CheckConstraint(
            f"per_customer_limit BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="per_customer_limit_long"
        ),
        CheckConstraint("used_beyond_limit >= 0", name="beyond_not_negative"),
        one_of("stacking", list(Stacking)),
        Index(None, "group_id", "code_key", "id"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "segment_id", "created_at", "id"),
        # None for `used`: a group's promos are few, and each use would have to move it.
        Index(None, "group_id", "valid_from_key", "id"),
        Index(None, "group_id", "valid_until_key", "id"),
    )
    code: str = Field(sa_type=WORDS)
    """As it was typed."""
    code_key: str = Field(sa_type=WORDS)
    """The form it is compared by and printed in (`values/codes.py`)."""
    type: str = Field(sa_type=CODE)
    value: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    min_order_amount: Decimal | None = amount(default=None, nullable=True)
    max_discount: Decimal | None = amount(default=None, nullable=True)
    usage_limit: int | None = Field(default=None, sa_type=BigInteger)
    per_customer_limit: int | None = Field(default=None, sa_type=BigInteger)
    used: int = Field(default=0, sa_type=BigInteger)
    used_beyond_limit: int = counted()
    """Orders that stand though there was no place for their uses: not in `used`. Limits are judged by both together."""
    used_as_of: datetime | None = Field(default=None, sa_type=INSTANT)
    """Up to when uses were counted elsewhere: those until then are in `used` already."""
    valid_from: datetime | None = Field(default=None, sa_type=INSTANT)
    valid_from_on: date | None = Field(default=None, sa_type=Date)
    valid_until: datetime | None = Field(default=None, sa_type=INSTANT)
    valid_until_on: date | None = Field(default=None, sa_type=Date)
    """Its last day, inclusive, where it was given a day; `valid_until` is when that is over where the promo lives."""
    valid_from_key: datetime = Field(
        default=None,
        sa_type=INSTANT,
        nullable=False,
        sa_column_args=[
            Computed("coalesce(valid_from, '0001-01-02 00:00:00+00'::timestamptz)", persisted=True)
        ],
    )
    """Sort key: promos without a start come first. The driver takes the very first instant for one without bound."""
    valid_until_key: datetime = Field(
        default=None,
        sa_type=INSTANT,
        nullable=False,
        sa_column_args=[
            Computed("coalesce(valid_until, '9999-12-31 00:00:00+00'::timestamptz)", persisted=True)
        ],
    )
    """Sort key: promos without an end come last."""
    applies_to: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    """The campaign it was given first, where its days are days; all of them are in `promo_campaign`."""
    follows_campaign: bool = _no()
    """Whether it holds only while one of its campaigns runs; without dates of its own it has theirs."""
    stacking: str = Field(
        default=Stacking.EXCLUSIVE, sa_type=CODE, sa_column_kwargs={"server_default": "exclusive"}
    )
    minimum_of_articles: bool = _no()
    """Whether the smallest order is asked of the articles it applies to."""
    first_order_only: bool = _no()
    generated_only: bool = _no()
    """Whether its own code is no code to use, only those generated for it."""
    segment_id: int | None = Field(default=None, sa_type=BigInteger)
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class PromoCampaign(TenantRow, table=True):
    """A campaign that a promo belongs to."""

    __tablename__ = "promo_campaign"
    __table_args__ = (
        of_group(),
        *child_of("promo", "promo_id"),
        *child_of("campaign", "campaign_id"),
        UniqueConstraint("group_id", "promo_id", "campaign_id"),
    )
    promo_id: int = Field(sa_type=BigInteger)
    campaign_id: int = Field(sa_type=BigInteger)


class PromoCode(TenantRow, table=True):
    """A code that was generated for a promo, to be used once."""

    __tablename__ = "promo_code"
    __table_args__ = (
        of_group(),
        *child_of("promo", "promo_id", "created_at"),
        UniqueConstraint("group_id", "code"),
    )
    promo_id: int = Field(sa_type=BigInteger)
    code: str = Field(sa_type=WORDS)
    """In the form it is compared by (`values/codes.py`)."""
    redeemed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When it was used; NULL where no use of it stands."""
    disabled_at: datetime | None = Field(default=None, sa_type=INSTANT)


class PromoRedemption(TenantRow, table=True):
    """One use of a promo. `key` is the caller's, or an order's reference: the same key again is the same use."""

    __tablename__ = "promo_redemption"
    __table_args__ = (
        of_group(),
        *child_of("promo", "promo_id", "redeemed_at"),
        *child_of("customer", "customer_id", "redeemed_at"),
        *in_group(store_id="store"),
        *in_group(code_id="promo_code"),
        UniqueConstraint("group_id", "key", "place"),
        # A use told by a call and by an order with the same reference meet here.
        UniqueConstraint("group_id", "key", "promo_id"),
        CheckConstraint("discount >= 0", name="discount_not_negative"),
        CheckConstraint("basket_total >= discount", name="discount_within_basket"),
        Index(None, "group_id", "store_id", "redeemed_at", "id"),
        Index(None, "group_id", "code_id", "redeemed_at", "id"),
        Index(None, "group_id", "redeemed_at", "id"),
    )
    promo_id: int = Field(sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    key: str = Field(sa_type=WORDS)
    place: int | None = Field(default=None, sa_type=Integer)
    """Which of the codes that were used with this key, from 0; NULL: an order told it."""
    asked: str | None = Field(default=None, sa_type=WORDS)
    """A digest of what was asked with the key; NULL where that is not known."""
    code_id: int | None = Field(default=None, sa_type=BigInteger)
    """The generated code, where it was one."""
    basket_total: Decimal = amount()
    discount: Decimal = amount()
    currency: str = Field(sa_type=CODE)
    redeemed_at: datetime = Field(sa_type=INSTANT)
    released_at: datetime | None = Field(default=None, sa_type=INSTANT)
    is_given_back_by_order: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether it was released because its order does not stand: then it is used again where the order does again."""
    is_beyond_limit: bool = _no()
    """Whether there is no place for it: then it is in `used_beyond_limit` instead of `used`. Only orders' are."""
    line_discounts: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """What of the discount each line of the basket bears, where it bears any."""
    earlier: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """Uses with the same key that were given back before this one, oldest first."""


class PromoUsage(TenantRow, table=True):
    """How often a customer uses a promo, also beyond its limits, less releases. The limit for each is enforced here."""

    __tablename__ = "promo_usage"
    __table_args__ = (
        of_group(),
        *child_of("promo", "promo_id")[:1],
        *child_of("customer", "customer_id"),
        UniqueConstraint("group_id", "promo_id", "customer_id"),
        CheckConstraint(f"used BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="used_long"),
    )
    promo_id: int = Field(sa_type=BigInteger)
    customer_id: int = Field(sa_type=BigInteger)
    used: int = Field(sa_type=BigInteger)
