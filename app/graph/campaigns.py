"""Campaigns: flat for what every campaign has, nested where fields only make sense together."""

import strawberry

from app.graph import lists
from app.graph.attribution import CampaignAttribution, campaign_attribution
from app.graph.audience import Promo, Segment
from app.graph.declare import (
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
from app.graph.enums import (
    CampaignStatus,
    CampaignType,
    GoalOperator,
    GoalType,
    Objective,
    RewardType,
    SpendLimitRenewal,
    SpendLimitType,
)
from app.graph.flows import Flow
from app.graph.groups import Integration, Partner, Partnership, Project, Store
from app.graph.interactions import INTERACTIONS, Interaction
from app.graph.metrics import MetricPoint, MetricTotals, campaign_series, campaign_totals
from app.graph.nodes import Money, Node
from app.graph.orders import ORDERS, Order
from app.graph.paging import Connection
from app.graph.records import Asset
from app.graph.refs import CampaignRef, EventRef
from app.graph.rewards import ENTRIES, EVALUATIONS, RewardEntry, RewardEvaluation
from app.graph.scalars import Date, DateTime, Long
from app.graph.spend import SpendPacing, pacing, remaining, spent_in_period
from app.plan.catalog import own, via
from app.plan.sql import sql
from app.tables import campaigns as tables

_OF_CAMPAIGN = via("campaign_id", "Campaign")


@entity(
    table=tables.Goal, prefix="goal", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN,
    description="A target or a limit of a reward campaign.",
)  # fmt: skip
class Goal(Node):
    """A target or a limit of a reward campaign."""

    type_code: int = column("The code of what it counts.")
    type: GoalType = column("What it counts.", "type_code")
    value: Long = column("Users, transactions, or the smallest currency unit, by type.")
    operator_code: int = column("The operator's code.")
    operator: GoalOperator = column("Whether the value is a target, a limit or a threshold.", "operator_code")
    partner: Partner = to_one("The partner it is about.", "partner_id")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")


@entity(
    table=tables.SpendLimit, prefix="limit", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN,
    description="How much a campaign may spend per renewal period.",
)  # fmt: skip
class SpendLimit(Node):
    """How much a campaign may spend per renewal period."""

    type: SpendLimitType = column("Whether spend is capped.")
    renewal: SpendLimitRenewal | None = column("How often the limit starts again; null: uncapped.")
    amount: Money | None = embed(
        "The cap; null: uncapped.", present=is_set("amount"), amount=amount_of("amount"), currency="currency"
    )
    pending_amount: Money | None = embed(
        "The cap from effectiveFrom on; null: it stays as it is.",
        present=is_set("pending_amount"), amount=amount_of("pending_amount"), currency="currency",
    )  # fmt: skip
    pending_renewal: SpendLimitRenewal | None = column("How often it starts again from effectiveFrom on.")
    effective_from: DateTime | None = column(
        "When what is pending takes effect: the start of the next period, in the store's time zone."
    )
    spent_in_period: Money = spent_in_period(
        "What the ledger holds for the present period: the store's today, its month, or all of a lifetime (and of what"
        " is uncapped)."
    )
    remaining: Money | None = remaining(
        "What may still be spent in the present period, 0 where it is more than spent; null: uncapped."
    )
    pacing: SpendPacing | None = pacing("How fast it spends; null: uncapped.")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")


@entity(
    table=tables.Outlay, prefix="outlay", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN, alive="deleted_at IS NULL",
    description="Money put into a campaign over a stretch of time. It is spread over its days in the spend ledger.",
)  # fmt: skip
class Outlay(Node):
    """Money put into a campaign over a stretch of time."""

    amount: Money = embed("How much.", amount=amount_of("amount"), currency="currency")
    starts_at: DateTime = column("From when.")
    ends_at: DateTime = column("Until when.")
    country: str | None = column("Where, as it was given.")
    region: str | None = column("Where in the country, as it was given.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    deleted_at: DateTime | None = column("When it was deleted; null: it is not.")
    campaign: CampaignRef = to_one("The campaign it belongs to.", "campaign_id")
    integration: Integration | None = to_one("The integration it came through.", "integration_id")


@entity(
    table=tables.SpendEntry, prefix="spend", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN,
    description="One line of the spend ledger: what a campaign cost on a day in a channel.",
)  # fmt: skip
class SpendEntry(Node):
    """One line of the spend ledger."""

    day: Date = column("The day.")
    channel: str = column("The channel.")
    source: str = column("Where the entry comes from: reported spend, an outlay, …")
    source_ref: str = column("What it stands for at its source; unique there.")
    amount: Money = embed("How much.", amount=amount_of("amount"), currency="currency")
    created_at: DateTime = column("When it was booked.")
    campaign: CampaignRef = to_one("The campaign that spent it.", "campaign_id")


@strawberry.type(description="What a message campaign says.")
class CampaignContent:
    """What a message campaign says."""

    subject: str | None = column("The subject line.")
    body: str | None = column("The text.")
    cta_text: str | None = column("What the button says.")
    cta_url: str | None = column("Where the button leads.")


@strawberry.type(description="How a campaign is recognised in traffic.")
class CampaignTracking:
    """How a campaign is recognised in traffic."""

    integration: Integration | None = to_one(
        "The integration that tracks it; null: it belongs to a project outside the credential's scope.",
        "integration_id",
    )
    slug: str | None = column("The campaign's name in landing page addresses, unique in the integration.")
    is_explicit: bool = column(
        "True: made by a person. False: made by the system when traffic came without a slug."
    )


@strawberry.type(description="What makes a campaign a reward campaign.")
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
    partner: Partner | None = to_one("The partner.", "partner_id")
    partnership: Partnership | None = to_one("The agreement it belongs to.", "partnership_id")


@entity(
    table=tables.Campaign,
    prefix="camp",
    store=own("store_id"),
    project=own("project_id"),
    alive="deleted_at IS NULL",
    description="A campaign of any kind: media plan, message, tracked, reward or ad campaign, or several in one.",
)
class Campaign(Node):
    """A campaign of any kind."""

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
    external_id: str | None = column("Its id in the system it was imported from.")
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
    store: Store = to_one("The store it belongs to.", "store_id")
    project: Project | None = to_one("The project it belongs to.", "project_id")
    segment: Segment | None = to_one("Whom it speaks to.", "segment_id")
    template: CampaignRef | None = to_one("The template it was cloned from.", "template_id")
    spend_limit: SpendLimit | None = to_one("How much it may spend.", "campaign_id", reverse=True)
    flows: list[Flow] = listing("How it pays rewards, in order.", key="campaign_id")
    goals: list[Goal] = listing("Its targets and limits, in order.", key="campaign_id")
    reward_evaluations: Connection[RewardEvaluation] = connection(
        "What was evaluated for rewards, and why it paid or did not.", EVALUATIONS, key="campaign_id"
    )
    reward_entries: Connection[RewardEntry] = connection(
        "Its lines in the reward ledger.", ENTRIES, key="campaign_id"
    )
    promos: Connection[Promo] = connection("Its promo codes.", lists.PROMOS, key="campaign_id")
    orders: Connection[Order] = connection("Orders attributed to it.", ORDERS, key="campaign_id")
    outlays: Connection[Outlay] = connection("Money put into it.", lists.OUTLAYS, key="campaign_id")
    spend: Connection[SpendEntry] = connection(
        "Its lines in the spend ledger.", lists.SPEND_ENTRIES, key="campaign_id"
    )
    assets: Connection[Asset] = connection("Its files.", lists.ASSETS, key="campaign_id")
    events: Connection[EventRef] = connection(
        "What webhooks reported about it.", lists.EVENTS, key="campaign_id"
    )
    interactions: Connection[Interaction] = connection(
        "Contacts with users that it led to.", INTERACTIONS, key="campaign_id"
    )
    clones: Connection[CampaignRef] = connection(
        "Campaigns cloned from it.", lists.CAMPAIGNS, key="template_id"
    )
    metrics: MetricTotals = campaign_totals("Its metrics, summed up.")
    metric_series: list[MetricPoint] = campaign_series("Its metrics over time.")
    attribution: list[CampaignAttribution] = campaign_attribution(
        "What it earned by what events are worth, and what it cost; a row per currency."
    )
