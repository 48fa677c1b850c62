"""Figures of funnel touches: how often, and by how many customers, stages were reached."""

from app.graph.declaring.described import interface_type
from app.graph.declaring.enums import FunnelStage
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.refs import CampaignRef
from app.graph.declaring.scalars import Date, Long
from app.graph.figures.asking import Asking, hour, period
from app.graph.figures.figure_fields import changed, changes_of, former
from app.graph.figures.sources import CAMPAIGN, CHANNEL, Dimension, Question, Source, Sum, distinct, rows
from app.graph.figures.windows import of_group
from app.plan.sql import Select, sql

STAGE = Dimension("stage", "stage", "One row per stage.", "text")
SUMS: dict[str, Sum] = {"touches": rows(), "customers": distinct("customer_id")}


@interface_type
class TouchValues:
    """The numbers of funnel touches."""

    touches: Long = column("How often a stage was reached.")
    customers: Long = column("By how many customers.")


@entity()
class TouchTotals(TouchValues):
    """Touches of a former window."""


@changes_of(TouchValues)
class TouchChanges:
    """How figures of touches differ from the former ones, in percent of those; null where there was nothing."""


@entity()
class TouchFigures(TouchValues):
    """Stages that customers reached: in a stretch of time, in a channel or whatever else was asked for."""

    period: Date | None = period()
    hour: int | None = hour()
    stage: FunnelStage | None = column("The stage, where it is by stage.")
    channel: str | None = column("The channel, where it is by channel.")
    campaign: CampaignRef | None = to_one("The campaign, where it is by campaign.", "campaign_id")
    previous: TouchTotals | None = former()
    change: TouchChanges | None = changed()


_KEYS = {"Campaign": "campaign_id", "Customer": "customer_id"}


def _rows(question: Question) -> Select:
    request = question.request
    t = request.table("FunnelTouch", "t")
    time = of_group(request, t("occurred_at"), question.since, question.until)
    names = {name: t(name) for name in ("customer_id", "stage", "channel", "campaign_id")}
    names |= {"day": time.day, "hour": time.hour}
    where = list(time.where)
    if question.of in _KEYS and request.parent is not None:
        where.append(sql("{key} = {parent}", key=t(_KEYS[question.of]), parent=request.parent))
    return Select(names, t, where)


touch_figures = Asking(
    Source(
        "Touch",
        "figures of funnel touches",
        TouchValues,
        SUMS,
        (STAGE, CHANNEL, CAMPAIGN),
        _rows,
        has_money=False,
        converts=False,
        of_customers=True,
    )
)
