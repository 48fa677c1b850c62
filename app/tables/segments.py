"""Segments: sets of customers that campaigns and promos are aimed at, the members of those that are lists, and
what the worker has to count again."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from app.tables.base import (
    CODE,
    INSTANT,
    KEPT_JSON,
    WORDS,
    KnownElsewhere,
    TenantRow,
    child_of,
    counted,
    of_group,
    one_of,
)
from app.values.numbers import MAX_SAFE_INTEGER


class SegmentType(StrEnum):
    """How a segment gets its customers. Source: Marketing & CRM API, "Segment Types"."""

    STATIC = "static"
    DYNAMIC = "dynamic"
    IMPORTED = "imported"


class Segment(TenantRow, KnownElsewhere, table=True):
    """A set of customers. `size` is as of `sized_at`."""

    __tablename__ = "segment"
    __table_args__ = (
        of_group(),
        one_of("type", list(SegmentType)),
        CheckConstraint(f"size BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="size_long"),
        CheckConstraint(f"reach_email BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="reach_email_long"),
        CheckConstraint(f"reach_sms BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="reach_sms_long"),
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
    reach_email: int = counted()
    """How many of them e-mail could be sent to when they were last counted."""
    reach_sms: int = counted()
    reached_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When that was counted."""
    updated_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class SegmentMember(TenantRow, table=True):
    """A customer in a static or imported segment. Dynamic segments have no rows here."""

    __tablename__ = "segment_member"
    __table_args__ = (
        of_group(),
        *child_of("segment", "segment_id", "created_at"),
        *child_of("customer", "customer_id", "created_at"),
        UniqueConstraint("group_id", "segment_id", "customer_id"),
    )
    segment_id: int = Field(sa_type=BigInteger)
    customer_id: int = Field(sa_type=BigInteger)


class SegmentSize(TenantRow, table=True):
    """What a segment was last counted at on a day, in the group's zone. No row: as large as before."""

    __tablename__ = "segment_size"
    __table_args__ = (
        of_group(),
        *child_of("segment", "segment_id")[:1],
        UniqueConstraint("group_id", "segment_id", "day"),
        CheckConstraint(f"size BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="size_long"),
    )
    segment_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    size: int = Field(sa_type=BigInteger)


class AudienceChange(SQLModel, table=True):
    """Directory: facts about a group's customers changed, so its dynamic segments must be counted again.

    One row per writing transaction: rows that are only inserted never wait for one another, and one that commits
    late is found late, but not lost. The worker deletes the rows it has dealt with.
    """

    __tablename__ = "audience_change"
    __table_args__ = (of_group(), Index(None, "group_id", "id"))
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    group_id: int = Field(sa_type=BigInteger)
