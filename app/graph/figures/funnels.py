"""Funnels: how many customers reach each stage, one after the other."""

from typing import Any

from app.graph.declaring.described import interface_type
from app.graph.declaring.enums import FunnelDimension, FunnelStage, FunnelType
from app.graph.declaring.fields import (
    aggregate,
    argument,
    column,
    computed,
    entity,
    parts,
    read_beside,
    to_one,
)
from app.graph.declaring.refs import CampaignRef, SegmentRef
from app.graph.declaring.scalars import Date, Long, Rate
from app.graph.figures.funnels_sql import documented_row, own_slice
from app.plan.catalog import Entity, via
from app.plan.kinds import share
from app.tables import funnels as tables
from app.tables.segments import SegmentMember

_OF_CUSTOMER = via("customer_id", "Customer")

ROWS = (
    Entity("FunnelDay", tables.FunnelDay.__tablename__, store=_OF_CUSTOMER, project=_OF_CUSTOMER),
    read_beside("FunnelMember", SegmentMember, "customer_id"),
)
"""Tables that only funnels read."""


def _as_it_is(name: str) -> Any:
    return lambda row: row(name)


@interface_type
class FunnelNumbers:
    """How many customers reached a stage. Source: Marketing & CRM API, funnels."""

    stage: FunnelStage = column("The stage.")
    count: Long = column("Customers who reached it after the stages before it.")
    percentage: Rate = computed(
        "Of the first stage's customers, one decimal where needed; 0 where there are none.",
        _as_it_is("percentage"), kind=share(1),
    )  # fmt: skip
    drop_off: Rate | None = computed(
        "The percentage before less this one, in points; null on the first stage.",
        _as_it_is("drop_off"), kind=share(1),
    )  # fmt: skip


@entity()
class FunnelStep(FunnelNumbers):
    """A stage of a documented funnel."""


@entity()
class FunnelSliceStep(FunnelNumbers):
    """A stage of a funnel of one's own."""

    median_seconds: Long | None = column(
        "The median time from reaching the stage before to reaching this one; null on the first, and where nobody did."
    )


@entity()
class Funnel:
    """A documented funnel of those who entered it on some days: days of the customer's store, else of the group."""

    type: FunnelType = column("Which stages it looks at.")
    since: Date = column("The first day.")
    until: Date = column("The last day.")
    stages: list[FunnelStep] = parts("Its stages, in order.", "step", always="stage")
    overall_conversion: Rate = computed("The last stage's percentage.", _as_it_is("overall"), kind=share(1))


@entity()
class FunnelSlice:
    """A funnel of one's own, or the slice of it that a breakdown asks for."""

    channel: str | None = column("The channel, where it is broken down by channel; null: none was said.")
    campaign: CampaignRef | None = to_one("The campaign, where it is broken down by campaign.", "campaign_id")
    segment: SegmentRef | None = to_one("The segment, where it is broken down by segment.", "segment_id")
    stages: list[FunnelSliceStep] = parts("Its stages, as asked for.", "step", always="stage")
    overall_conversion: Rate = computed("The last stage's percentage.", _as_it_is("overall"), kind=share(1))


_WHO = "The dates say who enters, by the day of the first stage's touch where the customer's store is (else the group)."
SINCE = argument("since", Date, f"From this day on. {_WHO}")
UNTIL = argument("until", Date, "Up to and including this day. Later stages may be reached after it.")


def documented(description: str) -> Any:
    """One of the three documented funnels."""
    kind = argument("type", FunnelType, "Which stages to look at.")
    since = argument("since", Date | None, f"From this day on; null: thirty days in all. {_WHO}", None)
    until = argument(
        "until",
        Date | None,
        "Up to and including this day; null: today, in the group. Later stages may be reached after it.",
        None,
    )
    return aggregate(description, documented_row, kind, since, until, price=20_000)


def own(description: str) -> Any:
    """Any stages in any order, within a time, broken down."""
    return aggregate(
        description,
        own_slice,
        argument(
            "stages", list[FunnelStage], "The stages, in the order to be reached; repeated ones count once."
        ),
        SINCE,
        UNTIL,
        argument(
            "within_hours",
            int | None,
            "How long the whole way may take, from the first stage's touch to this one's; any time unless said.",
            None,
        ),
        argument("by", FunnelDimension | None, "What to break down by.", None),
        many=True,
        price=40_000,
    )


__all__ = ["ROWS", "Funnel", "FunnelSlice", "documented", "own"]
