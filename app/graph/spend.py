"""Where a spend limit stands: what was spent in its period, what remains, when the cap is reached at this rate.

Figures are those of the request's moment, in the store's time zone, added up from the ledger by the statement itself.
"""

from typing import Any

import strawberry

from app.graph.declare import aggregate, amount_of, column, embed, is_set
from app.graph.nodes import Money
from app.graph.scalars import Date
from app.plan.catalog import AggregateRequest
from app.plan.sql import NOW, Select, Sql, all_of, put

LEAST_S = 3600
"""A rate is over an hour at least, so that the first entry of a day does not stand for the whole of it."""
FAR_S = 3_000_000_000
"""Some 95 years: what is farther off is never reached."""


@strawberry.type(description="How fast a capped campaign spends, going by its present period.")
class SpendPacing:
    """How fast a capped campaign spends."""

    per_day: Money = embed(
        "What it spends a day: the period's spend over the time that has passed of it, an hour at least; of a"
        " lifetime, since the first day something was spent.",
        amount=amount_of("per_day"),
        currency="currency",
    )
    cap_reached_on: Date | None = column(
        "The day the cap is reached at this rate, or was; null: not before the period ends, or nothing is spent."
    )


def spent_in_period(description: str) -> Any:
    """The ledger's sum over the present period."""
    return aggregate(description, _standing, amount=amount_of("spent"), currency="currency")


def remaining(description: str) -> Any:
    """What is left of the cap."""
    return aggregate(
        description,
        _standing,
        present=is_set("remaining"),
        amount=amount_of("remaining"),
        currency="currency",
    )


def pacing(description: str) -> Any:
    """The rate, and where it leads."""
    return aggregate(description, _standing, present=is_set("cap"))


def _standing(request: AggregateRequest) -> Select:
    """One row per limit: `w` is the moment in the store's zone, `span` the period, `m` what was spent in it."""
    assert request.parent is not None
    limit, limit_scope, own = request.table("SpendLimit", "l")
    campaign, campaign_scope, c = request.table("Campaign", "c")
    store, store_scope, s = request.table("Store", "s")
    group, group_scope, g = request.table("CustomerGroup", "g")
    entry, in_period, e = _entries(request, "e")
    source = put(
        limit,
        " JOIN ", campaign, " ON ", all_of([*campaign_scope, put(c("id"), " = ", own("campaign_id"))]),
        " JOIN ", store, " ON ", all_of([*store_scope, put(s("id"), " = ", c("store_id"))]),
        " JOIN ", group, " ON ", all_of(group_scope),
        " CROSS JOIN LATERAL (SELECT ", NOW, " AT TIME ZONE coalesce(",
        s("time_zone"), ", ", g("time_zone"), ") AS at) w",
        " CROSS JOIN LATERAL (SELECT", _by_renewal(own("renewal"), "", ""), " AS since,",
        _by_renewal(own("renewal"), " + interval '1 day'", " + interval '1 month'"), " AS until) span",
        " CROSS JOIN LATERAL (SELECT coalesce(sum(", e("amount"), "), 0) AS spent, min(", e("day"),
        ") AS first_day FROM ", entry, " WHERE ", all_of(in_period), ") m",
    )  # fmt: skip
    cap = own("amount")
    names = {
        "currency": own("currency"),
        "cap": cap,
        "spent": put("m.spent"),
        "remaining": put("greatest(", cap, " - m.spent, 0)"),
        "per_day": put(f"round(m.spent * 86400 / {_ELAPSED}, 4)"),
        "cap_reached_on": _reached(request, cap),
    }
    # A `greatest` passes NULL over: without a cap there is nothing that could remain.
    names["remaining"] = put("CASE WHEN ", cap, " IS NOT NULL THEN ", names["remaining"], " END")
    return Select(names, source, [*limit_scope, put(own("id"), " = ", request.parent)])


_START = "coalesce(span.since, m.first_day::timestamp)"
_ELAPSED = f"greatest(extract(epoch FROM w.at - {_START}), {LEAST_S})"


def _by_renewal(renewal: Sql, day: str, month: str) -> Sql:
    return put(
        " CASE ", renewal, f" WHEN 'daily' THEN date_trunc('day', w.at){day}"
        f" WHEN 'monthly' THEN date_trunc('month', w.at){month} END",
    )  # fmt: skip


def _entries(request: AggregateRequest, alias: str) -> tuple[Sql, list[Sql], Any]:
    """The ledger's lines of the limit's campaign dated in the period."""
    entry, scope, e = request.table("SpendEntry", alias)
    in_period = [
        *scope,
        put(e("campaign_id"), " = l.campaign_id"),
        put(e("day"), " >= coalesce(span.since::date, '-infinity')"),
        put(e("day"), " < coalesce(span.until::date, 'infinity')"),
    ]
    return entry, in_period, e


def _reached(request: AggregateRequest, cap: Sql) -> Sql:
    """The day it happened, where it did; else where the line from the period's start leads, if that is inside."""
    entry, in_period, e = _entries(request, "f")
    happened = put(
        "(SELECT min(r.day) FROM (SELECT ", e("day"), ", sum(sum(", e("amount"), ")) OVER (ORDER BY ", e("day"),
        ") AS so_far FROM ", entry, " WHERE ", all_of(in_period), " GROUP BY ", e("day"),
        ") r WHERE r.so_far >= ", cap, ")",
    )  # fmt: skip
    seconds = put(f"{_ELAPSED} * ", cap, " / nullif(m.spent, 0)")
    led_to = put(f"({_START} + make_interval(secs => (", seconds, ")::float8))")
    return put(
        "CASE WHEN m.spent >= ", cap, " THEN ", happened,
        " WHEN m.spent > 0 AND ", seconds, f" < {FAR_S} THEN CASE WHEN ", led_to,
        " < coalesce(span.until, 'infinity') THEN ", led_to, "::date END END",
    )  # fmt: skip
