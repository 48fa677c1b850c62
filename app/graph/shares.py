"""The attribution models in SQL: each event's worth shared among the touches of its customer's journey.

The same coins as `domain/attribution/models.py`, which says what the models are; a property test holds them together.
Journeys are read from the index of interactions alone, customer by customer. What no touch led to is direct.

Amounts are whole numbers of ten-thousandths, the finest that is stored: 64 bits hold the largest, and are far quicker
than `numeric`.
"""

from collections.abc import Callable, Sequence

from app.domain.attribution.models import WHOLE, Model
from app.plan.catalog import AggregateRequest
from app.plan.sql import Sql, all_of, put

ONE = 10_000
"""Of what amounts are told in."""
_COINS = f"abs(s.value) / s.coin AS value_coins, {ONE}::bigint AS credit_coins"


def shares(request: AggregateRequest, worth: Sql, *, window: Sql, half_life_us: Sql, credit: bool) -> Sql:
    """A SELECT of `campaign_id` (NULL: direct), `at`, `key`, `value` and `credit`, per event and touch.

    `worth` selects what is shared: `key`, `project_id`, `customer_id`, `at`, `value` (in ten-thousandths), and the
    `coin` it is shared in. `credit` is the same share of an event, 0 unless asked for.
    """
    model = Model(request.args.structural("model").value)
    if model in (Model.FIRST_TOUCH, Model.LAST_TOUCH, Model.LAST_NON_DIRECT):
        chosen = _one_touch(request, model, window)
        whole = ONE if credit else 0
        return put(
            "SELECT ",
            chosen,
            f" AS campaign_id, s.at, s.key, s.value, {whole} AS credit FROM (",
            worth,
            ") s",
        )
    shared = ("value", "credit") if credit else ("value",)
    if model is Model.TIME_DECAY:
        touched = _decayed(_timed(request, worth, window), half_life_us, shared)
    else:
        touched = _ranked(_touches(request, worth, window), model, shared)
    value = "CASE WHEN r.value < 0 THEN -r.coin ELSE r.coin END * (r.value_base + (r.value_rank <= r.value_left)::int)"
    part = "r.credit_base + (r.credit_rank <= r.credit_left)::int" if credit else "0"
    return put(
        f"SELECT r.campaign_id, r.at, r.key, {value} AS value, {part} AS credit FROM (", touched, ") r"
    )


def _one_touch(request: AggregateRequest, model: Model, window: Sql) -> Sql:
    """The campaign of the one touch that counts."""
    table, where, t = _journey(request, window)
    if model is Model.LAST_NON_DIRECT:
        where.append(put(t("campaign_id"), " IS NOT NULL"))
    way = "" if model is Model.FIRST_TOUCH else " DESC"
    return put("(SELECT ", t("campaign_id"), " FROM ", table, " WHERE ", all_of(where), " ORDER BY ", t("occurred_at"),
               f"{way}, ", t("id"), f"{way} LIMIT 1)")  # fmt: skip


def _touches(request: AggregateRequest, worth: Sql, window: Sql) -> Sql:
    """A row per event and touch: its place, and how many there are. An event without touches has one, direct."""
    table, where, t = _journey(request, window)
    order = put(" ORDER BY ", t("occurred_at"), ", ", t("id"))
    campaigns = put("coalesce(array_agg(", t("campaign_id"), order, "), '{NULL}') AS campaigns")
    return put(
        f"SELECT s.at, s.key, s.value, s.coin, {_COINS}, u.campaign_id, u.place, cardinality(j.campaigns) AS n FROM (",
        worth, ") s CROSS JOIN LATERAL (SELECT ", campaigns, " FROM ", table, " WHERE ", all_of(where), ") j"
        " CROSS JOIN LATERAL unnest(j.campaigns) WITH ORDINALITY u(campaign_id, place)",
    )  # fmt: skip


def _timed(request: AggregateRequest, worth: Sql, window: Sql) -> Sql:
    """A row per event and touch: its place, and how long before the last one it was. `ref` tells events apart."""
    table, where, t = _journey(request, window, of="n")
    # OFFSET 0: customer by customer, however many events a window is expected to have.
    journeys = put(
        "SELECT n.ref, n.at, n.key, n.value, n.coin, j.campaign_id, j.moment, j.touch FROM"
        " (SELECT s.*, row_number() OVER () AS ref FROM (", worth, ") s) n LEFT JOIN LATERAL"
        " (SELECT ", t("campaign_id"), ", ", t("occurred_at"), " AS moment, ", t("id"), " AS touch FROM ", table,
        " WHERE ", all_of(where), " OFFSET 0) j ON true",
    )  # fmt: skip
    age = "round(date_part('epoch', max(s.moment) OVER (PARTITION BY s.ref) - s.moment) * 1000000)"
    place = "row_number() OVER (PARTITION BY s.ref ORDER BY s.moment, s.touch)"
    return put(f"SELECT s.ref, s.at, s.key, s.value, s.coin, {_COINS}, s.campaign_id, {place} AS place,"
               f" coalesce({age}, 0) AS age_us FROM (", journeys, ") s")  # fmt: skip


