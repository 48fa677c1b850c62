"""The numbers of a demonstration campaign, day by day: plausible, and always the same for the same day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.seeding.stories import CampaignKind, CampaignPlan

DAYS = 90
CENT = Decimal("0.01")
MEASURED_DAYS = 5
"""So long ago the mail provider was connected, which tells what became of each message."""
WEEK = (0.95, 0.9, 0.92, 1.0, 1.15, 1.3, 1.1)
"""Monday to Sunday."""


@dataclass(frozen=True, slots=True)
class DayNumbers:
    """What a campaign did on one day in one channel, apart from its cost."""

    day: date
    channel: str
    counts: dict[str, int]
    cost_per_click: Decimal
    revenue: Decimal


def numbers_of(plan: CampaignPlan, *, group: str, basket: Decimal, today: date) -> Iterator[DayNumbers]:
    """Each of the last 90 days (without today) on which it ran, by channel."""
    if not plan.daily or plan.start is None:
        return
    first = max(plan.start, -DAYS)
    last = min(plan.end if plan.end is not None else 0, 0)
    for offset in range(first, last):
        day = today + timedelta(days=offset)
        for channel in plan.channels:
            # Seeded per day, so that tomorrow's run says the same about today. No secrets are made of it.
            chance = Random(f"{group}/{plan.name}/{channel}/{day}")  # noqa: S311
            pull = WEEK[day.weekday()] * chance.uniform(0.85, 1.15) * (1 + (offset - first) / 400)
            reach = round(plan.daily * pull * _appeal(plan.channels, channel))
            counts = _sent(reach, chance) if plan.kind == CampaignKind.MESSAGE else _shown(reach, chance)
            revenue = sum(
                (basket * Decimal(f"{chance.uniform(0.6, 1.5):.2f}") for _ in range(counts["conversions"])),
                Decimal(),
            )
            yield DayNumbers(
                day, channel, counts, Decimal(f"{chance.uniform(0.28, 0.62):.2f}"), revenue.quantize(CENT)
            )


def reported_of(plan: CampaignPlan, numbers: DayNumbers, *, today: date) -> dict[str, Any]:
    """What a platform reports of the day; None where it says nothing. Mailing tools know of no sales."""
    said: dict[str, Any] = {name: number or None for name, number in numbers.counts.items()}
    said["revenue"] = numbers.revenue
    if plan.kind == CampaignKind.MESSAGE:
        silent = ["conversions", "revenue"]
        if is_measured(plan, numbers.day, today=today):
            silent += ["clicks", "delivered", "opened", "clicked", "unsubscribed"]
        said |= dict.fromkeys(silent)
    return said


def is_measured(plan: CampaignPlan, day: date, *, today: date) -> bool:
    """Whether we saw ourselves what became of that day's messages."""
    return plan.kind == CampaignKind.MESSAGE and day >= today - timedelta(days=MEASURED_DAYS)


def _appeal(channels: Sequence[str], channel: str) -> float:
    return 1 / (1 + 0.4 * channels.index(channel))


def _shown(reach: int, chance: Random) -> dict[str, int]:
    clicks = round(reach * chance.uniform(0.012, 0.035))
    return {
        "impressions": reach,
        "clicks": clicks,
        "conversions": round(clicks * chance.uniform(0.02, 0.07)),
        "sent": 0,
        "delivered": 0,
        "opened": 0,
        "clicked": 0,
        "unsubscribed": 0,
    }


def _sent(reach: int, chance: Random) -> dict[str, int]:
    delivered = round(reach * chance.uniform(0.96, 0.995))
    opened = round(delivered * chance.uniform(0.25, 0.46))
    clicks = round(opened * chance.uniform(0.2, 0.42))
    return {
        "impressions": 0,
        "clicks": clicks,
        "conversions": round(clicks * chance.uniform(0.06, 0.2)),
        "sent": reach,
        "delivered": delivered,
        "opened": opened,
        "clicked": round(clicks * 0.85),
        "unsubscribed": round(delivered * chance.uniform(0, 0.003)),
    }
