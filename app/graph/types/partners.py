"""Partners, and their agreements with stores."""

from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, connection, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    CampaignRef,
    FlowActionRef,
    FlowConditionRef,
    FlowMultiplierRef,
    GoalRef,
    PartnerRef,
    PartnershipRef,
    RewardBalanceRef,
    RewardEntryRef,
    StoreRef,
)
from app.graph.declaring.scalars import DateTime
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.figures.rewards import RewardFigures, reward_figures
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.flows import FLOW_ACTIONS, FLOW_CONDITIONS, FLOW_MULTIPLIERS, GOALS
from app.graph.lists.partners import PARTNERSHIPS
from app.graph.lists.rewards import BALANCES, ENTRIES
from app.plan.catalog import own
from app.tables import partners as tables


@entity(table=tables.Partner, prefix="part", alive="archived_at IS NULL")
class Partner(Node):
    """A company whose customers earn or redeem rewards."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("part")
    name: str = column("What the partner is called.")
    created_at: DateTime = column("When it was made.")
    archived_at: DateTime | None = column("When it was archived; null: it is not.")
    partnerships: Connection[PartnershipRef] = connection(
        "Its agreements with stores.", PARTNERSHIPS, key="partner_id"
    )
    campaigns: Connection[CampaignRef] = connection(
        "Reward campaigns with this partner.", CAMPAIGNS, key="partner_id"
    )
    goals: Connection[GoalRef] = connection("Goals about it.", GOALS, key="partner_id")
    flow_actions: Connection[FlowActionRef] = connection(
        "What flows pay for it.", FLOW_ACTIONS, key="partner_id"
    )
    flow_conditions: Connection[FlowConditionRef] = connection(
        "Conditions of flows about it.", FLOW_CONDITIONS, key="partner_id"
    )
    flow_multipliers: Connection[FlowMultiplierRef] = connection(
        "Multipliers of flows about it.", FLOW_MULTIPLIERS, key="partner_id"
    )
    reward_entries: Connection[RewardEntryRef] = connection(
        "Lines of the reward ledger with it.", ENTRIES, key="partner_id"
    )
    reward_balances: Connection[RewardBalanceRef] = connection(
        "What customers have with it.", BALANCES, key="partner_id"
    )
    figures: list[MetricFigures] = metric_figures(
        "Metrics of campaigns with it, by what you ask.", OF_CHANNELS, of="Partner"
    )
    reward_figures: list[RewardFigures] = reward_figures(
        "The reward ledger with it, in numbers.", of="Partner"
    )


@entity(table=tables.Partnership, prefix="pship", store=own("store_id"), alive="archived_at IS NULL")
class Partnership(Node):
    """An agreement between a partner and a store."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("pship")
    name: str = column("What the agreement is called.")
    created_at: DateTime = column("When it was made.")
    archived_at: DateTime | None = column("When it was archived; null: it is not.")
    partner: PartnerRef = to_one("The partner.", "partner_id")
    store: StoreRef = to_one("The store.", "store_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", CAMPAIGNS, key="partnership_id")
