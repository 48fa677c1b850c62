"""Random histories of sales: orders and events in several zones, currencies, stores and projects, and what led to them.

Beside each the reference: who gets how much of what, in fractions, and written without a look at how it is computed.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from app.db.database import Database
from app.tables.groups import AttributionModel as Model
from app.values.scope import Scope
from tests.given import groups
from tests.given import promos as given

HOME = "Europe/Paris"
ZONES: tuple[str | None, ...] = (None, "America/New_York", "Pacific/Auckland")
"""Of the stores; None: the group's. All of them change their clocks in these weeks."""
FROM, UNTIL = datetime(2025, 3, 7, tzinfo=UTC), datetime(2025, 4, 7, tzinfo=UTC)
CHANNELS: tuple[list[str], ...] = (["email"], ["google_ads", "meta_ads"], [], ["sms", "email", "print"])
"""Of the campaigns."""
DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "BHD": 3}
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@dataclass
class Touched:
    """A touch."""

    customer: int
    project: int
    at: datetime
    campaign: int | None
    channel: str | None


@dataclass
class Sold:
    """An order, or an event with a turnover."""

    customer: int | None
    at: datetime
    amount: Decimal
    currency: str
    zone: str
    project: int | None
    campaign: int | None
    channel: str | None
    ident: int = 0


@dataclass
class Part:
    """Who gets what of a sale."""

    campaign: int | None
    said: str | None
    """The channel, before it is known which ones the campaign has."""
    day: date
    currency: str
    amount: Fraction
    credit: Fraction
    by_itself: bool = False
    """The channel is the one that the sale says, which stands whatever the campaign has now."""


@dataclass
class History:
    """A group, and all that happened in it."""

    group_id: int
    stores: list[int]
    projects: list[int]
    campaigns: list[int]
    touches: list[Touched] = field(default_factory=list)
    sales: list[Sold] = field(default_factory=list)

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)

    def store_of(self, campaign: int | None) -> int | None:
        """The store of a campaign."""
        return None if campaign is None else self.stores[self.campaigns.index(campaign) % len(self.stores)]

    def channel_of(self, part: Part) -> tuple[str | None, bool]:
        """The channel a part counts for, and whether it is unknown."""
        if part.campaign is None:
            return part.said, False
        own = CHANNELS[self.campaigns.index(part.campaign)]
        channel = own[0] if len(own) == 1 and not part.by_itself else part.said
        return channel, channel is None

    def parts(self, model: Model, *, window: int, half_life: int) -> list[tuple[Sold, Part]]:
        """The shares of every sale."""
        return [
            (sale, part)
            for sale in self.sales
            for part in self._parts(sale, model, window * DAY, half_life * DAY)
        ]

    def _parts(self, sale: Sold, model: Model, window: timedelta, half_life: timedelta) -> list[Part]:
        led = [
            touch
            for touch in self.touches
            if touch.customer == sale.customer
            and sale.project in (None, touch.project)
            and sale.at - window <= touch.at <= sale.at
        ]
        led.sort(key=lambda touch: touch.at)
        day = sale.at.astimezone(ZoneInfo(sale.zone)).date()
        amount, one = Fraction(sale.amount), Fraction(int(sale.amount > 0))

        def part(campaign: int | None, said: str | None, amount: Fraction, credit: Fraction) -> Part:
            return Part(campaign, said, day, sale.currency, amount, credit)

        if model is Model.CARRIED:
            said = sale.channel
            for touch in led:
                if sale.channel is None and touch.campaign == sale.campaign and touch.channel is not None:
                    said = touch.channel
            made = part(sale.campaign, said if sale.campaign else None, amount, one)
            made.by_itself = sale.campaign is not None and sale.channel is not None
            return [made]
        if not led:
            return [part(None, None, amount, one)]
        # Of an event that is only asked where it counts by itself.
        own = sale.channel if sale.project is None else None
        weights = weigh(led, model, half_life)
        coin = Fraction(1, 10 ** DIGITS[sale.currency])
        while amount % coin:
            coin /= 10
        return [
            part(
                touch.campaign,
                touch.channel or (own if touch.campaign and touch.campaign == sale.campaign else None),
                some,
                credit,
            )
            for touch, some, credit in zip(
                led, divide(amount, coin, weights), divide(one, Fraction(1, 10_000), weights), strict=True
            )
        ]


