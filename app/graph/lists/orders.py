"""Lists of orders, and of their refunds."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import compares, decimal_key, equals, filter_by, instant_key, list_of
from app.graph.declaring.scalars import DateTime


@input_type
class OrderFilter:
    """Which orders. All conditions given must hold."""

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


@input_type
class OrderRefundFilter:
    """Which refunds. All conditions given must hold."""

    reference: str | None = filter_by("With this reference, exactly.", equals("reference", "text"))


ORDER_REFUNDS = list_of(
    "OrderRefund", OrderRefundFilter, "REFUNDED_AT", descending=True,
    refunded_at=(instant_key("refunded_at"), "By the moment it was recorded."),
)  # fmt: skip
