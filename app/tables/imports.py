"""Imports that were sent over HTTP: each is a file in the object store, and work that waits, runs or is over."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, KEPT_JSON, WORDS, TenantRow, counted, of_group, one_of


class ImportState(StrEnum):
    """Where an import stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportRun(TenantRow, table=True):
    """A file that is to be imported, how far that is, and what came of it.

    Whoever runs it holds it until `held_until`; after that anybody may take it up again.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        of_group(),
        one_of("state", list(ImportState)),
        CheckConstraint("(state = 'running') = (holder IS NOT NULL)", name="running_is_held"),
        CheckConstraint("(holder IS NULL) = (held_until IS NULL)", name="held_until_then"),
        CheckConstraint("(state IN ('queued', 'running')) = (finished_at IS NULL)", name="over_or_not"),
        Index(None, "group_id", "created_at", "id"),
        # What has to be looked at; at most one of a group runs.
        Index(
            "ix_import_run_open",
            "group_id",
            "id",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("uq_import_run_running", "group_id", unique=True, postgresql_where=text("state = 'running'")),
    )
    what: str = Field(sa_type=WORDS)
    told: dict[str, Any] = Field(sa_type=KEPT_JSON)
    """How its files are written, as it was sent."""
    system: str | None = Field(default=None, sa_type=CODE)
    is_dry: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    state: str = Field(default="queued", sa_type=CODE, sa_column_kwargs={"server_default": "queued"})
    asked_by: str = Field(sa_type=WORDS)
    file_name: str = Field(sa_type=WORDS)
    file_size: int = Field(sa_type=BigInteger)
    file_key: str | None = Field(default=None, sa_type=Text)
    """Where its bytes are; None: they are gone, since it is over."""
    refused_name: str | None = Field(default=None, sa_type=WORDS)
    refused_key: str | None = Field(default=None, sa_type=Text)
    refused_size: int = counted()
    reasons_key: str | None = Field(default=None, sa_type=Text)
    reasons_size: int = counted()
    rows: int = counted()
    refused: int = counted()
    total: int | None = Field(default=None, sa_type=BigInteger)
    made: int = counted()
    changed: int = counted()
    same: int = counted()
    lost: int = counted()
    report: dict[str, Any] | None = Field(default=None, sa_type=KEPT_JSON)
    failure_code: str | None = Field(default=None, sa_type=WORDS)
    failure_message: str | None = Field(default=None, sa_type=WORDS)
    begun: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often somebody began it who did not say how it ended."""
    holder: str | None = Field(default=None, sa_type=CODE)
    held_until: datetime | None = Field(default=None, sa_type=INSTANT)
    started_at: datetime | None = Field(default=None, sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)
    cancel_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When somebody asked to stop it."""
