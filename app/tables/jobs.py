"""The worker's lease and its schedule."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT


class WorkerLease(SQLModel, table=True):
    """Which process runs the schedule: whoever holds the row until `expires_at`."""

    __tablename__ = "worker_lease"
    name: str = Field(sa_type=CODE, primary_key=True)
    holder: str = Field(sa_type=CODE)
    expires_at: datetime = Field(sa_type=INSTANT)


class Schedule(SQLModel, table=True):
    """When each job of the worker runs next."""

    __tablename__ = "schedule"
    name: str = Field(sa_type=CODE, primary_key=True)
    every_s: int
    next_run_at: datetime = Field(sa_type=INSTANT)
    last_run_at: datetime | None = Field(default=None, sa_type=INSTANT)
    last_error: str | None = Field(default=None, sa_type=Text)
