"""The attribution models in SQL: each event's worth shared among the touches of its customer's journey.

The same coins as `domain/attribution/models.py`, which says what the models are; a property test holds them together.
Journeys are read from the index of interactions alone, customer by customer. What no touch led to is direct.

Amounts are whole numbers of ten-thousandths, the finest that is stored: 64 bits hold the largest, and are far quicker
than `numeric`.
"""

from collections.abc import Callable, Sequence

from app.domain.attribution.models import WHOLE, Model
from app.plan.catalog import AggregateRequest
from app.plan.sql import NOTHING, Sql, Table, joined, sql, whole

ONE = 10_000
"""Of what amounts are told in."""


def shares(request: AggregateRequest, worth: Sql, *, window: Sql, half_life_us: Sql, credit: bool) -> Sql:
    """A SELECT of `campaign_id` (NULL: direct), `at`, `key`, `value` and `credit`, per event and touch.

    `worth` selects what is shared: `key`, `project_id`, `customer_id`, `at`, `value` (in ten-thousandths), and the
    `coin` it is shared in. `credit` is the same share of an event, 0 unless asked for.
    """
    model = Model(request.args.structural("model").value)
    if model in (Model.FIRST_TOUCH, Model.LAST_TOUCH, Model.LAST_NON_DIRECT):
        return sql(
            "SELECT {chosen} AS campaign_id, s.at, s.key, s.value, {credit} AS credit FROM ({worth}) s",
            chosen=_one_touch(request, model, window),
            credit=whole(ONE if credit else 0),
            worth=worth,
        )
    shared = ("value", "credit") if credit else ("value",)
    if model is Model.TIME_DECAY:
        touched = _decayed(_timed(request, worth, window), half_life_us, shared)
    else:
        touched = _ranked(_touches(request, worth, window), model, shared)
    part = sql("r.credit_base + (r.credit_rank <= r.credit_left)::int") if credit else whole(0)
    return sql(
        """
        SELECT
            r.campaign_id, r.at, r.key,
            CASE WHEN r.value < 0 THEN -r.coin ELSE r.coin END
                * (r.value_base + (r.value_rank <= r.value_left)::int) AS value,
            {credit} AS credit
        FROM ({touched}) r
        """,
        credit=part,
        touched=touched,
    )


def _one_touch(request: AggregateRequest, model: Model, window: Sql) -> Sql:
    """The campaign of the one touch that counts."""
    t = request.table("AttributionTouch", "t")
    oldest_first = sql("{t.occurred_at}, {t.id}", t=t)
    latest_first = sql("{t.occurred_at} DESC, {t.id} DESC", t=t)
    return sql(
        """
        (SELECT {t.campaign_id} FROM {t} WHERE {t.scope} AND {in_journey} {of_campaigns} ORDER BY {order} LIMIT 1)
        """,
        t=t,
        in_journey=_in_journey(t, window, of="s"),
        of_campaigns=sql("AND {t.campaign_id} IS NOT NULL", t=t)
        if model is Model.LAST_NON_DIRECT
        else NOTHING,
        order=oldest_first if model is Model.FIRST_TOUCH else latest_first,
    )


def _touches(request: AggregateRequest, worth: Sql, window: Sql) -> Sql:
    """A row per event and touch: its place, and how many there are. An event without touches has one, direct."""
    t = request.table("AttributionTouch", "t")
    return sql(
        """
        SELECT s.at, s.key, s.value, s.coin, {coins}, u.campaign_id, u.place, cardinality(j.campaigns) AS n
        FROM ({worth}) s
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg({t.campaign_id} ORDER BY {t.occurred_at}, {t.id}), '{{NULL}}') AS campaigns
            FROM {t} WHERE {t.scope} AND {in_journey}
        ) j
        CROSS JOIN LATERAL unnest(j.campaigns) WITH ORDINALITY u(campaign_id, place)
        """,
        coins=_COINS,
        worth=worth,
        t=t,
        in_journey=_in_journey(t, window, of="s"),
    )


def _timed(request: AggregateRequest, worth: Sql, window: Sql) -> Sql:
    """A row per event and touch: its place, and how long before the last one it was. `ref` tells events apart."""
    t = request.table("AttributionTouch", "t")
    journeys = sql(
        """
        SELECT n.ref, n.at, n.key, n.value, n.coin, j.campaign_id, j.moment, j.touch
        FROM (SELECT s.*, row_number() OVER () AS ref FROM ({worth}) s) n
        LEFT JOIN LATERAL (
            SELECT {t.campaign_id}, {t.occurred_at} AS moment, {t.id} AS touch
            FROM {t} WHERE {t.scope} AND {in_journey}
            OFFSET 0  -- customer by customer, however many events a window is expected to have
        ) j ON true
        """,
        worth=worth,
        t=t,
        in_journey=_in_journey(t, window, of="n"),
    )
    return sql(
        """
        SELECT
            s.ref, s.at, s.key, s.value, s.coin, {coins}, s.campaign_id,
            row_number() OVER (PARTITION BY s.ref ORDER BY s.moment, s.touch) AS place,
            coalesce(
                round(date_part('epoch', max(s.moment) OVER (PARTITION BY s.ref) - s.moment) * 1000000), 0
            ) AS age_us
        FROM ({journeys}) s
        """,
        coins=_COINS,
        journeys=journeys,
    )


