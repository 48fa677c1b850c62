"""Campaigns: flat for what every campaign has, nested where fields only make sense together."""

from app.graph.declaring.described import object_type
from app.graph.declaring.enums import (
    CampaignStatus,
    CampaignType,
    ExpiryPeriod,
    NegativeBalance,
    Objective,
    RewardType,
)
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import (
    amount_of,
    any_set,
    column,
    computed,
    connection,
    embed,
    entity,
    is_set,
    listing,
    to_one,
)
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    AssetRef,
    CampaignRef,
    CustomerGroupRef,
    EventRef,
    FlowRef,
    FunnelTouchRef,
    GoalRef,
    IntegrationRef,
    InteractionRef,
    OrderRef,
    OutlayRef,
    PartnerRef,
    PartnershipRef,
    ProjectRef,
    PromoRef,
    RewardEntryRef,
    RewardEvaluationRef,
    RewardReevaluationRef,
    SegmentRef,
    SpendEntryRef,
    SpendLimitRef,
    StoreRef,
)
from app.graph.declaring.scalars import Date, DateTime, Long
from app.graph.figures.attribution import CampaignAttribution, campaign_attribution
from app.graph.figures.events import EventFigures, event_figures
from app.graph.figures.metrics import (
    OF_CHANNELS,
    CampaignTotals,
    MetricFigures,
    campaign_totals,
    metric_figures,
)
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.figures.redemptions import RedemptionFigures, redemption_figures
from app.graph.figures.rewards import RewardFigures, reward_figures
from app.graph.figures.touches import TouchFigures, touch_figures
from app.graph.lists.assets import ASSETS
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.events import EVENTS
from app.graph.lists.interactions import INTERACTIONS
from app.graph.lists.orders import ORDERS
from app.graph.lists.outlays import OUTLAYS
from app.graph.lists.promos import PROMOS
from app.graph.lists.rewards import ENTRIES, EVALUATIONS, REEVALUATIONS
from app.graph.lists.spend import SPEND_ENTRIES
from app.graph.lists.touches import TOUCHES
from app.plan.catalog import Through, own
from app.plan.sql import sql
from app.tables import campaigns as tables


@object_type
class CampaignContent:
    """What a message campaign says."""

    subject: str | None = column("The subject line.")
    body: str | None = column("The text.")
    cta_text: str | None = column("What the button says.")
    cta_url: str | None = column("Where the button leads.")


@object_type
class CampaignTracking:
    """How a campaign is recognised in traffic."""

    integration: IntegrationRef | None = to_one(
        "The integration that tracks it; null: it belongs to a project outside the credential's scope.",
        "integration_id",
    )
    slug: str | None = column("The campaign's name in landing page addresses, unique in the integration.")
    is_explicit: bool = column(
        "True: made by a person. False: made by the system when traffic came without a slug."
    )


@object_type
class CampaignRewards:
    """What makes a campaign a reward campaign."""

    type_code: int = column("The reward type's code.", "reward_type")
    type: RewardType = column("What the campaign does.", "reward_type")
    owner_id: Long | None = column("The user who owns it in the rewards service.")
    total_rewards: Long = column("What was paid so far, in the smallest currency unit: the ledger's sum.")
    participants: Long = column("How many customers were rewarded.", "reward_participants")
    transactions: Long = column("How often something was rewarded.", "reward_transactions")
    revenue: Long = column(
        "What the rewarded transactions came to, in the smallest currency unit.", "reward_revenue"
    )
    version: int = column("The version of the flows and goals; every save is a new one.", "reward_version")
    negative_balance: NegativeBalance = column(
        "Whether what is taken back may bring a customer's balance below zero."
    )
    wait_days: int | None = column(
        "How many days what is earned waits until it can be used, from when it happened.", "reward_wait_days"
    )
    expire_after_days: int | None = column(
        "For how many days it can be used from then on.", "reward_expire_days"
    )
    expire_at_end_of: ExpiryPeriod | None = column(
        "With which calendar period it expires, of those in which it can first be used.",
        "reward_expire_period",
    )
    late_days: int = column(
        "For how many days after its end it still pays for what happened before.", "reward_late_days"
    )
    partner: PartnerRef | None = to_one("The partner.", "partner_id")
    partnership: PartnershipRef | None = to_one("The agreement it belongs to.", "partnership_id")


