"""What is kept: client files and raw events. Metric rows, which only aggregates read, are declared here too."""

from typing import Any

import strawberry

from app.graph.declare import column, entity, to_one
from app.graph.groups import Project, Store
from app.graph.nodes import Node
from app.graph.refs import CampaignRef
from app.graph.scalars import JSON, DateTime, Long
from app.plan.catalog import own, via
from app.tables import records as tables


@entity(
    table=tables.Asset, prefix="asset", store=own("store_id"), project=via("campaign_id", "Campaign"),
    alive="deleted_at IS NULL",
    description="A client file: an image, a brief, a document.",
)  # fmt: skip
class Asset(Node):
    """A client file."""

    name: str = column("The file's name.")
    content_type: str = column("Its media type.")
    size: Long = column("Its size in bytes.")
    sha256: str = column("The SHA-256 of its bytes, in hexadecimal.")
    created_at: DateTime = column("When it was uploaded.")
    store: Store = to_one("The store it belongs to.", "store_id")
    campaign: CampaignRef | None = to_one("The campaign it belongs to.", "campaign_id")

    @strawberry.field(description="A link to the file, signed and good for an hour.")  # type: ignore[untyped-decorator]
    async def url(self, info: strawberry.Info) -> str:
        """Signed for each request, so it is not something the database can print."""
        record: Any = self
        context: Any = info.context
        link: str = await context.services.assets.link(
            asset_id=record.key("id"),
            group_id=context.scope.group_id,
            base_url=context.base_url,
            now=context.now,
        )
        return link


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
    body: JSON | None = column("The event as it was sent.")
    project: Project | None = to_one("The project it was sent to.", "project_id")
