"""Interactions: contacts with users, on the site and off it, and where they led from."""

import strawberry

from app.graph.declare import column, entity, to_one
from app.graph.enums import InteractionKind
from app.graph.listing import compares, equals, filter_by, in_project, instant_key, list_of, one_of
from app.graph.nodes import Node
from app.graph.refs import CampaignRef, CustomerRef, IntegrationRef, ProjectRef
from app.graph.scalars import JSON, DateTime
from app.plan.catalog import Arguments, Row, own, via
from app.plan.sql import Sql, sql
from app.tables import journeys as tables


def _is_direct(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.campaign_id} IS NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


@strawberry.input(description="Which interactions. All conditions given must hold.")
class InteractionFilter:
    """Which interactions."""

    project: str | None = filter_by("Of the project with this slug or id.", in_project)
    kinds: list[InteractionKind] | None = filter_by("Of any of these kinds.", one_of("kind", "text"))
    tracker_id: str | None = filter_by("From this browser or device, exactly.", equals("tracker_id", "text"))
    direct: bool | None = filter_by("Whether it led from no campaign.", _is_direct)
    since: DateTime | None = filter_by(
        "At this instant or later.", compares("occurred_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "At this instant or before.", compares("occurred_at", "<=", "timestamptz")
    )


INTERACTIONS = list_of(
    "Interaction", InteractionFilter, "OCCURRED_AT", descending=True,
    occurred_at=(instant_key("occurred_at"), "By the moment it happened."),
)  # fmt: skip


@entity(
    table=tables.Interaction, prefix="interaction",
    store=via("project_id", "Project"), project=own("project_id"),
    description="A contact with a user, on the site or off it. Without a campaign it is direct.",
)  # fmt: skip
class Interaction(Node):
    """A contact with a user."""

    kind: InteractionKind = column("Where it happened.")
    occurred_at: DateTime = column("When it happened.")
    tracker_id: str | None = column("Which browser or device it came from; null: offline.")
    landing_url: str | None = column("The address of the page where somebody came in.")
    referrer: str | None = column("The address of the page they came from.")
    user_data: JSON | None = column("What was said about the user, as sent.")
    node_data: JSON | None = column(
        "What was said about the advertiser's side: wmktId, cid and whatever else."
    )
    created_at: DateTime = column("When it was recorded.")
    project: ProjectRef = to_one("The project it belongs to.", "project_id")
    customer: CustomerRef | None = to_one(
        "Whom it was with; null: nobody knows yet, or out of sight.", "customer_id"
    )
    integration: IntegrationRef | None = to_one("The integration it came through.", "integration_id")
    campaign: CampaignRef | None = to_one("The campaign it led from; null: direct.", "campaign_id")
