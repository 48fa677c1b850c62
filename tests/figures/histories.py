"""Random histories of a group: everything that numbers follow from, told through the gateway's own operations.

Three stores in zones that all change their clocks in these weeks, campaigns of several currencies and channels. A
history is a list of tellings; `arrivals` gives them in any order that their senders could have them arrive in.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.db.database import Database
from app.domain.event_types.fields import FieldEntry
from app.domain.interactions.recording import Visit, record_online
from app.domain.metrics.entries import MetricEntry, Mode
from app.domain.metrics.operations import record_metrics
from app.domain.metrics.recipients import Reached, count_recipients
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.orders.refunding import cancel_order, refund_order
from app.domain.outlays.fields import OutlayFields
from app.domain.outlays.operations import create_outlay, delete_outlay, update_outlay
from app.tables.event_types import EventDataType, EventFieldKind
from app.values.scope import Scope
from tests.given import audience, campaigns, custom_ads, groups, promos
from tests.given.events import Shop, shop

HOME = "Europe/Paris"
ZONES = (HOME, "America/New_York", "Pacific/Auckland")
FIRST, LAST = date(2025, 3, 7), date(2025, 4, 7)
"""Clocks change on 9 March in New York, on 30 March in Paris, on 6 April in Auckland."""
NOW = datetime(2025, 4, 8, 13, tzinfo=UTC)
"""It is the 8th, in Auckland the 9th."""
CHANNELS: tuple[tuple[str, ...], ...] = (
    ("email",),
    ("google_ads", "meta_ads"),
    (),
    ("sms", "email", "print"),
    ("sms",),
)
"""Of the campaigns. Each is of the store, and of the project, whose turn it is."""
CURRENCIES = ("EUR", "USD", "EUR", "EUR", "EUR")
DIGITS = {"EUR": 2, "USD": 2, "JPY": 0}
COUNTED = (
    "impressions",
    "clicks",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "unsubscribed",
    "opens",
    "machine_opens",
)
FIELDS = (
    FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
    FieldEntry(storage_key="order-reference"),
    FieldEntry(storage_key="turnover", kind=EventFieldKind.STATISTIC),
)
LANDINGS = ("utm_source=bing&utm_medium=cpc", "gclid=x", "fbclid=x", "utm_medium=email", "", "")


@dataclass(frozen=True, slots=True)
class Report:
    """What a platform says of a day; campaigns and customers are named by their place."""

    campaign: int
    day: date
    channel: str
    platform: str
    numbers: Mapping[str, Decimal]
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Ordered:
    """A version of an order."""

    reference: str
    version: int
    customer: int
    at: datetime
    amount: Decimal
    currency: str | None
    store: int
    campaign: int | None = None
    promo: int | None = None
    channel: str | None = None
    refunded: Decimal = Decimal(0)
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Refunded:
    """Some of an order is given back; None: it is called off."""

    reference: str
    refund: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Messages:
    """What became of messages: campaign, channel, recipient, what, when, by a machine."""

    things: tuple[tuple[int, str, str, Any, datetime, bool], ...]


@dataclass(frozen=True, slots=True)
class Laid:
    """An outlay as it is from now on; None: it is deleted."""

    outlay: int
    campaign: int
    amount: Decimal | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a project that is worth something."""

    project: int
    customer: int
    at: datetime
    amount: Decimal
    currency: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Visited:
    """Somebody came to a project's site; None: by no campaign."""

    nonce: str
    project: int
    customer: int
    at: datetime
    campaign: int | None
    sign: str


Telling = Report | Ordered | Refunded | Messages | Laid | Happened | Visited


