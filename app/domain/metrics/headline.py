"""The headline: what is shown of a campaign's day in a channel, made of the facts that its sources told.

    impressions, clicks, conversions   what a platform reports, else what we saw
    delivered, opened, clicked,        people: what we saw, else what is reported; all as we saw it where we saw
    unsubscribed                       deliveries; never more opened, clicked or unsubscribed than it was delivered to
    sent                               what is reported, else what we saw; at least what was delivered
    spend                              the ledger
    revenue                            what orders carry, or the shares of the group's attribution model

and on top of each, what was counted before by another system and has no day (`Source.OPENING`).

Of several platforms' reports about the same day and channel one is believed, as a whole: of the platform that the
channel is named after, else the first by name. Nothing depends on which fact came first: the rule reads them all each
time. It is said twice, in SQL for the writes and in Python for the tests.

What rates divide is kept with it. Sales may be in other currencies than the campaign: they are rows of their own, and
led to by the same clicks and people, so that the campaign's row counts them in its rates.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from app.tables.groups import AttributionModel
from app.tables.metrics import FIGURES, PAIRED, REPORTED, Source

SEEN = (Source.ORDERS, Source.DELIVERIES)
"""What we count ourselves."""
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What one source says of a campaign's day in a channel, in one currency."""

    source: str
    currency: str
    said: dict[str, Decimal] = field(default_factory=dict)
    """By figure; what is absent is not said."""
    implied: int = 0


def headline(facts: Collection[Fact], channel: str, *, carried: bool = True) -> dict[str, dict[str, Decimal]]:
    """The headline of each currency that the facts are in. `carried`: revenue is what orders carry."""
    reports = sorted(
        (fact for fact in facts if fact.source.startswith(REPORTED)),
        key=lambda fact: (fact.source != REPORTED + channel, fact.source),
    )
    report = reports[0] if reports else None
    out = {
        currency: _of_currency(
            [f for f in facts if f.currency == currency], report, currency, carried=carried
        )
        for currency in {fact.currency for fact in facts}
    }
    conversions = sum((numbers["conversions"] for numbers in out.values()), _ZERO)
    for numbers in out.values():
        for name, base in (("clicked_conversions", "clicks"), ("reached_conversions", "delivered")):
            numbers[name] = min(conversions, numbers[base]) if numbers[base] > 0 else _ZERO
    return out


def _of_currency(
    facts: Collection[Fact], report: Fact | None, currency: str, *, carried: bool
) -> dict[str, Decimal]:
    def total(name: str, sources: Collection[str] | None = None) -> Decimal:
        return sum((f.said.get(name, _ZERO) for f in facts if sources is None or f.source in sources), _ZERO)

    def reported(name: str) -> Decimal | None:
        if report is None or name not in report.said:
            return None
        # A day that is reported in one currency is not counted again in another.
        return report.said[name] if report.currency == currency else _ZERO

    def seen(name: str) -> Decimal | None:
        return total(name, SEEN) or None

    def first(*values: Decimal | None) -> Decimal:
        return next((value for value in values if value is not None), _ZERO)

    def more(name: str) -> Decimal:
        return total(name, (Source.OPENING,))

    def most(*values: Decimal | None) -> Decimal | None:
        return max((value for value in values if value is not None), default=None)

    out = {
        name: first(reported(name), seen(name)) + more(name)
        for name in ("impressions", "clicks", "conversions")
    }
    clicks = reported("clicks") if reported("delivered") is not None else None
    told = seen("delivered") if (seen("delivered") or _ZERO) > sum(f.implied for f in facts) else None
    # Where we saw deliveries, all is of the people we saw: a rate's two numbers are never of different ones.
    none = None if told is None else _ZERO
    people = {
        "opened": first(seen("opened"), none, reported("opened")),
        "clicked": first(seen("clicked"), none, reported("clicked"), clicks),
        "unsubscribed": first(seen("unsubscribed"), none, reported("unsubscribed")),
    }
    delivered = first(told, most(reported("delivered"), seen("delivered")), max(people.values()))
    # What is taken back of deliveries alone takes nothing back of others.
    out |= {name: min(value, max(delivered, _ZERO)) + more(name) for name, value in people.items()}
    out["delivered"] = delivered + more("delivered")
    out["sent"] = max(max(first(reported("sent"), seen("sent")), delivered) + more("sent"), out["delivered"])
    out |= {name: first(seen(name), reported(name)) + more(name) for name in ("opens", "machine_opens")}
    out["spend"] = total("spend")
    out["revenue"] = total("revenue", (Source.OPENING, Source.ORDERS if carried else Source.ATTRIBUTED))
    out["shown_clicks"] = min(out["clicks"], out["impressions"]) if out["impressions"] > 0 else _ZERO
    out["clicked_spend"] = out["spend"] if out["clicks"] > 0 else _ZERO
    return out


_SEEN = ", ".join(f"'{source}'" for source in SEEN)
_KEY = "f.group_id = $1 AND f.campaign_id = k.campaign_id AND f.day = k.day AND f.channel = k.channel"


