"""Integrations: connections of projects to advertising tools."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Index,
    UniqueConstraint,
)
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, WORDS, KnownElsewhere, TenantRow, child_of, of_group


class Integration(TenantRow, KnownElsewhere, table=True):
    """A connection of a project to an advertising tool; campaigns it tracks have a slug of their own."""

    __tablename__ = "integration"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "name"),
        UniqueConstraint("group_id", "wmkt_id"),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    project_id: int = Field(sa_type=BigInteger)
    kind: str = Field(default="custom_ads", sa_type=CODE)
    wmkt_id: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)
    archived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Since when nobody can make campaigns in it."""
