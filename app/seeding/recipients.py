"""What became of the demonstration groups' latest messages, person by person, as a mail provider tells it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from app.db.database import Transaction
from app.domain.metrics.recipients import Reached, Thing, count_recipients
from app.seeding.numbers import DayNumbers, is_measured, numbers_of
from app.seeding.stories import CampaignPlan, GroupPlan
from app.values.instants import start_of

BY_MACHINE = 0.06
"""The share of mails that a proxy fetches pictures of."""
TWICE = 0.2
"""The share of openings that happen again."""


async def write_recipients(
    tx: Transaction, plan: GroupPlan, campaigns: Mapping[str, int], *, now: datetime
) -> None:
    """Count them through the gateway's own operation. `campaigns`: their ids, by name."""
    zone = ZoneInfo(plan.time_zone)
    things = [
        thing
        for campaign in plan.campaigns
        if campaign.name in campaigns
        for thing in _reached(plan, campaign, campaigns[campaign.name], zone, now)
    ]
    await count_recipients(tx, things, dict.fromkeys(campaigns.values(), zone), now=now)


def _reached(
    plan: GroupPlan, campaign: CampaignPlan, campaign_id: int, zone: ZoneInfo, now: datetime
) -> Iterator[Reached]:
    chance = Random(f"{plan.slug}/{campaign.name} recipients")  # noqa: S311 - made-up people
    today = now.astimezone(zone).date()
    place = 0
    for numbers in numbers_of(campaign, group=plan.slug, basket=plan.basket, today=today):
        if not is_measured(campaign, numbers.day, today=today):
            continue
        sent_at = start_of(numbers.day, zone) + timedelta(hours=9)
        for turn in range(numbers.counts["sent"]):
            place += 1
            address = f"client{place}@{plan.mail_domain}"
            for what, later, by_machine in _story(numbers, turn, chance):
                at = sent_at + timedelta(seconds=turn) + later
                if at <= now:
                    yield Reached(
                        campaign_id=campaign_id, channel=numbers.channel, recipient=address, what=what, at=at,
                        by_machine=by_machine,
                    )  # fmt: skip


def _story(numbers: DayNumbers, turn: int, chance: Random) -> Iterator[tuple[Thing, timedelta, bool]]:
    """What happened to the message of one of that day's recipients, and how long after it was sent."""
    counts = numbers.counts
    if turn >= counts["delivered"]:
        yield "tried", timedelta(), False
        return
    yield "delivered", timedelta(seconds=2), False
    if numbers.channel == "email" and chance.random() < BY_MACHINE:
        yield "opened", timedelta(seconds=30), True
    if turn >= counts["opened"]:
        return
    opened = timedelta(minutes=chance.uniform(2, 1_400))
    yield "opened", opened, False
    if chance.random() < TWICE:
        yield "opened", opened + timedelta(hours=3), False
    if turn < counts["clicked"]:
        yield "clicked", opened + timedelta(minutes=1), False
    if turn < counts["unsubscribed"]:
        yield "unsubscribed", opened + timedelta(minutes=2), False
