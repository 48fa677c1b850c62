"""What came to the demonstration groups' sites: event types, visits, events and what became of them, outlays, rates.

All of it goes through the gateway's own operations, the events through its pipeline.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from app.db.database import Database, Transaction
from app.domain.event_types.fields import FieldEntry
from app.domain.event_types.operations import EventTypeFields, create_event_type
from app.domain.events.accepting import Acceptor, Sent
from app.domain.events.metrics import Telling, tell
from app.domain.events.processing import process_pending
from app.domain.events.sending import sent_event
from app.domain.exchange.operations import Rate, upsert_rates
from app.domain.interactions.channel_rules import ChannelRuleFields, set_channel_rules
from app.domain.interactions.recording import Offline, Visit, record_offline, record_online
from app.domain.outlays.fields import OutlayFields
from app.domain.outlays.operations import create_outlay
from app.seeding.numbers import CENT
from app.seeding.stories import GroupPlan
from app.tables.event_types import EventDataType, EventFieldKind
from app.tables.funnels import FunnelStage
from app.values.instants import start_of, zone_of
from app.values.scope import Scope

PEOPLE = 300
"""How many browsers came to a site."""
DAYS = 85
"""How many days ago the first of them came."""
CONTACTS = 12
"""How many met somebody from the shop."""
RATES = {"EUR": Decimal("1.0832"), "USD": Decimal("0.9232")}
"""Roughly what a group's currency is worth in the other group's; it moves a little every week."""

_FIELD, _STATE, _STATISTIC = EventFieldKind.FIELD, EventFieldKind.STATE, EventFieldKind.STATISTIC
_WHO = (
    FieldEntry(storage_key="email", data_type=EventDataType.EMAIL, identity="email"),
    FieldEntry(storage_key="phone", data_type=EventDataType.PHONE, identity="phone"),
)
EVENT_TYPES: Mapping[str, EventTypeFields] = {
    "order": EventTypeFields(
        name="Order",
        funnel_stage=FunnelStage.PURCHASE,
        fields=(
            FieldEntry(storage_key="order_id", name="Order number", is_required=True),
            *_WHO,
            FieldEntry(storage_key="items", data_type=EventDataType.INTEGER),
            FieldEntry(storage_key="turnover", name="Turnover", kind=_STATISTIC, is_required=True),
        ),
    ),
    "contact-form": EventTypeFields(
        name="Contact form",
        funnel_stage=FunnelStage.INTEREST,
        phone_parsing=["FR", "US"],
        fields=(
            *_WHO,
            FieldEntry(storage_key="message", is_required=True),
            FieldEntry(storage_key="qualified", name="Qualified", kind=_STATE),
            FieldEntry(storage_key="converted", name="Converted", kind=_STATE),
            FieldEntry(storage_key="turnover", name="Turnover", kind=_STATISTIC),
        ),
    ),
}
# Each lacks something or says something impossible; one names a type the project never had.
_TRASH: Sequence[tuple[str, dict[str, object]]] = (
    ("order", {"turnover": "49.90"}),
    ("order", {"order_id": "T-2", "turnover": "a lot"}),
    ("contact-form", {"email": "nobody at all"}),
    ("contact-form", {"email": "ada@example.com", "message": "", "qualified": "perhaps"}),
    ("purchase", {"total": 12}),
)
OTHER_WAYS: Sequence[tuple[str, str | None]] = (
    ("", None),
    ("?utm_source=google&utm_medium=cpc&gclid=EAIaIQ", "https://www.google.com/"),
    ("", "https://www.google.com/"),
    ("?utm_source=newsletter&utm_medium=email", None),
    ("?utm_source=instagram&utm_medium=paid_social&fbclid=IwAR0", "https://l.instagram.com/"),
    ("", None),
    ("?fbclid=IwAR1", "https://l.facebook.com/"),
    ("?utm_source=city-gazette", None),
)
"""How people come whom no campaign of the group's led, by turns: tags, and the page they come from."""
CHANNEL_RULES = (ChannelRuleFields(source="*-gazette|*-magazine", channel="print"),)
"""What the built-in rules do not know: where the groups have a code printed."""
_PROJECT = "SELECT id FROM project WHERE group_id = $1 AND slug = $2"
_TRACKED = "SELECT id, name FROM campaign WHERE group_id = $1 AND name = ANY ($2) AND deleted_at IS NULL"
_STARTED = "SELECT EXISTS (SELECT 1 FROM event_type WHERE group_id = $1)"
_ENDED = "SELECT EXISTS (SELECT 1 FROM interaction WHERE group_id = $1 AND kind = 'offline')"
_FORMS = """
SELECT id, occurred_at FROM event
 WHERE group_id = $1 AND project_id = $2 AND event_type = 'contact-form' AND status = 'processed'
 ORDER BY occurred_at, dedup_key
"""


