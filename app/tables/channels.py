"""A group's own rules of which channel somebody came by."""

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, WORDS, TenantRow, of_group

CONDITIONS = ("source", "medium", "campaign", "click_id", "referrer", "integration")


class ChannelRule(TenantRow, table=True):
    """Asked in the order of their positions, before the built-in ones. Conditions that are given must all hold."""

    __tablename__ = "channel_rule"
    __table_args__ = (
        of_group(),
        UniqueConstraint("group_id", "position"),
        CheckConstraint(f"num_nonnulls({', '.join(CONDITIONS)}) > 0", name="asks"),
        CheckConstraint("position > 0", name="position_positive"),
        Index(None, "group_id", "position", "id"),
    )
    position: int = Field(sa_type=Integer)
    source: str | None = Field(default=None, sa_type=WORDS)
    medium: str | None = Field(default=None, sa_type=WORDS)
    campaign: str | None = Field(default=None, sa_type=WORDS)
    click_id: str | None = Field(default=None, sa_type=WORDS)
    referrer: str | None = Field(default=None, sa_type=WORDS)
    integration: str | None = Field(default=None, sa_type=WORDS)
    channel: str | None = Field(default=None, sa_type=CODE)
    """NULL: it counts as if nothing was known."""
