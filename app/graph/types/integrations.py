"""Integrations: connections of projects to advertising tools."""

from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, connection, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import CampaignRef, InteractionRef, OutlayRef, ProjectRef
from app.graph.declaring.scalars import DateTime
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.interactions import INTERACTIONS
from app.graph.lists.outlays import OUTLAYS
from app.plan.catalog import own, via
from app.tables import integrations as tables


@entity(
    table=tables.Integration,
    prefix="intg",
    store=via("project_id", "Project"),
    project=own("project_id"),
    alive="archived_at IS NULL",
)
class Integration(Node):
    """A connection of a project to an advertising tool. Campaigns tracked by it have a slug of their own."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("intg")
    name: str = column("What the integration is called.")
    kind: str = column(
        "Which kind of tool it connects, such as custom_ads. Kinds that begin with custom_ are one's own to fill."
    )
    wmkt_id: str = column("Its id in tracking links, unique in the group.")
    currency: str = column("The currency of its outlays (ISO 4217).")
    created_at: DateTime = column("When it was made.")
    archived_at: DateTime | None = column("When it was archived; null: campaigns can be made in it.")
    project: ProjectRef = to_one("The project it belongs to.", "project_id")
    campaigns: Connection[CampaignRef] = connection("Campaigns it tracks.", CAMPAIGNS, key="integration_id")
    outlays: Connection[OutlayRef] = connection(
        "Money put into its campaigns.", OUTLAYS, key="integration_id"
    )
    interactions: Connection[InteractionRef] = connection(
        "Contacts that came through it.", INTERACTIONS, key="integration_id"
    )