async def write_traffic(db: Database, group_id: int, plan: GroupPlan, *, now: datetime) -> None:
    """Record what is missing. An interrupted run is completed, and everything counts once."""
    scope = Scope(group_id)
    async with db.transaction(scope) as tx:
        if await tx.fetchval(_ENDED, group_id):
            return
        project_id = await tx.fetchval(_PROJECT, group_id, plan.slug)
        if not await tx.fetchval(_STARTED, group_id):
            for reference, fields in EVENT_TYPES.items():
                await create_event_type(tx, project_id, fields, reference=reference, now=now)
            await set_channel_rules(tx, CHANNEL_RULES, now=now)
            await _lay_out(tx, plan, now=now)
            await upsert_rates(tx, [*_rates(plan, now)], now=now)
    site = _Site(group_id, project_id, plan, now)
    visits, events = site.traffic()
    async with db.transaction(scope) as tx:
        await record_online(tx, visits, now=now)
    acceptor = Acceptor(db)
    # No hint needed: they are processed right here.
    acceptor.on_accepted = lambda groups: None
    await asyncio.gather(*(acceptor.accept(event) for event in events))
    await acceptor.close()
    while await process_pending(db, group_id, now=now):
        pass
    async with db.transaction(scope) as tx:
        await _follow_up(tx, site)
        for told in site.contacts():
            await record_offline(tx, project_id, told, now=now)


async def _lay_out(tx: Transaction, plan: GroupPlan, *, now: datetime) -> None:
    zone = zone_of(plan.time_zone)
    today = now.astimezone(zone).date()
    names = [campaign.name for campaign in plan.campaigns if campaign.outlays]
    ids = {row["name"]: row["id"] for row in await tx.fetch(_TRACKED, tx.scope.group_id, names)}
    for campaign in plan.campaigns:
        for outlay in campaign.outlays if campaign.name in ids else ():
            first = today + timedelta(days=outlay.start)
            fields = OutlayFields(
                campaign_id=ids[campaign.name],
                amount=Decimal(outlay.amount),
                starts_at=start_of(first, zone),
                ends_at=start_of(first + timedelta(days=outlay.days), zone),
                country=outlay.country,
                region=outlay.region,
            )
            await create_outlay(tx, fields, now=now)


