"""The attribution models in SQL: each event's worth shared among the touches of its customer's journey.

The same coins as `domain/attribution/models.py`, which says what the models are; a property test holds them together.
Journeys are read from the index of interactions alone, customer by customer. What no touch led to is direct.
"""

from collections.abc import Callable

from app.domain.attribution.models import WHOLE, Model
from app.plan.catalog import AggregateRequest
from app.plan.sql import Sql, all_of, sql

# Decimals of a part → its unit. Amounts have four at most.
_UNIT = "('{{1,0.1,0.01,0.001,0.0001}}'::numeric[])[{0}.digits + 1]"
_COINS = "('{{1,10,100,1000,10000}}'::numeric[])[{0}.digits + 1]"
CREDIT_COINS = "10000"
"""An event as a whole, in the parts of it that conversions are told in."""


def shares(request: AggregateRequest, worth: Sql, *, window: Sql, half_life_us: Sql) -> Sql:
    """A SELECT of `campaign_id` (NULL: direct), `at`, `key`, `value` and `credit`, per event and touch.

    `worth` selects what is shared: `ref` and `key` (together unique), `project_id`, `customer_id`, `at`, `value`, and
    the `digits` of its smallest part. `credit` is the same share of 1, to four decimals.
    """
    model = Model(request.args.structural("model").value)
    if model in (Model.FIRST_TOUCH, Model.LAST_TOUCH, Model.LAST_NON_DIRECT):
        chosen = _one_touch(request, model, window)
        return sql(
            "SELECT ",
            chosen,
            " AS campaign_id, s.at, s.key, s.value, 1::numeric AS credit FROM (",
            worth,
            ") s",
        )
    touched = (
        _decayed(_touches(request, worth, window, timed=True), half_life_us)
        if model is Model.TIME_DECAY
        else _ranked(_touches(request, worth, window, timed=False), model)
    )
    value = f"sign(r.value) * (r.value_base + (r.value_rank <= r.value_left)::int) * {_UNIT.format('r')}"
    credit = "(r.credit_base + (r.credit_rank <= r.credit_left)::int) * 0.0001"
    return sql(
        f"SELECT r.campaign_id, r.at, r.key, {value} AS value, {credit} AS credit FROM (", touched, ") r"
    )


def _one_touch(request: AggregateRequest, model: Model, window: Sql) -> Sql:
    """The campaign of the one touch that counts."""
    table, where, t = _journey(request, window)
    if model is Model.LAST_NON_DIRECT:
        where.append(sql(t("campaign_id"), " IS NOT NULL"))
    way = "" if model is Model.FIRST_TOUCH else " DESC"
    return sql("(SELECT ", t("campaign_id"), " FROM ", table, " WHERE ", all_of(where), " ORDER BY ", t("occurred_at"),
               f"{way}, ", t("id"), f"{way} LIMIT 1)")  # fmt: skip


def _touches(request: AggregateRequest, worth: Sql, window: Sql, *, timed: bool) -> Sql:
    """A row per event and touch: its place, how many there are, how long before the last one it was."""
    table, where, t = _journey(request, window)
    order = sql(" ORDER BY ", t("occurred_at"), ", ", t("id"))
    # An event without touches has one that is direct.
    arrays = sql("coalesce(array_agg(", t("campaign_id"), order, "), '{NULL}') AS campaigns")
    names, given = "campaign_id", "j.campaigns"
    if timed:
        arrays = sql(arrays, ", coalesce(array_agg(", t("occurred_at"), order, "), '{NULL}') AS moments")
        names, given = "campaign_id, moment", "j.campaigns, j.moments"
    age = (
        ", coalesce(extract(epoch FROM j.moments[cardinality(j.moments)] - u.moment) * 1000000, 0) AS age_us"
        if timed
        else ""
    )
    coins = f"trunc(abs(s.value) * {_COINS.format('s')})"
    return sql(
        f"SELECT s.ref, s.key, s.at, s.value, s.digits, {coins} AS value_coins, {CREDIT_COINS}::numeric"
        f" AS credit_coins, u.campaign_id, u.place, cardinality(j.campaigns) AS n{age} FROM (", worth, ") s"
        " CROSS JOIN LATERAL (SELECT ", arrays, " FROM ", table, " WHERE ", all_of(where), ") j"
        f" CROSS JOIN LATERAL unnest({given}) WITH ORDINALITY u({names}, place)",
    )  # fmt: skip


