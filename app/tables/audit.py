"""What was done across groups, and by whom."""

from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.tables.base import CODE, KEPT_JSON, WORDS, TenantRow, of_group


class AuditEntry(TenantRow, table=True):
    """Who did something that must be traceable, such as a platform role entering a group."""

    __tablename__ = "audit_entry"
    __table_args__ = (of_group(), Index(None, "group_id", "created_at", "id"))
    actor: str = Field(sa_type=WORDS)
    action: str = Field(sa_type=CODE)
    detail: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
