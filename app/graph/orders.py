"""Orders of customers, and who is on the lists of segments, as they can be read."""

import strawberry

from app.graph.declare import amount_of, column, embed, entity, to_one
from app.graph.listing import compares, decimal_key, equals, filter_by, instant_key, list_of
from app.graph.nodes import Money, Node
from app.graph.refs import CampaignRef, CustomerRef, PromoRef, SegmentRef, StoreRef
from app.graph.scalars import DateTime
from app.plan.catalog import HIDDEN, own, via
from app.tables import orders as tables


@strawberry.input(description="Which orders. All conditions given must hold.")
class OrderFilter:
    """Which orders."""

    since: DateTime | None = filter_by(
        "Made at this instant or later.", compares("ordered_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by(
        "Made before this instant.", compares("ordered_at", "<", "timestamptz")
    )
    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))


ORDERS = list_of(
    "Order", OrderFilter, "ORDERED_AT", descending=True,
    ordered_at=(instant_key("ordered_at"), "By the moment it was made."),
    amount=(decimal_key("amount"), "By amount, whatever the currency."),
)  # fmt: skip


@entity(
    table=tables.CustomerOrder, prefix="order", store=own("store_id"), project=HIDDEN,
    description="An order of a customer.",
)  # fmt: skip
class Order(Node):
    """An order of a customer."""

    reference: str = column("Its number in the system it was made in, unique in the group.")
    amount: Money = embed("What it came to.", amount=amount_of("amount"), currency="currency")
    channel: str | None = column("The channel its campaign's metrics count it in; null without a campaign.")
    ordered_at: DateTime = column("When it was made.")
    created_at: DateTime = column("When it was recorded.")
    customer: CustomerRef | None = to_one("Who ordered; null where out of sight.", "customer_id")
    store: StoreRef = to_one("Where it was ordered.", "store_id")
    campaign: CampaignRef | None = to_one(
        "The campaign it is attributed to, named with it or by its promo.", "campaign_id"
    )
    promo: PromoRef | None = to_one("The promo it was made with.", "promo_id")


@strawberry.input(description="Which entries of a segment's list. All conditions given must hold.")
class SegmentMemberFilter:
    """Which entries of a segment's list."""

    since: DateTime | None = filter_by(
        "Put on the list at this instant or later.", compares("created_at", ">=", "timestamptz")
    )


MEMBERS = list_of(
    "SegmentMember", SegmentMemberFilter, "CREATED_AT",
    created_at=(instant_key("created_at"), "By the moment it was put on the list."),
)  # fmt: skip


@entity(
    table=tables.SegmentMember, prefix="member", store=via("customer_id", "Customer"),
    project=via("customer_id", "Customer"),
    description="A customer on the list of a static or imported segment. Dynamic segments have no list.",
)  # fmt: skip
class SegmentMember(Node):
    """A customer on the list of a segment."""

    created_at: DateTime = column("When it was put on the list.")
    segment: SegmentRef = to_one("The segment.", "segment_id")
    customer: CustomerRef = to_one("The customer.", "customer_id")
