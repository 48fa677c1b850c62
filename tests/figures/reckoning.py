"""What a history's numbers should be: written from docs/numbers.md, in fractions, without a look at how it is done.

A *row* is a campaign's day in a channel. `reckon` says what each row comes to in each currency; everything that is
asked is a sum of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from app.tables.groups import AttributionModel as Model
from tests.attribution.histories import Sold, Touched, divide, weigh
from tests.figures.histories import (
    CHANNELS,
    COUNTED,
    CURRENCIES,
    DIGITS,
    PROJECT_ZONES,
    PROMOS,
    ZONES,
    Happened,
    Laid,
    Messages,
    Ordered,
    Refunded,
    Report,
    Telling,
    zone_of,
)

UNKNOWN = "unknown"
Row = tuple[int, date, str]
"""A campaign, by its place, a day, a channel."""
ADDED = (*COUNTED, "conversions", "spend", "planned", "revenue", "whole")
PAIRS = ("clicks_shown", "conversions_clicked", "conversions_reached", "spend_clicked")


@dataclass
class Facts:
    """What is known of a row, by where it comes from."""

    reported: dict[str, dict[str, Fraction]] = field(default_factory=dict)
    """By platform."""
    people: defaultdict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    told_delivered: bool = False
    orders: defaultdict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    """How many are worth something, by currency."""
    revenue: defaultdict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    spend: Fraction = Fraction(0)


@dataclass(frozen=True)
class Sale:
    """An order as it stands."""

    reference: str
    customer: int
    at: datetime
    worth: Fraction
    currency: str
    store: int
    campaign: int | None
    channel: str | None
    """As the shop says it."""

    @property
    def day(self) -> date:
        return self.at.astimezone(ZoneInfo(ZONES[self.store])).date()


def orders_of(past: Sequence[Telling]) -> dict[str, Sale]:
    """The highest version of each, less what was given back; nothing if it was called off."""
    out = {}
    for one in sorted((o for o in past if isinstance(o, Ordered)), key=lambda o: o.version):
        campaign = one.campaign
        if campaign is None and one.promo is not None:
            campaign = PROMOS[one.promo]
        currency = one.currency or ("EUR" if campaign is None else CURRENCIES[campaign])
        after = [r for r in past if isinstance(r, Refunded) and r.reference == one.reference]
        refunds = sum((r.amount for r in after if r.amount is not None), Decimal(0))
        gone = one.cancelled or any(r.amount is None for r in after)
        worth = Decimal(0) if gone else one.amount - min(one.amount, max(one.refunded, refunds))
        out[one.reference] = Sale(
            one.reference, one.customer, one.at, Fraction(worth), currency, one.store, campaign,
            None if one.channel == UNKNOWN else one.channel,
        )  # fmt: skip
    return out


def sales_of(past: Sequence[Telling]) -> list[Sold]:
    """Orders, and events that no order tells."""
    orders = orders_of(past)
    out = [
        Sold(
            one.customer, one.at, Decimal(one.worth.numerator) / one.worth.denominator, one.currency,
            ZONES[one.store], None, one.campaign, _said_channel(one),
        )
        for one in orders.values() if one.worth
    ]  # fmt: skip
    out += [
        Sold(e.customer, e.at, e.amount, e.currency, PROJECT_ZONES[e.project], e.project, None, None)
        for e in past
        if isinstance(e, Happened) and e.reference not in orders
    ]
    return out


def _said_channel(order: Sale) -> str | None:
    if order.campaign is not None and len(CHANNELS[order.campaign]) == 1:
        return CHANNELS[order.campaign][0]
    return order.channel


def journey(sale: Sold, touches: Iterable[Touched], *, window: int) -> list[Touched]:
    """What touched the customer, in the sale's project if it has one, in the look-back before it."""
    return sorted(
        (
            t for t in touches
            if t.customer == sale.customer and sale.project in (None, t.project)
            and sale.at - timedelta(days=window) <= t.at <= sale.at
        ),
        key=lambda t: t.at,
    )  # fmt: skip


Part = tuple[int | None, str | None, date, str, Fraction]
"""Campaign, channel (None: direct, or nobody knows), day, currency, amount."""


def shares(past: Sequence[Telling], touches: Sequence[Touched], model: Model, *, window: int) -> list[Part]:
    """Who gets what of every sale."""
    out: list[Part] = []
    for sale in sales_of(past):
        led = journey(sale, touches, window=window)
        day, amount = sale.at.astimezone(ZoneInfo(sale.zone)).date(), Fraction(sale.amount)
        if model is Model.CARRIED:
            channel = sale.channel
            if channel is None and sale.campaign is not None:
                own = [t.channel for t in led if t.campaign == sale.campaign and t.channel]
                channel = own[-1] if own else None
            out.append(
                (sale.campaign, channel if sale.campaign is not None else None, day, sale.currency, amount)
            )
            continue
        if not led:
            out.append((None, None, day, sale.currency, amount))
            continue
        coin = Fraction(1, 10 ** DIGITS[sale.currency])
        for touch, some in zip(led, divide(amount, coin, weigh(led, model, timedelta(days=7))), strict=True):
            channel = touch.channel
            if channel is None and touch.campaign is not None and touch.campaign == sale.campaign:
                channel = sale.channel
            if touch.campaign is not None and len(CHANNELS[touch.campaign]) == 1:
                channel = CHANNELS[touch.campaign][0]
            out.append((touch.campaign, channel, day, sale.currency, some))
    return out


