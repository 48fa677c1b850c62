"""Funnel touches: stages that customers reached."""

from app.graph.declaring.enums import FunnelStage
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CampaignRef, CustomerRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import via
from app.tables import funnels as tables

_OF_CUSTOMER = via("customer_id", "Customer")


@entity(table=tables.FunnelTouch, prefix="touch", store=_OF_CUSTOMER, project=_OF_CUSTOMER)
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
