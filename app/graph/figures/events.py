"""Figures of events: how many came in, of which kind, and what became of them."""

from app.graph.declaring.described import interface_type
from app.graph.declaring.enums import EventStatus
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.refs import CampaignRef, ProjectRef
from app.graph.declaring.scalars import Date, Long
from app.graph.figures.asking import Asking, hour, period
from app.graph.figures.figure_fields import changed, changes_of, former
from app.graph.figures.sources import (
    CAMPAIGN,
    CHANNEL,
    PROJECT,
    Dimension,
    Question,
    Source,
    Sum,
    distinct,
    rows,
)
from app.graph.figures.windows import of_store
from app.plan.sql import Select, joined, sql

TYPE = Dimension("type", "event_type", "One row per event type.", "text")
KIND = Dimension("kind", "kind", "One row per kind, in our words, such as opened.", "text")
SOURCE = Dimension("source", "source", "One row per interface they came through.", "text")
STATUS = Dimension("status", "status", "One row per state.", "text")
SUMS: dict[str, Sum] = {"events": rows(), "customers": distinct("customer_id")}


@interface_type
class EventValues:
    """The numbers of events."""

    events: Long = column("How many came in.")
    customers: Long = column("How many customers they are about, of those who are known.")


@entity()
class EventTotals(EventValues):
    """Events of a former window."""


@changes_of(EventValues)
class EventChanges:
    """How figures of events differ from the former ones, in percent of those; null where there was nothing."""


@entity()
class EventFigures(EventValues):
    """Events by the day they came in: of a stretch of time, of a type or whatever else was asked for."""

    period: Date | None = period()
    hour: int | None = hour()
    type: str | None = column("The event type, as the sender says, where it is by type.", "event_type")
    kind: str | None = column("What happened in our words, where it is by kind.")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    channel: str | None = column("The channel, where it is by channel.")
    source: str | None = column("The interface, where it is by source.")
    status: EventStatus | None = column("The state, where it is by status.")
    project: ProjectRef | None = to_one("The project, where it is by project.", "project_id")
    previous: EventTotals | None = former()
    change: EventChanges | None = changed()


_KEYS = {"Project": "project_id", "Campaign": "campaign_id", "Customer": "customer_id"}


def _rows(question: Question) -> Select:
    request = question.request
    e = request.table("Event", "e")
    names = {
        name: e(name)
        for name in (
            "customer_id",
            "event_type",
            "kind",
            "campaign_id",
            "channel",
            "source",
            "status",
            "project_id",
        )
    }
    joins = []
    where = []
    if question.needs_days:
        c, p = request.table("Campaign", "ec"), request.table("Project", "ep")
        store_id = sql("coalesce({c.store_id}, {p.store_id})", c=c, p=p)
        time = of_store(request, e("received_at"), store_id, question.since, question.until)
        joins += [
            sql("LEFT JOIN {c} ON {c.scope} AND {c.id} = {e.campaign_id}", c=c, e=e),
            sql("LEFT JOIN {p} ON {p.scope} AND {p.id} = {e.project_id}", p=p, e=e),
            time.joins,
        ]
        where += time.where
        names |= {"day": time.day, "hour": time.hour}
    if question.of in _KEYS and request.parent is not None:
        where.append(sql("{key} = {parent}", key=e(_KEYS[question.of]), parent=request.parent))
    return Select(names, e, where, joins=joined(" ", joins))


event_figures = Asking(
    Source(
        "Event",
        "figures of events",
        EventValues,
        SUMS,
        (TYPE, KIND, CAMPAIGN, CHANNEL, SOURCE, STATUS, PROJECT),
        _rows,
        has_money=False,
        converts=False,
        price=20_000,
    )
)
