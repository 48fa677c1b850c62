"""Partners, and their agreements with stores."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Index,
)
from sqlmodel import Field

from app.tables.base import INSTANT, WORDS, KnownElsewhere, TenantRow, child_of, of_group


class Partner(TenantRow, KnownElsewhere, table=True):
    """A company whose customers earn or redeem rewards."""

    __tablename__ = "partner"
    __table_args__ = (
        of_group(),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    archived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Since when nothing new can name it."""


class Partnership(TenantRow, KnownElsewhere, table=True):
    """An agreement between a partner and a store."""

    __tablename__ = "partnership"
    __table_args__ = (
        of_group(),
        *child_of("partner", "partner_id", "name"),
        *child_of("store", "store_id", "name"),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    partner_id: int = Field(sa_type=BigInteger)
    store_id: int = Field(sa_type=BigInteger)
    archived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Since when no campaign can be made under it."""
