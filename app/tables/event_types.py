"""Event types and their fields."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    KEPT_JSON,
    WORDS,
    KnownElsewhere,
    TenantRow,
    child_of,
    of_group,
    one_of,
    written_now,
)
from app.tables.funnels import FunnelStage


class EventFieldKind(StrEnum):
    """What a field of an event type is for. Source: Webmarketer API 1.0.0, "Create an event-type"."""

    FIELD = "field"
    """A value the event carries."""
    STATE = "state"
    """Something that becomes true of an event, such as converted; 0 or 1."""
    STATISTIC = "statistic"
    """A number the event is worth, such as turnover."""


class EventDataType(StrEnum):
    """What values a field takes."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    EMAIL = "email"
    PHONE = "phone"
    JSON = "json"


class RewardTrigger(StrEnum):
    """What triggers a campaign's flows. Source: Benji, flows."""

    SPEND = "spend"
    REGISTRATION = "registration"
    REFERRAL = "referral"
    CUSTOM = "custom"


class EventOutcome(StrEnum):
    """What became of an event that somebody outside reported."""

    APPLIED = "applied"
    """It took effect, once."""
    IGNORED = "ignored"
    """It is kept, but has no effect."""


class EventType(TenantRow, KnownElsewhere, table=True):
    """A kind of event a project accepts. Source: Webmarketer API 1.0.0, "Event Types".

    `version` counts the changes of its fields; an event keeps the version it came under.
    """

    __tablename__ = "event_type"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "created_at"),
        UniqueConstraint("group_id", "project_id", "reference"),
        CheckConstraint("version > 0", name="version_positive"),
        one_of("funnel_stage", list(FunnelStage)),
        one_of("trigger", list(RewardTrigger)),
        Index(None, "group_id", "project_id", "name", "id"),
        Index(None, "group_id", "project_id", "updated_at", "id"),
    )
    project_id: int = Field(sa_type=BigInteger)
    reference: str = Field(sa_type=WORDS)
    name: str = Field(sa_type=WORDS)
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    details: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The document's `metadata`, as sent; nothing is done with it."""
    expiration_policy: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    phone_parsing: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The document's `phoneParsingConfig`."""
    funnel_stage: str | None = Field(default=None, sa_type=CODE)
    """The stage a customer reaches by such an event."""
    trigger: str | None = Field(default=None, sa_type=CODE)
    """The trigger such an event is for reward flows."""
    trigger_by_strangers: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether events that nobody vouches for trigger as well."""
    archived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    updated_at: datetime = written_now()


class EventField(TenantRow, table=True):
    """A field, state or statistic of an event type, in one version of it."""

    __tablename__ = "event_field"
    __table_args__ = (
        of_group(),
        *child_of("event_type", "event_type_id", "position"),
        UniqueConstraint("group_id", "event_type_id", "version", "storage_key"),
        one_of("kind", list(EventFieldKind)),
        one_of("data_type", list(EventDataType)),
        Index(None, "group_id", "storage_key", "event_type_id"),
    )
    event_type_id: int = Field(sa_type=BigInteger)
    version: int
    is_current: bool
    """Whether `version` is the type's latest."""
    position: int
    kind: str = Field(sa_type=CODE)
    storage_key: str = Field(sa_type=CODE)
    """What its value is kept under."""
    ingestion_key: str = Field(sa_type=CODE)
    """What its value is called in the data of an event as sent."""
    name: str = Field(sa_type=WORDS)
    data_type: str = Field(sa_type=CODE)
    is_required: bool = Field(default=False)
    identity: str | None = Field(default=None, sa_type=CODE)
    """Which of the user's attributes the value is: `email`, `phone`, `name`, or an identity of the project's own."""
    sent: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The field's declaration as it was sent."""
