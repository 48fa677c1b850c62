"""What there is to share: metrics of events, and events themselves, of the projects in scope."""

from collections.abc import Callable
from typing import Any

from app.domain.events.rollups import EVENT_COUNT
from app.graph.shares import ONE
from app.plan.catalog import AggregateRequest
from app.plan.sql import Sql, all_of, put
from app.values.ids import read_id
from app.values.money import NO_DIGITS, THREE_DIGITS

Window = Callable[[AggregateRequest, Sql], list[Sql]]
"""The conditions that an instant lies inside what was asked for."""


def worth(request: AggregateRequest, keyed: Sql, counted: Sql, window: Window) -> Sql:
    """Metrics whose storage key fits `keyed`, and events themselves where they are `counted`, as `shares` takes them.

    A statistic is shared in the coins of the group's currency, finer only where it is; states and events in
    ten-thousandths. For an aggregate of a campaign: the events of customers it touched.
    """
    events, event_scope, e = request.table("AttributionEvent", "e")
    metrics, metric_scope, m = request.table("AttributionMetric", "m")
    of_event = [*event_scope, put(e("project_id"), " = ANY (", projects_of(request, "ep"), ")"),
                put(e("status"), " = 'processed'"), put(e("event_type_id"), " IS NOT NULL"),
                *window(request, e("occurred_at")), *_touched(request, e("customer_id")), counted]  # fmt: skip
    told = put("(", m("kind"), " = 'statistic' OR ", m("value"), " = 1)")
    of_metric = [*metric_scope, put(m("project_id"), " = ANY (", projects_of(request, "mp"), ")"),
                 put(m("storage_key"), " ", keyed), *window(request, m("occurred_at")),
                 *_touched(request, m("customer_id")), told]  # fmt: skip
    amounts = put(
        "SELECT ", m("storage_key"), " AS key, ", m("project_id"), ", ", m("customer_id"), ", ", m("occurred_at"),
        " AS at, ", m("kind"), ", (", m("value"), f" * {ONE})::bigint AS value FROM ", metrics, " WHERE ",
        all_of(of_metric),
    )  # fmt: skip
    return put(
        "SELECT v.key, v.project_id, v.customer_id, v.at, v.value, ", _coin(request), " AS coin FROM (", amounts, ") v"
        f" UNION ALL SELECT '{EVENT_COUNT}', ", e("project_id"), ", ", e("customer_id"), ", ", e("occurred_at"),
        f", {ONE}, 1 FROM ", events, " WHERE ", all_of(of_event),
    )  # fmt: skip


def projects_of(request: AggregateRequest, alias: str) -> Sql:
    """The projects in scope, or the one asked for, as an array."""
    table, scope, p = request.table("Project", alias)
    where = list(scope)
    if request.parent is None and request.args.given("project"):
        where.append(put("(", p("slug"), " = ", request.args.param("project", cast="text"), " OR ", p("id"), " = ",
                         request.args.param("project", cast="bigint", convert=_project_id), ")"))  # fmt: skip
    return put("ARRAY(SELECT ", p("id"), " FROM ", table, " WHERE ", all_of(where), ")")


def _touched(request: AggregateRequest, customer: Sql) -> list[Sql]:
    if request.parent is None:
        return []
    table, scope, t = request.table("AttributionTouch", "tc")
    touched = all_of([*scope, put(t("campaign_id"), " = ", request.parent)])
    return [
        put(customer, " = ANY (ARRAY(SELECT ", t("customer_id"), " FROM ", table, " WHERE ", touched, "))")
    ]


def _coin(request: AggregateRequest) -> Sql:
    """The smallest part of a value, in ten-thousandths."""
    group, scope, g = request.table("CustomerGroup", "gd")
    none, three = ("'{" + ",".join(sorted(some)) + "}'" for some in (NO_DIGITS, THREE_DIGITS))
    coin = put("(SELECT CASE WHEN ", g("currency"), f" = ANY ({none}) THEN {ONE} WHEN ", g("currency"),
               f" = ANY ({three}) THEN 10 ELSE 100 END FROM ", group, " WHERE ", all_of(scope), ")")  # fmt: skip
    finer = " ".join(f"WHEN v.value % {unit} = 0 THEN {unit}" for unit in (1000, 100, 10))
    return put(
        "CASE WHEN v.kind = 'state' THEN 1 WHEN v.value % ", coin, " = 0 THEN ", coin, f" {finer} ELSE 1 END"
    )


def _project_id(text: Any) -> object:
    return read_id("proj", text)
