"""Uses of promos, as they can be read."""

import strawberry

from app.graph.declare import amount_of, column, computed, embed, entity, to_one
from app.graph.groups import Store
from app.graph.listing import compares, equals, filter_by, instant_key, list_of
from app.graph.nodes import Money, Node
from app.graph.refs import CustomerRef, PromoRef
from app.graph.scalars import DateTime
from app.plan.catalog import HIDDEN, Arguments, Row, own
from app.plan.sql import Sql, sql
from app.tables import promos as tables


def _released(row: Row, args: Arguments, path: tuple[str, ...]) -> Sql:
    return sql("({row.released_at} IS NOT NULL) = {value}", row=row, value=args.param(*path, cast="boolean"))


def _counts(row: Row) -> Sql:
    return sql("({row.released_at} IS NULL)", row=row)


@strawberry.input(description="Which uses of promos. All conditions given must hold.")
class PromoRedemptionFilter:
    """Which uses of promos."""

    since: DateTime | None = filter_by(
        "At this instant or later.", compares("redeemed_at", ">=", "timestamptz")
    )
    until: DateTime | None = filter_by("Before this instant.", compares("redeemed_at", "<", "timestamptz"))
    released: bool | None = filter_by("Whether it was given back.", _released)
    key: str | None = filter_by("With this key, exactly.", equals("key", "text"))


REDEMPTIONS = list_of(
    "PromoRedemption", PromoRedemptionFilter, "REDEEMED_AT", descending=True,
    redeemed_at=(instant_key("redeemed_at"), "By the moment it was used."),
)  # fmt: skip


@entity(
    table=tables.PromoRedemption, prefix="redeem", store=own("store_id"), project=HIDDEN,
    description="One use of a promo.",
)  # fmt: skip
class PromoRedemption(Node):
    """One use of a promo."""

    key: str = column("The caller's key: the same key is the same use.")
    discount: Money = embed("What it took off.", amount=amount_of("discount"), currency="currency")
    basket_total: Money = embed(
        "What was in the basket, delivery included.", amount=amount_of("basket_total"), currency="currency"
    )
    redeemed_at: DateTime = column("When it was used.")
    released_at: DateTime | None = column("When it was given back; null: it was not.")
    counts: bool = computed("Whether it counts against the promo's limits: it was not given back.", _counts)
    promo: PromoRef | None = to_one("The promo; null where it is out of sight.", "promo_id")
    customer: CustomerRef | None = to_one("Who used it, where that was said.", "customer_id")
    store: Store | None = to_one("Where it was used, where that was said.", "store_id")
