"""The root of reading."""

import strawberry

from app.graph import lists
from app.graph.access import ApiKey, OAuthClient, Viewer
from app.graph.attributed_insights import AttributedInsightEntry
from app.graph.attributed_insights import attributed_insights as _attributed_insights
from app.graph.attribution import AttributionRow
from app.graph.attribution import attribution as _attribution
from app.graph.audience import Customer, Promo, Segment
from app.graph.campaigns import Campaign, Outlay, SpendEntry
from app.graph.declare import by_ids, connection, embed, every_group, look_up
from app.graph.event_metrics import EVENT_METRICS, EventMetric
from app.graph.event_types import EVENT_TYPES, EventType
from app.graph.events import Event
from app.graph.exchange_rates import EXCHANGE_RATES, ExchangeRate
from app.graph.funnels import Funnel, FunnelSlice, documented, own
from app.graph.groups import CustomerGroup, Integration, Partner, Partnership, Project, Store
from app.graph.insights import InsightEntry
from app.graph.insights import insights as _insights
from app.graph.interactions import INTERACTIONS, Interaction
from app.graph.metrics import MetricPoint, MetricTotals, scope_series, scope_totals
from app.graph.nodes import Node
from app.graph.orders import ORDERS, Order
from app.graph.paging import Connection
from app.graph.promos import PromoVerdict, promo_validate
from app.graph.records import Asset
from app.graph.redemptions import REDEMPTIONS, PromoRedemption
from app.graph.reward_decisions import (
    RewardAttribute,
    RewardDecision,
    RewardWhyNot,
    reward_attributes,
    reward_evaluate,
    reward_why_not,
)
from app.graph.rewards import BALANCES, ENTRIES, EVALUATIONS, RewardBalance, RewardEntry, RewardEvaluation
from app.graph.segments import SegmentPreview, segment_preview
from app.graph.simulating import CampaignSimulation, simulate_campaign
from app.graph.touches import TOUCHES, FunnelTouch
from app.graph.trash import EventsWouldPass, TrashReason, trash_by_reason, would_pass
from app.graph.webhooks import WebhookEndpoint, WebhookProvider, providers


