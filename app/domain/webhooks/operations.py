"""Taking a delivery in: every event is stored once, and takes effect once, in one transaction.

The event store's unique key decides which events are new; only those have effects. Effects are sums and
latest-wins, so the order in which deliveries arrive changes nothing.

Locks are taken in the order of all writers: events by key, customers, campaigns, rollups, and the provider's counters
last. So two deliveries that overlap wait for one another and cannot deadlock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.contacts.moving import followed, move_addresses
from app.domain.contacts.saying import owners, record, settle
from app.domain.contacts.statements import CHANNELS, Said, address_or_none
from app.domain.customers.meanwhile import leave_events
from app.domain.external_ids.finding import rows_known_as, rows_with_ids
from app.domain.funnels.touches import Touch, record_touches
from app.domain.groups.regions import regions_of
from app.domain.heirs import who_is
from app.domain.identities.identifying import settle_columns
from app.domain.metrics.recipients import Reached, count_recipients
from app.domain.webhooks.providers import BY_NUMBER, REACHED, STAGE, is_supported
from app.domain.webhooks.reading import Happened
from app.errors import Forbidden
from app.tables.contacts import OF_ADDRESS, ContactChannel, StatementKind
from app.tables.event_types import EventOutcome
from app.tables.projects import DEFAULT_CLOCK_AHEAD_S
from app.tables.webhooks import Provider
from app.values.contacts import email_key_of, phone_key_of
from app.values.instants import zone_of
from app.values.systems import CRM


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a delivery's events."""

    received: int
    """How many it held."""
    applied: int
    """Of those, how many took effect now."""
    ignored: int
    """Stored without effect, since they are outside the provider's set."""

    @property
    def repeated(self) -> int:
        """Had been stored before, or were twice in the delivery."""
        return self.received - self.applied - self.ignored


@dataclass(frozen=True, slots=True)
class EventCampaign:
    """What an event needs to know of its campaign."""

    id: int
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Settled:
    """An event, with what it means here."""

    event: Happened
    at: datetime
    """Never later than now: a sender's clock may be ahead."""
    applies: bool
    campaign: EventCampaign | None
    customer_id: int | None
    recipient: str
    """Whom the message went to."""


async def ingest(
    tx: Transaction, provider: Provider, events: Sequence[Happened], *, now: datetime
) -> Ingested:
    """Store a delivery's events and let the new ones take effect."""
    if tx.scope.store_id is not None or tx.scope.project_ids is not None:
        raise Forbidden(
            "Deliveries are the whole group's; a credential of one store or project cannot take them in."
        )
    first = {event.key: event for event in reversed(events)}
    campaigns = await _campaigns(tx, {e.campaign for e in first.values() if e.campaign})
    region = (await regions_of(tx, ()))[None]
    customers = await _customers(tx, list(first.values()), region)
    settled = [
        Settled(
            event=event,
            at=now if event.at is None else min(event.at, now),
            applies=is_supported(provider, event.kind),
            campaign=campaigns.get(event.campaign or ""),
            customer_id=customers.get(("email", email_key_of(event.email)))
            or customers.get(("phone", phone_key_of(event.phone, region))),
            recipient=recipient_of(event, region),
        )
        for event in first.values()
    ]
    kept = await _keep(tx, provider, sorted(settled, key=lambda one: one.event.key), now=now)
    theirs = [one.event.key for one in settled if one.customer_id is not None and one.event.key in kept]
    await leave_events(tx, source_of(provider), theirs)
    new = [one for one in settled if one.event.key in kept]
    applied = [one for one in new if one.applies]
    if new:
        contacts = await _contacts(tx, provider, new)
        said = _said(provider, new, contacts, await _addresses(tx, contacts.values()), region)
        said += await followed(tx, said)
        concerned = {one.customer_id for one in applied if one.customer_id} | await owners(tx, said)
        known = await _lock(tx, _LOCK_CUSTOMERS, concerned)
        await record(tx, said, now=now)
        moved = await move_addresses(tx, said, now=now)
        await settle(tx, known if said else (), now=now)
        await record_touches(tx, _touches(applied, known), source=source_of(provider), now=now)
        # Somebody may have been known by the new address alone; what they have by now goes along.
        await settle_columns(tx, moved, now=now)
        running = await _lock(tx, _LOCK_CAMPAIGNS, {one.campaign.id for one in applied if one.campaign})
        await _count_recipients(
            tx, [one for one in applied if one.campaign and one.campaign.id in running], now=now
        )
        await _count(tx, provider, new, now=now)
    return Ingested(len(events), len(applied), len(new) - len(applied))


