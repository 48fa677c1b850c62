"""Orders that are shared, each with what is left of it, and which events are left out since an order tells them.

An order belongs to no project: its journey is what touched its customer in any project in scope. Where one project is
asked for, those orders take part that carry a campaign of it.
"""

from app.domain.metrics.entries import UNKNOWN_CHANNEL
from app.graph.figures.event_worth import Wanted, coin_of, touched_by, usual_currency
from app.graph.figures.of_projects import is_for_a_project, tracked_campaigns
from app.graph.figures.shares import ONE
from app.plan.catalog import AggregateRequest
from app.plan.sql import NOTHING, Sql, Table, also, quoted, sql, whole
from app.tables.groups import AttributionModel


def order_worth(request: AggregateRequest, counted: Sql, wanted: Wanted) -> Sql:
    """Orders where they are `counted`, as `shares` takes them, with no project. For an aggregate of a campaign: those
    that it may have a part of.
    """
    o = request.table("Order", "o")
    day = o("ordered_on") if wanted.dated else sql("NULL::date")
    asked = [*wanted.window(request, o("ordered_at"), day), *_taking_part(request, o, "oc")]
    if request.parent is not None:
        asked.append(
            sql("{o.campaign_id} = {parent}", o=o, parent=request.parent)
            if wanted.model is AttributionModel.CARRIED
            else touched_by(request, o("customer_id"), request.parent)
        )
    amounts = sql(
        """
        SELECT
            'order' AS key, NULL::bigint AS project_id, {o.customer_id}, {o.ordered_at} AS at, 'statistic' AS kind,
            ({o.worth} * {one})::bigint AS value, nullif({o.currency}, {usual}) AS currency, {day} AS day,
            {o.campaign_id}, nullif({o.channel}, {other}) AS channel
        FROM {o}
        WHERE {o.scope} AND {counted} AND {o.worth} <> 0 {asked}
        """,
        o=o,
        one=whole(ONE),
        usual=usual_currency(request, "ou"),
        day=day,
        other=quoted(UNKNOWN_CHANNEL),
        counted=counted,
        asked=also(asked),
    )
    return sql(
        """
        SELECT
            v.key, v.project_id, v.customer_id, v.at, v.value, {coin} AS coin, v.currency, v.day, v.campaign_id,
            v.channel
        FROM ({amounts}) v
        """,
        coin=coin_of(request),
        amounts=amounts,
    )


def not_told_by_orders(request: AggregateRequest, counted: Sql) -> Sql:
    """A condition on metrics, `m`: where orders are `counted`, none that an order tells which takes part."""
    if not request.scope_shape.has_store and not is_for_a_project(request):
        if request.scope_shape.has_projects:
            # Orders are out of sight.
            return NOTHING
        return sql("AND NOT (m.is_told_by_order AND {counted})", counted=counted)
    o, e = request.table("Order", "ot"), request.table("AttributionEvent", "et")
    return sql(
        """
        AND NOT (m.is_told_by_order AND {counted} AND EXISTS (
            SELECT 1 FROM {e} JOIN {o} ON {o.reference} = {e.sale_reference}
            WHERE {e.scope} AND {o.scope} AND {e.project_id} = m.project_id AND {e.id} = m.event_id {asked}
        ))
        """,
        counted=counted,
        e=e,
        o=o,
        asked=also(_taking_part(request, o, "ct")),
    )


def _taking_part(request: AggregateRequest, o: Table, alias: str) -> list[Sql]:
    if not is_for_a_project(request):
        return []
    return [sql("{o.campaign_id} = ANY ({campaigns})", o=o, campaigns=tracked_campaigns(request, alias))]
