"""Figures of the reward ledger: what was paid, redeemed and taken back, in the smallest units of its currency."""

from app.graph.declaring.described import interface_type
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.refs import CampaignRef, PartnerRef, StoreRef
from app.graph.declaring.scalars import Date, Long
from app.graph.figures.asking import Asking, hour, period
from app.graph.figures.figure_fields import changed, changes_of, former
from app.graph.figures.sources import (
    CAMPAIGN,
    PARTNER,
    STORE,
    Dimension,
    Question,
    Source,
    Sum,
    distinct,
    rows,
    total,
)
from app.graph.figures.windows import of_store
from app.plan.sql import Select, joined, sql

FLOW = Dimension("flow", "flow", "One row per flow, by its place in the campaign; ask by campaign, too.")
SUMS: dict[str, Sum] = {
    "entries": rows(),
    "amount": total("amount"),
    "paid": total("paid"),
    "reversed": total("reversed"),
    "evaluations": distinct("evaluation_id"),
    "participants": distinct("customer_id"),
}


@interface_type
class RewardValues:
    """The numbers of the reward ledger. Amounts are whole numbers of the currency's smallest unit."""

    currency: str = column("The currency of the amounts.")
    entries: Long = column("How many lines there are.")
    amount: Long = column("What they come to: payments less what was taken back.")
    paid: Long = column("The lines among them that take nothing back.")
    reversed: Long = column("What was taken back, less what was given again.")
    evaluations: Long = column("How many evaluations they come from.")
    participants: Long = column("How many customers they are about.")


@entity()
class RewardTotals(RewardValues):
    """The ledger of a former window, summed up in one currency."""


@changes_of(RewardValues)
class RewardChanges:
    """How figures of rewards differ from the former ones, in percent of those; null where there was nothing."""


@entity()
class RewardFigures(RewardValues):
    """Lines of the reward ledger: of a stretch of time, of a campaign or whatever else was asked for."""

    period: Date | None = period()
    hour: int | None = hour()
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    partner: PartnerRef | None = to_one("The partner, where it is by partner.", "partner_id")
    flow: Long | None = column("The flow, where it is by flow.")
    store: StoreRef | None = to_one("The campaigns' store, where it is by store.", "store_id")
    previous: RewardTotals | None = former()
    change: RewardChanges | None = changed()


_KEYS = {"Campaign": "campaign_id", "Partner": "partner_id", "Customer": "customer_id"}


def _rows(question: Question) -> Select:
    request = question.request
    r = request.table("RewardEntry", "r")
    names = {
        name: r(name)
        for name in (
            "currency",
            "amount",
            "evaluation_id",
            "customer_id",
            "campaign_id",
            "partner_id",
            "flow",
        )
    }
    is_reversal = sql("{r.kind} IN ('reversal', 'restoration')", r=r)
    names["paid"] = sql("CASE WHEN {is_reversal} THEN 0 ELSE {r.amount} END", is_reversal=is_reversal, r=r)
    names["reversed"] = sql(
        "CASE WHEN {is_reversal} THEN -{r.amount} ELSE 0 END", is_reversal=is_reversal, r=r
    )
    joins = []
    where = []
    if question.needs_days or question.is_by(STORE):
        c = request.table("Campaign", "rc")
        joins.append(sql("LEFT JOIN {c} ON {c.scope} AND {c.id} = {r.campaign_id}", c=c, r=r))
        names["store_id"] = c("store_id")
        if question.needs_days:
            time = of_store(request, r("created_at"), c("store_id"), question.since, question.until)
            joins.append(time.joins)
            where += time.where
            names |= {"day": time.day, "hour": time.hour}
    if question.of in _KEYS and request.parent is not None:
        where.append(sql("{key} = {parent}", key=r(_KEYS[question.of]), parent=request.parent))
    return Select(names, r, where, joins=joined(" ", joins))


reward_figures = Asking(
    Source(
        "Reward",
        "figures of rewards",
        RewardValues,
        SUMS,
        (CAMPAIGN, PARTNER, FLOW, STORE),
        _rows,
        converts=False,
    )
)
