"""The state of a spend limit: what was spent in its period, what remains, and when the cap is reached at this rate.

Figures are as of the request, in the store's time zone, added up from the ledger by the statement itself. Spent is what
the ledger has up to today; lines of days to come, such as those of an outlay that still runs, are planned.
"""

from typing import Any

from app.graph.declaring.described import object_type
from app.graph.declaring.fields import aggregate, amount_of, column, computed, embed, is_set
from app.graph.declaring.nodes import Money
from app.graph.declaring.scalars import Date, Rate
from app.plan.catalog import AggregateRequest
from app.plan.kinds import rate
from app.plan.sql import NOW, Row, Select, Sql, sql, whole

LEAST_S = 3600
"""A rate is over an hour at least, so that the first entry of a day does not stand for the whole of it."""
FAR_S = 3_000_000_000
"""Some 95 years: what is farther off is never reached."""


@object_type
class SpendPacing:
    """How fast a capped campaign spends, going by its present period."""

    per_day: Money = embed(
        "What it spends a day: the period's spend over the time that has passed of it, an hour at least; of a"
        " lifetime, since the first day something was spent.",
        amount=amount_of("per_day"),
        currency="currency",
    )
    used_share: Rate | None = computed(
        "How much of the cap is spent in the present period, in percent; more than 100 where it is more than spent;"
        " null: a cap of nothing.",
        lambda row: row("used_share"),
        kind=rate(1),
    )
    cap_reached_on: Date | None = column(
        "The day the cap is reached at this rate, or was; null: not before the period ends, or nothing is spent."
    )


def spent_in_period(description: str) -> Any:
    """The ledger's sum over the current period, up to today."""
    return aggregate(description, _standing, amount=amount_of("spent"), currency="currency")


def planned_in_period(description: str) -> Any:
    """The ledger's sum over the days to come of the current period."""
    return aggregate(description, _standing, amount=amount_of("planned"), currency="currency")


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
    """The rate, and when it reaches the cap."""
    return aggregate(description, _standing, present=is_set("cap"))


def _standing(request: AggregateRequest) -> Select:
    """One row per limit: `w` is the moment in the store's zone, `span` the period, `m` what was spent in it."""
    assert request.parent is not None
    limit = request.table("SpendLimit", "l")
    entry = request.table("SpendEntry", "e")
    joins = sql(
        """
        JOIN {c} ON {c.scope} AND {c.id} = {l.campaign_id}
        JOIN {s} ON {s.scope} AND {s.id} = {c.store_id}
        JOIN {g} ON {g.scope}
        CROSS JOIN LATERAL (SELECT {now} AT TIME ZONE coalesce({s.time_zone}, {g.time_zone}) AS at) w
        CROSS JOIN LATERAL (
            SELECT
                CASE {l.renewal}
                    WHEN 'daily' THEN date_trunc('day', w.at)
                    WHEN 'monthly' THEN date_trunc('month', w.at)
                END AS since,
                CASE {l.renewal}
                    WHEN 'daily' THEN date_trunc('day', w.at) + interval '1 day'
                    WHEN 'monthly' THEN date_trunc('month', w.at) + interval '1 month'
                END AS until
        ) span
        CROSS JOIN LATERAL (
            SELECT
                coalesce(sum({e.amount}) FILTER (WHERE {e.day} <= w.at::date), 0) AS spent,
                coalesce(sum({e.amount}) FILTER (WHERE {e.day} > w.at::date), 0) AS planned,
                min({e.day}) FILTER (WHERE {e.day} <= w.at::date) AS first_day
            FROM {e} WHERE {e.scope} AND {in_period}
        ) m
        """,
        l=limit,
        c=request.table("Campaign", "c"),
        s=request.table("Store", "s"),
        g=request.table("CustomerGroup", "g"),
        now=NOW,
        e=entry,
        in_period=_in_period(entry),
    )
    cap = limit("amount")
    names = {
        "currency": limit("currency"),
        "cap": cap,
        "spent": sql("m.spent"),
        "planned": sql("m.planned"),
        # `greatest` ignores NULL: without a cap nothing can remain.
        "remaining": sql("CASE WHEN {cap} IS NOT NULL THEN greatest({cap} - m.spent, 0) END", cap=cap),
        "per_day": sql("round(m.spent * 86400 / {elapsed}, 4)", elapsed=_ELAPSED),
        "used_share": sql("100.0 * m.spent / nullif({cap}, 0)", cap=cap),
        "cap_reached_on": _reached(request, cap),
    }
    of_limit = sql("{l.id} = {parent}", l=limit, parent=request.parent)
    return Select(names, limit, [of_limit], joins=joins)


_START = sql("coalesce(span.since, m.first_day::timestamp)")
_ELAPSED = sql("greatest(extract(epoch FROM w.at - {start}), {least})", start=_START, least=whole(LEAST_S))


def _in_period(entry: Row) -> Sql:
    """A line of the ledger is the limit's campaign's and dated in the period."""
    return sql(
        """
        {e.campaign_id} = l.campaign_id
        AND {e.day} >= coalesce(span.since::date, '-infinity')
        AND {e.day} < coalesce(span.until::date, 'infinity')
        """,
        e=entry,
    )


def _reached(request: AggregateRequest, cap: Sql) -> Sql:
    """The day it was reached, if it was; else where the line from the period's start leads, if inside the period."""
    entry = request.table("SpendEntry", "f")
    seconds = sql("{elapsed} * {cap} / nullif(m.spent, 0)", elapsed=_ELAPSED, cap=cap)
    return sql(
        """
        CASE
            WHEN m.spent >= {cap} THEN (
                SELECT min(r.day)
                FROM (
                    SELECT {f.day}, sum(sum({f.amount})) OVER (ORDER BY {f.day}) AS so_far
                    FROM {f} WHERE {f.scope} AND {in_period} AND {f.day} <= w.at::date GROUP BY {f.day}
                ) r
                WHERE r.so_far >= {cap}
            )
            WHEN m.spent > 0 AND {seconds} < {far} THEN
                CASE WHEN {led_to} < coalesce(span.until, 'infinity') THEN {led_to}::date END
        END
        """,
        cap=cap,
        f=entry,
        in_period=_in_period(entry),
        seconds=seconds,
        far=whole(FAR_S),
        led_to=sql("({start} + make_interval(secs => ({seconds})::float8))", start=_START, seconds=seconds),
    )