def _rates(plan: GroupPlan, now: datetime) -> Iterator[Rate]:
    chance = Random(f"{plan.slug} rates")  # noqa: S311 - made-up rates
    other = "USD" if plan.currency == "EUR" else "EUR"
    worth = RATES.get(plan.currency, Decimal(1))
    for week in range(DAYS // 7 + 2):
        moved = worth * Decimal(f"{chance.uniform(0.98, 1.02):.4f}")
        day = now.date() - timedelta(days=7 * week)
        yield Rate(from_currency=plan.currency, to_currency=other, day=day, rate=moved)


async def _follow_up(tx: Transaction, site: "_Site") -> None:
    """Some forms were qualified, and some of those became orders, each at its own date."""
    chance = Random(f"{site.plan.slug} forms")  # noqa: S311 - made-up sales
    for row in await tx.fetch(_FORMS, site.group_id, site.project_id):
        if chance.random() > 0.55:
            continue
        await _say(tx, site, row["id"], _STATE, "qualified", Decimal(1), row["occurred_at"], days=1)
        if chance.random() < 0.5:
            worth = (site.plan.basket * Decimal(f"{chance.uniform(1, 6):.2f}")).quantize(CENT)
            await _say(tx, site, row["id"], _STATE, "converted", Decimal(1), row["occurred_at"], days=4)
            await _say(tx, site, row["id"], _STATISTIC, "turnover", worth, row["occurred_at"], days=4)


async def _say(
    tx: Transaction, site: "_Site", event: UUID, kind: EventFieldKind, key: str, value: Decimal, at: datetime,
    *, days: int,
) -> None:  # fmt: skip
    date = min(at + timedelta(days=days), site.now)
    told = Telling(kind=kind, storage_key=key, value=value, date=date, actor="demonstration")
    await tell(tx, event, told, now=site.now)


@dataclass(frozen=True, slots=True)
class _Site:
    """A group's site, and who came to it. Always the same for the same day."""

    group_id: int
    project_id: int
    plan: GroupPlan
    now: datetime

    def traffic(self) -> tuple[list[Visit], list[Sent]]:
        """Visits, and the events that some of them led to."""
        chance = Random(f"{self.plan.slug} traffic")  # noqa: S311 - made-up visitors
        visits: list[Visit] = []
        events: list[Sent] = []
        for n in range(PEOPLE):
            at = self.now - timedelta(days=chance.uniform(6, DAYS))
            for place in range(chance.choice((1, 1, 2, 2, 3, 4))):
                visits.append(self._visit(n, place, *self._way(n, place, self._landing(chance)), at))
                at += timedelta(hours=chance.uniform(0.1, 30))
            data: dict[str, object] = {}
            if chance.random() < 0.7:
                data["email"] = f"client{n + 1}@{self.plan.mail_domain}"
            if chance.random() < 0.4:
                said = {
                    **data,
                    "message": chance.choice(("When are you open?", "A question about my order", "♥")),
                }
                events.append(self._event("contact-form", f"form-{n}", said, at, n))
                at += timedelta(hours=chance.uniform(0.2, 40))
            if chance.random() < 0.45:
                worth = (self.plan.basket * Decimal(f"{chance.uniform(0.5, 2):.2f}")).quantize(CENT)
                bought = {
                    **data,
                    "order_id": f"W-{7000 + n}",
                    "items": chance.randrange(1, 5),
                    "turnover": worth,
                }
                # One in ten was ordered by telephone: no browser, no journey.
                events.append(self._event("order", f"order-{n}", bought, at, n if n % 10 else None))
        for n, (kind, data) in enumerate(_TRASH):
            at = self.now - timedelta(days=3 * n + 1)
            events.append(self._event(kind, f"trash-{n}", data, at, n))
        return visits, events

    def contacts(self) -> Iterator[Offline]:
        """Customers who came to a stand, known by e-mail."""
        slug = next(campaign.slug for campaign in self.plan.campaigns if campaign.slug)
        for n in range(CONTACTS):
            node = {"wmktId": self.plan.wmkt_id, **({"cid": slug} if n % 3 else {})}
            yield Offline(
                node_data=node,
                user_data={"email": f"client{5 * n + 1}@{self.plan.mail_domain}"},
                occurred_at=self.now - timedelta(days=2 * n + 8),
                dedup_key=f"stand-{n}",
            )

    def _landing(self, chance: Random) -> str:
        slugs = [campaign.slug for campaign in self.plan.campaigns if campaign.slug]
        way = chance.random()
        if way < 0.35:
            return f"{self.plan.site}/"
        if way < 0.55:
            return f"{self.plan.site}/?wmktid={self.plan.wmkt_id}"
        return f"{self.plan.site}/?wmktid={self.plan.wmkt_id}&cid={chance.choice(slugs)}"

    def _way(self, n: int, place: int, landing: str) -> tuple[str, str | None]:
        """Of those that no link of ours led: by somebody else's tags, from another page, or by typing the address."""
        if "?" in landing:
            return landing, None
        tags, referrer = OTHER_WAYS[(n + place) % len(OTHER_WAYS)]
        return landing + tags, referrer

    def _visit(self, n: int, place: int, landing: str, referrer: str | None, at: datetime) -> Visit:
        return Visit(
            project_id=self.project_id,
            tracker_id=f"visitor-{n:03}",
            landing_url=landing,
            referrer=referrer,
            occurred_at=at,
            dedup_key=f"demonstration:{n}/{place}",
        )

    def _event(self, kind: str, nonce: str, data: dict[str, object], at: datetime, n: int | None) -> Sent:
        return sent_event(
            self.group_id,
            self.project_id,
            project=self.plan.slug,
            event_type=kind,
            nonce=nonce,
            data=data,
            tracker_id=None if n is None else f"visitor-{n:03}",
            event_date=at.isoformat(timespec="milliseconds"),
            is_vouched=True,
            now=min(at + timedelta(seconds=2), self.now),
        )
