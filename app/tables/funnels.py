"""Touches (a customer reached a stage), and each customer's path through a day, kept up to date by the same writes."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, UniqueConstraint
from sqlmodel import Field

from app.tables.base import CODE, INSTANT, WORDS, TenantRow, child_of, in_group, of_group, one_of


class FunnelStage(StrEnum):
    """Stages in order. Source: Marketing & CRM API, "Funnel Stages"."""

    AWARENESS = "awareness"
    INTEREST = "interest"
    CONSIDERATION = "consideration"
    INTENT = "intent"
    EVALUATION = "evaluation"
    PURCHASE = "purchase"
    ONBOARDING = "onboarding"
    ACTIVATION = "activation"
    RETENTION = "retention"
    ADVOCACY = "advocacy"


class FunnelTouch(TenantRow, table=True):
    """A customer reached a stage. A source's reference is unique, so a touch sent twice counts once."""

    __tablename__ = "funnel_touch"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id")[:1],
        # Includes all that funnels ask for, so that they read only the index.
        Index(
            None,
            "group_id",
            "customer_id",
            "occurred_at",
            "id",
            postgresql_include=["stage", "channel", "campaign_id"],
        ),
        *in_group(campaign_id="campaign"),
        UniqueConstraint("group_id", "source", "source_ref"),
        one_of("stage", list(FunnelStage)),
        Index(None, "group_id", "campaign_id", "occurred_at", "id"),
        Index(None, "group_id", "occurred_at", "id"),
    )
    customer_id: int = Field(sa_type=BigInteger)
    stage: str = Field(sa_type=CODE)
    occurred_at: datetime = Field(sa_type=INSTANT)
    channel: str | None = Field(default=None, sa_type=CODE)
    campaign_id: int | None = Field(default=None, sa_type=BigInteger)
    source: str = Field(sa_type=CODE)
    source_ref: str = Field(sa_type=WORDS)


class FunnelDay(TenantRow, table=True):
    """The stages a customer touched on a day (UTC), in order of time: a letter each, repeats next to each other once.

    `a` is awareness, `j` advocacy. It tells a funnel whether stages were touched one after the other, in a fraction of
    the touches' rows. The days are UTC's whatever the zone of a store, since zones change and customers move; where a
    window begins or ends within one of them, funnels look at its touches.
    """

    __tablename__ = "funnel_day"
    __table_args__ = (
        of_group(),
        *child_of("customer", "customer_id")[:1],
        # Includes the path, so that a funnel reads only the index, in the order it needs. There is none by day: plans
        # that do not know how long the window is would choose it, and then have to sort its rows.
        UniqueConstraint("group_id", "customer_id", "day", postgresql_include=["path"]),
        CheckConstraint("path ~ '^[a-j]+$'", name="path_letters"),
    )
    customer_id: int = Field(sa_type=BigInteger)
    day: date = Field(sa_type=Date)
    path: str = Field(sa_type=WORDS)
