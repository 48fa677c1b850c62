"""Lists of promos and of their uses."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import (
    contains_text,
    equals,
    filter_by,
    instant_key,
    list_of,
    text_key,
)
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.graph.lists.conditions import CREATED_AT
from app.plan.catalog import Arguments, Row
from app.plan.sql import Sql, sql


def _released(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.released_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


@input_type
class PromoRedemptionFilter:
    """Which uses of promos. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "At this instant or later.", moments.since("redeemed_at", moments.of_store)
    )
    until: DateTime | None = filter_by("Before this instant.", moments.until("redeemed_at", moments.of_store))
    released: bool | None = filter_by("Whether it was given back.", _released)
    key: str | None = filter_by("With this key, exactly.", equals("key", "text"))


REDEMPTIONS = list_of(
    "PromoRedemption", PromoRedemptionFilter, "REDEEMED_AT", descending=True,
    redeemed_at=(instant_key("redeemed_at"), "By the moment it was used."),
)  # fmt: skip


@input_type
class PromoFilter:
    """Which promos. All conditions given must hold."""

    search: str | None = filter_by("Part of the code, upper or lower case.", contains_text("code"))
    type: str | None = filter_by("The type, exactly.", equals("type", "text"))


PROMOS = list_of(
    "Promo", PromoFilter, "CREATED_AT", descending=True,
    code=(text_key("code"), "By code, by code point."), created_at=CREATED_AT,
)  # fmt: skip
