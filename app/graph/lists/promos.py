"""Lists of promos and of their uses."""

import strawberry

from app.graph.declaring.described import input_type
from app.graph.declaring.enums import PromoStatus, PromoType
from app.graph.declaring.listing import (
    contains_text,
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
from app.graph.lists.conditions import CREATED_AT
from app.graph.lists.promo_lives import status_of
from app.plan.catalog import Arguments, FilterArguments, Row
from app.plan.references import id_of, ids_of
from app.plan.sql import Sql, sql


def _released(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.released_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def is_usable(row: Row) -> Sql:
    """Whether nobody used a generated code, and nobody withdrew it."""
    return sql("({row.redeemed_at} IS NULL AND {row.disabled_at} IS NULL)", row=row)


def _usable(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("{usable} = {value}", usable=is_usable(row), value=args.param(*path, cast="boolean"))


@input_type
class PromoCodeFilter:
    """Which generated codes. All conditions given must hold."""

    usable: bool | None = filter_by("Whether they can be used still.", _usable)
    code: str | None = filter_by("This one, in capitals.", equals("code", "text"))


PROMO_CODES = list_of(
    "PromoCode", PromoCodeFilter, "CREATED_AT",
    created_at=(instant_key("created_at"), "By the moment they were generated."),
)  # fmt: skip


@input_type
class PromoRedemptionFilter:
    """Which uses of promos. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "At this instant or later.", moments.since("redeemed_at", moments.of_store)
    )
    until: DateTime | None = filter_by("Before this instant.", moments.until("redeemed_at", moments.of_store))
    released: bool | None = filter_by("Whether it was given back.", _released)
    key: str | None = filter_by("With this key, exactly.", equals("key", "text"))
    promo_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these promos.", one_of("promo_id", "bigint", ids_of("promo"))
    )
    customer_id: strawberry.ID | None = filter_by(
        "By this customer.", equals("customer_id", "bigint", id_of("cust"))
    )
    store_ids: list[strawberry.ID] | None = filter_by(
        "In any of these stores.", one_of("store_id", "bigint", ids_of("store"))
    )


REDEMPTIONS = list_of(
    "PromoRedemption", PromoRedemptionFilter, "REDEEMED_AT", descending=True,
    redeemed_at=(instant_key("redeemed_at"), "By the moment it was used."),
)  # fmt: skip


def _stands(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    status = status_of(row, args.table)
    return sql("{status} = ANY ({value})", status=status, value=args.param(*path, cast="text[]"))


def _of_campaigns(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    link = args.table("PromoCampaign", "fl")
    return sql(
        """
        {row.id} IN (SELECT {l.promo_id} FROM {l} WHERE {l.scope} AND {l.campaign_id} = ANY ({campaigns}))
        """,
        row=row,
        l=link,
        campaigns=args.param(*path, cast="bigint[]", convert=ids_of("camp")),
    )


def _used_from(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "100.0 * {row.used} >= {row.usage_limit}::numeric * {value}",
        row=row,
        value=args.param(*path, cast="integer"),
    )


@input_type
class PromoFilter:
    """Which promos. All conditions given must hold."""

    search: str | None = filter_by("Part of the code, upper or lower case.", contains_text("code_key"))
    type: list[PromoType] | None = filter_by("Of any of these types.", one_of("type", "text"))
    type_codes: list[str] | None = filter_by(
        "Of any of these types by code, exactly.", one_of("type", "text")
    )
    status: list[PromoStatus] | None = filter_by("In any of these states at this moment.", _stands)
    used_share_from: int | None = filter_by(
        "With at least so many percent of its limit used; no promo without limit.", _used_from
    )
    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", ids_of("promo"))
    )
    campaign_ids: list[strawberry.ID] | None = filter_by("Of any of these campaigns.", _of_campaigns)
    segment_id: strawberry.ID | None = filter_by(
        "Only for customers of this segment.", equals("segment_id", "bigint", id_of("seg"))
    )


PROMOS = list_of(
    "Promo", PromoFilter, "CREATED_AT", descending=True,
    code=(text_key("code_key"), "By code, by code point."), created_at=CREATED_AT,
    used=(number_key("used"), "By how often it was used."),
    valid_from=(instant_key("valid_from_key"), "By its own start; those without one come first."),
    valid_until=(instant_key("valid_until_key"), "By its own end; those without one come last."),
)  # fmt: skip
