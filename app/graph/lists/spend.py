"""Lists of the spend ledger."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import compares, date_key, decimal_key, equals, filter_by, list_of, one_of
from app.graph.declaring.scalars import Date
from app.plan.references import ids_of


@input_type
class SpendEntryFilter:
    """Which ledger entries. All conditions given must hold."""

    since: Date | None = filter_by("From this day on.", compares("day", ">=", "date"))
    until: Date | None = filter_by("Up to and including this day.", compares("day", "<=", "date"))
    channels: list[str] | None = filter_by("Of any of these channels.", one_of("channel", "text"))
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    source: str | None = filter_by("From this source.", equals("source", "text"))


SPEND_ENTRIES = list_of(
    "SpendEntry", SpendEntryFilter, "DAY",
    day=(date_key("day"), "By day."), amount=(decimal_key("amount"), "By amount."),
)  # fmt: skip
