"""The attribution models in SQL: what each sale is worth shared among the touches of its customer's journey.

The same coins as in `domain/attribution/models.py`, which defines the models; a property test compares the two.
Journeys are read only from the index of interactions, customer by customer. Sales without touches are direct.

Amounts are whole numbers of ten-thousandths, the finest we store: 64 bits hold the largest, and are far quicker than
`numeric`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.attribution.models import WHOLE, Model
from app.graph.figures.of_projects import projects_of
from app.plan.catalog import AggregateRequest
from app.plan.sql import NOTHING, Sql, Table, joined, sql, whole

ONE = 10_000
"""Of what amounts are told in."""


@dataclass(frozen=True)
class Sharing:
    """How sales are shared, and what is told of each share beside its campaign and value."""

    window: Sql
    """How long before the sale a touch may be."""
    half_life_us: Sql
    carry: Sequence[str]
    """Columns of the sale."""
    credit: bool = False
    """The same share of one sale, 0 where it is not worth more than nothing."""
    channel: bool = False
    """The touch's; where it has none, the one the sale carries, if it is of the campaign the sale carries."""

    @property
    def shared(self) -> tuple[str, ...]:
        """What is shared."""
        return ("value", "credit") if self.credit else ("value",)

    def carried(self, alias: str) -> Sql:
        """The sale's columns, each after a comma."""
        return joined("", [sql(", {alias}.{name}", alias=alias, name=name) for name in self.carry])

    def channelled(self, expression: Sql) -> Sql:
        """The channel's column, after a comma."""
        return sql(", {channel} AS channel", channel=expression if self.channel else sql("NULL::text"))


def shares(request: AggregateRequest, model: Model, worth: Sql, how: Sharing) -> Sql:
    """A SELECT of `campaign_id` (NULL: none), `channel`, `value`, `credit` and what is carried, per sale and touch.

    `worth` selects what is shared: `key`, `project_id` (NULL: touches of all projects in scope), `customer_id`, `at`,
    `value` (in ten-thousandths), the `coin` it is shared in, and the `campaign_id` and `channel` the sale carries.
    """
    if model is Model.CARRIED:
        return _carried(request, worth, how)
    if model in (Model.FIRST_TOUCH, Model.LAST_TOUCH, Model.LAST_NON_DIRECT):
        return _one_touch(request, model, worth, how)
    touches = _touches(request, model, worth, how)
    if model is Model.TIME_DECAY:
        touched = _decayed(touches, how)
    else:
        touched = _ranked(touches, model, how)
    part = sql("r.credit_base + (r.credit_rank <= r.credit_left)::int") if how.credit else whole(0)
    return sql(
        """
        SELECT
            r.campaign_id, r.channel {carried},
            CASE WHEN r.value < 0 THEN -r.coin ELSE r.coin END
                * (r.value_base + (r.value_rank <= r.value_left)::int) AS value,
            {credit} AS credit
        FROM ({touched}) r
        """,
        carried=how.carried("r"),
        credit=part,
        touched=touched,
    )


def _whole_credit(how: Sharing) -> Sql:
    return sql("CASE WHEN s.value > 0 THEN {one} ELSE 0 END", one=whole(ONE)) if how.credit else whole(0)


def _carried(request: AggregateRequest, worth: Sql, how: Sharing) -> Sql:
    """The campaign that the sale carries, whatever its journey; by its own channel, else the last touch's.

    Of a campaign with one channel no touch is asked.
    """
    t, c = request.table("AttributionTouch", "t"), request.table("Campaign", "tc")
    last = sql(
        """
        CASE WHEN s.campaign_id IS NOT NULL THEN coalesce(s.channel, (
            SELECT {t.channel} FROM {t}
            WHERE {t.scope} AND {in_journey} AND {t.campaign_id} = s.campaign_id AND {t.channel} IS NOT NULL
                AND (SELECT cardinality({c.channels}) <> 1 FROM {c} WHERE {c.scope} AND {c.id} = s.campaign_id)
            ORDER BY {t.occurred_at} DESC, {t.id} DESC LIMIT 1
        )) END
        """,
        t=t,
        c=c,
        in_journey=_in_journey(request, t, how),
    )
    return sql(
        "SELECT s.campaign_id {channel} {carried}, s.value, {credit} AS credit FROM ({worth}) s",
        channel=how.channelled(last),
        carried=how.carried("s"),
        credit=_whole_credit(how),
        worth=worth,
    )


