"""Interactions: contacts with users."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.enums import InteractionKind
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CampaignRef, CustomerRef, IntegrationRef, ProjectRef
from app.graph.declaring.scalars import JSON, DateTime
from app.plan.catalog import own, via
from app.plan.kinds import DOCUMENT
from app.tables import interactions as tables


@entity(
    table=tables.Interaction,
    prefix="interaction",
    store=via("project_id", "Project"),
    project=own("project_id"),
)
class Interaction(Node):
    """A contact with a user, on the site or off it. Without a campaign and a channel it is direct."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("interaction")
    kind: InteractionKind = column("Where it happened.")
    occurred_at: DateTime = column("When it happened.")
    tracker_id: str | None = column(
        "Which browser or device it came from; null: offline.", roles=PERSONAL_READERS
    )
    landing_url: str | None = column(
        "The address of the page where somebody came in.", roles=PERSONAL_READERS
    )
    referrer: str | None = column("The address of the page they came from.", roles=PERSONAL_READERS)
    user_data: JSON | None = column(
        "What was said about the user, as sent.", kind=DOCUMENT, roles=PERSONAL_READERS
    )
    node_data: JSON | None = column(
        "What was said about the advertiser's side: wmktId, cid and whatever else.",
        kind=DOCUMENT,
        roles=PERSONAL_READERS,
    )
    channel: str | None = column(
        "The channel they came by: of the link's tags and click ids, the campaign, the integration, or the page they"
        " came from; null: nothing says so."
    )
    created_at: DateTime = column("When it was recorded.")
    project: ProjectRef = to_one("The project it belongs to.", "project_id")
    customer: CustomerRef | None = to_one(
        "Whom it was with; null: nobody knows yet, or out of sight.", "customer_id"
    )
    integration: IntegrationRef | None = to_one("The integration it came through.", "integration_id")
    campaign: CampaignRef | None = to_one("The campaign it led from; null: none of ours.", "campaign_id")
