"""Customers: people who buy from the group's stores."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import (
    column,
    connection,
    entity,
    listing,
    to_one,
)
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    ContactStatementRef,
    CustomerDoubtRef,
    CustomerIdentityRef,
    CustomerMergeRef,
    EventMetricRef,
    EventRef,
    FunnelTouchRef,
    InteractionRef,
    OrderRef,
    PromoRedemptionRef,
    RewardBalanceRef,
    RewardEntryRef,
    RewardEvaluationRef,
    SegmentMemberRef,
    SegmentRef,
    StoreRef,
)
from app.graph.declaring.scalars import JSON, DateTime, Decimal, Long
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.figures.reach import Reachability, reachable
from app.graph.figures.tiers import CustomerRewardTier, reward_tier
from app.graph.lists.contacts import CONTACT_STATEMENTS
from app.graph.lists.event_metrics import EVENT_METRICS
from app.graph.lists.events import EVENTS
from app.graph.lists.interactions import INTERACTIONS
from app.graph.lists.orders import ORDERS
from app.graph.lists.people import DOUBTS, MERGES
from app.graph.lists.promos import REDEMPTIONS
from app.graph.lists.rewards import BALANCES, ENTRIES, EVALUATIONS
from app.graph.lists.segments import MEMBERS
from app.graph.lists.touches import TOUCHES
from app.graph.resolved.segments import segments_now
from app.plan.catalog import HIDDEN, own
from app.tables import customers as tables


@entity(
    table=tables.Customer, prefix="cust", store=own("store_id"), project=HIDDEN, alive="deleted_at IS NULL"
)
class Customer(Node):
    """A person who buys from the group's stores."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("cust")
    name: str = column("The customer's name.", roles=PERSONAL_READERS)
    email: str | None = column("The e-mail address.", roles=PERSONAL_READERS)
    phone: str | None = column("The phone number.", roles=PERSONAL_READERS)
    external_id: str | None = column("The id in the system it was imported from.", roles=PERSONAL_READERS)
    loyalty_tier: str | None = column("The loyalty tier, such as gold.")
    order_count: Long = column("How many orders there were that were not cancelled.")
    total_spent: Decimal = column("What was spent in all, less what was given back, in the group's currency.")
    last_order_at: DateTime | None = column("When the last order that was not cancelled was made.")
    totals_as_of: DateTime | None = column(
        "Up to when these totals were counted elsewhere: orders until then are in them."
    )
    email_consent: bool = column("Whether e-mail may be sent: what was said last, whatever the list.")
    sms_consent: bool = column("Whether text messages may be sent: what was said last, whatever the list.")
    reachable: Reachability = reachable("Whether it can be written to, and why.")
    tags: list[str] = column("Tags, in the order they were given.")
    attributes: JSON | None = column("Whatever else is known, as it was given.", roles=PERSONAL_READERS)
    created_at: DateTime = column("When it was first known.")
    updated_at: DateTime = column("When it last changed.")
    erased_at: DateTime | None = column(
        "When all that says who it was was erased; what points at it then points at nobody in particular."
    )
    store: StoreRef | None = to_one("The store it belongs to.", "store_id")
    reward_balances: Connection[RewardBalanceRef] = connection(
        "What the customer has with partners.", BALANCES, key="customer_id"
    )
    reward_tier: CustomerRewardTier | None = reward_tier(
        "The highest of the group's tiers that it has earned; null: none."
    )
    reward_evaluations: Connection[RewardEvaluationRef] = connection(
        "What was evaluated for the customer's rewards.", EVALUATIONS, key="customer_id"
    )
    reward_entries: Connection[RewardEntryRef] = connection(
        "The customer's lines in the reward ledger.", ENTRIES, key="customer_id"
    )
    orders: Connection[OrderRef] = connection("Its orders.", ORDERS, key="customer_id")
    memberships: Connection[SegmentMemberRef] = connection(
        "Lists of static and imported segments it is on.", MEMBERS, key="customer_id"
    )
    segments: list[SegmentRef] = segments_now
    promo_redemptions: Connection[PromoRedemptionRef] = connection(
        "Promos it used.", REDEMPTIONS, key="customer_id"
    )
    funnel_touches: Connection[FunnelTouchRef] = connection("Stages it reached.", TOUCHES, key="customer_id")
    events: Connection[EventRef] = connection("What was reported about it.", EVENTS, key="customer_id")
    interactions: Connection[InteractionRef] = connection(
        "Contacts with it.", INTERACTIONS, key="customer_id"
    )
    contact_statements: Connection[ContactStatementRef] = connection(
        "What was said about writing to it.", CONTACT_STATEMENTS, key="customer_id"
    )
    event_metrics: Connection[EventMetricRef] = connection(
        "States and statistics of its events.", EVENT_METRICS, key="customer_id"
    )
    identities: list[CustomerIdentityRef] = listing(
        "What it is known by in projects.", key="customer_id", order="id"
    )
    merges: Connection[CustomerMergeRef] = connection(
        "Customers who turned out to be this one.", MERGES, key="into_id"
    )
    merged_into: Connection[CustomerMergeRef] = connection(
        "Whom it turned out to be, as often as that happened.", MERGES, key="from_id"
    )
    doubts: Connection[CustomerDoubtRef] = connection(
        "What about who it is looks doubtful.", DOUBTS, key="customer_id"
    )
    doubts_of_others: Connection[CustomerDoubtRef] = connection(
        "What looks doubtful about others, because of it.", DOUBTS, key="other_id"
    )
    order_figures: list[OrderFigures] = order_figures("Its orders, in numbers.", of="Customer")


@entity(table=tables.Customer)
class KnownCustomer:
    """Which customer it is, not who that is: visible with whatever is about the customer."""

    shown_as: ShownAs = shown_as("cust")