_CAMPAIGNS = f"""
SELECT campaign.id, coalesce(s.time_zone, g.time_zone) AS zone
  FROM campaign
  JOIN store s ON s.group_id = campaign.group_id AND s.id = campaign.store_id
  JOIN customer_group g ON g.id = campaign.group_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.deleted_at IS NULL
   AND campaign.id = ANY ($4)
"""


async def _campaigns(tx: Transaction, names: Iterable[str]) -> Mapping[str, EventCampaign]:
    """By the name the sender uses, which is the CRM's."""
    named = await rows_known_as(tx, "camp", CRM, names)
    if not named:
        return {}
    rows = await tx.fetch(_CAMPAIGNS, *borders(tx.scope), list(named.values()))
    ours = {row["id"]: EventCampaign(row["id"], zone_of(row["zone"])) for row in rows}
    return {name: ours[ident] for name, ident in named.items() if ident in ours}


# One look-up for each address: LIMIT keeps it so.
_CUSTOMERS = f"""
SELECT c.id, 'email' AS by, given.address
  FROM unnest($2::text[]) AS given (address)
 CROSS JOIN LATERAL (
   SELECT * FROM customer k WHERE k.group_id = $1 AND k.email_key = given.address LIMIT 1) AS known
       {who_is("known")}
 WHERE c.deleted_at IS NULL
UNION ALL
SELECT min(c.id), 'phone', known.phone_key
  FROM customer known
       {who_is("known")}
 WHERE known.group_id = $1 AND known.phone_key = ANY ($3) AND c.deleted_at IS NULL
 GROUP BY known.phone_key HAVING count(DISTINCT c.id) = 1
"""


async def _customers(
    tx: Transaction, events: Collection[Happened], region: str | None
) -> Mapping[tuple[str, str | None], int]:
    """Customers by the keys of their addresses. A phone number that several of them share identifies none of them."""
    emails = {key for event in events if (key := email_key_of(event.email))}
    phones = {key for event in events if (key := phone_key_of(event.phone, region))}
    if not emails and not phones:
        return {}
    rows = await tx.fetch(_CUSTOMERS, tx.scope.group_id, list(emails), list(phones))
    return {(row["by"], row["address"]): int(row["id"]) for row in rows}


_KEEP = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, kind, channel, received_at, occurred_at, outcome,
                   campaign_id, customer_id, body, is_vouched, is_clock_doubtful)
SELECT $1, uuidv7(), $2, given.key, given.raw, given.kind, given.channel, $3, given.at, given.outcome,
       given.campaign_id, given.customer_id, given.body::json, true,
       given.at > $3::timestamptz + $13::interval
  FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::bigint[],
              $11::bigint[], $12::text[])
    AS given (key, raw, kind, channel, at, outcome, campaign_id, customer_id, body)
 ORDER BY given.key
ON CONFLICT (group_id, source, dedup_key) DO NOTHING
RETURNING dedup_key
"""


async def _keep(tx: Transaction, provider: Provider, events: Sequence[Settled], *, now: datetime) -> set[str]:
    """The keys of the events that had not been stored before."""
    rows = await tx.fetch(
        _KEEP,
        tx.scope.group_id,
        source_of(provider),
        now,
        [one.event.key for one in events],
        [one.event.raw_kind for one in events],
        [one.event.kind for one in events],
        [one.event.channel for one in events],
        [one.event.at or now for one in events],
        [EventOutcome.APPLIED if one.applies else EventOutcome.IGNORED for one in events],
        [one.campaign.id if one.campaign else None for one in events],
        [one.customer_id for one in events],
        [one.event.body for one in events],
        timedelta(seconds=DEFAULT_CLOCK_AHEAD_S),
    )
    return {row["dedup_key"] for row in rows}


def source_of(provider: Provider) -> str:
    """The name of the provider's webhook in the event store."""
    return f"webhook.{provider}"


_COUNT = """
INSERT INTO webhook_provider AS p (group_id, provider, created_at, events_received, events_ignored, last_event_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (group_id, provider) DO UPDATE
   SET events_received = p.events_received + excluded.events_received,
       events_ignored = p.events_ignored + excluded.events_ignored,
       last_event_at = greatest(p.last_event_at, excluded.last_event_at)
"""


async def _count(tx: Transaction, provider: Provider, new: Sequence[Settled], *, now: datetime) -> None:
    ignored = sum(1 for one in new if not one.applies)
    latest = max(one.at for one in new)
    await tx.execute(_COUNT, tx.scope.group_id, provider, now, len(new), ignored, latest)