def _journey(
    request: AggregateRequest, window: Sql, *, of: str = "s"
) -> tuple[Sql, list[Sql], Callable[[str], Sql]]:
    table, scope, t = request.table("AttributionTouch", "t")
    where = [
        *scope,
        put(t("customer_id"), f" = {of}.customer_id"),
        put(t("project_id"), f" = {of}.project_id"),
        put(t("occurred_at"), f" <= {of}.at"),
        put(t("occurred_at"), f" >= {of}.at - ", window),
    ]
    return table, where, t


def _ranked(touches: Sql, model: Model, shared: Sequence[str]) -> Sql:
    """Linear and position-based: weights are so few that it can be said who is rounded up, without sorting."""
    build = _position if model is Model.POSITION_BASED else _linear
    columns = ", ".join(build(f"t.{of}_coins", of) for of in shared)
    return put(f"SELECT t.campaign_id, t.at, t.key, t.value, t.coin, {columns} FROM (", touches, ") t")


def _linear(coins: str, of: str) -> str:
    # All fractions are the same, so the earliest are rounded up.
    return f"{coins} / t.n AS {of}_base, t.place AS {of}_rank, {coins} % t.n AS {of}_left"


def _position(coins: str, of: str) -> str:
    """The ends have weight 2m each and what lies between 1, of 5m, where m lie between."""
    middle = "(t.n - 2)"
    end, mid = f"({coins} * 2 / 5)", f"({coins} / (5 * {middle}))"
    end_rest, mid_rest = f"{middle} * (({coins} * 2) % 5)", f"{coins} % (5 * {middle})"
    ends_first = "CASE t.place WHEN 1 THEN 1 WHEN t.n THEN 2 ELSE t.place + 1 END"
    ends_last = "CASE t.place WHEN 1 THEN t.n - 1 WHEN t.n THEN t.n ELSE t.place - 1 END"
    rank = (
        f"CASE WHEN {end_rest} > {mid_rest} THEN {ends_first} WHEN {end_rest} < {mid_rest} THEN {ends_last}"
        " ELSE t.place END"
    )
    base = f"CASE WHEN t.place IN (1, t.n) THEN {end} ELSE {mid} END"
    left = f"{coins} - 2 * {end} - {middle} * {mid}"
    return (
        f"CASE WHEN t.n < 3 THEN {coins} / t.n ELSE {base} END AS {of}_base,"
        f" CASE WHEN t.n < 3 THEN t.place ELSE {rank} END AS {of}_rank,"
        f" CASE WHEN t.n < 3 THEN {coins} % t.n ELSE {left} END AS {of}_left"
    )


def _decayed(touches: Sql, half_life_us: Sql, shared: Sequence[str]) -> Sql:
    """Time decay: every touch its own weight, so the fractions of each event are put in order."""
    weight = put(
        f"trunc({WHOLE} * power(2::float8, -least(100, t.age_us / ",
        half_life_us,
        "::float8)))::bigint",
    )
    weighed = put("SELECT t.*, ", weight, " AS weight FROM (", touches, ") t")
    whole = put(
        "SELECT w.*, sum(w.weight) OVER (PARTITION BY w.ref)::bigint AS weights FROM (", weighed, ") w"
    )
    based = put("SELECT b.*, " + ", ".join(_based(of) for of in shared) + " FROM (", whole, ") b")
    rests = put("SELECT c.*, " + ", ".join(_rest(of) for of in shared) + " FROM (", based, ") c")
    columns = ", ".join(
        f"d.{of}_base, d.{of}_coins - sum(d.{of}_base) OVER (PARTITION BY d.ref)::bigint AS {of}_left,"
        f" row_number() OVER (PARTITION BY d.ref ORDER BY d.{of}_rest DESC, d.place) AS {of}_rank"
        for of in shared
    )
    return put(f"SELECT d.campaign_id, d.at, d.key, d.value, d.coin, {columns} FROM (", rests, ") d")


_FITS = 2**62 // WHOLE
"""Coins that can be multiplied by a weight in 64 bits."""


def _based(of: str) -> str:
    """The share rounded down."""
    coins = f"b.{of}_coins"
    return (
        f"CASE WHEN {coins} < {_FITS} THEN {coins} * b.weight / b.weights"
        f" ELSE div({coins}::numeric * b.weight, b.weights)::bigint END AS {of}_base"
    )


def _rest(of: str) -> str:
    """What that left over, in parts of a coin."""
    coins = f"c.{of}_coins"
    return (
        f"CASE WHEN {coins} < {_FITS} THEN {coins} * c.weight % c.weights"
        f" ELSE ({coins}::numeric * c.weight % c.weights)::bigint END AS {of}_rest"
    )
