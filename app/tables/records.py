"""What is kept: uploaded assets, the audit trail, answers remembered per idempotency key."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, KEPT_JSON, WORDS, TenantRow, child_of, of_group


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
