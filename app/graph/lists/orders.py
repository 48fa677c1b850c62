"""Lists of orders, and of their refunds."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import compares, decimal_key, equals, filter_by, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime, Decimal
from app.graph.lists import moments
from app.graph.lists.conditions import on_list_of
from app.plan.references import id_of, ids_of


@input_type
class OrderFilter:
    """Which orders. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "Made at this instant or later.", moments.since("ordered_at", moments.of_store)
    )
    until: DateTime | None = filter_by(
        "Made before this instant.", moments.until("ordered_at", moments.of_store)
    )
    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))
    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", ids_of("order"))
    )
    store_ids: list[strawberry.ID] | None = filter_by(
        "Made in any of these stores.", one_of("store_id", "bigint", ids_of("store"))
    )
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Attributed to any of these campaigns: named with them, or by their promo.",
        one_of("campaign_id", "bigint", ids_of("camp")),
    )
    promo_id: strawberry.ID | None = filter_by(
        "Made with this promo.", equals("promo_id", "bigint", id_of("promo"))
    )
    customer_id: strawberry.ID | None = filter_by(
        "Of this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    member_of: strawberry.ID | None = filter_by(
        "Of customers in sight on the list of this segment, static or imported. A dynamic segment has no list.",
        on_list_of(lambda row: row("customer_id")),
    )
    channels: list[str] | None = filter_by(
        "Counted in any of these channels of their campaigns.", one_of("channel", "text")
    )
    currency: str | None = filter_by("In this currency.", equals("currency", "text"))
    min_amount: Decimal | None = filter_by(
        "Of at least this amount, whatever the currency.", compares("amount", ">=", "numeric")
    )
    max_amount: Decimal | None = filter_by(
        "Of at most this amount, whatever the currency.", compares("amount", "<=", "numeric")
    )


ORDERS = list_of(
    "Order", OrderFilter, "ORDERED_AT", descending=True,
    ordered_at=(instant_key("ordered_at"), "By the moment it was made."),
    amount=(decimal_key("amount"), "By amount, whatever the currency."),
)  # fmt: skip


@input_type
class OrderRefundFilter:
    """Which refunds. All conditions given must hold."""

    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))


ORDER_REFUNDS = list_of(
    "OrderRefund", OrderRefundFilter, "REFUNDED_AT", descending=True,
    refunded_at=(instant_key("refunded_at"), "By the moment it was recorded."),
)  # fmt: skip
