"""Events that are shared: their metrics, and they themselves, of the projects in scope."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.events.rollups import EVENT_COUNT
from app.graph.figures.of_projects import project_zones, projects_of
from app.graph.figures.shares import ONE
from app.plan.catalog import AggregateRequest
from app.plan.kinds import WITH_THREE_DIGITS, WITHOUT_DIGITS
from app.plan.sql import NOTHING, Sql, also, joined, quoted, sql, whole
from app.tables.groups import AttributionModel

Window = Callable[[AggregateRequest, Sql, Sql], list[Sql]]
"""The conditions that an instant, and its day, lie inside what was asked for."""


@dataclass(frozen=True)
class Wanted:
    """What is to be known of each sale."""

    model: AttributionModel
    """How it will be shared: which campaign it carries is looked up for CARRIED alone."""
    window: Window
    dated: bool = False
    """Its day in its own zone, which `window` may look at."""


def event_worth(
    request: AggregateRequest, keyed: Sql, counted: Sql, wanted: Wanted, *, told: Sql = NOTHING
) -> Sql:
    """Metrics whose storage key fits `keyed`, and events themselves where they are `counted`, as `shares` takes them.

    A statistic is shared in the coins of its currency, finer only where it is; states and events in ten-thousandths.
    `told`: a further condition on metrics, `m`. For an aggregate of a campaign: the events that it may have a part of.
    """
    e, m = request.table("AttributionEvent", "e"), request.table("AttributionMetric", "m")
    carried = wanted.model is AttributionModel.CARRIED
    amounts = sql(
        """
        SELECT
            {m.storage_key} AS key, {m.project_id}, {m.customer_id}, {m.occurred_at} AS at, {m.kind},
            ({m.value} * {one})::bigint AS value, nullif({m.currency}, {usual}) AS currency, {day} AS day, {own}
        FROM {m} {further}
        WHERE {m.scope} AND {m.project_id} = ANY ({projects}) AND {m.storage_key} {keyed} {asked} {told}
            AND ({m.kind} = 'statistic' OR {m.value} = 1)
        """,
        m=m,
        one=whole(ONE),
        usual=usual_currency(request, "gu"),
        day=_day(m("occurred_at"), "mz", wanted),
        own=_own("me", known=carried),
        further=joined(
            " ", [_zoned(request, m("project_id"), "mz", wanted), *([_event(request)] if carried else ())]
        ),
        projects=projects_of(request, "mp"),
        keyed=keyed,
        asked=also(
            [
                *wanted.window(request, m("occurred_at"), _day(m("occurred_at"), "mz", wanted)),
                *_of_the_campaign(request, m("customer_id"), sql("me.campaign_id"), wanted),
            ]
        ),
        told=told,
    )
    return sql(
        """
        SELECT
            v.key, v.project_id, v.customer_id, v.at, v.value, {coin} AS coin, v.currency, v.day, v.campaign_id,
            v.channel
        FROM ({amounts}) v
        UNION ALL
        SELECT
            {event_count}, {e.project_id}, {e.customer_id}, {e.occurred_at}, {one}, 1, NULL, {day}, {own}
        FROM {e} {further}
        WHERE {e.scope} AND {e.project_id} = ANY ({projects}) AND {e.status} = 'processed'
            AND {e.event_type_id} IS NOT NULL {asked} AND {counted}
        """,
        coin=coin_of(request),
        amounts=amounts,
        event_count=quoted(EVENT_COUNT),
        e=e,
        one=whole(ONE),
        day=_day(e("occurred_at"), "ez", wanted),
        own=_own("e", known=carried),
        further=_zoned(request, e("project_id"), "ez", wanted),
        projects=projects_of(request, "ep"),
        asked=also(
            [
                *wanted.window(request, e("occurred_at"), _day(e("occurred_at"), "ez", wanted)),
                *_of_the_campaign(request, e("customer_id"), e("campaign_id"), wanted),
            ]
        ),
        counted=counted,
    )


def _own(alias: str, *, known: bool) -> Sql:
    """The campaign and channel the event carries."""
    if not known:
        return sql("NULL::bigint AS campaign_id, NULL::text AS channel")
    return sql("{alias}.campaign_id, {alias}.channel", alias=alias)


def _event(request: AggregateRequest) -> Sql:
    return sql(
        "JOIN {e} ON {e.scope} AND {e.project_id} = m.project_id AND {e.id} = m.event_id",
        e=request.table("AttributionEvent", "me"),
    )


def _zoned(request: AggregateRequest, project: Sql, alias: str, wanted: Wanted) -> Sql:
    if not wanted.dated:
        return NOTHING
    zones = project_zones(request, alias)
    return sql("JOIN ({zones}) {alias} ON {alias}.id = {project}", zones=zones, alias=alias, project=project)


def _day(at: Sql, alias: str, wanted: Wanted) -> Sql:
    """The day of an instant in the zone of what is joined under this alias."""
    if not wanted.dated:
        return sql("NULL::date")
    return sql("({at} AT TIME ZONE {alias}.zone)::date", at=at, alias=alias)


def _of_the_campaign(request: AggregateRequest, customer: Sql, carried: Sql, wanted: Wanted) -> list[Sql]:
    if request.parent is None:
        return []
    if wanted.model is AttributionModel.CARRIED:
        return [sql("{carried} = {parent}", carried=carried, parent=request.parent)]
    return [touched_by(request, customer, request.parent)]


def touched_by(request: AggregateRequest, customer: Sql, campaign: Sql) -> Sql:
    """The customer is one that the campaign touched."""
    return sql(
        "{customer} = ANY (ARRAY(SELECT {t.customer_id} FROM {t} WHERE {t.scope} AND {t.campaign_id} = {campaign}))",
        customer=customer,
        t=request.table("AttributionTouch", "tc"),
        campaign=campaign,
    )


def usual_currency(request: AggregateRequest, alias: str) -> Sql:
    """The group's own currency: sales that have it say NULL, which is quick to sum up by."""
    return sql("(SELECT {g.currency} FROM {g} WHERE {g.scope})", g=request.table("CustomerGroup", alias))


def coin_of(request: AggregateRequest) -> Sql:
    """The smallest part of a value, in ten-thousandths: the coin of `v.currency` (NULL: the group's own), or finer
    where the value is.
    """
    usual = sql(
        "(SELECT {coin} FROM {g} WHERE {g.scope})",
        coin=_coin(sql("gd.currency")),
        g=request.table("CustomerGroup", "gd"),
    )
    return sql(
        """
        CASE
            WHEN v.kind = 'state' THEN 1
            WHEN v.currency IS NULL AND v.value % {usual} = 0 THEN {usual}
            WHEN v.currency IS NOT NULL AND v.value % {own} = 0 THEN {own}
            WHEN v.value % 1000 = 0 THEN 1000
            WHEN v.value % 100 = 0 THEN 100
            WHEN v.value % 10 = 0 THEN 10
            ELSE 1 END
        """,
        usual=usual,
        own=_coin(sql("v.currency")),
    )


def _coin(currency: Sql) -> Sql:
    return sql(
        "CASE WHEN {currency} = ANY ({none}) THEN {one} WHEN {currency} = ANY ({three}) THEN 10 ELSE 100 END",
        currency=currency,
        none=WITHOUT_DIGITS,
        one=whole(ONE),
        three=WITH_THREE_DIGITS,
    )
