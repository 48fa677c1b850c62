"""Lists of customers."""

from typing import Any

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.described import input_type
from app.graph.declaring.listing import (
    compares,
    contains_text,
    decimal_key,
    equals,
    filter_by,
    instant_key,
    list_of,
    number_key,
    one_of,
    text_key,
)
from app.graph.declaring.scalars import DateTime, Decimal, Long
from app.graph.lists.conditions import CREATED_AT, on_list_of
from app.plan.references import ids_of
from app.plan.sql import sql
from app.values.contacts import fold_email


def _folded(addresses: Any) -> list[str | None]:
    return [None if one is None else fold_email(one) for one in addresses]


@input_type
class CustomerFilter:
    """Which customers. All conditions given must hold."""

    search: str | None = filter_by(
        "Part of the name, e-mail or phone.",
        contains_text("name", "email", "phone", "phone_key"),
        roles=PERSONAL_READERS,
    )
    external_ids: list[str] | None = filter_by(
        "With any of these ids in the system they were imported from.",
        one_of("external_id", "text"),
        roles=PERSONAL_READERS,
    )
    emails: list[str] | None = filter_by(
        "With any of these addresses, upper or lower case.",
        one_of("email_key", "text", _folded),
        roles=PERSONAL_READERS,
    )
    loyalty_tiers: list[str] | None = filter_by("In any of these tiers.", one_of("loyalty_tier", "text"))
    tags: list[str] | None = filter_by(
        "With any of these tags.",
        lambda row, args, path: sql("{row.tags} && {value}", row=row, value=args.param(*path, cast="text[]")),
    )
    ids: list[strawberry.ID] | None = filter_by(
        "With any of these ids.", one_of("id", "bigint", ids_of("cust"))
    )
    store_ids: list[strawberry.ID] | None = filter_by(
        "Of any of these stores.", one_of("store_id", "bigint", ids_of("store"))
    )
    member_of: strawberry.ID | None = filter_by(
        "On the list of this segment, static or imported. A dynamic segment has no list; whom it holds, its own"
        " `customers` say.",
        on_list_of(lambda row: row("id")),
    )
    min_total_spent: Decimal | None = filter_by(
        "Who spent at least this, in the group's currency.", compares("total_spent", ">=", "numeric")
    )
    max_total_spent: Decimal | None = filter_by(
        "Who spent at most this, in the group's currency.", compares("total_spent", "<=", "numeric")
    )
    min_order_count: Long | None = filter_by(
        "With at least so many orders.", compares("order_count", ">=", "bigint")
    )
    max_order_count: Long | None = filter_by(
        "With at most so many orders.", compares("order_count", "<=", "bigint")
    )
    last_order_since: DateTime | None = filter_by(
        "Who last ordered at this instant or later.", compares("last_order_at", ">=", "timestamptz")
    )
    last_order_until: DateTime | None = filter_by(
        "Who last ordered before this instant; not those who never did.",
        compares("last_order_at", "<", "timestamptz"),
    )
    created_since: DateTime | None = filter_by(
        "Known since this instant or later.", compares("created_at", ">=", "timestamptz")
    )
    created_until: DateTime | None = filter_by(
        "Known since before this instant.", compares("created_at", "<", "timestamptz")
    )
    email_consent: bool | None = filter_by("Whether e-mail may be sent.", equals("email_consent", "boolean"))
    sms_consent: bool | None = filter_by(
        "Whether text messages may be sent.", equals("sms_consent", "boolean")
    )


CUSTOMERS = list_of(
    "Customer", CustomerFilter, "CREATED_AT", descending=True,
    name=(text_key("name", roles=PERSONAL_READERS), "By name, by code point."), created_at=CREATED_AT,
    total_spent=(decimal_key("total_spent"), "By what they spent."),
    order_count=(number_key("order_count"), "By the number of their orders."),
    last_order_at=(
        instant_key("last_order_key"), "By the moment of their last order; those without one count as the earliest.",
    ),
)  # fmt: skip
