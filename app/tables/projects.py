"""Projects, and the directory of their slugs."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, KnownElsewhere, TenantRow, child_of, of_group

DEFAULT_EVENT_BYTES = 65_536
"""The most that an event may have, unless its project says otherwise."""
MOST_EVENT_BYTES = 131_072
"""The most that a project may say: as much as the open routes take from strangers."""


DEFAULT_CLOCK_AHEAD_S = 3_600
"""How far ahead of coming in an event may be dated before its clock is doubted, unless its project says otherwise."""
DEFAULT_CLOCK_BEHIND_S = 30 * 86_400
"""The same of one that a stranger sent, behind: devices keep what they could not send."""
LEAST_CLOCK_S, MOST_CLOCK_S = 60, 3_660 * 86_400
"""What a project may say of either."""


class Project(TenantRow, KnownElsewhere, table=True):
    """A project: an internal one, made automatically for a campaign, or a tracking project with a slug."""

    __tablename__ = "project"
    __table_args__ = (
        of_group(),
        *child_of("store", "store_id", "created_at"),
        CheckConstraint("array_position(identity_fields, NULL) IS NULL", name="identity_fields_whole"),
        CheckConstraint("max_event_bytes BETWEEN 1024 AND 131072", name="max_event_bytes_within"),
        *(
            CheckConstraint(f"{one} BETWEEN {LEAST_CLOCK_S} AND {MOST_CLOCK_S}", name=f"{one}_within")
            for one in ("clock_ahead_s", "clock_behind_s")
        ),
        Index(None, "group_id", "name", "id"),
    )
    name: str = Field(sa_type=WORDS)
    slug: str | None = Field(default=None, sa_type=CODE)
    is_internal: bool = Field(default=False)
    store_id: int | None = Field(default=None, sa_type=BigInteger)
    identity_fields: list[str] = Field(
        default_factory=lambda: ["email", "phone"],
        sa_column=Column(ARRAY(Text), nullable=False, server_default="{email,phone}"),
    )
    """What its users are known by, surest first."""
    max_event_bytes: int | None = Field(default=None)
    """The most that one of its events may have; NULL: `DEFAULT_EVENT_BYTES`."""
    clock_ahead_s: int | None = Field(default=None)
    """How far ahead of coming in its events may be dated; NULL: `DEFAULT_CLOCK_AHEAD_S`."""
    clock_behind_s: int | None = Field(default=None)
    """How far behind those of strangers; NULL: `DEFAULT_CLOCK_BEHIND_S`."""
    archived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Since when it takes nothing new."""


class ProjectSlug(SQLModel, table=True):
    """Directory: a slug is unique over all groups and found before the group is known."""

    __tablename__ = "project_slug"
    __table_args__ = (
        CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) BETWEEN 3 AND 64", name="slug_form"
        ),
        ForeignKeyConstraint(
            ["group_id", "project_id"], ["project.group_id", "project.id"], ondelete="CASCADE"
        ),
    )
    slug: str = Field(sa_type=CODE, primary_key=True)
    group_id: int = Field(sa_type=BigInteger)
    project_id: int = Field(sa_type=BigInteger)