def weigh(led: Sequence[Touched], model: Model, half_life: timedelta) -> list[Fraction]:
    """How much each touch counts."""
    n, weights = len(led), [Fraction(0)] * len(led)
    if model is Model.FIRST_TOUCH:
        weights[0] = Fraction(1)
    elif model is Model.LAST_TOUCH:
        weights[-1] = Fraction(1)
    elif model is Model.LAST_NON_DIRECT:
        known = [at for at, touch in enumerate(led) if touch.campaign or touch.channel]
        weights[known[-1] if known else -1] = Fraction(1)
    elif model is Model.LINEAR or n < 3:
        weights = [Fraction(1)] * n
    elif model is Model.POSITION_BASED:
        weights = [Fraction(2, 5), *[Fraction(1, 5) / (n - 2)] * (n - 2), Fraction(2, 5)]
    if model is Model.TIME_DECAY:
        return [Fraction(int(2**32 * 2.0 ** -((led[-1].at - touch.at) / half_life))) for touch in led]
    return weights


def divide(amount: Fraction, coin: Fraction, weights: Sequence[Fraction]) -> list[Fraction]:
    """Whole coins by weight, the rest to the largest fractions, of equal ones to the earliest."""
    exact = [abs(amount) / coin * weight / sum(weights) for weight in weights]
    out = [Fraction(some // 1) for some in exact]
    order = sorted(range(len(exact)), key=lambda at: (out[at] - exact[at], at))
    for at in order[: int(abs(amount) / coin - sum(out))]:
        out[at] += 1
    return [coin * some * (-1 if amount < 0 else 1) for some in out]


async def history(db: Database, seed: int, *, sales: int = 60) -> History:
    """A new group with such a history."""
    rng = random.Random(seed)
    group = await groups.group(db, time_zone=HOME)
    group_id, stores = group.group_id, [group.store_id]
    for zone in ZONES[1:]:
        stores.append((await groups.store(db, group_id, time_zone=zone)).store_id)
    people = await given.customers(db, group_id, 12)
    async with db.transaction(Scope(group_id)) as tx:
        projects = [
            await tx.fetchval(
                "INSERT INTO project (group_id, store_id, name, is_internal) VALUES ($1, $2, 'p', false) RETURNING id",
                group_id, store,
            )
            for store in (None, stores[1])
        ]  # fmt: skip
        campaigns = [
            await tx.fetchval(
                "INSERT INTO campaign (group_id, store_id, project_id, name, status, type, objective, currency,"
                " channels, is_explicit, is_template, total_rewards) VALUES ($1, $2, $3, 'c', 'active', 'promotion',"
                " 'unspecified', 'EUR', $4, true, false, 0) RETURNING id",
                group_id, stores[n % len(stores)], projects[n % 2], channels,
            )
            for n, channels in enumerate(CHANNELS)
        ]  # fmt: skip
        made = History(group_id, stores, projects, campaigns)
        type_id = await tx.fetchval(
            "INSERT INTO event_type (group_id, project_id, reference, name) VALUES ($1, $2, 'sale', 'Sale')"
            " RETURNING id", group_id, projects[0],
        )  # fmt: skip

        def moment() -> datetime:
            return FROM + rng.randrange(int((UNTIL - FROM) / SECOND)) * SECOND

        for _ in range(sales * 2):
            touch = Touched(
                rng.choice(people), rng.choice(projects), moment(), rng.choice([None, *campaigns]),
                rng.choice([None, None, "google_ads", "meta_ads", "bing", "email"]),
            )  # fmt: skip
            if made.touches and rng.random() < 0.1:
                touch.at = made.touches[-1].at
            made.touches.append(touch)
            await tx.execute(
                "INSERT INTO interaction (group_id, project_id, kind, customer_id, campaign_id, channel, occurred_at,"
                " dedup_key) VALUES ($1, $2, 'online', $3, $4, $5, $6, gen_random_uuid()::text)",
                group_id, touch.project, touch.customer, touch.campaign, touch.channel, touch.at,
            )  # fmt: skip
        for n in range(sales):
            currency = rng.choice(["EUR", "EUR", "USD", "JPY", "BHD"])
            amount = Decimal(rng.randrange(1, 10**5)).scaleb(-DIGITS[currency])
            campaign = rng.choice([None, None, *campaigns])
            if rng.random() < 0.5:
                store = rng.choice(stores)
                channel = None
                if campaign is not None:
                    channel = rng.choice([None, "unknown", "google_ads"])
                refunded = rng.choice([Decimal(0), Decimal(0), amount, amount // 2])
                cancelled = rng.random() < 0.1
                sale = Sold(
                    rng.choice(people), moment(), Decimal(0) if cancelled else amount - refunded, currency,
                    ZONES[stores.index(store)] or HOME, None, campaign, None if channel == "unknown" else channel,
                )  # fmt: skip
                sale.ident = await tx.fetchval(
                    "INSERT INTO customer_order (group_id, reference, customer_id, store_id, campaign_id, channel,"
                    " amount, currency, ordered_at, ordered_on, refunded, cancelled_at)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz,"
                    " (SELECT ($9::timestamptz AT TIME ZONE coalesce(s.time_zone, g.time_zone))::date"
                    " FROM store s JOIN customer_group g ON g.id = s.group_id WHERE s.group_id = $1 AND s.id = $4),"
                    " $10, $11)"
                    " RETURNING id",
                    group_id, f"o{n}", sale.customer, store, campaign, channel, amount, currency, sale.at, refunded,
                    sale.at if cancelled else None,
                )  # fmt: skip
                if sale.amount:
                    made.sales.append(sale)
                told_by = f"o{n}" if rng.random() < 0.3 else None
                if told_by is None:
                    continue
            else:
                told_by = None
            project = rng.choice(projects)
            said = None if currency == "EUR" and rng.random() < 0.5 else currency
            event = Sold(
                rng.choice([None, *people]), moment(), amount * rng.choice([1, 1, 1, -1, 0]), currency,
                HOME if project == projects[0] else str(ZONES[1]), project, campaign, rng.choice([None, "meta_ads"]),
            )  # fmt: skip
            ident = uuid4()
            await tx.execute(
                "INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at,"
                " status, event_type_id, type_version, customer_id, campaign_id, channel, sale_reference)"
                " VALUES ($1, $2, $3, 'tracker', $2::uuid::text, 'sale', $4, $4, 'processed', $5, 1, $6, $7, $8, $9)",
                group_id, ident, project, event.at, type_id, event.customer, campaign, event.channel, told_by,
            )  # fmt: skip
            event.ident = await tx.fetchval(
                "INSERT INTO event_metric (group_id, event_id, project_id, customer_id, occurred_at, kind, storage_key,"
                " value, currency, metric_date, is_told_by_order)"
                " VALUES ($1, $2, $3, $4, $5, 'statistic', 'turnover', $6, $7, $5, $8) RETURNING id",
                group_id, ident, project, event.customer, event.at, event.amount, said, told_by is not None,
            )  # fmt: skip
            if told_by is None:
                made.sales.append(event)
    return made


def sums(parts: Sequence[tuple[Any, Fraction]]) -> dict[Any, Fraction]:
    """By what stands first; without what comes to nothing."""
    out: dict[Any, Fraction] = defaultdict(Fraction)
    for key, some in parts:
        out[key] += some
    return {key: some for key, some in out.items() if some}
