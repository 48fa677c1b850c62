"""Tenants and their customer groups."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    text,
)
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, WORDS, counted, known_zone, of_group, one_of
from app.values.numbers import MAX_SAFE_INTEGER

_DAYS = ("keep_bodies_days", "keep_deliveries_days", "keep_trash_days", "keep_traces_days")
_LONG = ("files", "file_bytes", "events", "event_bytes", "file_quota", "event_quota")


class AttributionModel(StrEnum):
    """Who gets how much of a sale: the campaign it carries, or touches of the customer's journey."""

    CARRIED = "carried"
    FIRST_TOUCH = "first_touch"
    LAST_TOUCH = "last_touch"
    LAST_NON_DIRECT = "last_non_direct"
    LINEAR = "linear"
    POSITION_BASED = "position_based"
    TIME_DECAY = "time_decay"


MOST_ATTRIBUTION_DAYS = 3_660
"""The longest look-back, and the longest half-life."""


class Tenant(SQLModel, table=True):
    """Directory: which groups exist, for work that visits every group in turn. No policy, no content."""

    __tablename__ = "tenant"
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])


class CustomerGroup(SQLModel, table=True):
    """A customer group. Its row-level policy asks for `app.group_ids`, every group of the credential."""

    __tablename__ = "customer_group"
    __table_args__ = (
        ForeignKeyConstraint(["id"], ["tenant.id"], ondelete="CASCADE"),
        known_zone(),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        *(CheckConstraint(f"{one} BETWEEN 1 AND 36500", name=f"{one}_within") for one in _DAYS),
        CheckConstraint("keep_answers_hours BETWEEN 1 AND 24", name="keep_answers_hours_within"),
        one_of("attribution_model", list(AttributionModel)),
        *(
            CheckConstraint(f"{one} BETWEEN 1 AND {MOST_ATTRIBUTION_DAYS}", name=f"{one}_within")
            for one in ("attribution_window_days", "attribution_half_life_days")
        ),
        *(CheckConstraint(f"{one} BETWEEN 0 AND {MAX_SAFE_INTEGER}", name=f"{one}_long") for one in _LONG),
    )
    id: int = Field(sa_type=BigInteger, primary_key=True)
    name: str = Field(sa_type=WORDS)
    currency: str = Field(sa_type=CODE)
    time_zone: str = Field(sa_type=CODE)
    country: str | None = Field(default=None, sa_type=CODE)
    """ISO 3166 alpha-2: telephone numbers that say no country are of this one; NULL: the one of the time zone."""
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )
    keep_bodies_days: int | None = Field(default=None)
    """How long the bodies of processed events are kept; NULL here and below: for good."""
    keep_deliveries_days: int | None = Field(default=None)
    """The same of what webhook providers delivered."""
    keep_trash_days: int | None = Field(default=None)
    """How long events stay in the trash."""
    keep_traces_days: int | None = Field(default=None)
    """How long the traces of reward evaluations are kept."""
    keep_answers_hours: int = Field(default=24, sa_column_kwargs={"server_default": "24"})
    """How long an answer is kept for its Idempotency-Key."""
    attribution_model: str = Field(
        default=AttributionModel.CARRIED, sa_type=CODE, sa_column_kwargs={"server_default": "carried"}
    )
    """How its sales are attributed, unless a question says otherwise."""
    attribution_window_days: int = Field(default=30, sa_column_kwargs={"server_default": "30"})
    """How long before a sale a touch may lie, to the second."""
    attribution_half_life_days: int = Field(default=7, sa_column_kwargs={"server_default": "7"})
    """For time decay."""
    files: int = counted()
    """Files whose bytes are stored, those removed and not purged yet among them."""
    file_bytes: int = counted()
    events: int = counted()
    """Events kept, as they were last counted."""
    event_bytes: int = counted()
    """What their texts take in the database."""
    file_quota: int | None = Field(default=None, sa_type=BigInteger)
    """The most that `file_bytes` may be; NULL here and below: the setting of the server."""
    event_quota: int | None = Field(default=None, sa_type=BigInteger)
    channels_due: int | None = Field(default=None, sa_type=BigInteger)
    """Interactions up to this id have to be told their channel anew, the latest first; NULL: none."""
    channels_again_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When all have to be told once more: what came in while rules changed was told by the old ones."""


class RetentionMark(SQLModel, table=True):
    """How far the job that keeps a group's retention has come with a kind of rows, by the moments they are from."""

    __tablename__ = "retention_mark"
    __table_args__ = (of_group(),)
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    key: str = Field(sa_type=CODE, primary_key=True)
    """The kind of rows."""
    until: datetime = Field(sa_type=INSTANT)