def facts_of(
    past: Sequence[Telling], touches: Sequence[Touched], model: Model, *, window: int
) -> dict[Row, Facts]:
    """What each source says of each row."""
    rows: defaultdict[Row, Facts] = defaultdict(Facts)
    for one in past:
        if isinstance(one, Report):
            _report(rows[one.campaign, one.day, one.channel], one)
    _people(rows, past)
    _outlays(rows, past)
    for campaign, channel, day, currency, amount in shares(past, touches, Model.CARRIED, window=window):
        # An event carries no campaign, so these are orders.
        if campaign is not None and amount:
            rows[campaign, day, channel or UNKNOWN].orders[currency] += 1
    for campaign, channel, day, currency, amount in shares(past, touches, model, window=window):
        if campaign is not None and amount:
            rows[campaign, day, channel or UNKNOWN].revenue[currency] += amount
    return rows


def _report(facts: Facts, one: Report) -> None:
    said = facts.reported.setdefault(one.platform, {})
    for name, number in one.numbers.items():
        before = said.get(name, Fraction(0))
        said[name] = Fraction(number) + (before if one.adds else 0)
        if name == "spend":
            facts.spend += said[name] - before


def _people(rows: defaultdict[Row, Facts], past: Sequence[Telling]) -> None:
    firsts: dict[tuple[int, str, str], list[tuple[datetime, str, bool]]] = {}
    for one in past:
        if isinstance(one, Messages):
            for campaign, channel, who, what, at, by_machine in one.things:
                firsts.setdefault((campaign, channel, who), []).append((at, what, by_machine))
                facts = rows[campaign, at.astimezone(ZoneInfo(zone_of(campaign))).date(), channel]
                if what == "opened":
                    facts.people["machine_opens" if by_machine else "opens"] += 1
                if what == "clicked":
                    facts.people["clicks"] += 1
    for (campaign, channel, _), things in firsts.items():
        day = min(things)[0].astimezone(ZoneInfo(zone_of(campaign))).date()
        facts, happened = rows[campaign, day, channel], {what for _, what, _ in things}
        facts.people["sent"] += 1
        # Whatever happened but a try that failed shows that it arrived.
        facts.people["delivered"] += bool(happened - {"tried"})
        facts.told_delivered |= "delivered" in happened
        facts.people["opened"] += any(what == "opened" and not machine for _, what, machine in things)
        for name in ("clicked", "unsubscribed"):
            facts.people[name] += name in happened


def _outlays(rows: defaultdict[Row, Facts], past: Sequence[Telling]) -> None:
    last = {one.outlay: one for one in past if isinstance(one, Laid)}
    for one in last.values():
        if one.amount is None:
            continue
        zone, days = ZoneInfo(zone_of(one.campaign)), list[date]()
        hours: defaultdict[date, int] = defaultdict(int)
        at = one.since
        while at < one.until:
            day = at.astimezone(zone).date()
            hours[day] += 1
            at += timedelta(minutes=1)
        days = sorted(hours)
        parts = divide(Fraction(one.amount), Fraction(1, 100), [Fraction(hours[day]) for day in days])
        own = CHANNELS[one.campaign]
        for day, part in zip(days, parts, strict=True):
            rows[one.campaign, day, own[0] if len(own) == 1 else UNKNOWN].spend += part


def headline(facts: Facts, row: Row, *, now: datetime) -> dict[str, dict[str, Fraction]]:
    """The headline of a row, by currency."""
    campaign, day, channel = row
    currency, nothing = CURRENCIES[campaign], Fraction(0)
    platforms = sorted(facts.reported, key=lambda name: (name != channel, name))
    report = facts.reported[platforms[0]] if platforms else {}
    seen = {name: number for name, number in facts.people.items() if number}
    out: defaultdict[str, dict[str, Fraction]] = defaultdict(lambda: dict.fromkeys((*ADDED, *PAIRS), nothing))
    own = out[currency]
    for name in ("impressions", "clicks"):
        own[name] = report.get(name, seen.get(name, nothing))
    if "conversions" in report:
        own["conversions"] = report["conversions"]
    else:
        for other, count in facts.orders.items():
            out[other]["conversions"] = count
    # Where deliveries were seen, all people are those that were seen.
    said = {} if facts.told_delivered else report
    people = {name: seen.get(name, said.get(name, nothing)) for name in ("opened", "clicked", "unsubscribed")}
    if "clicked" not in seen and "clicked" not in said and "delivered" in said:
        # A mailing tool that reports clicks alone means people.
        people["clicked"] = report.get("clicks", nothing)
    known = [n for n in (seen.get("delivered"), report.get("delivered")) if n is not None]
    if facts.told_delivered:
        own["delivered"] = seen["delivered"]
    else:
        own["delivered"] = max(known) if known else max(people.values())
    for name, number in people.items():
        own[name] = min(number, max(own["delivered"], nothing))
    own["sent"] = max(report.get("sent", seen.get("sent", nothing)), own["delivered"])
    for name in ("opens", "machine_opens"):
        own[name] = seen.get(name, report.get(name, nothing))
    is_past = day <= now.astimezone(ZoneInfo(zone_of(campaign))).date()
    own["spend" if is_past else "planned"] = facts.spend
    for other, amount in facts.revenue.items():
        out[other]["revenue"] = amount
    for numbers in out.values():
        numbers["whole"] = Fraction(int(numbers["conversions"] + Fraction(1, 2)))
    conversions = sum((numbers["conversions"] for numbers in out.values()), nothing)
    # Both numbers of a rate are the row's, whatever currencies its sales are in.
    own["clicks_shown"] = min(own["clicks"], own["impressions"]) if own["impressions"] > 0 else nothing
    own["conversions_clicked"] = min(conversions, own["clicks"]) if own["clicks"] > 0 else nothing
    own["conversions_reached"] = min(conversions, own["delivered"]) if own["delivered"] > 0 else nothing
    own["spend_clicked"] = own["spend"] if own["clicks"] > 0 else nothing
    return dict(out)


