"""Lists of orders."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import decimal_key, equals, filter_by, instant_key, list_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments


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


ORDERS = list_of(
    "Order", OrderFilter, "ORDERED_AT", descending=True,
    ordered_at=(instant_key("ordered_at"), "By the moment it was made."),
    amount=(decimal_key("amount"), "By amount, whatever the currency."),
)  # fmt: skip
