"""Figures of promos' uses: how many, by whom, what they took off."""

from app.graph.declaring.described import interface_type
from app.graph.declaring.fields import amount_of, column, embed, entity, to_one
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import CampaignRef, PromoRef, StoreRef
from app.graph.declaring.scalars import Date, Long
from app.graph.figures.asking import Asking, hour, period
from app.graph.figures.figure_fields import amount_from, changed, changes_of, former, left_of, unconverted
from app.graph.figures.sources import (
    CAMPAIGN,
    PROMO,
    STORE,
    Question,
    Source,
    Sum,
    distinct,
    money,
    rows_where,
)
from app.graph.figures.windows import of_store
from app.plan.sql import Select, joined, sql

SUMS: dict[str, Sum] = {
    "redemptions": rows_where("counts"),
    "given_back": rows_where("is_released"),
    "customers": distinct("user_id"),
    "discount": money("taken_off"),
    "basket_total": money("basket"),
}


@interface_type
class RedemptionValues:
    """The numbers of promos' uses. One that was given back counts as given back alone."""

    currency: str = column("The currency of the money.")
    redemptions: Long = column("How many uses there are.")
    given_back: Long = column("How many more there were that were given back.")
    customers: Long = column("How many customers used one, of those who are known.")
    discount: Money = embed("What they took off.", amount=amount_of("discount"), currency="currency")
    basket_total: Money = embed(
        "What was in the baskets, delivery included.", amount=amount_of("basket_total"), currency="currency"
    )
    revenue: Money = embed(
        "What the baskets came to without what was taken off.",
        amount=amount_from(lambda row: sql("({row.basket_total} - {row.discount})", row=row)), currency="currency",
    )  # fmt: skip


@entity()
class RedemptionTotals(RedemptionValues):
    """Uses of promos in a former window, summed up in one currency."""


@changes_of(RedemptionValues)
class RedemptionChanges:
    """How figures of uses differ from the former ones, in percent of those; null where there was nothing."""


@left_of(SUMS)
class UnconvertedRedemptions:
    """Money of uses in a currency for which no rate was known on their day."""


@entity()
class RedemptionFigures(RedemptionValues):
    """Uses of promos: of a stretch of time, of a promo or whatever else was asked for, in one currency."""

    period: Date | None = period()
    hour: int | None = hour()
    promo: PromoRef | None = to_one("The promo, where it is by promo.", "promo_id")
    campaign: CampaignRef | None = to_one(
        "The campaign the promos were given first, where it is by campaign.", "campaign_id"
    )
    store: StoreRef | None = to_one("Where they were used, where it is by store.", "store_id")
    previous: RedemptionTotals | None = former()
    change: RedemptionChanges | None = changed()
    unconverted: list[UnconvertedRedemptions] = unconverted()


def _rows(question: Question) -> Select:
    request, parent = question.request, question.request.parent
    r = request.table("PromoRedemption", "r")
    counts = sql("({r.released_at} IS NULL)", r=r)
    names = {name: r(name) for name in ("currency", "promo_id", "store_id")}
    names |= {
        "counts": counts,
        "is_released": sql("(NOT {counts})", counts=counts),
        "user_id": sql("CASE WHEN {counts} THEN {r.customer_id} END", counts=counts, r=r),
        "taken_off": sql("CASE WHEN {counts} THEN {r.discount} ELSE 0 END", counts=counts, r=r),
        "basket": sql("CASE WHEN {counts} THEN {r.basket_total} ELSE 0 END", counts=counts, r=r),
    }
    joins = []
    where = []
    if question.needs_days:
        time = of_store(request, r("redeemed_at"), r("store_id"), question.since, question.until)
        joins.append(time.joins)
        where += time.where
        names |= {"day": time.day, "hour": time.hour}
    if question.is_by(CAMPAIGN):
        p = request.table("Promo", "rp")
        joins.append(sql("LEFT JOIN {p} ON {p.scope} AND {p.id} = {r.promo_id}", p=p, r=r))
        names["campaign_id"] = p("campaign_id")
    if question.of == "Promo" and parent is not None:
        where.append(sql("{r.promo_id} = {parent}", r=r, parent=parent))
    if question.of == "Store" and parent is not None:
        where.append(sql("{r.store_id} = {parent}", r=r, parent=parent))
    if question.of == "Campaign" and parent is not None:
        link = request.table("PromoCampaign", "cp")
        where.append(
            sql(
                "{r.promo_id} IN (SELECT {l.promo_id} FROM {l} WHERE {l.scope} AND {l.campaign_id} = {parent})",
                r=r,
                l=link,
                parent=parent,
            )
        )
    return Select(names, r, where, joins=joined(" ", joins))


redemption_figures = Asking(
    Source("Redemption", "figures of promos' uses", RedemptionValues, SUMS, (PROMO, CAMPAIGN, STORE), _rows)
)
