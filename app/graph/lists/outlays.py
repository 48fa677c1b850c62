"""Lists of outlays."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import (
    decimal_key,
    equals,
    filter_by,
    instant_key,
    list_of,
    number_key,
    one_of,
    text_key,
)
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.plan.references import ids_of


@input_type
class OutlayFilter:
    """Which outlays. All conditions given must hold."""

    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", ids_of("outlay"))
    )
    since: DateTime | None = filter_by(
        "Not over by this instant.", moments.since("ends_at", moments.of_campaign, ">")
    )
    until: DateTime | None = filter_by(
        "Begun before this instant.", moments.until("starts_at", moments.of_campaign)
    )
    campaign_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these campaigns.", one_of("campaign_id", "bigint", ids_of("camp"))
    )
    country: str | None = filter_by("The country, exactly.", equals("country", "text"))


OUTLAYS = list_of(
    "Outlay", OutlayFilter, "STARTS_AT",
    starts_at=(instant_key("starts_at"), "By start."),
    ends_at=(instant_key("ends_at"), "By end."),
    amount=(decimal_key("amount"), "By amount."),
    campaign=(number_key("campaign_id"), "By the number of its campaign."),
    country=(text_key("country_key"), "By country, by code point; those without one first."),
    region=(text_key("region_key"), "By region, by code point; those without one first."),
)  # fmt: skip
