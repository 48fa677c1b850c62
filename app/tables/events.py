"""Events as they came in, and what was wrong with those in the trash."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, Uuid, text
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
    written_now,
)
from app.tables.event_types import EventOutcome


class EventStatus(StrEnum):
    """How far processing an event has come."""

    PENDING = "pending"
    """Accepted, and waiting to be processed."""
    PROCESSED = "processed"
    TRASHED = "trashed"
    """It could not be processed; its faults say why."""
    ERASED = "erased"
    """It was never processed, and never will be: the person it was about is erased. A repeat of it is known."""


def _this_transaction() -> Any:
    number = text("pg_current_xact_id()::text::bigint")
    return Field(default=None, sa_type=BigInteger, nullable=True, sa_column_kwargs={"server_default": number})


class Event(KnownElsewhere, table=True):
    """An event as it came in, and what was made of it. `dedup_key` is unique per source: a repeat is stored once."""

    __tablename__ = "event"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "received_at"),
        *child_of("campaign", "campaign_id", "received_at"),
        *child_of("customer", "customer_id", "received_at"),
        *child_of("event_type", "event_type_id", "occurred_at"),
        UniqueConstraint("group_id", "source", "dedup_key"),
        one_of("outcome", list(EventOutcome)),
        one_of("status", list(EventStatus)),
        Index(None, "group_id", "received_at", "id"),
        # What subscribers have not been told.
        Index(None, "group_id", "moved_by"),
        # What the pipeline looks for.
        Index(
            "ix_event_pending", "group_id", "received_at", "id", postgresql_where=text("status = 'pending'")
        ),
        Index(
            "ix_event_trashed",
            "group_id",
            "project_id",
            "received_at",
            "id",
            postgresql_where=text("status = 'trashed'"),
        ),
        Index(
            "ix_event_sale_reference",
            "group_id",
            "sale_reference",
            postgresql_where=text("sale_reference IS NOT NULL"),
        ),
    )
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    id: UUID = Field(sa_type=Uuid, primary_key=True)
    project_id: int | None = Field(default=None, sa_type=BigInteger)
    source: str = Field(sa_type=CODE)
    dedup_key: str = Field(sa_type=Text)
    event_type: str = Field(sa_type=WORDS)
    """The type's reference, or the kind's name, as sent."""
    received_at: datetime = Field(sa_type=INSTANT)
    occurred_at: datetime = Field(sa_type=INSTANT)
    kind: str | None = Field(default=None, sa_type=CODE)
    """What happened in our words (`opened`), where the sender's were understood."""
    channel: str | None = Field(default=None, sa_type=CODE)
    outcome: str | None = Field(default=None, sa_type=CODE)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    identity_id: int | None = Field(default=None, sa_type=BigInteger)
    """The identity that says whose it is: it goes where that goes."""
    body: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The whole of what was sent."""
    status: str = Field(
        default=EventStatus.PROCESSED, sa_type=CODE, sa_column_kwargs={"server_default": "processed"}
    )
    tracker_id: str | None = Field(default=None, sa_type=WORDS)
    is_vouched: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether it came with a credential or a valid signature. What strangers send may be made up."""
    event_type_id: int | None = Field(default=None, sa_type=BigInteger)
    type_version: int | None = Field(default=None)
    """The event type's version it came under."""
    is_attributable: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether the user's interactions can be found."""
    data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The event's fields as they were read, without those about the user."""
    user_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """What it says about the user."""
    sale_reference: str | None = Field(default=None, sa_type=WORDS)
    """The reference of the sale it tells, where it says so."""
    is_clock_doubtful: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether `occurred_at` lies so far from `received_at` that the sender's clock may be wrong."""
    updated_at: datetime = written_now()
    written_by: int | None = _this_transaction()
    """The transaction that stored it, by its number in this server; null of what came from another one."""
    moved_by: int | None = _this_transaction()
    """The one that stored it, processed it or put it into the trash last."""


class EventFault(TenantRow, table=True):
    """A reason why an event is in the trash."""

    __tablename__ = "event_fault"
    __table_args__ = (
        of_group(),
        *child_of("event", "event_id", "position"),
        Index(None, "group_id", "code", "field", "id"),
    )
    event_id: UUID = Field(sa_type=Uuid)
    position: int
    code: str = Field(sa_type=CODE)
    field: str | None = Field(default=None, sa_type=WORDS)
    """The storage key it is about."""
    message: str = Field(sa_type=WORDS)
