"""What is kept: uploaded assets, raw events, the audit trail, answers remembered per idempotency key."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, KEPT_JSON, WORDS, TenantRow, child_of, of_group, one_of


class Asset(TenantRow, table=True):
    """A client file (image, brief, document) of a campaign or a store; the bytes are in the object store."""

    __tablename__ = "asset"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        *child_of("campaign", "campaign_id", "created_at"),
        CheckConstraint("size BETWEEN 0 AND 9007199254740991", name="size_long"),
        Index(None, "group_id", "created_at", "id"),
    )
    store_id: int = Field(sa_type=BigInteger)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    name: str = Field(sa_type=WORDS)
    content_type: str = Field(sa_type=WORDS)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=CODE)
    storage_key: str = Field(sa_type=Text)
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class EventOutcome(StrEnum):
    """What became of an event that somebody outside reported."""

    APPLIED = "applied"
    """It took effect, once."""
    IGNORED = "ignored"
    """It is kept, but nothing follows from it."""


class Event(SQLModel, table=True):
    """An event as it came in. `dedup_key` is unique per source, so a repeated delivery is stored once."""

    __tablename__ = "event"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "received_at"),
        *child_of("campaign", "campaign_id", "received_at"),
        *child_of("customer", "customer_id", "received_at"),
        UniqueConstraint("group_id", "source", "dedup_key"),
        one_of("outcome", list(EventOutcome)),
        Index(None, "group_id", "received_at", "id"),
    )
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    id: UUID = Field(sa_type=Uuid, primary_key=True)
    project_id: int | None = Field(default=None, sa_type=BigInteger)
    source: str = Field(sa_type=CODE)
    dedup_key: str = Field(sa_type=Text)
    event_type: str = Field(sa_type=WORDS)
    received_at: datetime = Field(sa_type=INSTANT)
    occurred_at: datetime = Field(sa_type=INSTANT)
    kind: str | None = Field(default=None, sa_type=CODE)
    """What happened in our words (`opened`), where the sender's were understood."""
    channel: str | None = Field(default=None, sa_type=CODE)
    outcome: str | None = Field(default=None, sa_type=CODE)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    body: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)


class AuditEntry(TenantRow, table=True):
    """Who did something that must be traceable, such as a platform role entering a group."""

    __tablename__ = "audit_entry"
    __table_args__ = (of_group(), Index(None, "group_id", "created_at", "id"))
    actor: str = Field(sa_type=WORDS)
    action: str = Field(sa_type=CODE)
    detail: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)


class IdempotentAnswer(SQLModel, table=True):
    """The answer to a write that carried an `Idempotency-Key`; a repeat gets it again."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (of_group(),)
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    key: str = Field(sa_type=WORDS, primary_key=True)
    request_hash: bytes = Field(sa_type=LargeBinary)
    status: int | None = Field(default=None)
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
