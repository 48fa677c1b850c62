"""Events: what came in, and what became of it."""

from app.graph.declare import column, entity, to_one
from app.graph.enums import EventOutcome
from app.graph.groups import Project
from app.graph.nodes import Node
from app.graph.refs import CampaignRef, CustomerRef
from app.graph.scalars import JSON, DateTime
from app.plan.catalog import own, via
from app.tables import events as tables


@entity(
    table=tables.Event, prefix="event", id_cast="uuid",
    store=via("project_id", "Project"), project=own("project_id"),
    description="An event as it came in.",
)  # fmt: skip
class Event(Node):
    """An event as it came in."""

    source: str = column("Which interface it came through.")
    event_type: str = column("What happened, as the sender says.")
    received_at: DateTime = column("When it came in.")
    occurred_at: DateTime = column("When it says it happened.")
    kind: str | None = column("What happened in our words (opened), where the sender's were understood.")
    channel: str | None = column("Where it happened, such as email.")
    outcome: EventOutcome | None = column("What became of it; null: nothing had to.")
    body: JSON | None = column("The event as it was sent.")
    project: Project | None = to_one("The project it was sent to.", "project_id")
    campaign: CampaignRef | None = to_one("The campaign it is about.", "campaign_id")
    customer: CustomerRef | None = to_one("The customer it is about.", "customer_id")
