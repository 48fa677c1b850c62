"""Whom campaigns speak to and with what: segments, customers, promos."""

from app.graph import lists
from app.graph.declare import amount_of, column, computed, connection, embed, entity, is_set, listing, to_one
from app.graph.enums import SegmentType
from app.graph.event_metrics import EVENT_METRICS, EventMetric
from app.graph.funnels import FunnelSlice
from app.graph.groups import Store
from app.graph.identities import CustomerIdentity
from app.graph.interactions import INTERACTIONS, Interaction
from app.graph.nodes import Money, Node
from app.graph.orders import MEMBERS, ORDERS, Order, SegmentMember
from app.graph.paging import Connection
from app.graph.redemptions import REDEMPTIONS, PromoRedemption
from app.graph.refs import CampaignRef, CustomerRef, EventRef, PromoRef, SegmentRef
from app.graph.rewards import BALANCES, EVALUATIONS, RewardBalance, RewardEvaluation
from app.graph.scalars import JSON, DateTime, Decimal, Long
from app.graph.segment_funnels import funnel_now
from app.graph.segments import customers_now, segments_now, size_now
from app.graph.touches import TOUCHES, FunnelTouch
from app.plan.catalog import HIDDEN, Row, own, via_or_group
from app.plan.sql import NOW, Sql, sql
from app.tables import audience as tables

_OF_CAMPAIGN = via_or_group("campaign_id", "Campaign")


def _redeemable(row: Row) -> Sql:
    return sql(
        """
        ({row.deleted_at} IS NULL AND coalesce({row.valid_from} <= {now}, true)
        AND coalesce({row.valid_until} > {now}, true) AND {row.used} < coalesce({row.usage_limit}, 9223372036854775807))
        """,
        row=row,
        now=NOW,
    )


@entity(
    table=tables.Segment, prefix="seg", alive="deleted_at IS NULL",
    description="A set of customers that campaigns and promos are aimed at.",
)  # fmt: skip
class Segment(Node):
    """A set of customers."""

    name: str = column("What the segment is called.")
    type: SegmentType = column("How it gets its customers.")
    criteria: JSON | None = column("Whom a dynamic segment holds, as it was given.")
    source: str | None = column("Where an imported segment comes from.")
    size: Long = column("How many customers it held at `sizedAt`.")
    sized_at: DateTime | None = column("When it was last counted.")
    size_now: Long = size_now
    external_id: str | None = column("Its id in the system it was imported from.")
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed.")
    campaigns: Connection[CampaignRef] = connection(
        "Campaigns aimed at it.", lists.CAMPAIGNS, key="segment_id"
    )
    promos: Connection[PromoRef] = connection(
        "Promos only its customers may use.", lists.PROMOS, key="segment_id"
    )
    members: Connection[SegmentMember] = connection(
        "The list of a static or imported segment.", MEMBERS, key="segment_id"
    )
    customers: Connection[CustomerRef] = customers_now
    funnel: FunnelSlice = funnel_now


@entity(
    table=tables.Customer, prefix="cust", store=own("store_id"), project=HIDDEN, alive="deleted_at IS NULL",
    description="A person who buys from the group's stores.",
)  # fmt: skip
class Customer(Node):
    """A person who buys from the group's stores."""

    name: str = column("The customer's name.")
    email: str | None = column("The e-mail address.")
    phone: str | None = column("The phone number.")
    external_id: str | None = column("The id in the system it was imported from.")
    loyalty_tier: str | None = column("The loyalty tier, such as gold.")
    order_count: Long = column("How many orders there were.")
    total_spent: Decimal = column("What was spent in all, in the group's currency.")
    last_order_at: DateTime | None = column("When the last order was made.")
    email_consent: bool = column("Whether e-mail may be sent.")
    sms_consent: bool = column("Whether text messages may be sent.")
    tags: list[str] = column("Tags, in the order they were given.")
    attributes: JSON | None = column("Whatever else is known, as it was given.")
    created_at: DateTime = column("When it was first known.")
    updated_at: DateTime = column("When it last changed.")
    store: Store | None = to_one("The store it belongs to.", "store_id")
    reward_balances: Connection[RewardBalance] = connection(
        "What the customer has with partners.", BALANCES, key="customer_id"
    )
    reward_evaluations: Connection[RewardEvaluation] = connection(
        "What was evaluated for the customer's rewards.", EVALUATIONS, key="customer_id"
    )
    orders: Connection[Order] = connection("Its orders.", ORDERS, key="customer_id")
    memberships: Connection[SegmentMember] = connection(
        "Lists of static and imported segments it is on.", MEMBERS, key="customer_id"
    )
    segments: list[SegmentRef] = segments_now
    promo_redemptions: Connection[PromoRedemption] = connection(
        "Promos it used.", REDEMPTIONS, key="customer_id"
    )
    funnel_touches: Connection[FunnelTouch] = connection("Stages it reached.", TOUCHES, key="customer_id")
    events: Connection[EventRef] = connection("What was reported about it.", lists.EVENTS, key="customer_id")
    interactions: Connection[Interaction] = connection("Contacts with it.", INTERACTIONS, key="customer_id")
    metrics: Connection[EventMetric] = connection(
        "States and statistics of its events.", EVENT_METRICS, key="customer_id"
    )
    identities: list[CustomerIdentity] = listing(
        "What it is known by in projects.", key="customer_id", order="id"
    )


@entity(
    table=tables.Promo, prefix="promo", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN, alive="deleted_at IS NULL",
    description="A promo code: what it takes off, from which order on, for whom and how often.",
)  # fmt: skip
class Promo(Node):
    """A promo code."""

    code: str = column("What the customer types.")
    type: str = column("What it gives: percentage, fixed_amount, free_delivery, free_item; an open set.")
    value: Decimal = column("How much: percent or an amount, by type.")
    min_order_amount: Money | None = embed(
        "The smallest order it counts for.",
        present=is_set("min_order_amount"), amount=amount_of("min_order_amount"), currency="currency",
    )  # fmt: skip
    max_discount: Money | None = embed(
        "The most it takes off.",
        present=is_set("max_discount"), amount=amount_of("max_discount"), currency="currency",
    )  # fmt: skip
    usage_limit: Long | None = column("How often it can be used in all; null: without limit.")
    per_customer_limit: Long | None = column("How often one customer can use it; null: without limit.")
    used: Long = column("How often it was used.")
    valid_from: DateTime | None = column("From when; null: always.")
    valid_until: DateTime | None = column("Until when; null: for ever.")
    applies_to: JSON | None = column("Which items it applies to, as it was given.")
    is_redeemable: bool = computed("Whether it could be used now: in its window, not used up.", _redeemable)
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed; uses do not change it.")
    orders: Connection[Order] = connection("Orders made with it.", ORDERS, key="promo_id")
    campaign: CampaignRef | None = to_one("The campaign it belongs to.", "campaign_id")
    segment: Segment | None = to_one("Only customers of this segment may use it.", "segment_id")
    redemptions: Connection[PromoRedemption] = connection("Its uses.", REDEMPTIONS, key="promo_id")
