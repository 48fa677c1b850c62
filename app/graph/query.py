"""The root of reading."""

from app.auth.principal import ADMIN_READERS, READERS, Role
from app.graph.declaring.described import object_type
from app.graph.declaring.fields import by_ids, connection, embed, every_group, look_up
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.permitting import readable_by
from app.graph.figures.attributed_insights import AttributedInsightEntry
from app.graph.figures.attributed_insights import attributed_insights as _attributed_insights
from app.graph.figures.attribution import AttributionRow
from app.graph.figures.attribution import attribution as _attribution
from app.graph.figures.customers import CustomerFigures, customer_figures
from app.graph.figures.events import EventFigures, event_figures
from app.graph.figures.funnels import Funnel, FunnelSlice, documented, own
from app.graph.figures.insights import InsightEntry
from app.graph.figures.insights import insights as _insights
from app.graph.figures.metrics import OF_CHANNELS, OF_STORES, MetricFigures, metric_figures
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.figures.redemptions import RedemptionFigures, redemption_figures
from app.graph.figures.rewards import RewardFigures, reward_figures
from app.graph.figures.touches import TouchFigures, touch_figures
from app.graph.lists.access import API_KEYS, OAUTH_CLIENTS
from app.graph.lists.assets import ASSETS
from app.graph.lists.audit import AUDIT_ENTRIES
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.channels import CHANNEL_RULES
from app.graph.lists.contacts import CONTACT_STATEMENTS
from app.graph.lists.customers import CUSTOMERS
from app.graph.lists.event_metrics import EVENT_METRICS
from app.graph.lists.event_types import EVENT_TYPES
from app.graph.lists.events import EVENTS, IN_TRASH
from app.graph.lists.exchange_rates import EXCHANGE_RATES
from app.graph.lists.imports import IMPORTS
from app.graph.lists.integrations import INTEGRATIONS
from app.graph.lists.interactions import INTERACTIONS
from app.graph.lists.orders import ORDERS
from app.graph.lists.outlays import OUTLAYS
from app.graph.lists.partners import PARTNERS, PARTNERSHIPS
from app.graph.lists.people import DOUBTS, MERGES
from app.graph.lists.projects import PROJECTS
from app.graph.lists.promos import PROMOS, REDEMPTIONS
from app.graph.lists.rewards import BALANCES, ENTRIES, EVALUATIONS, REEVALUATIONS, TIERS
from app.graph.lists.segments import SEGMENTS
from app.graph.lists.spend import SPEND_ENTRIES
from app.graph.lists.stores import STORES
from app.graph.lists.touches import TOUCHES
from app.graph.lists.webhooks import WEBHOOK_ENDPOINTS, WEBHOOK_REFUSALS
from app.graph.resolved.channels import ChannelAnswer, ChannelPattern, built_in_rules, channel_of
from app.graph.resolved.promos import PromoVerdict, promo_validate
from app.graph.resolved.rewards import (
    RewardAttribute,
    RewardDecision,
    RewardWhyNot,
    reward_attributes,
    reward_evaluate,
    reward_why_not,
)
from app.graph.resolved.segments import SegmentPreview, segment_preview
from app.graph.resolved.simulations import CampaignSimulation, campaign_simulate
from app.graph.resolved.trash import EventsWouldPass, TrashReason, trash_by_reason, would_pass
from app.graph.types.access import ApiKey, OAuthClient, Viewer
from app.graph.types.assets import Asset
from app.graph.types.audit import AuditEntry
from app.graph.types.campaigns import Campaign
from app.graph.types.channels import ChannelRule
from app.graph.types.contacts import ContactStatement
from app.graph.types.customers import Customer
from app.graph.types.event_metrics import EventMetric
from app.graph.types.event_types import EventType
from app.graph.types.events import Event
from app.graph.types.exchange_rates import ExchangeRate
from app.graph.types.groups import CustomerGroup
from app.graph.types.imports import Import
from app.graph.types.integrations import Integration
from app.graph.types.interactions import Interaction
from app.graph.types.orders import Order
from app.graph.types.outlays import Outlay
from app.graph.types.partners import Partner, Partnership
from app.graph.types.people import CustomerDoubt, CustomerMerge
from app.graph.types.projects import Project
from app.graph.types.promos import Promo, PromoRedemption
from app.graph.types.rewards import (
    RewardBalance,
    RewardEntry,
    RewardEvaluation,
    RewardReevaluation,
    RewardTier,
)
from app.graph.types.segments import Segment
from app.graph.types.spend import SpendEntry
from app.graph.types.stores import Store
from app.graph.types.touches import FunnelTouch
from app.graph.types.webhooks import WebhookEndpoint, WebhookProvider, WebhookRefusal, providers


