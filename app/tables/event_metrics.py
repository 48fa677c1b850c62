"""States and statistics of events, their history, and their hourly sums."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Numeric, UniqueConstraint, Uuid
from sqlmodel import Field

from app.tables.base import (
    CODE,
    INSTANT,
    WORDS,
    KnownElsewhere,
    TenantRow,
    amount,
    child_of,
    of_group,
    one_of,
    written_now,
)
from app.tables.event_types import EventFieldKind


class EventMetric(TenantRow, KnownElsewhere, table=True):
    """A state or statistic of an event, as it is now. Source: Webmarketer API 1.0.0, "Update an event state"."""

    __tablename__ = "event_metric"
    __table_args__ = (
        of_group(),
        # By the unique key.
        *child_of("event", "event_id")[:1],
        *child_of("project", "project_id", "created_at"),
        # The other orders of a user's metrics need no index: the rows are few to sort, and every index slows down
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
    currency: str | None = Field(default=None, sa_type=CODE)
    """A statistic's, where the event says one; NULL: the group's, where it is money at all."""
    metric_date: datetime = Field(sa_type=INSTANT)
    """When it changed to this: the date given; else, for its first value, the event's; else when it was sent."""
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """The moment that stands in for `metric_date` where values are compared: that lay too far ahead; else NULL."""
    is_told: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether somebody told it; else it came with its event."""
    is_told_by_order: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Statistics of a sale that an order with the same reference tells: counted as money, that is the order's."""
    updated_at: datetime = written_now()


class EventMetricChange(TenantRow, table=True):
    """Every value of a state or statistic that was ever told, also one that came too late to stand; by id, as told."""

    __tablename__ = "event_metric_change"
    __table_args__ = (of_group(), *child_of("event_metric", "metric_id"))
    metric_id: int = Field(sa_type=BigInteger)
    value: Decimal = amount()
    metric_date: datetime = Field(sa_type=INSTANT)
    actor: str | None = Field(default=None, sa_type=WORDS)
    """Who changed it; null: it came with the event."""


TURNOVER = "turnover"
"""The statistic that is revenue: orders tell it as well. Source: Webmarketer API 1.0.0, "Update an event statistic"."""
EVENT_COUNT = "event-count"
"""The built-in metric: how many events there are. No field may have it as its storage key."""


class EventRollup(TenantRow, table=True):
    """Per hour (UTC), event type and key: a statistic's sum, how often a state is 1, or `event-count`.

    Updated by whatever writes events and their metrics, in the same transaction. Processed events only.
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
    """Wider than the values it sums up, so that no event is refused because of what others are worth."""
