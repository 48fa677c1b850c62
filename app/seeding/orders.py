"""What the demonstration groups' customers bought, and what led them there. Always the same for the same day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from app.seeding.numbers import CENT, DAYS, numbers_of
from app.seeding.stories import CampaignKind, CampaignPlan, GroupPlan
from app.values.instants import start_of

SEEN = 0.7
"""Of the conversions that a platform reports, the share that orders carry."""
WITH_PROMO = 0.6
"""Of the orders of a campaign that has a promo, the share that was made with it."""
WITHOUT_CHANNEL = 0.08
"""Of the orders of a campaign with several channels, the share that does not say which."""
LED = 0.85
"""The share of customers whose way to the order is known."""
OTHER_CHANNELS = ("organic_search", None, "organic_social")
"""How people come whom no campaign led: by no channel that campaigns have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer who may order."""

    id: int
    joined: datetime
    store_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """An order."""

    reference: str
    customer_id: int
    store_id: int
    amount: Decimal
    at: datetime
    campaign: str | None = None
    channel: str | None = None
    promo: str | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """A group, and who buys there."""

    plan: GroupPlan
    buyers: Sequence[Buyer]
    campaigns: Mapping[str, int]
    """Ids, by name."""
    stores: Sequence[int]
    project_id: int
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """Whose days it counts by."""
        return ZoneInfo(self.plan.time_zone)

    @property
    def today(self) -> date:
        """Day 0 of the plan."""
        return self.now.astimezone(self.zone).date()

    def orders(self) -> Iterator[Bought]:
        """Those that campaigns led to, then all others."""
        chance = Random(f"{self.plan.slug} orders")  # noqa: S311 - made-up orders
        number = 10_000
        for campaign in self.plan.campaigns:
            if campaign.name not in self.campaigns or not campaign.daily:
                continue
            for day, channel in self._led(campaign, chance):
                number += 1
                yield self._ordered(f"{self.plan.slug}-{number}", campaign, day, channel, chance)
        first = start_of(self.today - timedelta(days=DAYS), self.zone)
        for buyer in self.buyers:
            since = max(buyer.joined, first)
            for _ in range(chance.choices((0, 1, 2, 3), (72, 20, 6, 2))[0]):
                number += 1
                yield Bought(
                    reference=f"{self.plan.slug}-{number}",
                    customer_id=buyer.id,
                    store_id=buyer.store_id,
                    amount=self._amount(chance),
                    at=since + (self.now - since) * chance.uniform(0.01, 0.99),
                )

    def _led(self, campaign: CampaignPlan, chance: Random) -> Iterator[tuple[date, str]]:
        share = 1 if campaign.kind == CampaignKind.MESSAGE else SEEN
        for numbers in numbers_of(campaign, group=self.plan.slug, basket=self.plan.basket, today=self.today):
            for _ in range(numbers.counts["conversions"]):
                if chance.random() < share:
                    yield numbers.day, numbers.channel

    def _ordered(
        self, reference: str, campaign: CampaignPlan, day: date, channel: str, chance: Random
    ) -> Bought:
        at = start_of(day, self.zone) + timedelta(seconds=chance.randrange(8 * 3600, 22 * 3600))
        buyer = chance.choice(self.buyers)
        while buyer.joined > at:
            buyer = chance.choice(self.buyers)
        promo = campaign.promo if chance.random() < WITH_PROMO else None
        unsaid = len(campaign.channels) > 1 and chance.random() < WITHOUT_CHANNEL
        return Bought(
            reference=reference,
            customer_id=buyer.id,
            store_id=self.stores[campaign.store],
            amount=max(self._amount(chance), Decimal(promo.min_order or 0) if promo else Decimal(0)),
            at=at,
            campaign=campaign.name,
            channel=None if unsaid else channel,
            promo=promo.code if promo else None,
        )

    def _amount(self, chance: Random) -> Decimal:
        return (self.plan.basket * Decimal(f"{chance.uniform(0.5, 1.7):.2f}")).quantize(CENT)

    def ways(self, orders: Sequence[Bought]) -> Iterator[dict[str, Any]]:
        """Rows of the interactions that came before these orders."""
        chance = Random(f"{self.plan.slug} ways")  # noqa: S311 - made-up ways
        running = [one for one in self.plan.campaigns if one.name in self.campaigns and one.daily]
        for order in orders:
            if chance.random() > (LED if order.campaign else LED / 3):
                continue
            way: list[tuple[int | None, str | None]] = []
            if chance.random() < 0.35:
                other = chance.choice(running)
                way.append((self.campaigns[other.name], chance.choice(other.channels)))
            if order.campaign is None:
                way.append((None, chance.choice(OTHER_CHANNELS)))
            else:
                channels = next(one.channels for one in running if one.name == order.campaign)
                way.append((self.campaigns[order.campaign], order.channel or chance.choice(channels)))
            if chance.random() < 0.15:
                way.append((None, None))
            at = order.at - timedelta(hours=chance.uniform(20, 400))
            for place, (campaign_id, channel) in enumerate(way):
                yield {
                    "project_id": self.project_id,
                    "kind": "online",
                    "customer_id": order.customer_id,
                    "tracker_id": f"way-{order.reference}",
                    "campaign_id": campaign_id,
                    "channel": channel,
                    "occurred_at": at,
                    "landing_url": f"{self.plan.site}/",
                    "dedup_key": f"demonstration:{order.reference}/{place}",
                    "created_at": at,
                }
                at += (order.at - at) * 0.4