def _journey(request: AggregateRequest, window: Sql) -> tuple[Sql, list[Sql], Callable[[str], Sql]]:
    table, scope, t = request.table("AttributionTouch", "t")
    where = [
        *scope,
        sql(t("customer_id"), " = s.customer_id"),
        sql(t("project_id"), " = s.project_id"),
        sql(t("occurred_at"), " <= s.at"),
        sql(t("occurred_at"), " >= s.at - ", window),
    ]
    return table, where, t


def _ranked(touches: Sql, model: Model) -> Sql:
    """Linear and position-based: weights are so few that it can be said who is rounded up, without sorting."""
    build = _position if model is Model.POSITION_BASED else _linear
    columns = [f"{build(f't.{of}_coins', of)}" for of in ("value", "credit")]
    return sql(
        "SELECT t.campaign_id, t.at, t.key, t.value, t.digits, " + ", ".join(columns) + " FROM (",
        touches,
        ") t",
    )


def _linear(coins: str, of: str) -> str:
    # All fractions are the same, so the earliest are rounded up.
    return f"div({coins}, t.n) AS {of}_base, t.place AS {of}_rank, {coins} % t.n AS {of}_left"


def _position(coins: str, of: str) -> str:
    """The ends have weight 2m each and what lies between 1, of 5m, where m lie between."""
    middle = "(t.n - 2)"
    end, mid = f"div({coins} * 2, 5)", f"div({coins}, 5 * {middle})"
    end_rest, mid_rest = f"{middle} * (({coins} * 2) % 5)", f"({coins} % (5 * {middle}))"
    ends_first = "CASE t.place WHEN 1 THEN 1 WHEN t.n THEN 2 ELSE t.place + 1 END"
    ends_last = "CASE t.place WHEN 1 THEN t.n - 1 WHEN t.n THEN t.n ELSE t.place - 1 END"
    rank = (
        f"CASE WHEN {end_rest} > {mid_rest} THEN {ends_first} WHEN {end_rest} < {mid_rest} THEN {ends_last}"
        " ELSE t.place END"
    )
    base = f"CASE WHEN t.place IN (1, t.n) THEN {end} ELSE {mid} END"
    left = f"{coins} - 2 * {end} - {middle} * {mid}"
    return (
        f"CASE WHEN t.n < 3 THEN div({coins}, t.n) ELSE {base} END AS {of}_base,"
        f" CASE WHEN t.n < 3 THEN t.place ELSE {rank} END AS {of}_rank,"
        f" CASE WHEN t.n < 3 THEN {coins} % t.n ELSE {left} END AS {of}_left"
    )


def _decayed(touches: Sql, half_life_us: Sql) -> Sql:
    """Time decay: every touch its own weight, so the fractions of each event are put in order."""
    event = "PARTITION BY {0}.ref, {0}.key"
    weight = sql(
        f"trunc({WHOLE} * power(2::float8, -least(100, t.age_us::float8 / ", half_life_us, "::float8)))::numeric"
    )  # fmt: skip
    weighed = sql("SELECT t.*, ", weight, " AS weight FROM (", touches, ") t")
    whole = sql(f"SELECT w.*, sum(w.weight) OVER ({event.format('w')}) AS weights FROM (", weighed, ") w")
    based = sql("SELECT b.*, div(b.value_coins * b.weight, b.weights) AS value_base,"
                " (b.value_coins * b.weight) % b.weights AS value_rest,"
                " div(b.credit_coins * b.weight, b.weights) AS credit_base,"
                " (b.credit_coins * b.weight) % b.weights AS credit_rest FROM (", whole, ") b")  # fmt: skip
    columns = ", ".join(
        f"d.{of}_base, d.{of}_coins - sum(d.{of}_base) OVER ({event.format('d')}) AS {of}_left,"
        f" row_number() OVER ({event.format('d')} ORDER BY d.{of}_rest DESC, d.place) AS {of}_rank"
        for of in ("value", "credit")
    )
    return sql(f"SELECT d.campaign_id, d.at, d.key, d.value, d.digits, {columns} FROM (", based, ") d")