def believed(campaign: str, day: str, channel: str) -> str:
    """A join with the report that is believed of a campaign's day in a channel, as `r`. $1 is the group."""
    return f"""LEFT JOIN LATERAL (
       SELECT * FROM metric_fact f
        WHERE f.group_id = $1 AND f.campaign_id = {campaign} AND f.day = {day} AND f.channel = {channel}
          AND f.source LIKE '{REPORTED}%'
        ORDER BY f.source <> '{REPORTED}' || {channel}, f.source, f.currency LIMIT 1) r ON true"""


def _gathered() -> str:
    """What each group of sources says, by currency."""
    columns = []
    for name in FIGURES:
        if name not in ("spend", "revenue"):
            columns.append(f"nullif(sum(f.{name}) FILTER (WHERE f.source IN ({_SEEN})), 0) AS seen_{name}")
            columns.append(
                f"coalesce(sum(f.{name}) FILTER (WHERE f.source = '{Source.OPENING}'), 0) AS more_{name}"
            )
    return ", ".join(columns)


def _reported(name: str) -> str:
    return f"CASE WHEN r.{name} IS NULL THEN NULL WHEN r.currency = a.currency THEN r.{name} ELSE 0 END"


def _reported_first(name: str) -> str:
    return f"coalesce({_reported(name)}, a.seen_{name}, 0) + a.more_{name} AS {name}"


_CARRIED = f"""
(SELECT g.attribution_model = '{AttributionModel.CARRIED}' FROM customer_group g WHERE g.id = $1)
"""
_NONE = "CASE WHEN a.seen_delivered > a.implied THEN 0 END"
_OPENED = f"coalesce(a.seen_opened, {_NONE}, {_reported('opened')}, 0)"
_CLICKED = f"""coalesce(a.seen_clicked, {_NONE}, {_reported("clicked")},
                    CASE WHEN r.delivered IS NOT NULL THEN {_reported("clicks")} END, 0)"""
_LEFT = f"coalesce(a.seen_unsubscribed, {_NONE}, {_reported('unsubscribed')}, 0)"
HEADLINE = f"""
SELECT k.campaign_id, k.day, k.channel, a.currency, r.extra,
       h.impressions, h.clicks, h.conversions,
       greatest(greatest(coalesce({_reported("sent")}, a.seen_sent, 0), h.delivered) + a.more_sent,
                h.delivered + a.more_delivered) AS sent,
       h.delivered + a.more_delivered AS delivered,
       least(h.opened, greatest(h.delivered, 0)) + a.more_opened AS opened,
       least(h.clicked, greatest(h.delivered, 0)) + a.more_clicked AS clicked,
       least(h.unsubscribed, greatest(h.delivered, 0)) + a.more_unsubscribed AS unsubscribed,
       coalesce(a.seen_opens, {_reported("opens")}, 0) + a.more_opens AS opens,
       coalesce(a.seen_machine_opens, {_reported("machine_opens")}, 0) + a.more_machine_opens AS machine_opens,
       a.spend, a.revenue,
       CASE WHEN h.impressions > 0 THEN least(h.clicks, h.impressions) ELSE 0 END AS shown_clicks,
       CASE WHEN h.clicks > 0 THEN least(sum(h.conversions) OVER one_row, h.clicks) ELSE 0 END AS clicked_conversions,
       CASE WHEN h.delivered + a.more_delivered > 0
            THEN least(sum(h.conversions) OVER one_row, h.delivered + a.more_delivered) ELSE 0
       END AS reached_conversions,
       CASE WHEN h.clicks > 0 THEN a.spend ELSE 0 END AS clicked_spend
  FROM k
 CROSS JOIN LATERAL (
       SELECT f.currency, sum(f.implied) AS implied, sum(f.spend) AS spend, {_gathered()},
              coalesce(sum(f.revenue) FILTER (WHERE f.source = '{Source.OPENING}' OR f.source =
                CASE WHEN {_CARRIED} THEN '{Source.ORDERS}' ELSE '{Source.ATTRIBUTED}' END), 0) AS revenue
         FROM metric_fact f WHERE {_KEY} GROUP BY f.currency) a
{believed("k.campaign_id", "k.day", "k.channel")}
 CROSS JOIN LATERAL (
       SELECT {", ".join(map(_reported_first, ("impressions", "clicks", "conversions")))},
              {_OPENED} AS opened, {_CLICKED} AS clicked, {_LEFT} AS unsubscribed,
              coalesce(CASE WHEN a.seen_delivered > a.implied THEN a.seen_delivered END,
                       greatest({_reported("delivered")}, a.seen_delivered),
                       greatest({_OPENED}, {_CLICKED}, {_LEFT})) AS delivered) h
WINDOW one_row AS (PARTITION BY k.campaign_id, k.day, k.channel)
"""
"""The same of the keys `k (campaign_id, day, channel)`, a row for each currency. $1 is the group."""
KEPT = (*FIGURES, *PAIRED)
"""What the headline has."""
