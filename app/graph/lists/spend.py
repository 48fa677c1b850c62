"""Lists of the spend ledger."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import compares, date_key, decimal_key, equals, filter_by, list_of, one_of
from app.graph.declaring.scalars import Date


@input_type
class SpendEntryFilter:
    """Which ledger entries. All conditions given must hold."""

    since: Date | None = filter_by("From this day on.", compares("day", ">=", "date"))
    until: Date | None = filter_by("Up to and including this day.", compares("day", "<=", "date"))
    channels: list[str] | None = filter_by("Of any of these channels.", one_of("channel", "text"))
    source: str | None = filter_by("From this source.", equals("source", "text"))


SPEND_ENTRIES = list_of(
    "SpendEntry", SpendEntryFilter, "DAY",
    day=(date_key("day"), "By day."), amount=(decimal_key("amount"), "By amount."),
)  # fmt: skip
