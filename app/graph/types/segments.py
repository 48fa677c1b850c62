"""Segments: sets of customers that campaigns and promos are aimed at, and the members of those that are lists."""

from app.graph.declaring.enums import SegmentType
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import (
    column,
    connection,
    embed,
    entity,
    is_set,
    to_one,
)
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import CampaignRef, CustomerRef, PromoRef, SegmentMemberRef, SegmentRef
from app.graph.declaring.scalars import JSON, DateTime, Long
from app.graph.figures.customers import CustomerFigures, customer_figures
from app.graph.figures.funnels import FunnelSlice
from app.graph.figures.growth import SegmentGrowth, segment_growth
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.promos import PROMOS
from app.graph.lists.segments import MEMBERS
from app.graph.resolved.segment_funnels import funnel_now
from app.graph.resolved.segments import customers_now, size_now
from app.plan.catalog import via
from app.tables import segments as tables


@entity()
class SegmentReach:
    """How many customers of a segment could be written to when they were last counted, whatever the list."""

    email: Long = column("Who agreed to e-mail and has an address.", "reach_email")
    sms: Long = column("Who agreed to text messages and has a number.", "reach_sms")
    counted_at: DateTime = column("When that was.", "reached_at")


@entity(table=tables.Segment, prefix="seg", alive="deleted_at IS NULL")
class Segment(Node):
    """A set of customers that campaigns and promos are aimed at."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("seg")
    name: str = column("What the segment is called.")
    type: SegmentType = column("How it gets its customers.")
    criteria: JSON | None = column("Whom a dynamic segment holds, as it was given.")
    source: str | None = column("Where an imported segment comes from.")
    size: Long = column("How many customers it held at `sizedAt`.")
    sized_at: DateTime | None = column("When it was last counted.")
    reach: SegmentReach | None = embed(
        "How many of them could be written to; null: not counted yet.", present=is_set("reached_at")
    )
    size_now: Long = size_now
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    campaigns: Connection[CampaignRef] = connection("Campaigns aimed at it.", CAMPAIGNS, key="segment_id")
    promos: Connection[PromoRef] = connection("Promos only its customers may use.", PROMOS, key="segment_id")
    members: Connection[SegmentMemberRef] = connection(
        "The list of a static or imported segment.", MEMBERS, key="segment_id"
    )
    customers: Connection[CustomerRef] = customers_now
    funnel: FunnelSlice = funnel_now
    growth: list[SegmentGrowth] = segment_growth("How large it was over time, without gaps.")
    figures: list[MetricFigures] = metric_figures(
        "Metrics of campaigns aimed at it, by what you ask.", OF_CHANNELS, of="Segment"
    )
    order_figures: list[OrderFigures] = order_figures(
        "Orders of those on its list, in numbers.", of="Segment"
    )
    customer_figures: list[CustomerFigures] = customer_figures("Those on its list, in numbers.", of="Segment")


@entity(
    table=tables.SegmentMember,
    prefix="member",
    store=via("customer_id", "Customer"),
    project=via("customer_id", "Customer"),
)
class SegmentMember(Node):
    """A customer on the list of a static or imported segment. Dynamic segments have no list."""

    created_at: DateTime = column("When it was put on the list.")
    segment: SegmentRef = to_one("The segment.", "segment_id")
    customer: CustomerRef = to_one("The customer.", "customer_id")