@dataclass(slots=True)
class World:
    """A group in which a history happens."""

    db: Database
    group: groups.GivenGroup
    stores: list[int]
    sites: list[Shop]
    wmkt: dict[int, str]
    campaigns: list[int]
    promos: list[str]
    customers: list[int]
    outlays: dict[int, int] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return self.group.scope

    async def close(self) -> None:
        """Nothing comes in any more."""
        for site in self.sites:
            await site.acceptor.close()

    async def tell(self, tellings: Sequence[Telling]) -> None:
        """Let these arrive, one after the other."""
        for one in tellings:
            await self._tell(one)
        for site in self.sites:
            await site.process(now=NOW)

    async def _tell(self, one: Telling) -> None:
        if isinstance(one, Happened):
            data = {
                "email": f"c{one.customer}@example.org", "turnover": str(one.amount), "currency": one.currency,
                **({"order-reference": one.reference} if one.reference else {}),
            }  # fmt: skip
            await self.sites[one.project].send(data=data, event_date=one.at.isoformat(), now=NOW)
            if one.amount % 2:
                await self.sites[one.project].process(now=NOW)
            return
        async with self.db.transaction(self.scope) as tx:
            match one:
                case Report():
                    entry = MetricEntry(
                        campaign_id=self.campaigns[one.campaign], day=one.day, channel=one.channel,
                        source=one.platform,
                        **{n: int(v) if n in COUNTED else v for n, v in one.numbers.items()},  # type: ignore[arg-type]
                    )  # fmt: skip
                    await record_metrics(tx, [entry], mode=Mode.ADD if one.adds else Mode.SET, now=NOW)
                case Ordered():
                    entry_ = OrderEntry(
                        reference=one.reference, version=one.version, amount=one.amount, currency=one.currency,
                        customer_id=self.customers[one.customer], ordered_at=one.at, store_id=self.stores[one.store],
                        campaign_id=None if one.campaign is None else self.campaigns[one.campaign],
                        promo_code=None if one.promo is None else self.promos[one.promo], channel=one.channel,
                        refunded=one.refunded or None, is_cancelled=one.cancelled or None,
                    )  # fmt: skip
                    await record_orders(tx, [entry_], now=NOW)
                case Refunded(reference, _, None):
                    await cancel_order(tx, order_id=None, order=reference, now=NOW)
                case Refunded(reference, refund, amount):
                    await refund_order(
                        tx, order_id=None, order=reference, amount=amount, reference=refund, now=NOW
                    )
                case Messages(things):
                    held = sorted({self.campaigns[thing[0]] for thing in things})
                    await tx.fetch("SELECT id FROM campaign WHERE id = ANY ($1) ORDER BY id FOR UPDATE", held)
                    zones = {ident: ZoneInfo(zone_of(self.campaigns.index(ident))) for ident in held}
                    reached = [
                        Reached(
                            campaign_id=self.campaigns[campaign], channel=channel, recipient=who, what=what, at=at,
                            by_machine=by_machine,
                        )
                        for campaign, channel, who, what, at, by_machine in things
                    ]  # fmt: skip
                    await count_recipients(tx, reached, zones, now=NOW)
                case Laid():
                    await self._lay(tx, one)
                case Visited():
                    said = (
                        ""
                        if one.campaign is None
                        else f"wmktid={self.wmkt[one.campaign]}&cid=c{one.campaign}&"
                    )
                    visit = Visit(
                        project_id=self.sites[one.project].project_id, tracker_id=None, dedup_key=one.nonce,
                        landing_url=f"https://shop.example/?{said}{one.sign}", occurred_at=one.at,
                        customer_id=self.customers[one.customer],
                    )  # fmt: skip
                    await record_online(tx, [visit], now=NOW)

    async def _lay(self, tx: Any, one: Laid) -> None:
        if one.amount is None:
            await delete_outlay(tx, self.outlays[one.outlay], now=NOW)
            return
        fields = OutlayFields(amount=one.amount, starts_at=one.since, ends_at=one.until)
        if one.outlay in self.outlays:
            await update_outlay(tx, self.outlays[one.outlay], fields, now=NOW)
        else:
            fields = replace(fields, campaign_id=self.campaigns[one.campaign])
            self.outlays[one.outlay] = await create_outlay(tx, fields, now=NOW)


def store_of(campaign: int) -> int:
    """Which store a campaign is of."""
    return campaign % len(ZONES)


def zone_of(campaign: int) -> str:
    """Whose days a campaign has."""
    return ZONES[store_of(campaign)]


def project_of(campaign: int) -> int:
    """Which project a campaign is of."""
    return int(store_of(campaign) == 1)


PROJECT_ZONES = (HOME, ZONES[1])
"""The first project is the whole group's, the second one the second store's."""
PROMOS = (3, 1)
"""The campaigns of the promos."""


