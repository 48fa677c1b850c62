"""Promos and their uses."""

from app.graph.declaring.enums import PromoStatus, PromoType
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import amount_of, column, computed, connection, embed, entity, is_set, to_one
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    CampaignRef,
    CustomerRef,
    OrderRef,
    PromoRedemptionRef,
    PromoRef,
    SegmentRef,
    StoreRef,
)
from app.graph.declaring.scalars import JSON, Date, DateTime, Decimal, Long, Rate
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.figures.redemptions import RedemptionFigures, redemption_figures
from app.graph.lists.orders import ORDERS
from app.graph.lists.promos import REDEMPTIONS, status_of
from app.plan.catalog import HIDDEN, Row, own, via_or_group
from app.plan.kinds import rate
from app.plan.sql import NOW, Sql, sql
from app.tables import promos as tables

_OF_CAMPAIGN = via_or_group("campaign_id", "Campaign")


def _redeemable(row: Row) -> Sql:
    return sql(
        """
        ({row.deleted_at} IS NULL AND coalesce({row.valid_from} <= {now}, true)
        AND coalesce({row.valid_until} > {now}, true) AND {row.used} < coalesce({row.usage_limit}, 9223372036854775807))
        """,
        row=row,
        now=NOW,
    )


def _used_share(row: Row) -> Sql:
    return sql("100.0 * {row.used} / nullif({row.usage_limit}, 0)", row=row)


@entity(
    table=tables.Promo, prefix="promo", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN, alive="deleted_at IS NULL"
)
class Promo(Node):
    """A promo code: what it takes off, from which order on, for whom and how often."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("promo")
    code: str = column("What the customer types.")
    type: PromoType = column("What it gives.")
    type_code: str = column("The same as it is kept: percentage, free_item, or a code of your own.", "type")
    value: Decimal = column("How much: percent or an amount, by type.")
    min_order_amount: Money | None = embed(
        "The smallest order it counts for.",
        present=is_set("min_order_amount"), amount=amount_of("min_order_amount"), currency="currency",
    )  # fmt: skip
    max_discount: Money | None = embed(
        "The most it takes off.",
        present=is_set("max_discount"), amount=amount_of("max_discount"), currency="currency",
    )  # fmt: skip
    usage_limit: Long | None = column("How often it can be used in all; null: without limit.")
    per_customer_limit: Long | None = column("How often one customer can use it; null: without limit.")
    used: Long = column("How often it was used.")
    used_share: Rate | None = computed(
        "How much of its limit is used, in percent; null: without limit.", _used_share, kind=rate(1)
    )
    used_as_of: DateTime | None = column(
        "Up to when uses were counted elsewhere: `used` has those until then."
    )
    valid_from: DateTime | None = column("From when; null: always.")
    valid_from_on: Date | None = column("Its first day, where it was given a day.")
    valid_until: DateTime | None = column("Until when, exclusive; null: for ever.")
    valid_until_on: Date | None = column("Its last day, inclusive, where it was given a day.")
    applies_to: JSON | None = column("Which items it applies to, as it was given.")
    status: PromoStatus = computed("Where it stands now.", status_of)
    is_redeemable: bool = computed("Whether it could be used now: in its window, not used up.", _redeemable)
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed; uses do not change it.")
    orders: Connection[OrderRef] = connection("Orders made with it.", ORDERS, key="promo_id")
    campaign: CampaignRef | None = to_one("The campaign it belongs to.", "campaign_id")
    segment: SegmentRef | None = to_one("Only customers of this segment may use it.", "segment_id")
    redemptions: Connection[PromoRedemptionRef] = connection("Its uses.", REDEMPTIONS, key="promo_id")
    figures: list[MetricFigures] = metric_figures(
        "Metrics of its campaign, by what you ask.", OF_CHANNELS, of="Promo"
    )
    order_figures: list[OrderFigures] = order_figures("Orders made with it, in numbers.", of="Promo")
    redemption_figures: list[RedemptionFigures] = redemption_figures("Its uses, in numbers.", of="Promo")


def _counts(row: Row) -> Sql:
    return sql("({row.released_at} IS NULL)", row=row)


@entity(table=tables.PromoRedemption, prefix="redeem", store=own("store_id"), project=HIDDEN)
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
    store: StoreRef | None = to_one("Where it was used, where that was said.", "store_id")
