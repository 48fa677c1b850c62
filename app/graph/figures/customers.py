"""Figures of customers: how many came to be known, and what they have spent. Nobody is told by name."""

from app.graph.declaring.described import interface_type
from app.graph.declaring.fields import amount_of, column, embed, entity, to_one
from app.graph.declaring.nodes import Money
from app.graph.declaring.refs import SegmentRef, StoreRef
from app.graph.declaring.scalars import Date, Long
from app.graph.figures.asking import Asking, hour, period
from app.graph.figures.figure_fields import amount_from, changed, changes_of, former
from app.graph.figures.sources import (
    SEGMENT,
    STORE,
    Dimension,
    Question,
    Source,
    Sum,
    money,
    rows,
    rows_where,
    total,
)
from app.graph.figures.windows import of_group
from app.plan.catalog import Row
from app.plan.sql import Select, Sql, joined, sql

TIER = Dimension("tier", "tier", "One row per loyalty tier.", "text")
SUMS: dict[str, Sum] = {
    "customers": rows(),
    "buyers": rows_where("has_bought"),
    "orders": total("order_count"),
    "spent": money("total_spent"),
}


def _average(row: Row) -> Sql:
    return sql("round({row.spent} / nullif({row.customers}, 0), 4)", row=row)


@interface_type
class CustomerValues:
    """The numbers of customers."""

    currency: str = column("The group's currency.")
    customers: Long = column("How many there are; in a window or a series, how many came to be known then.")
    buyers: Long = column("How many of them have ordered, until now.")
    orders: Long = column("How many orders they have made, until now.")
    spent: Money = embed("What they have spent, until now.", amount=amount_of("spent"), currency="currency")
    average_spent: Money | None = embed(
        "What one has spent on average; null without any.",
        present=lambda row: sql("{average} IS NOT NULL", average=_average(row)),
        amount=amount_from(_average), currency="currency",
    )  # fmt: skip


@entity()
class CustomerTotals(CustomerValues):
    """Customers of a former window, summed up."""


@changes_of(CustomerValues)
class CustomerChanges:
    """How figures of customers differ from the former ones, in percent of those; null where there was nothing."""


@entity()
class CustomerFigures(CustomerValues):
    """Customers: of a stretch of time, of a store or whatever else was asked for."""

    period: Date | None = period()
    hour: int | None = hour()
    store: StoreRef | None = to_one("The store they belong to, where it is by store.", "store_id")
    segment: SegmentRef | None = to_one(
        "The list they are on, where it is by segment: customers count on each list, and without a list on none.",
        "segment_id",
    )
    tier: str | None = column("Their loyalty tier, where it is by tier.")
    previous: CustomerTotals | None = former()
    change: CustomerChanges | None = changed()


def _rows(question: Question) -> Select:
    request, parent = question.request, question.request.parent
    c = request.table("Customer", "u")
    time = of_group(request, c("created_at"), question.since, question.until)
    g = request.table("CustomerGroup", "ug")
    names = {name: c(name) for name in ("store_id", "order_count", "total_spent")}
    names |= {
        "currency": sql("(SELECT {g.currency} FROM {g} WHERE {g.scope})", g=g),
        "tier": c("loyalty_tier"),
        "has_bought": sql("({c.order_count} > 0)", c=c),
        "day": time.day,
        "hour": time.hour,
    }
    joins = []
    # Whoever was erased counts as before: it is still so many people who came.
    where = [sql("({c.deleted_at} IS NULL OR {c.deleted_at} = {c.erased_at})", c=c), *time.where]
    m = request.table("SegmentMember", "um")
    if question.of == "Segment" and parent is not None:
        joins.append(sql("JOIN {m} ON {m.scope} AND {m.customer_id} = {c.id}", m=m, c=c))
        where.append(sql("{m.segment_id} = {parent}", m=m, parent=parent))
        names["segment_id"] = m("segment_id")
    elif question.is_by(SEGMENT):
        joins.append(sql("LEFT JOIN {m} ON {m.scope} AND {m.customer_id} = {c.id}", m=m, c=c))
        names["segment_id"] = m("segment_id")
    if question.of == "Store" and parent is not None:
        where.append(sql("{c.store_id} = {parent}", c=c, parent=parent))
    return Select(names, c, where, joins=joined(" ", joins))


customer_figures = Asking(
    Source(
        "Customer",
        "figures of customers",
        CustomerValues,
        SUMS,
        (STORE, SEGMENT, TIER),
        _rows,
        converts=False,
        of_customers=True,
    )
)
