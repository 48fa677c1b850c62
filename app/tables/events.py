"""Events: what kinds a project knows, what came in, what became of it, and what it counts for."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric, Text, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from app.tables.base import CODE, INSTANT, KEPT_JSON, WORDS, TenantRow, amount, child_of, of_group, one_of
from app.tables.funnels import FunnelStage


def _now() -> Any:
    return Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )


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
    """What makes a campaign's flows look at rewards. Source: Benji, flows."""

    SPEND = "spend"
    REGISTRATION = "registration"
    REFERRAL = "referral"
    CUSTOM = "custom"


class EventOutcome(StrEnum):
    """What became of an event that somebody outside reported."""

    APPLIED = "applied"
    """It took effect, once."""
    IGNORED = "ignored"
    """It is kept, but nothing follows from it."""


class EventStatus(StrEnum):
    """How far an event has come."""

    PENDING = "pending"
    """Accepted, and waiting to be processed."""
    PROCESSED = "processed"
    TRASHED = "trashed"
    """It could not be processed; its faults say why."""


class EventType(TenantRow, table=True):
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
    """Such an event makes reward flows look."""
    archived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    updated_at: datetime = _now()


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


class Event(SQLModel, table=True):
    """An event as it came in, and what was made of it. `dedup_key` is unique per source: a repeat is stored once."""

    __tablename__ = "event"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "received_at"),
        *child_of("campaign", "campaign_id", "received_at"),
        *child_of("customer", "customer_id", "received_at"),
        *child_of("event_type", "event_type_id", "occurred_at"),
        UniqueConstraint("group_id", "source", "dedup_key"),
        one_of("outcome", list(EventOutcome)),
        one_of("status", list(EventStatus)),
        Index(None, "group_id", "received_at", "id"),
        # What the pipeline looks for.
        Index(
            "ix_event_pending", "group_id", "received_at", "id", postgresql_where=text("status = 'pending'")
        ),
        Index(
            "ix_event_trashed",
            "group_id",
            "project_id",
            "received_at",
            "id",
            postgresql_where=text("status = 'trashed'"),
        ),
    )
    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    id: UUID = Field(sa_type=Uuid, primary_key=True)
    project_id: int | None = Field(default=None, sa_type=BigInteger)
    source: str = Field(sa_type=CODE)
    dedup_key: str = Field(sa_type=Text)
    event_type: str = Field(sa_type=WORDS)
    """The type's reference, or the kind's name, as sent."""
    received_at: datetime = Field(sa_type=INSTANT)
    occurred_at: datetime = Field(sa_type=INSTANT)
    kind: str | None = Field(default=None, sa_type=CODE)
    """What happened in our words (`opened`), where the sender's were understood."""
    channel: str | None = Field(default=None, sa_type=CODE)
    outcome: str | None = Field(default=None, sa_type=CODE)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    body: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """The whole of what was sent."""
    status: str = Field(
        default=EventStatus.PROCESSED, sa_type=CODE, sa_column_kwargs={"server_default": "processed"}
    )
    tracker_id: str | None = Field(default=None, sa_type=WORDS)
    event_type_id: int | None = Field(default=None, sa_type=BigInteger)
    type_version: int | None = Field(default=None)
    """The event type's version it came under."""
    is_attributable: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether the user's interactions can be found."""
    data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """What the event's fields were read as, without those that are the user's."""
    user_data: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """What it says about the user."""
    updated_at: datetime = _now()


class EventFault(TenantRow, table=True):
    """A reason why an event is in the trash."""

    __tablename__ = "event_fault"
    __table_args__ = (
        of_group(),
        *child_of("event", "event_id", "position"),
        Index(None, "group_id", "code", "field", "id"),
    )
    event_id: UUID = Field(sa_type=Uuid)
    position: int
    code: str = Field(sa_type=CODE)
    field: str | None = Field(default=None, sa_type=WORDS)
    """The storage key it is about."""
    message: str = Field(sa_type=WORDS)


class EventMetric(TenantRow, table=True):
    """A state or statistic of an event, as it is now. Source: Webmarketer API 1.0.0, "Update an event state"."""

    __tablename__ = "event_metric"
    __table_args__ = (
        of_group(),
        # By the unique key.
        *child_of("event", "event_id")[:1],
        *child_of("project", "project_id", "created_at"),
        # The other orders of a user's metrics are sorted as they are asked for: they are few, and every index costs
        # each event that comes in.
        *child_of("customer", "customer_id", "metric_date"),
        UniqueConstraint("group_id", "event_id", "storage_key"),
        one_of("kind", [EventFieldKind.STATE, EventFieldKind.STATISTIC]),
        CheckConstraint("kind = 'statistic' OR value IN (0, 1)", name="state_is_0_or_1"),
        Index(None, "group_id", "project_id", "storage_key", "occurred_at", "id"),
    )
    event_id: UUID = Field(sa_type=Uuid)
    project_id: int = Field(sa_type=BigInteger)
    customer_id: int | None = Field(default=None, sa_type=BigInteger)
    """The event's."""
    occurred_at: datetime = Field(sa_type=INSTANT)
    """The event's."""
    kind: str = Field(sa_type=CODE)
    storage_key: str = Field(sa_type=CODE)
    value: Decimal = amount()
    metric_date: datetime = Field(sa_type=INSTANT)
    """When it changed to this: the date given, else the event's for its first value, else when it was told."""
    updated_at: datetime = _now()


class EventMetricChange(TenantRow, table=True):
    """Every value a state or statistic ever had, oldest first by id."""

    __tablename__ = "event_metric_change"
    __table_args__ = (of_group(), *child_of("event_metric", "metric_id"))
    metric_id: int = Field(sa_type=BigInteger)
    value: Decimal = amount()
    metric_date: datetime = Field(sa_type=INSTANT)
    actor: str | None = Field(default=None, sa_type=WORDS)
    """Who changed it; null: it came with the event."""


EVENT_COUNT = "event-count"
"""The built-in metric: how many events there are. No field may have it as its storage key."""


class EventRollup(TenantRow, table=True):
    """Per hour (UTC), event type and key: a statistic's sum, how often a state is 1, or `event-count`.

    Kept by whatever writes events and their metrics, in the same transaction. Processed events only.
    """

    __tablename__ = "event_rollup"
    __table_args__ = (
        of_group(),
        *child_of("project", "project_id", "hour")[:1],
        *child_of("event_type", "event_type_id", "hour"),
        UniqueConstraint(
            "group_id", "project_id", "hour", "event_type_id", "key", postgresql_include=["value"]
        ),
    )
    project_id: int = Field(sa_type=BigInteger)
    event_type_id: int = Field(sa_type=BigInteger)
    hour: datetime = Field(sa_type=INSTANT)
    key: str = Field(sa_type=CODE)
    value: Decimal = Field(sa_type=Numeric(30, 4))
    """Wider than the values it sums up, so that no event is refused for what others are worth."""


__all__ = [
    "EVENT_COUNT",
    "Event",
    "EventDataType",
    "EventFault",
    "EventField",
    "EventFieldKind",
    "EventMetric",
    "EventMetricChange",
    "EventOutcome",
    "EventRollup",
    "EventStatus",
    "EventType",
    "RewardTrigger",
]