@strawberry.type(description="Everything that can be read in the scope of the credential.")
class Query:
    """Everything that can be read in the scope of the credential."""

    viewer: Viewer = embed("Who is asking.")
    node: Node | None = by_ids("Anything, by its id.", many=False)
    nodes: list[Node | None] = by_ids("Several things, by their ids; null where there is none.", many=True)
    customer_groups: list[CustomerGroup] = every_group(
        "Every group the credential belongs to. Edges show data of the group you act in alone (`X-Group-Id`)."
    )
    group: CustomerGroup = look_up("The group you act in.", scope_key="group")
    store: Store | None = look_up("A store, by its id.")
    stores: Connection[Store] = connection("Stores.", lists.STORES)
    project: Project | None = look_up("A project, by its id.")
    projects: Connection[Project] = connection("Projects.", lists.PROJECTS)
    partner: Partner | None = look_up("A partner, by its id.")
    partners: Connection[Partner] = connection("Partners.", lists.PARTNERS)
    partnerships: Connection[Partnership] = connection("Agreements with partners.", lists.PARTNERSHIPS)
    integration: Integration | None = look_up("An integration, by its id.")
    integrations: Connection[Integration] = connection("Integrations.", lists.INTEGRATIONS)
    campaign: Campaign | None = look_up("A campaign, by its id.")
    campaigns: Connection[Campaign] = connection("Campaigns of every kind.", lists.CAMPAIGNS)
    outlay: Outlay | None = look_up("An outlay, by its id.")
    outlays: Connection[Outlay] = connection("Outlays of all campaigns.", lists.OUTLAYS)
    spend_entries: Connection[SpendEntry] = connection("The spend ledger.", lists.SPEND_ENTRIES)
    segment: Segment | None = look_up("A segment, by its id.")
    segments: Connection[Segment] = connection("Segments.", lists.SEGMENTS)
    segment_preview: SegmentPreview = segment_preview
    customer: Customer | None = look_up("A customer, by its id.")
    customers: Connection[Customer] = connection("Customers.", lists.CUSTOMERS)
    order: Order | None = look_up("An order, by its id.")
    orders: Connection[Order] = connection("Orders of customers.", ORDERS)
    promo: Promo | None = look_up("A promo, by its id.")
    promos: Connection[Promo] = connection("Promos.", lists.PROMOS)
    promo_redemptions: Connection[PromoRedemption] = connection("Uses of promos.", REDEMPTIONS)
    promo_validate: PromoVerdict = promo_validate
    trash_reasons: list[TrashReason] = trash_by_reason
    events_would_pass: EventsWouldPass = would_pass
    reward_evaluation: RewardEvaluation | None = look_up("An evaluation of a reward, by its id.")
    reward_evaluations: Connection[RewardEvaluation] = connection(
        "What was evaluated for rewards.", EVALUATIONS
    )
    reward_entries: Connection[RewardEntry] = connection("The reward ledger.", ENTRIES)
    reward_balances: Connection[RewardBalance] = connection("What customers have with partners.", BALANCES)
    reward_attributes: list[RewardAttribute] = reward_attributes
    reward_evaluate: RewardDecision = reward_evaluate
    reward_why_not: RewardWhyNot = reward_why_not
    simulate_campaign: CampaignSimulation = simulate_campaign
    funnel: Funnel = documented(
        "How many customers went through the stages of a documented funnel, one after the other, in these days."
    )
    funnel_custom: list[FunnelSlice] = own("A funnel of stages of your choice; one row unless broken down.")
    funnel_touches: Connection[FunnelTouch] = connection("Stages that customers reached.", TOUCHES)
    assets: Connection[Asset] = connection("Client files.", lists.ASSETS)
    event_type: EventType | None = look_up("An event type, by its id.")
    event_types: Connection[EventType] = connection("Kinds of events that projects take.", EVENT_TYPES)
    event: Event | None = look_up("An event, by its id.")
    events: Connection[Event] = connection("Events as they came in.", lists.EVENTS)
    trashed_events: Connection[Event] = connection(
        "Events in the trash: those that could not be processed.", lists.EVENTS, where=lists.IN_TRASH
    )
    event_metrics: Connection[EventMetric] = connection(
        "States and statistics of events, as they are now.", EVENT_METRICS
    )
    interaction: Interaction | None = look_up("An interaction, by its id.")
    interactions: Connection[Interaction] = connection("Contacts with users.", INTERACTIONS)
    api_keys: Connection[ApiKey] = connection("API keys of the group.", lists.API_KEYS)
    oauth_clients: Connection[OAuthClient] = connection("Clients of the token endpoint.", lists.OAUTH_CLIENTS)
    webhook_providers: list[WebhookProvider] = providers("Every webhook provider, connected or not.")
    webhook_connection: WebhookEndpoint | None = look_up("A webhook connection, by its id.")
    webhook_connections: Connection[WebhookEndpoint] = connection(
        "Connections to webhook providers.", lists.WEBHOOK_CONNECTIONS
    )
    metric_totals: list[MetricTotals] = scope_totals(
        "Metrics of all campaigns in scope, one row per currency."
    )
    metric_series: list[MetricPoint] = scope_series("Metrics of all campaigns in scope over time.")
    insights: list[InsightEntry] = _insights(
        "Metrics of a project's events over time, without attribution: every stretch of the window, in order; nothing"
        " where the project is not in scope."
    )
    exchange_rates: Connection[ExchangeRate] = connection("Exchange rates of the group.", EXCHANGE_RATES)
    attribution: list[AttributionRow] = _attribution(
        "What campaigns earned and cost, and their return on ad spend: a row per currency, in which revenue adds up to"
        " what the events are worth; the row without a campaign is what is direct."
    )
    attributed_insights: list[AttributedInsightEntry] = _attributed_insights(
        "Metrics of events over time, shared among those who led to them."
    )
