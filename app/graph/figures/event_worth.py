"""What is shared: metrics of events, and events themselves, of the projects in scope."""

from collections.abc import Callable

from app.domain.events.rollups import EVENT_COUNT
from app.graph.figures.shares import ONE
from app.plan.catalog import AggregateRequest
from app.plan.kinds import WITH_THREE_DIGITS, WITHOUT_DIGITS
from app.plan.references import id_of
from app.plan.sql import Sql, also, quoted, sql, whole

Window = Callable[[AggregateRequest, Sql], list[Sql]]
"""The conditions that an instant lies inside what was asked for."""


def worth(request: AggregateRequest, keyed: Sql, counted: Sql, window: Window) -> Sql:
    """Metrics whose storage key fits `keyed`, and events themselves where they are `counted`, as `shares` takes them.

    A statistic is shared in the coins of the group's currency, finer only where it is; states and events in
    ten-thousandths. For an aggregate of a campaign: the events of customers it touched.
    """
    e, m = request.table("AttributionEvent", "e"), request.table("AttributionMetric", "m")
    amounts = sql(
        """
        SELECT
            {m.storage_key} AS key, {m.project_id}, {m.customer_id}, {m.occurred_at} AS at, {m.kind},
            ({m.value} * {one})::bigint AS value
        FROM {m}
        WHERE {m.scope} AND {m.project_id} = ANY ({projects}) AND {m.storage_key} {keyed} {asked}
            AND ({m.kind} = 'statistic' OR {m.value} = 1)
        """,
        m=m,
        one=whole(ONE),
        projects=projects_of(request, "mp"),
        keyed=keyed,
        asked=also([*window(request, m("occurred_at")), *_touched(request, m("customer_id"))]),
    )
    return sql(
        """
        SELECT v.key, v.project_id, v.customer_id, v.at, v.value, {coin} AS coin FROM ({amounts}) v
        UNION ALL
        SELECT {event_count}, {e.project_id}, {e.customer_id}, {e.occurred_at}, {one}, 1
        FROM {e}
        WHERE {e.scope} AND {e.project_id} = ANY ({projects}) AND {e.status} = 'processed'
            AND {e.event_type_id} IS NOT NULL {asked} AND {counted}
        """,
        coin=_coin(request),
        amounts=amounts,
        event_count=quoted(EVENT_COUNT),
        e=e,
        one=whole(ONE),
        projects=projects_of(request, "ep"),
        asked=also([*window(request, e("occurred_at")), *_touched(request, e("customer_id"))]),
        counted=counted,
    )


def projects_of(request: AggregateRequest, alias: str) -> Sql:
    """The projects in scope, or the requested one, as an array."""
    p = request.table("Project", alias)
    asked = []
    if request.parent is None and request.args.given("project"):
        slug = request.args.param("project", cast="text")
        own = request.args.param("project", cast="bigint", convert=id_of("proj"))
        asked = [sql("({p.slug} = {slug} OR {p.id} = {own})", p=p, slug=slug, own=own)]
    return sql("ARRAY(SELECT {p.id} FROM {p} WHERE {p.scope} {asked})", p=p, asked=also(asked))


def _touched(request: AggregateRequest, customer: Sql) -> list[Sql]:
    if request.parent is None:
        return []
    touched = sql(
        "{customer} = ANY (ARRAY(SELECT {t.customer_id} FROM {t} WHERE {t.scope} AND {t.campaign_id} = {parent}))",
        customer=customer,
        t=request.table("AttributionTouch", "tc"),
        parent=request.parent,
    )
    return [touched]


def _coin(request: AggregateRequest) -> Sql:
    """The smallest part of a value, in ten-thousandths."""
    coin = sql(
        """
        (
            SELECT CASE
                WHEN {g.currency} = ANY ({none}) THEN {one}
                WHEN {g.currency} = ANY ({three}) THEN 10
                ELSE 100 END
            FROM {g} WHERE {g.scope}
        )
        """,
        g=request.table("CustomerGroup", "gd"),
        none=WITHOUT_DIGITS,
        one=whole(ONE),
        three=WITH_THREE_DIGITS,
    )
    return sql(
        """
        CASE
            WHEN v.kind = 'state' THEN 1
            WHEN v.value % {coin} = 0 THEN {coin}
            WHEN v.value % 1000 = 0 THEN 1000
            WHEN v.value % 100 = 0 THEN 100
            WHEN v.value % 10 = 0 THEN 10
            ELSE 1 END
        """,
        coin=coin,
    )