async def world(db: Database) -> World:
    """A new group in which nothing happened yet."""
    group = await groups.group(db, time_zone=HOME)
    stores = [group.store_id]
    stores += [(await groups.store(db, group.group_id, time_zone=zone)).store_id for zone in ZONES[1:]]
    sites = [await shop(db, fields=FIELDS, group_id=group.group_id) for _ in range(2)]
    async with db.transaction(group.scope) as tx:
        await tx.execute("UPDATE project SET store_id = $2 WHERE id = $1", sites[1].project_id, stores[1])
    made, wmkt = [], {}
    for n, channels in enumerate(CHANNELS):
        ident, wmkt[n] = await custom_ads.integration(
            db, group.scope, sites[project_of(n)].project_id, currency=CURRENCIES[n]
        )
        made.append(
            await campaigns.campaign(
                db, group.scope, name=f"C{n}", channels=list(channels), store_id=stores[store_of(n)],
                integration_id=ident, slug=f"c{n}", now=NOW,
            )
        )  # fmt: skip
    people = [await audience.customer(db, group.scope, f"c{n}", email=f"c{n}@example.org") for n in range(6)]
    codes = [f"PROMO-{n}" for n in range(len(PROMOS))]
    for code, campaign in zip(codes, PROMOS, strict=True):
        await promos.promo(db, group.scope, code, campaign_id=made[campaign], now=NOW)
    return World(db, group, stores, sites, wmkt, made, codes, people)


def history(rng: random.Random, *, size: int = 60) -> list[Telling]:
    """What happens, each sender's tellings in its own order."""
    makers = [_report, _report, _order, _order, _order, _messages, _outlay, _event, _visit, _visit]
    past: list[Telling] = []
    while len(past) < size:
        past += rng.choice(makers)(rng, past)
    return past


def lane_of(one: Telling) -> object:
    """Tellings of one lane arrive in their order."""
    match one:
        case Report():
            return one.platform, one.campaign
        case Laid():
            return one.outlay
        case Ordered():
            return one.reference if one.version == 1 else object()
        case Refunded():
            # After the order, as one can only give back what was told.
            return one.reference
        case _:
            return object()


def arrivals(rng: random.Random, past: Sequence[Telling]) -> list[Telling]:
    """The same in another order."""
    lanes: defaultdict[object, list[Telling]] = defaultdict(list)
    for one in past:
        lanes[lane_of(one)].append(one)
    turns = [lane for lane, some in lanes.items() for _ in some]
    rng.shuffle(turns)
    return [lanes[lane].pop(0) for lane in turns]


# ── what happens ──────────────────────────────────────────────────────────────


def _moment(rng: random.Random) -> datetime:
    """Often around midnight, and where clocks change."""
    zone = ZoneInfo(rng.choice(ZONES))
    day = rng.choice([date(2025, 3, 9), date(2025, 3, 30), date(2025, 4, 6), _day(rng)])
    at = datetime(day.year, day.month, day.day, rng.choice([0, 0, 1, 2, 3, 12, 22, 23]), tzinfo=zone)
    # Seconds, so that no two touches are of the same instant.
    return at.astimezone(UTC) + timedelta(minutes=rng.randrange(60), microseconds=rng.randrange(10**6))


def _day(rng: random.Random) -> date:
    return FIRST + timedelta(days=rng.randrange((LAST - FIRST).days + 1))


def _amount(rng: random.Random, currency: str, *, most: int = 10_000) -> Decimal:
    return Decimal(rng.randrange(100, most)).scaleb(-DIGITS[currency])


def _channel(rng: random.Random, campaign: int) -> str:
    return rng.choice(CHANNELS[campaign] or ("print", "unknown"))


def _report(rng: random.Random, past: Sequence[Telling]) -> list[Telling]:
    known = [one for one in past if isinstance(one, Report)]
    if known and rng.random() < 0.4:
        before = rng.choice(known)
        campaign, day, channel, platform = before.campaign, before.day, before.channel, before.platform
    else:
        campaign = rng.randrange(len(CHANNELS))
        # Few days, so that sources meet there.
        day, channel = (
            rng.choice([date(2025, 3, 9), date(2025, 3, 30), date(2025, 4, 6)]),
            _channel(rng, campaign),
        )
        platform = rng.choice([channel, "adspy", "mailer"])
    adds = rng.random() < 0.4
    numbers: dict[str, Decimal] = {}
    for name in rng.sample([*COUNTED, "conversions", "conversions", "spend", "revenue"], rng.randrange(1, 8)):
        number = Decimal(rng.randrange(0, 30))
        if name == "conversions":
            number = Decimal(rng.randrange(0, 80)) / 4
        elif name in ("spend", "revenue"):
            number = Decimal(rng.randrange(0, 5000)) / 100
        if adds and rng.random() < 0.3:
            # No more is taken back than was told, or a day would be below nothing.
            told = _told(known, campaign, day, channel, platform, name)
            number = -min(number, told)
        numbers[name] = number
    return [Report(campaign, day, channel, platform, numbers, adds)]