_COINS = sql("abs(s.value) / s.coin AS value_coins, {one}::bigint AS credit_coins", one=whole(ONE))


def _in_journey(t: Table, window: Sql, *, of: str) -> Sql:
    """A touch is the customer's, in the event's project, and inside the window before it."""
    return sql(
        """
        {t.customer_id} = {of}.customer_id AND {t.project_id} = {of}.project_id
        AND {t.occurred_at} <= {of}.at AND {t.occurred_at} >= {of}.at - {window}
        """,
        t=t,
        of=of,
        window=window,
    )


def _ranked(touches: Sql, model: Model, shared: Sequence[str]) -> Sql:
    """Linear and position-based: weights are so few that it can be said who is rounded up, without sorting."""
    build = _position if model is Model.POSITION_BASED else _linear
    return sql(
        "SELECT t.campaign_id, t.at, t.key, t.value, t.coin, {columns} FROM ({touches}) t",
        columns=_each(build, shared),
        touches=touches,
    )


def _each(build: Callable[[str], Sql], shared: Sequence[str]) -> Sql:
    """Columns for everything that is shared."""
    return joined(", ", [build(of) for of in shared])


def _linear(of: str) -> Sql:
    # All fractions are the same, so the earliest are rounded up.
    return sql(
        "t.{of}_coins / t.n AS {of}_base, t.place AS {of}_rank, t.{of}_coins % t.n AS {of}_left",
        of=of,
    )


def _position(of: str) -> Sql:
    """The ends have weight 2m each and what lies between 1, of 5m, where m lie between."""
    coins, between = f"t.{of}_coins", sql("(t.n - 2)")
    return sql(
        """
        CASE WHEN t.n < 3 THEN {coins} / t.n
            ELSE CASE WHEN t.place IN (1, t.n) THEN {end} ELSE {middle} END END AS {of}_base,
        CASE WHEN t.n < 3 THEN t.place
            ELSE CASE
                WHEN {end_rest} > {middle_rest}
                    THEN CASE t.place WHEN 1 THEN 1 WHEN t.n THEN 2 ELSE t.place + 1 END
                WHEN {end_rest} < {middle_rest}
                    THEN CASE t.place WHEN 1 THEN t.n - 1 WHEN t.n THEN t.n ELSE t.place - 1 END
                ELSE t.place END END AS {of}_rank,
        CASE WHEN t.n < 3 THEN {coins} % t.n
            ELSE {coins} - 2 * {end} - {between} * {middle} END AS {of}_left
        """,
        of=of,
        coins=coins,
        between=between,
        end=sql("({coins} * 2 / 5)", coins=coins),
        middle=sql("({coins} / (5 * {between}))", coins=coins, between=between),
        end_rest=sql("{between} * (({coins} * 2) % 5)", coins=coins, between=between),
        middle_rest=sql("{coins} % (5 * {between})", coins=coins, between=between),
    )


def _decayed(touches: Sql, half_life_us: Sql, shared: Sequence[str]) -> Sql:
    """Time decay: every touch its own weight, so the fractions of each event are put in order."""
    weighed = sql(
        """
        SELECT t.*, trunc({all} * power(2::float8, -least(100, t.age_us / {half_life}::float8)))::bigint AS weight
        FROM ({touches}) t
        """,
        all=whole(WHOLE),
        half_life=half_life_us,
        touches=touches,
    )
    of_all = sql(
        "SELECT w.*, sum(w.weight) OVER (PARTITION BY w.ref)::bigint AS weights FROM ({weighed}) w",
        weighed=weighed,
    )
    based = sql("SELECT b.*, {bases} FROM ({of_all}) b", bases=_each(_base, shared), of_all=of_all)
    rests = sql("SELECT c.*, {rests} FROM ({based}) c", rests=_each(_rest, shared), based=based)
    return sql(
        "SELECT d.campaign_id, d.at, d.key, d.value, d.coin, {columns} FROM ({rests}) d",
        columns=_each(_in_order, shared),
        rests=rests,
    )


def _in_order(of: str) -> Sql:
    return sql(
        """
        d.{of}_base,
        d.{of}_coins - sum(d.{of}_base) OVER (PARTITION BY d.ref)::bigint AS {of}_left,
        row_number() OVER (PARTITION BY d.ref ORDER BY d.{of}_rest DESC, d.place) AS {of}_rank
        """,
        of=of,
    )


_FITS = whole(2**62 // WHOLE)
"""Coins that can be multiplied by a weight in 64 bits."""


def _base(of: str) -> Sql:
    """The share rounded down."""
    return sql(
        """
        CASE WHEN {coins} < {fits} THEN {coins} * b.weight / b.weights
            ELSE div({coins}::numeric * b.weight, b.weights)::bigint END AS {of}_base
        """,
        coins=f"b.{of}_coins",
        fits=_FITS,
        of=of,
    )


def _rest(of: str) -> Sql:
    """What that left over, in parts of a coin."""
    return sql(
        """
        CASE WHEN {coins} < {fits} THEN {coins} * c.weight % c.weights
            ELSE ({coins}::numeric * c.weight % c.weights)::bigint END AS {of}_rest
        """,
        coins=f"c.{of}_coins",
        fits=_FITS,
        of=of,
    )
