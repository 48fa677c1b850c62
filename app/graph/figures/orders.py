"""Figures of orders: how many, what they came to, who ordered."""

from app.graph.declaring.described import interface_type
from app.graph.declaring.fields import amount_of, column, computed, embed, entity, is_set, to_one
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import CampaignRef, PromoRef, SegmentRef, StoreRef
from app.graph.declaring.scalars import Date, Long
from app.graph.figures.asking import Asking, hour, period
from app.graph.figures.figure_fields import amount_from, changed, changes_of, former, left_of, unconverted
from app.graph.figures.sources import (
    CAMPAIGN,
    CHANNEL,
    PROMO,
    SEGMENT,
    STORE,
    Question,
    Source,
    Sum,
    distinct,
    largest,
    money,
    rows_where,
    smallest,
    total,
    total_worth,
)
from app.graph.figures.windows import of_store, within
from app.plan.catalog import HIDDEN, Entity, Row, own
from app.plan.sql import Alias, Select, Sql, joined, sql
from app.tables.orders import OrderRollup

SUMS: dict[str, Sum] = {
    "orders": total("orders"),
    "priced": total_worth("orders", "worth"),
    "revenue": money("worth"),
    "refunded": money("refunded"),
    "cancelled": total("cancelled"),
    "smallest": smallest("held"),
    "largest": largest("held"),
    "customers": distinct("buyer"),
    "new_customers": rows_where("is_first"),
}


def _average(row: Row) -> Sql:
    return sql("round({row.revenue} / nullif({row.priced}, 0), 4)", row=row)


@interface_type
class OrderValues:
    """The numbers of orders. Cancelled ones count as cancelled alone; what was given back is no revenue."""

    currency: str = column("The currency of the money.")
    orders: Long = column("How many there are that hold.")
    revenue: Money = embed(
        "What they are worth in all, less what was given back.",
        amount=amount_of("revenue"),
        currency="currency",
    )
    average: Money | None = embed(
        "What one is worth on average; null without any.",
        present=lambda row: sql("{average} IS NOT NULL", average=_average(row)),
        amount=amount_from(_average), currency="currency",
    )  # fmt: skip
    smallest: Money | None = embed(
        "The one that is worth least; null without any.",
        present=is_set("smallest"), amount=amount_of("smallest"), currency="currency",
    )  # fmt: skip
    largest: Money | None = embed(
        "The one that is worth most; null without any.",
        present=is_set("largest"), amount=amount_of("largest"), currency="currency",
    )  # fmt: skip
    refunded: Money = embed(
        "What was given back for them.", amount=amount_of("refunded"), currency="currency"
    )
    cancelled: Long = column("How many were cancelled.")
    customers: Long = column("How many customers ordered.")
    new_customers: Long = column("For how many of them it was the first order.")
    returning_customers: Long = computed(
        "How many had ordered before.",
        lambda row: sql("({row.customers} - {row.new_customers})", row=row),
    )


@entity()
class OrderTotals(OrderValues):
    """Orders of a former window, summed up in one currency."""


@changes_of(OrderValues)
class OrderChanges:
    """How figures of orders differ from the former ones, in percent of those; null where there was nothing."""


@left_of(SUMS)
class UnconvertedOrders:
    """Money of orders in a currency for which no rate was known on their day."""


@entity()
class OrderFigures(OrderValues):
    """Orders: of a stretch of time, of a store or whatever else was asked for, in one currency."""

    period: Date | None = period()
    hour: int | None = hour()
    store: StoreRef | None = to_one("The store, where it is by store.", "store_id")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The channel, where it is by channel.")
    promo: PromoRef | None = to_one("The promo, where it is by promo.", "promo_id")
    segment: SegmentRef | None = to_one(
        "The list the customers are on, where it is by segment: orders count on each list, and without a list on none.",
        "segment_id",
    )
    previous: OrderTotals | None = former()
    change: OrderChanges | None = changed()
    unconverted: list[UnconvertedOrders] = unconverted()


ROWS = (Entity("OrderRollup", str(OrderRollup.__tablename__), store=own("store_id"), project=HIDDEN),)
"""Read by this alone."""
_KEYS = {"Store": "store_id", "Campaign": "campaign_id", "Promo": "promo_id", "Customer": "customer_id"}
_NUMBERS = ("orders", "cancelled", "worth", "refunded")
_SUMMED = ("store_id", "channel", "currency", "day", *_NUMBERS)
"""What the sums by day know."""


