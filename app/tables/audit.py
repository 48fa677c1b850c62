"""What was done that must be traceable, and by whom."""

from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from app.tables.base import CODE, KEPT_JSON, WORDS, TenantRow, of_group


class AuditEntry(TenantRow, table=True):
    """Who did what of administration, or entered a group by a platform role. Only ever added: nobody may change it."""

    __tablename__ = "audit_entry"
    __table_args__ = (of_group(), Index(None, "group_id", "created_at", "id"))
    actor: str = Field(sa_type=WORDS)
    address: str | None = Field(default=None, sa_type=CODE)
    """Where it came from."""
    action: str = Field(sa_type=CODE)
    subject: str | None = Field(default=None, sa_type=CODE)
    """What it was done to, by its id in the graph."""
    before: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """What was kept of that row, without secrets."""
    after: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    detail: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
