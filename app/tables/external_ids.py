"""Ids that other systems know our rows by."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Uuid, text
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, WORDS, of_group
from app.values.systems import MAX_EXTERNAL


class ExternalId(SQLModel, table=True):
    """What a system calls a row. Unique per group, system and kind; the kind is the prefix of the row's own id.

    It says where the row is, for whoever looks it up by the other id; the row has a copy, to be printed.
    """

    __tablename__ = "external_id"
    __table_args__ = (
        of_group(),
        CheckConstraint("num_nonnulls(row_id, row_uuid) = 1", name="names_one"),
        CheckConstraint(f"length(id) BETWEEN 1 AND {MAX_EXTERNAL}", name="id_length"),
        CheckConstraint("system ~ '^[a-z][a-z0-9_]{0,31}$'", name="system_name"),
        # Whether a row of ours has an id in a system.
        Index(None, "group_id", "kind", "row_id", "system", postgresql_where=text("row_id IS NOT NULL")),
        Index(None, "group_id", "kind", "row_uuid", "system", postgresql_where=text("row_uuid IS NOT NULL")),
    )
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    system: str = Field(sa_type=CODE, primary_key=True)
    id: str = Field(sa_type=WORDS, primary_key=True)
    kind: str = Field(sa_type=CODE, primary_key=True)
    row_id: int | None = Field(default=None, sa_type=BigInteger)
    row_uuid: UUID | None = Field(default=None, sa_type=Uuid)
    """Of events, whose ids are UUIDs."""