@entity(
    table=tables.Campaign,
    prefix="camp",
    store=own("store_id"),
    project=own("project_id"),
    alive="deleted_at IS NULL",
)
class Campaign(Node):
    """A campaign of any kind: media plan, message, tracked, reward or ad campaign, or several in one."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("camp")
    name: str = column("What the campaign is called.")
    description: str | None = column("What it is about.")
    logo_url: str | None = column("Where its logo is.")
    status: CampaignStatus = column("Where it stands in its life.")
    is_active: bool = computed("Whether it runs.", lambda row: sql("({row.status} = 'active')", row=row))
    type: CampaignType = column("What it is for.")
    objective: Objective = column("Its marketing goal.")
    channels: list[str] = column(
        "Where it runs, such as google_ads or email; an open set, in the order given."
    )
    period_type: str | None = column("The period it was planned for, as it was given, such as 1_month.")
    starts_at: DateTime | None = column("From when; null: not said.")
    ends_at: DateTime | None = column("Until when, exclusive; null: no end.")
    starts_on: Date | None = column("Its first day, where it was given days.")
    ends_on: Date | None = column("Its last day, inclusive, where it was given days.")
    budget: Money | None = embed(
        "What it may cost; null: not said.",
        present=is_set("budget_total"), amount=amount_of("budget_total"), currency="currency",
    )  # fmt: skip
    currency: str = column("The currency of its money (ISO 4217).")
    is_template: bool = column("Templates are there to be cloned; they never run and never pay.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    activated_at: DateTime | None = column("When it first became active.")
    deleted_at: DateTime | None = column("When it was deleted; null: it is not.")
    content: CampaignContent | None = embed(
        "What it says; null: nothing was written.", present=any_set("subject", "body", "cta_text", "cta_url")
    )
    tracking: CampaignTracking | None = embed(
        "How it is recognised in traffic; null: it is not tracked.", present=is_set("integration_id")
    )
    rewards: CampaignRewards | None = embed(
        "What it rewards; null: it is no reward campaign.", present=is_set("reward_type")
    )
    group: CustomerGroupRef = to_one("The group it belongs to.", "group_id")
    store: StoreRef = to_one("The store it belongs to.", "store_id")
    project: ProjectRef | None = to_one("The project it belongs to.", "project_id")
    segment: SegmentRef | None = to_one("Whom it speaks to.", "segment_id")
    template: CampaignRef | None = to_one("The template it was cloned from.", "template_id")
    spend_limit: SpendLimitRef | None = to_one("How much it may spend.", "campaign_id", reverse=True)
    flows: list[FlowRef] = listing("How it pays rewards, in order.", key="campaign_id")
    goals: list[GoalRef] = listing("Its targets and limits, in order.", key="campaign_id")
    reward_evaluations: Connection[RewardEvaluationRef] = connection(
        "What was evaluated for rewards, and why it paid or did not.", EVALUATIONS, key="campaign_id"
    )
    reward_reevaluations: Connection[RewardReevaluationRef] = connection(
        "Where its decisions were judged again.", REEVALUATIONS, key="campaign_id"
    )
    reward_entries: Connection[RewardEntryRef] = connection(
        "Its lines in the reward ledger.", ENTRIES, key="campaign_id"
    )
    promos: Connection[PromoRef] = connection(
        "Its promo codes, also those it shares with other campaigns.",
        PROMOS, key="campaign_id", through=Through("PromoCampaign", "promo_id"),
    )  # fmt: skip
    orders: Connection[OrderRef] = connection("Orders attributed to it.", ORDERS, key="campaign_id")
    outlays: Connection[OutlayRef] = connection("Money put into it.", OUTLAYS, key="campaign_id")
    spend_entries: Connection[SpendEntryRef] = connection(
        "Its lines in the spend ledger.", SPEND_ENTRIES, key="campaign_id"
    )
    assets: Connection[AssetRef] = connection("Its files.", ASSETS, key="campaign_id")
    events: Connection[EventRef] = connection("What webhooks reported about it.", EVENTS, key="campaign_id")
    interactions: Connection[InteractionRef] = connection(
        "Contacts with users that it led to.", INTERACTIONS, key="campaign_id"
    )
    funnel_touches: Connection[FunnelTouchRef] = connection(
        "Stages that customers reached because of it.", TOUCHES, key="campaign_id"
    )
    clones: Connection[CampaignRef] = connection("Campaigns cloned from it.", CAMPAIGNS, key="template_id")
    metrics: CampaignTotals = campaign_totals("Its metrics, summed up.")
    figures: list[MetricFigures] = metric_figures("Its metrics, by what you ask.", OF_CHANNELS, of="Campaign")
    attribution: list[CampaignAttribution] = campaign_attribution(
        "What it earned by what events are worth, and what it cost; a row per currency."
    )
    order_figures: list[OrderFigures] = order_figures("Orders attributed to it, in numbers.", of="Campaign")
    redemption_figures: list[RedemptionFigures] = redemption_figures(
        "Uses of its promos, in numbers.", of="Campaign"
    )
    event_figures: list[EventFigures] = event_figures("Events about it, in numbers.", of="Campaign")
    reward_figures: list[RewardFigures] = reward_figures(
        "Its lines in the reward ledger, in numbers.", of="Campaign"
    )
    touch_figures: list[TouchFigures] = touch_figures(
        "Stages that customers reached by it, in numbers.", of="Campaign"
    )