Reckoned = list[tuple[Row, str, dict[str, Fraction]]]


def reckon(
    past: Sequence[Telling], touches: Sequence[Touched], model: Model, *, now: datetime, window: int = 30
) -> Reckoned:
    """Every row in every currency."""
    return [
        (row, currency, numbers)
        for row, facts in facts_of(past, touches, model, window=window).items()
        for currency, numbers in headline(facts, row, now=now).items()
    ]


def summed(rows: Reckoned, key: Callable[[Row], Any]) -> dict[tuple[Any, str], dict[str, Fraction]]:
    """By what is asked and currency; what comes to nothing is left out."""
    out: dict[tuple[Any, str], dict[str, Fraction]] = {}
    for row, currency, numbers in rows:
        sums = out.setdefault((key(row), currency), dict.fromkeys((*ADDED, *PAIRS), Fraction(0)))
        for name, number in numbers.items():
            sums[name] += number
    return {place: sums for place, sums in out.items() if any(sums.values())}


def rates(sums: Mapping[str, Fraction]) -> dict[str, Fraction | None]:
    """Rates of sums, rounded half away from zero at the end."""

    def rate(part: str, whole: str, digits: int, times: int = 1) -> Fraction | None:
        if sums[whole] <= 0:
            return None
        value = times * sums[part] / sums[whole]
        return rounded(min(max(value, Fraction(0)), Fraction(100)) if times == 100 else value, digits)

    return {
        "clickThroughRate": rate("clicks_shown", "impressions", 2, 100),
        "conversionRate": rate("conversions_clicked", "clicks", 2, 100),
        "openRate": rate("opened", "delivered", 1, 100),
        "clickRate": rate("clicked", "delivered", 1, 100),
        "reachedConversionRate": rate("conversions_reached", "delivered", 1, 100),
        "roas": rate("revenue", "spend", 4),
        "costPerClick": rate("spend_clicked", "clicks", 4),
        "costPerConversion": rate("spend", "conversions", 4),
    }


RATES_TOLD = (
    # From, into, day, rate: of the dollar the inverse of the 20th is newer than the direct one of the 10th.
    ("USD", "EUR", "2025-03-08", "0.8"), ("EUR", "USD", "2025-03-20", "1.6"), ("USD", "EUR", "2025-03-31", "0.75"),
    ("EUR", "USD", "2025-03-31", "9"), ("EUR", "JPY", "2025-03-15", "160.7"),
)  # fmt: skip


def into_euros(amount: Fraction, currency: str, day: date) -> Fraction | None:
    """By the newest rate that holds, of the same day the direct one; to 4 digits. None: there is none."""
    if currency == "EUR":
        return amount
    held = [
        (since, ours == currency, Fraction(told) if ours == currency else 1 / Fraction(told))
        for ours, theirs, since, told in RATES_TOLD
        if {ours, theirs} == {currency, "EUR"} and date.fromisoformat(since) <= day
    ]
    return rounded(amount * max(held)[2], 4) if held else None


def converted(rows: Reckoned) -> Reckoned:
    """All in euros, each row at its day's rate; what has none is left out."""
    out: Reckoned = []
    for row, currency, numbers in rows:
        worth = {
            n: into_euros(numbers[n], currency, row[1])
            for n in ("spend", "planned", "revenue", "spend_clicked")
        }
        out.append((row, "EUR", numbers | {name: some or Fraction(0) for name, some in worth.items()}))
    return out


def rounded(number: Fraction, digits: int) -> Fraction:
    """Half away from zero."""
    scaled = abs(number) * 10**digits
    whole = int(scaled + Fraction(1, 2))
    return Fraction(whole if number >= 0 else -whole, 10**digits)


__all__ = [
    "RATES_TOLD", "Part", "Reckoned", "Row", "converted", "rates", "reckon", "rounded", "shares", "summed",
]  # fmt: skip
