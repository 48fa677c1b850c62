"""Projects: what campaigns and tracked events belong to."""

from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, connection, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    CampaignRef,
    CustomerIdentityRef,
    EventMetricRef,
    EventRef,
    EventTypeRef,
    IntegrationRef,
    InteractionRef,
    StoreRef,
)
from app.graph.declaring.scalars import DateTime
from app.graph.figures.events import EventFigures, event_figures
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.event_metrics import EVENT_METRICS
from app.graph.lists.event_types import EVENT_TYPES
from app.graph.lists.events import EVENTS, IN_TRASH
from app.graph.lists.identities import IDENTITIES
from app.graph.lists.integrations import INTEGRATIONS
from app.graph.lists.interactions import INTERACTIONS
from app.plan.catalog import own, own_or_group
from app.tables import projects as tables
from app.tables.projects import DEFAULT_CLOCK_AHEAD_S, DEFAULT_CLOCK_BEHIND_S, DEFAULT_EVENT_BYTES


@entity(
    table=tables.Project,
    prefix="proj",
    store=own_or_group("store_id"),
    project=own("id"),
    alive="archived_at IS NULL",
)
class Project(Node):
    """A project: made by itself for a campaign (internal), or a tracking project with a slug."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("proj")
    name: str = column("What the project is called.")
    slug: str | None = column("Its name in tracking requests, unique over all groups; null: internal.")
    identity_fields: list[str] = column("What its users are known by, surest first.")
    is_internal: bool = column("Whether it was made by itself for a campaign.")
    max_event_bytes: int | None = column(
        f"How large each of its events may be, in bytes; null: {DEFAULT_EVENT_BYTES:,}."
    )
    clock_ahead_s: int | None = column(
        "How far ahead of coming in its events may be dated before their clock is doubted, in seconds; null:"
        f" {DEFAULT_CLOCK_AHEAD_S:,}."
    )
    clock_behind_s: int | None = column(
        f"The same of strangers' events, behind; null: {DEFAULT_CLOCK_BEHIND_S:,}."
    )
    created_at: DateTime = column("When it was made.")
    archived_at: DateTime | None = column("When it was archived; null: it takes new things.")
    store: StoreRef | None = to_one("The store it belongs to; null: the whole group's.", "store_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", CAMPAIGNS, key="project_id")
    integrations: Connection[IntegrationRef] = connection("Its integrations.", INTEGRATIONS, key="project_id")
    event_types: Connection[EventTypeRef] = connection(
        "Kinds of events it takes.", EVENT_TYPES, key="project_id"
    )
    events: Connection[EventRef] = connection("Events it received.", EVENTS, key="project_id")
    trashed_events: Connection[EventRef] = connection(
        "Those of them in the trash.", EVENTS, key="project_id", where=IN_TRASH
    )
    interactions: Connection[InteractionRef] = connection(
        "Contacts with its users.", INTERACTIONS, key="project_id"
    )
    event_metrics: Connection[EventMetricRef] = connection(
        "States and statistics of its events.", EVENT_METRICS, key="project_id"
    )
    identities: Connection[CustomerIdentityRef] = connection(
        "What customers are known by in it.", IDENTITIES, key="project_id"
    )
    figures: list[MetricFigures] = metric_figures(
        "Metrics of its campaigns, by what you ask.", OF_CHANNELS, of="Project"
    )
    event_figures: list[EventFigures] = event_figures("Events it received, in numbers.", of="Project")
