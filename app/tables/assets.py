"""Assets: client files."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, WORDS, KnownElsewhere, TenantRow, child_of, of_group
from app.values.numbers import MAX_SAFE_INTEGER


class Asset(TenantRow, KnownElsewhere, table=True):
    """A client file (image, brief, document) of a campaign or a store; the bytes are in the object store."""

    __tablename__ = "asset"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        *child_of("campaign", "campaign_id", "created_at"),
        CheckConstraint(f"size BETWEEN 0 AND {MAX_SAFE_INTEGER}", name="size_long"),
        Index(None, "group_id", "created_at", "id"),
        Index(None, "group_id", "storage_key"),
        Index(
            "ix_asset_to_purge",
            "group_id",
            "deleted_at",
            "id",
            postgresql_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
        ),
    )
    store_id: int = Field(sa_type=BigInteger)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    name: str = Field(sa_type=WORDS)
    content_type: str = Field(sa_type=WORDS)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=CODE)
    storage_key: str = Field(sa_type=Text)
    deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    purged_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When its bytes were deleted; until then a removed file takes room."""
