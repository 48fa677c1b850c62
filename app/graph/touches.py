"""That customers reached stages, as it can be read."""

import strawberry

from app.graph.declare import column, entity, to_one
from app.graph.enums import FunnelStage
from app.graph.listing import compares, equals, filter_by, instant_key, list_of, one_of
from app.graph.nodes import Node
from app.graph.refs import CampaignRef, CustomerRef
from app.graph.scalars import DateTime
from app.plan.catalog import via
from app.tables import funnels as tables

OF_CUSTOMER = via("customer_id", "Customer")


@strawberry.input(description="Which touches. All conditions given must hold.")
class FunnelTouchFilter:
    """Which touches."""

    since: DateTime | None = filter_by(
        "At this instant or later.", compares("occurred_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by("Before this instant.", compares("occurred_at", "<", "timestamptz"))
    stages: list[FunnelStage] | None = filter_by("Of any of these stages.", one_of("stage", "text"))
    channels: list[str] | None = filter_by("In any of these channels.", one_of("channel", "text"))
    source: str | None = filter_by("From this source.", equals("source", "text"))


TOUCHES = list_of(
    "FunnelTouch", FunnelTouchFilter, "OCCURRED_AT", descending=True,
    occurred_at=(instant_key("occurred_at"), "By the moment it happened."),
)  # fmt: skip


@entity(
    table=tables.FunnelTouch, prefix="touch", store=OF_CUSTOMER, project=OF_CUSTOMER,
    description="A customer reached a stage.",
)  # fmt: skip
class FunnelTouch(Node):
    """A customer reached a stage."""

    stage: FunnelStage = column("The stage.")
    occurred_at: DateTime = column("When.")
    channel: str | None = column("Through which channel.")
    source: str = column("Who told: api, or an interface.")
    reference: str = column(
        "Its name in that source; the same one again is the same touch.", name="source_ref"
    )
    customer: CustomerRef | None = to_one("Who.", "customer_id")
    campaign: CampaignRef | None = to_one("Because of which campaign.", "campaign_id")
