"""Figures of campaigns by day and channel: facts by source, the headline made of them, and their sums by store.

`metric_fact` keeps what each source says, `campaign_metric` the headline that follows from it, and the two rollups
the sums over a store's campaigns. All four are moved by the same writes (`domain/metrics`).

Counts are 53-bit, so that they print as JSON numbers every client reads exactly; conversions may be fractions, since ad
platforms share one among several clicks. A source may take back more than it said: numbers may be negative.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.tables.base import (
    CODE,
    INSTANT,
    KEPT_JSON,
    WORDS,
    TenantRow,
    amount,
    child_of,
    counted,
    in_group,
    of_group,
    summed,
)
from app.values.numbers import MAX_SAFE_INTEGER

WHOLE = (
    "impressions", "clicks", "sent", "delivered", "opened", "clicked", "unsubscribed", "opens", "machine_opens",
)  # fmt: skip
COUNTS = (*WHOLE, "conversions")
AMOUNTS = ("spend", "revenue")
FIGURES = (*COUNTS, *AMOUNTS)
"""What a source can say."""
PAIRED = ("shown_clicks", "clicked_conversions", "reached_conversions", "clicked_spend")
"""What a rate needs beside them, so that both its numbers are of the same days and channels."""
REPORTED = "reported:"
"""What the source of a platform's report begins with; the platform's name follows."""


class Source(StrEnum):
    """Where a fact comes from that no platform reported."""

    ORDERS = "orders"
    """Sales that the campaign or its promo brought, counted by us."""
    DELIVERIES = "deliveries"
    """Recipients of messages, counted by us."""
    OUTLAYS = "outlay"
    """Money that was booked."""
    ATTRIBUTED = "attributed"
    """Revenue shared by the group's attribution model, where that is not what orders carry."""
    OPENING = "opening"
    """What another system counted before and no day of it accounts for; it comes on top of all others."""


def _said() -> Any:
    return Field(default=None, sa_type=BigInteger, nullable=True)


def _long_counts() -> list[CheckConstraint]:
    return [
        CheckConstraint(f"{c} BETWEEN -{MAX_SAFE_INTEGER} AND {MAX_SAFE_INTEGER}", name=f"{c}_long")
        for c in COUNTS
    ]


class MetricFact(TenantRow, table=True):
    """What one source says of one campaign, day, channel and currency. NULL: it does not say this number."""

    __tablename__ = "metric_fact"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id")[:1],
        UniqueConstraint("group_id", "campaign_id", "day", "channel", "source", "currency"),
        *_long_counts(),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    source: str = Field(sa_type=WORDS)
    currency: str = Field(sa_type=CODE)
    impressions: int | None = _said()
    clicks: int | None = _said()
    conversions: Decimal | None = amount(default=None, nullable=True)
    sent: int | None = _said()
    delivered: int | None = _said()
    opened: int | None = _said()
    clicked: int | None = _said()
    unsubscribed: int | None = _said()
    opens: int | None = _said()
    machine_opens: int | None = _said()
    spend: Decimal = summed()
    """The sum of the ledger's entries of this source."""
    revenue: Decimal | None = amount(default=None, nullable=True)
    implied: int = counted()
    """Of `delivered`: recipients of whom no delivery was told, only what cannot happen without one."""
    extra: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """Metric keys beyond the known ones, as sent."""


class Figures(SQLModel):
    """What is known of all a row stands for: nothing said is none."""

    impressions: int = counted()
    clicks: int = counted()
    conversions: Decimal = summed()
    sent: int = counted()
    delivered: int = counted()
    opened: int = counted()
    clicked: int = counted()
    unsubscribed: int = counted()
    opens: int = counted()
    machine_opens: int = counted()
    spend: Decimal = summed()
    revenue: Decimal = summed()


class FiguresAndPairs(Figures):
    """The same with `PAIRED` beside it."""

    shown_clicks: int = counted()
    """The clicks, where impressions are known; at most one for each."""
    clicked_conversions: Decimal = summed()
    """The conversions, where clicks are known; at most one for each."""
    reached_conversions: Decimal = summed()
    """The conversions, where messages were delivered; at most one for each person."""
    clicked_spend: Decimal = summed()
    """The spend, where clicks are known."""


class CampaignMetric(TenantRow, FiguresAndPairs, table=True):
    """The headline: what one campaign did on one day in one channel, by the rule of `domain/metrics/headline.py`."""

    __tablename__ = "campaign_metric"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id")[:1],
        UniqueConstraint("group_id", "campaign_id", "day", "channel", "currency"),
        *_long_counts(),
        Index(None, "group_id", "day", "id"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)
    extra: Any = Field(default=None, sa_type=KEPT_JSON, nullable=True)
    """Metric keys beyond the known ones, as the report says them."""


class MetricRollup(TenantRow, FiguresAndPairs, table=True):
    """The sum of `campaign_metric` over a store's campaigns, per day, channel and currency."""

    __tablename__ = "metric_rollup"
    __table_args__ = (
        of_group(),
        *in_group(store_id="store"),
        UniqueConstraint("group_id", "store_id", "day", "channel", "currency"),
        *_long_counts(),
        Index(None, "group_id", "day", "id"),
    )
    store_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    currency: str = Field(sa_type=CODE)


class MetricFactRollup(TenantRow, Figures, table=True):
    """The sum of `metric_fact` over a store's campaigns, per day, channel, source and currency."""

    __tablename__ = "metric_fact_rollup"
    __table_args__ = (
        of_group(),
        *in_group(store_id="store"),
        UniqueConstraint("group_id", "store_id", "day", "channel", "source", "currency"),
        *_long_counts(),
        Index(None, "group_id", "day", "id"),
    )
    store_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    channel: str = Field(sa_type=CODE)
    source: str = Field(sa_type=WORDS)
    currency: str = Field(sa_type=CODE)


class MessageRecipient(TenantRow, table=True):
    """What became of one campaign's messages to one address: the first moment of each thing, however often it was told.

    Its figures stand on the day of the earliest of these moments, so that a day's rates are of the same people.
    """

    __tablename__ = "message_recipient"
    __table_args__ = (
        of_group(),
        *child_of("campaign", "campaign_id")[:1],
        UniqueConstraint("group_id", "campaign_id", "channel", "recipient"),
    )
    campaign_id: int = Field(sa_type=BigInteger)
    channel: str = Field(sa_type=CODE)
    recipient: str = Field(sa_type=CODE)
    """A digest of the address, so that no address is kept here; of an event without one, the event's key."""
    first_at: Any = Field(sa_type=INSTANT)
    delivered_at: Any = Field(default=None, sa_type=INSTANT, nullable=True)
    opened_at: Any = Field(default=None, sa_type=INSTANT, nullable=True)
    clicked_at: Any = Field(default=None, sa_type=INSTANT, nullable=True)
    unsubscribed_at: Any = Field(default=None, sa_type=INSTANT, nullable=True)
    machine_opened_at: Any = Field(default=None, sa_type=INSTANT, nullable=True)