def _told(
    known: Sequence[Report], campaign: int, day: date, channel: str, platform: str, name: str
) -> Decimal:
    total = Decimal(0)
    for one in known:
        if (one.campaign, one.day, one.channel, one.platform) == (campaign, day, channel, platform):
            if name in one.numbers:
                total = one.numbers[name] + (total if one.adds else 0)
    return total


def _order(rng: random.Random, past: Sequence[Telling]) -> list[Telling]:
    reference, at, out = f"o{len(past)}", _moment(rng), list[Telling]()
    for version in range(1, rng.choice([1, 1, 2, 3]) + 1):
        currency = rng.choice(["EUR", "EUR", "USD", "JPY", None])
        amount = _amount(rng, "EUR" if currency is None else currency)
        campaign = rng.choice([None, *range(len(CHANNELS))])
        out.append(
            Ordered(
                reference, version, rng.randrange(6), at if rng.random() < 0.7 else _moment(rng), amount, currency,
                rng.randrange(len(ZONES)), campaign, rng.choice([None, None, 0, 1]),
                rng.choice([None, None, "google_ads", "meta_ads", "print", "unknown"]),
                refunded=rng.choice([Decimal(0), Decimal(0), Decimal(1), amount]), cancelled=rng.random() < 0.1,
            )
        )  # fmt: skip
    if rng.random() < 0.3:
        # Smaller than any version, so that none refuses it.
        out.append(Refunded(reference, f"r{len(past)}", Decimal(1)))
    if rng.random() < 0.1:
        out.append(Refunded(reference, "", None))
    return out


def _messages(rng: random.Random, _: Sequence[Telling]) -> list[Telling]:
    campaign = rng.choice([0, 3, 4])
    channel, things = _channel(rng, campaign), []
    for _n in range(rng.randrange(1, 8)):
        what = rng.choice(["tried", "delivered", "delivered", "opened", "opened", "clicked", "unsubscribed"])
        at = datetime(2025, rng.choice([3, 4]), rng.choice([5, 6, 7]), rng.randrange(24), tzinfo=UTC)
        things.append(
            (campaign, channel, f"a{rng.randrange(12)}", what, at, what == "opened" and rng.random() < 0.3)
        )
    return [Messages(tuple(things))]


def _outlay(rng: random.Random, past: Sequence[Telling]) -> list[Telling]:
    known = [one for one in past if isinstance(one, Laid)]
    place, campaign = len(past), rng.randrange(len(CHANNELS))
    if known and rng.random() < 0.4:
        place, campaign = known[-1].outlay, known[-1].campaign
        if known[-1].amount is None:
            return []
    since = _moment(rng).replace(microsecond=0)
    until = since + timedelta(hours=rng.choice([1, 24, 50, 24 * 40]))
    amount = _amount(rng, CURRENCIES[campaign], most=100_000) * rng.choice([1, 1, 1, -1])
    if place != len(past) and rng.random() < 0.3:
        return [Laid(place, campaign, None, since, until)]
    return [Laid(place, campaign, amount, since, until)]


def _event(rng: random.Random, past: Sequence[Telling]) -> list[Telling]:
    currency = rng.choice(["EUR", "USD", "JPY"])
    orders = [one.reference for one in past if isinstance(one, Ordered)]
    reference = rng.choice([*orders, "nobody's"]) if orders and rng.random() < 0.5 else None
    amount = _amount(rng, currency) * rng.choice([1, 1, 1, -1])
    return [Happened(rng.randrange(2), rng.randrange(6), _moment(rng), amount, currency, reference)]


def _visit(rng: random.Random, past: Sequence[Telling]) -> list[Telling]:
    out = list[Telling]()
    who = rng.randrange(6)
    for n in range(rng.randrange(1, 4)):
        campaign = rng.choice([None, *range(len(CHANNELS))])
        project = rng.randrange(2) if campaign is None else project_of(campaign)
        out.append(Visited(f"v{len(past)}-{n}", project, who, _moment(rng), campaign, rng.choice(LANDINGS)))
    return out
