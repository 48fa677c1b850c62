"""What was decided about who is who, and what somebody may want to look at."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, KEPT_JSON, WORDS, TenantRow, child_of, in_group, of_group, one_of


class MergeReason(StrEnum):
    """Why two customers were joined."""

    KEY = "key"
    """Something that identifies was said with both."""
    HAND = "hand"
    """Somebody said so."""


class DoubtReason(StrEnum):
    """Why somebody may want to look at who is who."""

    SHARED_TRACKER = "shared_tracker"
    """Several people signed in on one device."""
    SHARED_PHONE = "shared_phone"
    """Several people have one telephone number."""
    SHARED_EMAIL = "shared_email"
    SHARED_ID = "shared_id"
    KEPT_APART = "kept_apart"
    """What was said would join two, of whom one has orders, rewards, promos, lists or an id of its own."""
    TWO_STRONG_KEYS = "two_strong_keys"
    """Two customers with different strong keys of a kind were joined by hand."""
    KEYS_FELL_TOGETHER = "keys_fell_together"
    """Two customers' addresses turned out to be the same one."""


class CustomerMerge(TenantRow, table=True):
    """One customer turned out to be another one: what went over, so that it can be undone to the row."""

    __tablename__ = "customer_merge"
    __table_args__ = (
        of_group(),
        *in_group(from_id="customer", into_id="customer"),
        Index(None, "group_id", "from_id", "created_at", "id"),
        Index(None, "group_id", "into_id", "created_at", "id"),
        Index(None, "group_id", "created_at", "id"),
        one_of("reason", list(MergeReason)),
    )
    from_id: int = Field(sa_type=BigInteger)
    into_id: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=CODE)
    actor: str | None = Field(default=None, sa_type=WORDS)
    """The credential by which it was done by hand."""
    undone_at: datetime | None = Field(default=None, sa_type=INSTANT)
    undone_by: str | None = Field(default=None, sa_type=WORDS)
    moved: Any = Field(default=None, sa_type=KEPT_JSON, nullable=False)
    """Ids by table, and what the two rows said before."""


class CustomerDoubt(TenantRow, table=True):
    """Something about who is who that somebody may want to look at."""

    __tablename__ = "customer_doubt"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id", "created_at"),
        *in_group(other_id="customer"),
        Index(None, "group_id", "other_id", "created_at", "id"),
        Index(None, "group_id", "created_at", "id"),
        one_of("reason", list(DoubtReason)),
    )
    customer_id: int = Field(sa_type=BigInteger)
    other_id: int | None = Field(default=None, sa_type=BigInteger)
    reason: str = Field(sa_type=CODE)
    kind: str | None = Field(default=None, sa_type=CODE)
    """The key's, where it is about one."""
    value: str | None = Field(default=None, sa_type=WORDS)


__all__ = ["CustomerDoubt", "CustomerMerge", "DoubtReason", "MergeReason"]