def _one_touch(request: AggregateRequest, model: Model, worth: Sql, how: Sharing) -> Sql:
    """The campaign of the one touch that counts."""
    t = request.table("AttributionTouch", "t")
    touch = sql(
        "FROM {t} WHERE {t.scope} AND {in_journey} {known} ORDER BY {order} LIMIT 1",
        t=t,
        in_journey=_in_journey(request, t, how),
        known=sql("AND ({t.campaign_id} IS NOT NULL OR {t.channel} IS NOT NULL)", t=t)
        if model is Model.LAST_NON_DIRECT
        else NOTHING,
        order=sql("{t.occurred_at}, {t.id}", t=t)
        if model is Model.FIRST_TOUCH
        else sql("{t.occurred_at} DESC, {t.id} DESC", t=t),
    )
    if not how.channel:
        return sql(
            """
            SELECT
                (SELECT {campaign} {touch}) AS campaign_id, NULL::text AS channel {carried}, s.value,
                {credit} AS credit
            FROM ({worth}) s
            """,
            campaign=t("campaign_id"),
            touch=touch,
            carried=how.carried("s"),
            credit=_whole_credit(how),
            worth=worth,
        )
    return sql(
        """
        SELECT h.campaign_id, {channel} AS channel {carried}, s.value, {credit} AS credit
        FROM ({worth}) s LEFT JOIN LATERAL (SELECT {campaign}, {touched_by} {touch}) h ON true
        """,
        channel=_channel("h", "s.campaign_id", "s.channel"),
        carried=how.carried("s"),
        credit=_whole_credit(how),
        worth=worth,
        campaign=t("campaign_id"),
        touched_by=t("channel"),
        touch=touch,
    )


def _channel(touch: str, campaign: str, channel: str) -> Sql:
    """The touch's, else the sale's own where it is of the campaign that the sale carries."""
    return sql(
        "coalesce({touch}.channel, CASE WHEN {touch}.campaign_id = {campaign} THEN {channel} END)",
        touch=touch,
        campaign=campaign,
        channel=channel,
    )


def _touches(request: AggregateRequest, model: Model, worth: Sql, how: Sharing) -> Sql:
    """A row per sale and touch: its place, and how many there are. A sale without touches has one, direct.

    Arrays are told apart in the list of columns: as a table each would be kept first, in case it came again.
    """
    t = request.table("AttributionTouch", "t")
    kept, told, ordered = [], [], NOTHING
    if how.channel:
        kept.append(_gathered(t, "channel", "channels", sql("'{{NULL}}'")))
        told.append(
            sql(", unnest(j.channels) AS channel, s.campaign_id AS own_campaign, s.channel AS own_channel")
        )
    if model is Model.TIME_DECAY:
        kept.append(_gathered(t, "occurred_at", "moments", sql("ARRAY[s.at]")))
        told.append(sql(", unnest(j.moments) AS moment, j.moments[cardinality(j.moments)] AS latest, s.ref"))
        # In the order of what tells sales apart, from here on, so that touches need not be sorted by it later.
        ordered = sql("ORDER BY s.ref")
        worth = sql("SELECT n.*, row_number() OVER () AS ref FROM ({worth}) n ORDER BY ref", worth=worth)
    return sql(
        """
        SELECT
            s.value, s.coin, {coins} {carried}, unnest(j.campaigns) AS campaign_id,
            generate_subscripts(j.campaigns, 1) AS place, cardinality(j.campaigns) AS n {told}
        FROM ({worth}) s
        CROSS JOIN LATERAL (
            SELECT {campaigns} {kept}
            FROM {t} WHERE {t.scope} AND {in_journey}
        ) j
        {ordered}
        """,
        coins=joined(", ", [_coins(of) for of in how.shared]),
        carried=how.carried("s"),
        told=joined("", told),
        worth=worth,
        campaigns=_gathered(t, "campaign_id", "campaigns", sql("'{{NULL}}'")),
        kept=joined("", [sql(", {column}", column=column) for column in kept]),
        t=t,
        in_journey=_in_journey(request, t, how),
        ordered=ordered,
    )


def _gathered(t: Table, column: str, name: str, none: Sql) -> Sql:
    """A column of the journey's touches as an array, oldest first; `none` where there are none."""
    return sql(
        "coalesce(array_agg({column} ORDER BY {t.occurred_at}, {t.id}), {none}) AS {name}",
        column=t(column),
        t=t,
        none=none,
        name=name,
    )