async def _count_recipients(tx: Transaction, applied: Sequence[Settled], *, now: datetime) -> None:
    """Count the people whom each campaign's messages reached."""
    campaigns = {one.campaign.id: one.campaign.zone for one in applied if one.campaign}
    things = [
        Reached(
            campaign_id=one.campaign.id,
            channel=one.event.channel,
            recipient=one.recipient,
            what=REACHED[one.event.kind],
            at=one.at,
            by_machine=one.event.by_machine,
        )
        for one in applied
        if one.campaign and one.event.kind in REACHED
    ]
    await count_recipients(tx, things, campaigns, now=now)


def recipient_of(event: Happened, region: str | None) -> str:
    """The address the message went to, in the form that compares; where none is told, the event stands for itself.

    Of two addresses the channel says which: the number is a text message's, the e-mail address anything else's.
    """
    # What is no number may be a sender's name.
    named = [email_key_of(event.email), phone_key_of(event.phone, region) or event.phone]
    if event.channel in BY_NUMBER:
        named.reverse()
    return next((one for one in named if one), f"{event.kind}/{event.key}")


# Locked until the end, so that nothing is deleted meanwhile; in the same order as all writers.
_LOCK_CUSTOMERS = """
SELECT id FROM customer WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
"""
_LOCK_CAMPAIGNS = """
SELECT id FROM campaign WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
"""


async def _lock(tx: Transaction, statement: str, ids: Collection[int]) -> set[int]:
    if not ids:
        return set()
    return {row["id"] for row in await tx.fetch(statement, tx.scope.group_id, sorted(ids))}


_EMAILS = "SELECT id, email_key FROM customer WHERE group_id = $1 AND id = ANY ($2) AND email_key IS NOT NULL"
_HEIRS = """
SELECT id, coalesce(merged_into_id, id) AS heir FROM customer WHERE group_id = $1 AND id = ANY ($2)
"""


async def _contacts(tx: Transaction, provider: Provider, new: Sequence[Settled]) -> Mapping[str, int]:
    """Customers by the provider's own ids, of those who say something and have no address in it."""
    named = {
        one.event.contact for one in new if one.event.contact and one.event.words and not one.event.email
    }
    found = await rows_with_ids(tx, "cust", provider, named) if named else {}
    heirs = {
        row["id"]: row["heir"]
        for row in (await tx.fetch(_HEIRS, tx.scope.group_id, list(found.values())) if found else ())
    }
    return {name: heirs[ident] for name, ident in found.items() if ident in heirs}


async def _addresses(tx: Transaction, customers: Iterable[int]) -> Mapping[int, str]:
    """The e-mail addresses of these customers, as they are compared."""
    ids = sorted(set(customers))
    rows = await tx.fetch(_EMAILS, tx.scope.group_id, ids) if ids else ()
    return {row["id"]: row["email_key"] for row in rows}


def _said(
    provider: Provider,
    new: Sequence[Settled],
    contacts: Mapping[str, int],
    addresses: Mapping[int, str],
    region: str | None,
) -> list[Said]:
    """What these events say about writing to those they are about."""
    found: list[Said] = []
    for one in new:
        channel = CHANNELS.get(one.event.channel)
        if channel is None or not one.event.words:
            continue
        is_email = channel is ContactChannel.EMAIL
        address = address_or_none(channel, one.event.email if is_email else one.event.phone, region)
        known = contacts.get(one.event.contact or "", one.customer_id)
        if address is None and known is None:
            continue
        for word in one.event.words:
            detail = word.detail
            if word.kind is StatementKind.MOVED:
                detail = address_or_none(channel, detail)
                if detail is None or address is None or detail == address:
                    continue
            found.append(
                Said(
                    channel=channel,
                    kind=word.kind,
                    source=source_of(provider),
                    at=one.at,
                    # Told of a person by the provider's own id, it is about the address they have.
                    address=address or (addresses.get(known) if word.kind in OF_ADDRESS and known else None),
                    customer_id=known,
                    list=word.list,
                    detail=detail,
                )
            )
    return found


def _touches(applied: Sequence[Settled], known: Collection[int]) -> list[Touch]:
    """The stages customers reached with these events."""
    return [
        Touch(
            customer_id=one.customer_id,
            stage=STAGE[one.event.kind],
            occurred_at=one.at,
            reference=one.event.key,
            channel=one.event.channel,
            campaign_id=one.campaign.id if one.campaign else None,
        )
        for one in applied
        if one.customer_id is not None and one.customer_id in known and one.event.kind in STAGE
    ]