@readable_by(
    READERS,
    api_keys=ADMIN_READERS,
    audit_entries=ADMIN_READERS,
    import_=ADMIN_READERS,
    imports=ADMIN_READERS,
    oauth_clients=ADMIN_READERS,
    webhook_endpoint=ADMIN_READERS,
    webhook_endpoints=ADMIN_READERS,
    webhook_refusal=ADMIN_READERS,
    webhook_refusals=ADMIN_READERS,
    # A provider that checks the address it is to deliver to is told that it is there.
    webhook_providers=READERS | {Role.WEBHOOK},
)
@object_type
class Query:
    """Everything that can be read in the scope of the credential."""

    viewer: Viewer = embed("Who is asking.")
    node: Node | None = by_ids("Anything, by its id.", many=False)
    nodes: list[Node | None] = by_ids("Several things, by their ids; null where there is none.", many=True)
    groups: list[CustomerGroup] = every_group(
        "Every group the credential belongs to. Edges show data of the group you act in alone (`X-Group-Id`)."
    )
    group: CustomerGroup = look_up("The group you act in.", scope_key="group")
    store: Store | None = look_up("A store, by its id.")
    stores: Connection[Store] = connection("Stores.", STORES)
    project: Project | None = look_up("A project, by its id.")
    projects: Connection[Project] = connection("Projects.", PROJECTS)
    partner: Partner | None = look_up("A partner, by its id.")
    partners: Connection[Partner] = connection("Partners.", PARTNERS)
    partnerships: Connection[Partnership] = connection("Agreements with partners.", PARTNERSHIPS)
    integration: Integration | None = look_up("An integration, by its id.")
    integrations: Connection[Integration] = connection("Integrations.", INTEGRATIONS)
    campaign: Campaign | None = look_up("A campaign, by its id.")
    campaigns: Connection[Campaign] = connection("Campaigns of every kind.", CAMPAIGNS)
    outlay: Outlay | None = look_up("An outlay, by its id.")
    outlays: Connection[Outlay] = connection("Outlays of all campaigns.", OUTLAYS)
    spend_entries: Connection[SpendEntry] = connection("The spend ledger.", SPEND_ENTRIES)
    segment: Segment | None = look_up("A segment, by its id.")
    segments: Connection[Segment] = connection("Segments.", SEGMENTS)
    segment_preview: SegmentPreview = segment_preview
    customer: Customer | None = look_up("A customer, by its id.")
    customers: Connection[Customer] = connection("Customers.", CUSTOMERS)
    customer_merges: Connection[CustomerMerge] = connection(
        "Customers who turned out to be another one.", MERGES
    )
    doubtful_merges: Connection[CustomerDoubt] = connection(
        "What about who is who looks doubtful, and why.", DOUBTS
    )
    contact_statement: ContactStatement | None = look_up(
        "Something that was said about writing to somebody, by its id."
    )
    contact_statements: Connection[ContactStatement] = connection(
        "What was said about writing to customers and addresses.", CONTACT_STATEMENTS
    )
    order: Order | None = look_up("An order, by its id.")
    orders: Connection[Order] = connection("Orders of customers.", ORDERS)
    promo: Promo | None = look_up("A promo, by its id.")
    promos: Connection[Promo] = connection("Promos.", PROMOS)
    promo_redemptions: Connection[PromoRedemption] = connection("Uses of promos.", REDEMPTIONS)
    promo_validate: PromoVerdict = promo_validate
    trash_reasons: list[TrashReason] = trash_by_reason
    events_would_pass: EventsWouldPass = would_pass
    reward_evaluation: RewardEvaluation | None = look_up("An evaluation of a reward, by its id.")
    reward_evaluations: Connection[RewardEvaluation] = connection(
        "What was evaluated for rewards.", EVALUATIONS
    )
    reward_reevaluation: RewardReevaluation | None = look_up("Decisions judged again, by its id.")
    reward_reevaluations: Connection[RewardReevaluation] = connection(
        "Where decisions were judged again, the latest first.", REEVALUATIONS
    )
    reward_tiers: Connection[RewardTier] = connection("The group's tiers, the lowest first.", TIERS)
    reward_entries: Connection[RewardEntry] = connection("The reward ledger.", ENTRIES)
    reward_balances: Connection[RewardBalance] = connection("What customers have with partners.", BALANCES)
    reward_attributes: list[RewardAttribute] = reward_attributes
    reward_evaluate: RewardDecision = reward_evaluate
    reward_why_not: RewardWhyNot = reward_why_not
    campaign_simulate: CampaignSimulation = campaign_simulate
    funnel: Funnel = documented(
        "How many customers went through the stages of a documented funnel, one after the other, in these days."
    )
    funnel_custom: list[FunnelSlice] = own("A funnel of stages of your choice; one row unless broken down.")
    funnel_touches: Connection[FunnelTouch] = connection("Stages that customers reached.", TOUCHES)
    assets: Connection[Asset] = connection("Client files.", ASSETS)
    event_type: EventType | None = look_up("An event type, by its id.")
    event_types: Connection[EventType] = connection("Kinds of events that projects take.", EVENT_TYPES)
    event: Event | None = look_up("An event, by its id.")
    events: Connection[Event] = connection("Events as they came in.", EVENTS)
    trashed_events: Connection[Event] = connection(
        "Events in the trash: those that could not be processed.", EVENTS, where=IN_TRASH
    )
    event_metrics: Connection[EventMetric] = connection(
        "States and statistics of events, as they are now.", EVENT_METRICS
    )
    interaction: Interaction | None = look_up("An interaction, by its id.")
    interactions: Connection[Interaction] = connection("Contacts with users.", INTERACTIONS)
    channel_rules: Connection[ChannelRule] = connection(
        "The group's own rules of which channel somebody came by.", CHANNEL_RULES
    )
    channel_rules_built_in: list[ChannelPattern] = built_in_rules
    channel_of: ChannelAnswer = channel_of
    api_keys: Connection[ApiKey] = connection("API keys of the group.", API_KEYS)
    oauth_clients: Connection[OAuthClient] = connection("Clients of the token endpoint.", OAUTH_CLIENTS)
    import_: Import | None = look_up("An import, by its id.", name="import")
    imports: Connection[Import] = connection(
        "Files that were sent to be imported, the latest first.", IMPORTS
    )
    audit_entries: Connection[AuditEntry] = connection(
        "Who did what of administration, the latest first.", AUDIT_ENTRIES
    )
    webhook_providers: list[WebhookProvider] = providers("Every webhook provider, connected or not.")
    webhook_endpoint: WebhookEndpoint | None = look_up("A webhook endpoint, by its id.")
    webhook_endpoints: Connection[WebhookEndpoint] = connection(
        "Where webhook providers deliver.", WEBHOOK_ENDPOINTS
    )
    webhook_refusal: WebhookRefusal | None = look_up("A refused element of a delivery, by its id.")
    webhook_refusals: Connection[WebhookRefusal] = connection(
        "What of authentic deliveries could not be taken.", WEBHOOK_REFUSALS
    )
    figures: list[MetricFigures] = metric_figures(
        "Metrics of all campaigns in scope: totals or a series, by whatever you ask.", OF_CHANNELS, OF_STORES
    )
    order_figures: list[OrderFigures] = order_figures(
        "Orders, in numbers: totals or a series, by whatever you ask."
    )
    redemption_figures: list[RedemptionFigures] = redemption_figures("Uses of promos, in numbers.")
    customer_figures: list[CustomerFigures] = customer_figures("Customers, in numbers.")
    event_figures: list[EventFigures] = event_figures("Events, in numbers.")
    reward_figures: list[RewardFigures] = reward_figures("The reward ledger, in numbers.")
    touch_figures: list[TouchFigures] = touch_figures("Stages that customers reached, in numbers.")
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