def _coins(of: str) -> Sql:
    if of == "value":
        return sql("abs(s.value) / s.coin AS value_coins")
    return sql("CASE WHEN s.value > 0 THEN {one}::bigint ELSE 0 END AS credit_coins", one=whole(ONE))


def _in_journey(request: AggregateRequest, t: Table, how: Sharing) -> Sql:
    """A touch is the customer's, in the sale's project or, where it has none, in any in scope, and inside the window
    before it.
    """
    return sql(
        """
        {t.customer_id} = s.customer_id AND {t.project_id} = ANY ({projects})
        AND {t.project_id} = coalesce(s.project_id, {t.project_id})
        AND {t.occurred_at} <= s.at AND {t.occurred_at} >= s.at - {window}
        """,
        t=t,
        projects=projects_of(request, "tp"),
        window=how.window,
    )


def _told(how: Sharing) -> Sql:
    """The columns of each touch that the end shows."""
    channel = _channel("t", "t.own_campaign", "t.own_channel") if how.channel else sql("NULL::text")
    return sql(
        "t.campaign_id, {channel} AS channel {carried}, t.value, t.coin",
        channel=channel,
        carried=how.carried("t"),
    )


def _ranked(touches: Sql, model: Model, how: Sharing) -> Sql:
    """Linear and position-based: there are so few weights that no sorting is needed to see who is rounded up."""
    build = _position if model is Model.POSITION_BASED else _linear
    return sql(
        "SELECT {told}, {columns} FROM ({touches}) t",
        told=_told(how),
        columns=_each(build, how.shared),
        touches=touches,
    )


def _each(build: Callable[[str], Sql], shared: Sequence[str]) -> Sql:
    """Columns for each thing that is shared."""
    return joined(", ", [build(of) for of in shared])


def _linear(of: str) -> Sql:
    # All fractions are equal, so the earliest touches are rounded up.
    return sql(
        "t.{of}_coins / t.n AS {of}_base, t.place AS {of}_rank, t.{of}_coins % t.n AS {of}_left",
        of=of,
    )


def _position(of: str) -> Sql:
    """With m touches between the ends, each end has weight 2m and each of those 1, of 5m in all."""
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


def _decayed(touches: Sql, how: Sharing) -> Sql:
    """Time decay: every touch has its own weight, so the fractions of each sale are sorted."""
    weighed = sql(
        """
        SELECT
            {told}, {coins}, t.ref, t.place,
            trunc({all} * power(2::float8, -least(100,
                round(date_part('epoch', t.latest - t.moment) * 1000000) / {half_life}::float8)))::bigint AS weight
        FROM ({touches}) t
        """,
        told=_told(how),
        coins=joined(", ", [sql("t.{of}_coins", of=of) for of in how.shared]),
        all=whole(WHOLE),
        half_life=how.half_life_us,
        touches=touches,
    )
    of_all = sql(
        "SELECT w.*, sum(w.weight) OVER (PARTITION BY w.ref)::bigint AS weights FROM ({weighed}) w",
        weighed=weighed,
    )
    based = sql(
        "SELECT b.*, {bases}, {rests} FROM ({of_all}) b",
        bases=_each(_base, how.shared),
        rests=_each(_rest, how.shared),
        of_all=of_all,
    )
    return sql(
        """
        SELECT d.campaign_id, d.channel {carried}, d.value, d.coin, {columns}
        FROM ({based}) d WINDOW {windows}
        """,
        carried=how.carried("d"),
        columns=_each(_in_order, how.shared),
        based=based,
        windows=_each(_window, how.shared),
    )


def _in_order(of: str) -> Sql:
    return sql(
        """
        d.{of}_base, d.{of}_coins - sum(d.{of}_base) OVER {of}_order::bigint AS {of}_left,
        row_number() OVER {of}_order AS {of}_rank
        """,
        of=of,
    )


def _window(of: str) -> Sql:
    """One window for the place in the order and for the sum of the whole: each costs a pass."""
    return sql(
        """
        {of}_order AS (
            PARTITION BY d.ref ORDER BY d.{of}_rest DESC, d.place
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
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
    """What rounding left over, in parts of a coin."""
    return sql(
        """
        CASE WHEN {coins} < {fits} THEN {coins} * b.weight % b.weights
            ELSE ({coins}::numeric * b.weight % b.weights)::bigint END AS {of}_rest
        """,
        coins=f"b.{of}_coins",
        fits=_FITS,
        of=of,
    )
