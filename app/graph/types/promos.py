"""Promos and their uses."""

from app.graph.declaring.enums import PromoStatus, PromoType
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import (
    amount_of,
    column,
    computed,
    computed_beside,
    connection,
    embed,
    entity,
    is_set,
    to_one,
)
from app.graph.declaring.nodes import Money, Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import (
    CampaignRef,
    CustomerRef,
    OrderRef,
    PromoCodeRef,
    PromoRedemptionRef,
    PromoRef,
    SegmentRef,
    StoreRef,
)
from app.graph.declaring.scalars import JSON, Date, DateTime, Decimal, Long, Rate
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.figures.orders import OrderFigures, order_figures
from app.graph.figures.redemptions import RedemptionFigures, redemption_figures
from app.graph.lists import promo_lives
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.orders import ORDERS
from app.graph.lists.promos import PROMO_CODES, REDEMPTIONS, is_usable
from app.plan.catalog import HIDDEN, Entity, Row, Through, linked_or_group, own, via
from app.plan.kinds import rate
from app.plan.sql import Sql, sql
from app.tables import promos as tables
from app.tables.promos import Stacking as PromoStacking

_OF_CAMPAIGN = linked_or_group("campaign_id", "PromoCampaign", "promo_id")
_OF_LINKED = via("campaign_id", "Campaign")
ROWS = (Entity("PromoCampaign", "promo_campaign", store=_OF_LINKED, project=_OF_LINKED),)
"""The links between promos and campaigns: nobody asks for one by itself."""


def _used_share(row: Row) -> Sql:
    return sql("100.0 * {row.used} / nullif({row.usage_limit}, 0)", row=row)


@entity(
    table=tables.Promo, prefix="promo", store=_OF_CAMPAIGN, project=_OF_CAMPAIGN, alive="deleted_at IS NULL"
)
class Promo(Node):
    """A promo code: what it takes off, from which order on, for whom and how often."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("promo")
    code: str = column("What the customer types, in capitals: the form codes are compared by.", "code_key")
    code_typed: str = column("The code as it was typed when it was made.", "code")
    type: PromoType = column("What it gives.")
    type_code: str = column("The same as it is kept: percentage, free_item, or a code of your own.", "type")
    value: Decimal = column("How much: percent or an amount, by type.")
    stacking: PromoStacking = column("Whether it may be used on a basket with others.")
    minimum_of_articles: bool = column("Whether the smallest order is asked of the articles it applies to.")
    first_order_only: bool = column("Whether it is for a customer's first order.")
    generated_only: bool = column("Whether it is used by its generated codes alone, not by its own.")
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
    used: Long = column(
        "How often it was used, within its limits: with `usedBeyondLimit`, all uses that stand."
    )
    used_beyond_limit: Long = column(
        "How many orders with it stand for which there was no place: its limits, or the generated code, were used up."
        " They are not in `used`, limits are judged by both together, and the oldest takes a place that comes free."
    )
    used_share: Rate | None = computed(
        "How much of its limit is used, in percent; null: without limit.", _used_share, kind=rate(1)
    )
    used_as_of: DateTime | None = column(
        "Up to when uses were counted elsewhere: `used` has those until then."
    )
    valid_from: DateTime | None = computed_beside(
        "From when: its own start, else that of the campaign it follows; null: always.",
        promo_lives.valid_from,
    )
    valid_from_on: Date | None = computed_beside(
        "Its first day, where it was given a day.", promo_lives.valid_from_on
    )
    valid_until: DateTime | None = computed_beside(
        "Until when, exclusive: its own end, else that of the campaign it follows; null: for ever.",
        promo_lives.valid_until,
    )
    valid_until_on: Date | None = computed_beside(
        "Its last day, inclusive, where it was given a day.", promo_lives.valid_until_on
    )
    deleted_at: DateTime | None = column("When it was deleted: then it cannot be used; null: it is not.")
    follows_campaign: bool = column(
        "Whether it holds only while one of its campaigns runs; without dates of its own it has theirs."
    )
    applies_to: JSON | None = column("Which items it applies to, as it was given.")
    status: PromoStatus = computed_beside("Where it stands now.", promo_lives.status_of)
    is_redeemable: bool = computed_beside(
        "Whether it could be used now: in its window, its campaign running where it follows one, not used up.",
        promo_lives.is_redeemable,
    )
    created_at: DateTime = column("When it was made.")
    updated_at: DateTime = column("When it last changed; uses do not change it.")
    orders: Connection[OrderRef] = connection("Orders made with it.", ORDERS, key="promo_id")
    campaign: CampaignRef | None = to_one("The campaign it was given first.", "campaign_id")
    campaigns: Connection[CampaignRef] = connection(
        "All campaigns it belongs to: each covers its own time.",
        CAMPAIGNS, key="promo_id", through=Through("PromoCampaign", "campaign_id"),
    )  # fmt: skip
    segment: SegmentRef | None = to_one("Only customers of this segment may use it.", "segment_id")
    codes: Connection[PromoCodeRef] = connection(
        "Codes generated for it, to be used once each.", PROMO_CODES, key="promo_id"
    )
    redemptions: Connection[PromoRedemptionRef] = connection("Its uses.", REDEMPTIONS, key="promo_id")
    figures: list[MetricFigures] = metric_figures(
        "Metrics of its campaigns, by what you ask.", OF_CHANNELS, of="Promo"
    )
    order_figures: list[OrderFigures] = order_figures("Orders made with it, in numbers.", of="Promo")
    redemption_figures: list[RedemptionFigures] = redemption_figures("Its uses, in numbers.", of="Promo")


_OF_PROMO = via("promo_id", "Promo")


@entity(table=tables.PromoCode, prefix="pcode", store=_OF_PROMO, project=_OF_PROMO)
class PromoCode(Node):
    """A code that was generated for a promo, to be used once."""

    code: str = column("The code: a prefix, a dot, random characters, and one that checks the others.")
    is_usable: bool = computed("Whether nobody used it, and nobody withdrew it.", is_usable)
    created_at: DateTime = column("When it was generated.")
    redeemed_at: DateTime | None = column("When it was used; null: no use of it stands.")
    disabled_at: DateTime | None = column("When it was withdrawn.")
    promo: PromoRef = to_one("The promo.", "promo_id")
    redemptions: Connection[PromoRedemptionRef] = connection(
        "Its uses: one at most within the limits, orders that came with it besides, and those that were given back.",
        REDEMPTIONS,
        key="code_id",
    )


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
    is_of_order: bool = computed(
        "Whether an order told it; its basket is then what the order came to, and nothing is known of the discount.",
        lambda row: sql("({row.place} IS NULL)", row=row),
    )
    is_beyond_limit: bool = column(
        "Whether there is no place for it: its order came when the promo's limit, or its customer's, was used up, or"
        " with a generated code that was used or withdrawn. Then it counts in `usedBeyondLimit` until a place comes"
        " free."
    )
    line_discounts: JSON | None = column(
        "What of the discount each line of the basket and its delivery bear: `lines`, `delivery`."
    )
    earlier: JSON | None = column(
        "Uses with the same key before this one, which were given back: `redeemedAt`, `releasedAt`, `discount`; the"
        " newest 20."
    )
    promo: PromoRef | None = to_one("The promo; null where it is out of sight.", "promo_id")
    generated_code: PromoCodeRef | None = to_one(
        "The generated code it was used by, if it was one.", "code_id"
    )
    customer: CustomerRef | None = to_one("Who used it, where that was said.", "customer_id")
    store: StoreRef | None = to_one("Where it was used, where that was said.", "store_id")