def _rows(question: Question) -> Select:
    """Sums of days, where those know enough; what only some orders have, such as a promo, is read of these."""
    named = [one for one in ("promo_id", "campaign_id") if question.needs_any(one)]
    if question.of not in ("", "CustomerGroup", "Store") or not question.needs <= {*_SUMMED, *named}:
        return _orders(question)
    if len(named) != 1:
        return _orders(question) if named else _sums(question)
    without = {
        "promo_id": sql("NOT {r.has_promo}", r=Alias("r")),
        "campaign_id": sql("{r.channel} IS NULL", r=Alias("r")),
    }
    orders, sums = _orders(question), _sums(question)
    orders.where.append(sql("{x} IS NOT NULL", x=Alias("o")(named[0])))
    sums.where.append(without[named[0]])
    columns = sorted(question.needs)
    for part in (orders, sums):
        part.names = {name: part.names[name] for name in columns}
    both = joined(" UNION ALL ", [orders.sql(), sums.sql()])
    return Select({name: Alias("u")(name) for name in columns}, sql("({both}) u", both=both))


def _sums(question: Question) -> Select:
    request = question.request
    r = request.table("OrderRollup", "r")
    names = {name: r(name) for name in _SUMMED}
    names |= {name: sql("NULL::bigint") for name in ("promo_id", "campaign_id")}
    where = within(r("day"), question.since, question.until)
    if question.of == "Store" and request.parent is not None:
        where.append(sql("{r.store_id} = {parent}", r=r, parent=request.parent))
    return Select(names, r, where)


def _orders(question: Question) -> Select:
    request = question.request
    o = request.table("Order", "o")
    holds = sql("{o.cancelled_at} IS NULL", o=o)
    names = {name: o(name) for name in ("currency", "worth", "refunded", *_KEYS.values(), "channel")}
    names |= {
        "orders": sql("({holds})::int::bigint", holds=holds),
        "cancelled": sql("(NOT ({holds}))::int::bigint", holds=holds),
        "day": o("ordered_on"),
        "held": sql("CASE WHEN {holds} THEN {o.worth} END", holds=holds, o=o),
        "buyer": sql("CASE WHEN {holds} THEN {o.customer_id} END", holds=holds, o=o),
    }
    joins = []
    where = _on_days(o, question.since, question.until)
    if question.needs_any("hour"):
        time = of_store(request, o("ordered_at"), o("store_id"), question.since, question.until)
        joins.append(time.joins)
        where += time.where
        names |= {"day": time.day, "hour": time.hour}
    if question.is_by(SEGMENT):
        m = request.table("SegmentMember", "sm")
        joins.append(sql("LEFT JOIN {m} ON {m.scope} AND {m.customer_id} = {o.customer_id}", m=m, o=o))
        names["segment_id"] = m("segment_id")
    if question.needs_any("is_first"):
        e = request.table("Order", "eo")
        names["is_first"] = sql(
            """
            ({holds} AND NOT EXISTS (
                SELECT FROM {e}
                WHERE {e.scope} AND {e.customer_id} = {o.customer_id} AND {e.cancelled_at} IS NULL
                    AND ({e.ordered_at}, {e.id}) < ({o.ordered_at}, {o.id})
            ))
            """,
            holds=holds,
            e=e,
            o=o,
        )
    if question.of in _KEYS and request.parent is not None:
        where.append(sql("{key} = {parent}", key=o(_KEYS[question.of]), parent=request.parent))
    if question.of == "Segment" and request.parent is not None:
        m = request.table("SegmentMember", "om")
        where.append(
            sql(
                """
                {o.customer_id} IN (
                    SELECT {m.customer_id} FROM {m} WHERE {m.scope} AND {m.segment_id} = {parent}
                )
                """,
                o=o,
                m=m,
                parent=request.parent,
            )
        )
    return Select(names, o, where, joins=joined(" ", joins))


def _on_days(o: Row, since: Sql | None, until: Sql | None) -> list[Sql]:
    """Made on these days, where the store was; instants that lie a day further keep to the index."""
    out = within(o("ordered_on"), since, until)
    if since is not None:
        out.append(
            sql("{o.ordered_at} >= (SELECT ({since} - 2)::timestamp AT TIME ZONE 'UTC')", o=o, since=since)
        )
    if until is not None:
        out.append(
            sql("{o.ordered_at} < (SELECT ({until} + 3)::timestamp AT TIME ZONE 'UTC')", o=o, until=until)
        )
    return out


order_figures = Asking(
    Source(
        "Order",
        "figures of orders",
        OrderValues,
        SUMS,
        (STORE, CAMPAIGN, CHANNEL, PROMO, SEGMENT),
        _rows,
        price=20_000,
    )
)
