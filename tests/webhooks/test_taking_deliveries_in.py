"""What a delivery does: once however often it comes, the same in whatever order, and nothing where it is refused."""

import asyncio
import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.domain.campaigns.operations import delete_campaign
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.errors import Unauthorized
from app.graph.running.entry import Operation, answer
from app.tables.metrics import AMOUNTS, FIGURES
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups
from tests.given.asking import NOW, Asker
from tests.given.statements import recorded
from tests.given.webhooks import INGEST, Connected, connection, documented, post

OPENED = {
    "event_type": "email.opened",
    "email": "customer@example.com",
    "campaign_id": "camp_001",
    "timestamp": "2025-06-14T22:30:00Z",
}
"""The API's own example, with another day."""
ONE_OPENED = {"sent": 1, "delivered": 1, "opened": 1, "opens": 1}
"""One person who opened once: it was sent, and it arrived."""
ARRIVED = {"sent": 1, "delivered": 1}
PROVIDERS = "{ webhookProviders { id name status eventsReceived eventsIgnored lastEvent events } }"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class World:
    """A group with a connection, a campaign and a customer."""

    db: Database
    scope: Scope
    mine: Connected
    campaign_id: int
    customer_id: int

    async def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        """The campaign's metrics, by day and channel; those that are not zero.

        A day that people were taken away from, since their first moment turned out to be earlier, has nothing left.
        """
        async with self.db.transaction(self.scope) as tx:
            rows = await tx.fetch("SELECT * FROM campaign_metric")
            rollup = await tx.fetch("SELECT * FROM metric_rollup")
        names = [name for name in FIGURES if name not in AMOUNTS]
        found, sums = [
            {
                (r["day"].isoformat(), r["channel"]): said
                for r in table
                if (said := {name: r[name] for name in names if r[name]})
            }
            for table in (rows, rollup)
        ]
        assert found == sums
        for day in found.values():
            people = [day.get(name, 0) for name in ("opened", "clicked", "unsubscribed")]
            assert day.get("sent", 0) >= day.get("delivered", 0) >= max(people)
        return found

    async def consents(self) -> tuple[bool, bool]:
        """Whether the customer agrees to e-mails and to text messages."""
        async with self.db.transaction(self.scope) as tx:
            row = await tx.fetchrow("SELECT email_consent, sms_consent FROM customer")
            assert row is not None
            return row["email_consent"], row["sms_consent"]

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """As the group sees them."""
        async with self.db.transaction(self.scope) as tx:
            return [tuple(row) for row in await tx.fetch(sql)]


async def world(db: Database, provider: str = "sendgrid", **secrets: Any) -> World:
    group = await groups.group(db)
    mine = await connection(db, group.group_id, provider, **secrets)
    campaign_id = await given.campaign(db, group.scope, known_as={"crm": "camp_001"})
    async with db.transaction(group.scope) as tx:
        customer_id = await tx.fetchval(
            "INSERT INTO customer (group_id, name, email, email_key, phone, phone_key, email_consent, sms_consent)"
            " VALUES ($1, 'Ada', 'Customer@Example.com', 'customer@example.com', '+33612345678', '+33612345678', true,"
            " true) RETURNING id",
            group.group_id,
        )
    return World(db, group.scope, mine, campaign_id, customer_id)


async def listed(asker: Asker, scope: Scope) -> dict[str, dict[str, Any]]:
    planned, resolved = await asker.both(scope, PROVIDERS)
    assert planned.execution == "planned"
    assert planned.data == resolved.data
    assert planned.data is not None
    return {row.pop("id"): row for row in json.loads(planned.data)["webhookProviders"]}


def told(received: int, applied: int, ignored: int = 0) -> dict[str, Any]:
    return {
        "received": received, "applied": applied, "ignored": ignored,
        "repeated": received - applied - ignored, "errors": [],
    }  # fmt: skip


async def test_the_documented_example_counts_once(asker: Asker, db: Database) -> None:
    w = await world(db)
    assert await post(asker, documented(w.mine, OPENED)) == told(1, 1)
    # Half past ten in the evening in UTC: in the store it is tomorrow already.
    once = {("2025-06-15", "email"): ONE_OPENED}
    assert await w.counts() == once
    assert await post(asker, documented(w.mine, OPENED, at=NOW - timedelta(seconds=60))) == told(1, 0)
    reordered = dict(reversed(OPENED.items()))
    assert await post(asker, documented(w.mine, reordered, bare=True)) == told(1, 0)
    assert await w.counts() == once
    assert (await listed(asker, w.scope))["sendgrid"] == {
        "name": "SendGrid", "status": "CONNECTED", "eventsReceived": 1, "eventsIgnored": 0,
        "lastEvent": "2025-06-14T22:30:00Z",
        "events": ["delivered", "opened", "clicked", "bounced", "unsubscribed"],
    }  # fmt: skip
    stored = (
        "SELECT source, event_type, kind, channel, outcome, campaign_id, customer_id, body::text FROM event"
    )
    assert await w.rows(stored) == [
        ("webhook.sendgrid", "email.opened", "opened", "email", "applied", w.campaign_id, w.customer_id,
         json.dumps(OPENED)),
    ]  # fmt: skip
    assert await w.rows("SELECT stage, channel, campaign_id FROM funnel_touch") == [
        ("awareness", "email", w.campaign_id)
    ]


async def test_one_delivery_posted_a_hundred_times_at_once_has_one_effect(asker: Asker, db: Database) -> None:
    w = await world(db)
    body = [{**OPENED, "event_id": str(n)} for n in range(3)]
    sent = documented(w.mine, body)
    shuffled = [documented(w.mine, random.sample(body, 3), bare=n % 3 == 0) for n in range(50)]
    outcomes = await asyncio.gather(*(post(asker, one) for one in [sent] * 50 + shuffled))
    assert sum(one["applied"] for one in outcomes) == 3
    assert sum(one["repeated"] for one in outcomes) == 297
    assert await w.counts() == {("2025-06-15", "email"): {**ONE_OPENED, "opens": 3}}
    assert (await listed(asker, w.scope))["sendgrid"]["eventsReceived"] == 3
    assert len(await w.rows("SELECT 1 FROM event")) == len(await w.rows("SELECT 1 FROM funnel_touch")) == 3


async def test_the_order_of_deliveries_changes_no_total(asker: Asker, db: Database) -> None:
    dice = random.Random(7)
    kinds = ["email.delivered", "opened", "click", "sms.delivered", "processed", "bounce", "unsubscribe"]
    events = [
        {
            "event_type": dice.choice(kinds), "event_id": str(n), "email": "customer@example.com",
            "campaign_id": "camp_001", "timestamp": f"2025-06-{dice.randrange(10, 15)}T{dice.randrange(24):02}:00:00Z",
        }
        for n in range(60)
    ]  # fmt: skip
    seen = []
    for turn in range(3):
        w = await world(db)
        order = dice.sample(events, len(events))
        batches = [order[at : at + 7] for at in range(0, 60, 7)]
        sendings = [documented(w.mine, batch) for batch in [*batches, *dice.sample(batches, 3)]]
        if turn == 2:
            await asyncio.gather(*(post(asker, one) for one in sendings))
        else:
            for one in sendings:
                await post(asker, one)
        paths = await w.rows("SELECT day, path FROM funnel_day ORDER BY day")
        seen.append((await w.counts(), await listed(asker, w.scope), await w.consents(), paths))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][1]["sendgrid"]["eventsReceived"] == 60


async def test_consent_is_what_the_latest_word_says(asker: Asker, db: Database) -> None:
    w = await world(db, "mailchimp")

    async def says(kind: str, hour: int) -> None:
        event = {
            "event_type": kind,
            "email": "CUSTOMER@example.com",
            "timestamp": f"2025-06-14T{hour:02}:00:00Z",
        }
        await post(asker, documented(w.mine, event))

    await says("unsubscribed", 10)
    assert await w.consents() == (False, True)
    await says("subscribed", 9)
    assert await w.consents() == (False, True)
    await says("subscribed", 11)
    assert await w.consents() == (True, True)
    await says("sms.unsubscribed", 8)
    assert await w.consents() == (True, False)
    await says("unsubscribed", 11)
    assert await w.consents() == (False, False)
    assert len(await w.rows(f"SELECT 1 FROM audience_change WHERE group_id = {w.scope.group_id}")) == 4


async def test_an_old_word_does_not_undo_what_was_told_otherwise_since(asker: Asker, db: Database) -> None:
    w = await world(db, "mailchimp")

    async def says(kind: str, hour: int) -> None:
        at = f"2025-06-14T{hour:02}:00:00Z"
        await post(
            asker, documented(w.mine, {"event_type": kind, "email": "customer@example.com", "timestamp": at})
        )

    async with db.transaction(w.scope) as tx:
        entry = CustomerEntry(email="customer@example.com", email_consent=False)
        await upsert_customers(tx, [entry], now=datetime(2025, 6, 14, 12, tzinfo=UTC))
    await says("subscribed", 9)
    assert await w.consents() == (False, True)
    await says("sms.unsubscribed", 9)
    assert await w.consents() == (False, False)
    await says("subscribed", 13)
    assert await w.consents() == (True, False)


async def test_a_word_from_the_future_is_of_now(asker: Asker, db: Database) -> None:
    w = await world(db, "mailchimp")
    soon = NOW + timedelta(seconds=9)
    for kind, at, now in (("subscribed", NOW + timedelta(hours=7), NOW), ("unsubscribed", soon, soon)):
        event = {"event_type": kind, "email": "customer@example.com", "timestamp": at.isoformat()}
        await post(asker, documented(w.mine, event, at=now), now=now)
    assert await w.consents() == (False, True)


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00Z", "0001-01-01T10:00:00Z", "1970-01-01T00:00:00Z", -62135596800, 0]
)
async def test_a_moment_that_is_none_is_of_now(asker: Asker, db: Database, at: object) -> None:
    w = await world(db)
    events = [
        {"event_type": "opened", "timestamp": at, "id": "z", "campaign_id": "camp_001"},
        {"event_type": "clicked", "timestamp": NOW.isoformat(), "id": "y", "campaign_id": "camp_001"},
    ]
    assert await post(asker, documented(w.mine, events)) == told(2, 2)
    (found,) = await w.rows("SELECT DISTINCT occurred_at FROM event")
    assert found == (NOW,)


async def test_what_is_outside_the_providers_set_is_kept_and_ignored(asker: Asker, db: Database) -> None:
    w = await world(db, "twilio")
    events = [
        {**OPENED, "event_type": kind} for kind in ("email.opened", "sms.delivered", "nonsense", "sms.")
    ]
    assert await post(asker, documented(w.mine, events)) == told(4, 1, 3)
    assert await w.counts() == {("2025-06-15", "sms"): ARRIVED}
    assert await w.rows("SELECT kind, outcome FROM event ORDER BY kind") == [
        ("", "ignored"), ("delivered", "applied"), ("nonsense", "ignored"), ("opened", "ignored"),
    ]  # fmt: skip
    row = (await listed(asker, w.scope))["twilio"]
    assert (row["eventsReceived"], row["eventsIgnored"]) == (4, 3)


async def test_sendgrids_own_batch(asker: Asker, db: Database) -> None:
    w = await world(db)
    body = b"""[
      {"email":"customer@example.com","timestamp":1749900000,"smtp-id":"<1@x>","event":"processed",
       "sg_event_id":"a","sg_message_id":"m","campaign_id":"camp_001"},
      {"email":"customer@example.com","timestamp":1749900001,"event":"delivered","sg_event_id":"b","campaign_id":"camp_001"},
      {"email":"customer@example.com","timestamp":1749900002.5,"event":"open","sg_event_id":"c",
       "unique_args":{"campaign_id":"camp_001"},"sg_machine_open":false},
      {"email":"customer@example.com","timestamp":1749900003,"event":"click","sg_event_id":"d","campaign_id":"camp_001",
       "url":"https://example.com/?a=1","useragent":"\\u00e9"},
      {"email":"gone@example.com","timestamp":1749900004,"event":"bounce","sg_event_id":"e","campaign_id":"camp_001"},
      {"email":"customer@example.com","timestamp":1749900005,"event":"group_unsubscribe","sg_event_id":"f",
       "campaign_id":"camp_001","asm_group_id":1},
      {"email":"customer@example.com","timestamp":1749900001,"event":"delivered","sg_event_id":"b","campaign_id":"camp_001"}
    ]"""
    assert await post(asker, documented(w.mine, body)) == told(7, 5, 1)
    assert await w.counts() == {
        # Two people: the other's bounced.
        ("2025-06-14", "email"): {
            "sent": 2,
            "delivered": 1,
            "opened": 1,
            "clicked": 1,
            "unsubscribed": 1,
            "opens": 1,
            "clicks": 1,
        }
    }
    assert await w.consents() == (False, True)
    [(kept,)] = await w.rows("SELECT body::text FROM event WHERE event_type = 'click'")
    assert kept.encode() in body
    assert (await listed(asker, w.scope))["sendgrid"]["lastEvent"] == "2025-06-14T11:20:05Z"


async def test_twilios_own_form_and_its_event_stream_tell_of_one_message_once(
    asker: Asker, db: Database
) -> None:
    w = await world(db, "twilio")
    fields = {
        "SmsSid": "SM1", "SmsStatus": "delivered", "MessageStatus": "delivered", "To": "+33612345678",
        "MessageSid": "SM1", "AccountSid": "AC1", "From": "+15005550006", "ApiVersion": "2010-04-01",
        "campaign_id": "camp_001",
    }  # fmt: skip
    form = {"content-type": FORM}

    async def send(sent: dict[str, str]) -> dict[str, Any]:
        made = documented(w.mine, urlencode(sent).encode())
        return await post(asker, replace(made, headers={**made.headers, **form}))

    assert await send(fields) == told(1, 1)
    assert await send({**fields, "MessageStatus": "sent"}) == told(1, 0, 1)
    assert await send(fields) == told(1, 0)
    assert await send({**fields, "MessageSid": "SM2", "MessageStatus": "undelivered"}) == told(1, 1)
    stream = [
        {
            "specversion": "1.0", "type": "com.twilio.messaging.message.delivered", "id": "EZ1",
            "time": "2025-06-15T09:00:00.000Z", "data": {"messageSid": "SM1", "to": "+33612345678"},
        }
    ]  # fmt: skip
    assert await post(asker, documented(w.mine, stream)) == told(1, 0)
    whats = {**fields, "MessageSid": "SM3", "To": "whatsapp:+33612345678"}
    assert await send(whats) == told(1, 1)
    assert await w.counts() == {
        ("2025-06-15", "sms"): ARRIVED, ("2025-06-15", "whatsapp"): ARRIVED,
    }  # fmt: skip
    rows = await w.rows("SELECT kind, channel, customer_id FROM event ORDER BY received_at, dedup_key")
    assert rows == [
        ("delivered", "sms", w.customer_id), ("sent", "sms", w.customer_id), ("failed", "sms", w.customer_id),
        ("delivered", "whatsapp", w.customer_id),
    ]  # fmt: skip


async def test_twilio_names_its_campaign_in_the_address_it_was_given(asker: Asker, db: Database) -> None:
    w = await world(db, "twilio")
    variables = {
        "provider": "twilio", "body": "MessageSid=SM9&MessageStatus=delivered", "contentType": FORM,
        "query": "campaign_id=camp_001",
    }  # fmt: skip
    context = asker.context(w.scope, roles=frozenset({Role.MARKETING}))
    made = await answer(Operation(INGEST, variables), context)
    assert not made.errors
    assert await w.counts() == {("2025-06-15", "sms"): ARRIVED}


async def test_mailchimps_own_forms(asker: Asker, db: Database) -> None:
    w = await world(db, "mailchimp")

    async def send(fields: dict[str, str]) -> dict[str, Any]:
        made = documented(w.mine, urlencode(fields).encode())
        return await post(asker, replace(made, headers={**made.headers, "content-type": FORM}))

    gone = {
        "type": "unsubscribe", "fired_at": "2025-06-14 21:40:57", "data[action]": "unsub", "data[reason]": "manual",
        "data[id]": "8a25ff1d98", "data[list_id]": "a6b5da1054", "data[email]": "customer@example.com",
        "data[email_type]": "html", "data[merges][EMAIL]": "customer@example.com", "data[ip_opt]": "10.20.10.30",
        "data[campaign_id]": "camp_001",
    }  # fmt: skip
    assert await send(gone) == told(1, 1)
    assert await send(gone) == told(1, 0)
    assert await w.consents() == (False, True)
    assert await w.counts() == {("2025-06-14", "email"): {**ARRIVED, "unsubscribed": 1}}
    campaign = {
        "type": "campaign", "fired_at": "2025-06-14 21:31:21", "data[id]": "camp_001", "data[subject]": "Test",
        "data[status]": "sent", "data[reason]": "", "data[list_id]": "a6b5da1054",
    }  # fmt: skip
    assert await send(campaign) == told(1, 1)
    assert await send({**campaign, "data[status]": "canceled"}) == told(1, 0, 1)
    assert await send({**gone, "type": "profile"}) == told(1, 0, 1)
    back = {**gone, "type": "subscribe", "fired_at": "2025-06-15 08:00:00"}
    assert await send(back) == told(1, 1)
    assert await w.consents() == (True, True)


async def test_hubspots_own_batch_whose_retries_count_attempts(asker: Asker, db: Database) -> None:
    w = await world(db, "hubspot")
    event = {
        "eventId": 100, "subscriptionId": 66, "portalId": 123, "appId": 456, "occurredAt": 1749979200123,
        "subscriptionType": "contact.creation", "attemptNumber": 0, "objectId": 123, "changeSource": "CRM",
    }  # fmt: skip
    generic = {**event, "eventId": 101, "subscriptionType": "object.creation", "objectTypeId": "0-1"}
    other = {**event, "eventId": 102, "subscriptionType": "contact.propertyChange"}
    form = {**event, "eventId": 103, "subscriptionType": "form_submission", "email": "customer@example.com"}
    assert await post(asker, documented(w.mine, [event, generic, other, form])) == told(4, 3, 1)
    again = [{**one, "attemptNumber": 1} for one in (event, generic, other, form)]
    assert await post(asker, documented(w.mine, again)) == told(4, 0)
    assert await w.rows("SELECT stage FROM funnel_touch") == [("interest",)]
    assert (await listed(asker, w.scope))["hubspot"]["lastEvent"] == "2025-06-15T09:20:00.123Z"


@pytest.mark.parametrize("tampering", ["body", "signature", "timestamp", "token", "stale"])
async def test_nothing_is_stored_of_a_delivery_that_is_refused(
    asker: Asker, db: Database, tampering: str
) -> None:
    w = await world(db)
    sent = documented(w.mine, OPENED, at=NOW - timedelta(seconds=301 if tampering == "stale" else 0))
    if tampering == "body":
        sent = replace(sent, body=sent.body.replace(b"001", b"002"))
    elif tampering == "token":
        sent = replace(sent, token=(sent.token or "") + "x")
    elif tampering != "stale":
        name = f"x-webhook-{tampering}"
        sent = replace(sent, headers={**sent.headers, name: sent.headers[name][:-1] + "0x"[:1]})
        if sent.headers[name] == documented(w.mine, OPENED).headers[name]:
            sent = replace(sent, headers={**sent.headers, name: sent.headers[name][:-1] + "1"})
    with pytest.raises(Unauthorized):
        await post(asker, sent)
    assert await w.rows("SELECT 1 FROM event") == []
    assert await w.counts() == {}
    assert (await listed(asker, w.scope))["sendgrid"]["eventsReceived"] == 0


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("", "application/json", "MALFORMED_BODY"),
        ("not json", "application/json", "MALFORMED_BODY"),
        ("null", "application/json", "MALFORMED_BODY"),
        ("7", "application/json", "MALFORMED_BODY"),
        ('"text"', "application/json", "MALFORMED_BODY"),
        ('[{"event":"open"}, 7', "application/json", "MALFORMED_BODY"),
        ("[" * 5000 + "]" * 5000, "application/json", "MALFORMED_BODY"),
        ('{"event":"open","x":"\\u0000"}', "application/json", "MALFORMED_BODY"),
        ('{"event":"open","x":"\\ud800"}', "application/json", "MALFORMED_BODY"),
        ('{"event":"open","x":9223372036854775808}', "application/json", "MALFORMED_BODY"),
        ("", FORM, "MALFORMED_BODY"),
        ("a=%00", FORM, "MALFORMED_BODY"),
        ("a=%ff", FORM, "MALFORMED_BODY"),
        ("&".join(f"a{n}=1" for n in range(1001)), FORM, "MALFORMED_BODY"),
        ("[" + ",".join(["{}"] * 5001) + "]", "application/json", "TOO_LARGE"),
        ('{"event_type": 7}', "application/json", "INVALID"),
        ('{"event_type": " "}', "application/json", "INVALID"),
        ('{"event_type": "opened", "timestamp": "soon"}', "application/json", "INVALID"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_whole(
    asker: Asker, db: Database, body: str, content_type: str, code: str
) -> None:
    w = await world(db)
    made = documented(w.mine, body.encode())
    answered = await post(asker, replace(made, headers={**made.headers, "content-type": content_type}))
    assert [error["code"] for error in answered["errors"]] == [code]
    assert answered["errors"][0]["message"]
    assert await w.rows("SELECT 1 FROM event") == []


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"event": None},
        {"event": {"a": 1}},
        {"event": "x" * 5000},
        {"event": "open", "timestamp": "never", "email": 7, "campaign_id": {"a": 1}},
        {"event": "open", "timestamp": 1e300, "email": "x" * 5000, "campaign_id": "camp_9223372036854775808"},
        {"event": "open", "timestamp": -1e15, "sg_event_id": "x" * 5000, "unique_args": []},
        {"event": "open", "timestamp": 253402300799, "sg_event_id": "x" * 199},
        {"event": "open", "timestamp": True, "email": "", "campaign_id": ""},
    ],
)
async def test_an_odd_event_is_kept_without_stopping_its_neighbours(
    asker: Asker, db: Database, odd: dict[str, Any]
) -> None:
    w = await world(db)
    answered = await post(asker, documented(w.mine, [odd, OPENED]))
    assert answered["errors"] == []
    assert answered["applied"] + answered["ignored"] == 2
    assert await w.counts() == {("2025-06-15", "email"): ONE_OPENED}
    last = (await listed(asker, w.scope))["sendgrid"]["lastEvent"]
    assert last <= NOW.isoformat().replace("+00:00", "Z")


async def test_a_campaign_is_found_by_its_id_or_its_imported_one_in_its_own_group_alone(
    asker: Asker, db: Database
) -> None:
    w = await world(db)
    foreign = await world(db)
    gone = await given.campaign(db, w.scope, name="gone")
    async with db.transaction(w.scope) as tx:
        await delete_campaign(tx, gone, now=NOW)
    names = [
        f"camp_{w.campaign_id}",
        "camp_001",
        f"camp_{foreign.campaign_id}",
        f"camp_{gone}",
        "nope",
        "camp_0",
    ]
    events = [{**OPENED, "campaign_id": name} for name in names]
    assert await post(asker, documented(w.mine, events)) == told(6, 6)
    assert await w.counts() == {("2025-06-15", "email"): {**ONE_OPENED, "opens": 2}}
    assert await foreign.counts() == {}
    found = await w.rows("SELECT count(*) FROM event WHERE campaign_id IS NOT NULL")
    assert found == [(2,)]


async def test_every_group_counts_for_itself(asker: Asker, db: Database) -> None:
    mine, other = await world(db), await world(db)
    await post(asker, documented(mine.mine, OPENED))
    assert await post(asker, documented(other.mine, OPENED)) == told(1, 1)
    assert await mine.counts() == await other.counts() == {("2025-06-15", "email"): ONE_OPENED}
    await post(asker, documented(other.mine, {**OPENED, "event_id": "2"}))
    received = [(await listed(asker, w.scope))["sendgrid"]["eventsReceived"] for w in (mine, other)]
    assert received == [1, 2]


async def test_a_thousand_events_cost_as_many_statements_as_one(asker: Asker, db: Database) -> None:
    w = await world(db)
    events = [
        {**OPENED, "event_type": random.choice(["opened", "clicked", "unsubscribed"]), "event_id": str(n)}
        for n in range(1000)
    ]
    from app.domain.webhooks.operations import ingest
    from app.domain.webhooks.reading import read_delivery
    from app.tables.webhooks import Provider

    async def count(batch: list[dict[str, Any]]) -> int:
        read = read_delivery(Provider.SENDGRID, json.dumps(batch))
        async with db.transaction(w.scope) as tx:
            with recorded() as statements:
                await ingest(tx, Provider.SENDGRID, read, now=NOW)
        return len(statements)

    first = [{**OPENED, "event_type": kind, "event_id": kind} for kind in ("opened", "unsubscribed")]
    assert 0 < await count(events) <= await count(first) + 1
    # All of them are of one person.
    (day,) = (await w.counts()).values()
    assert {
        name: day[name] for name in ("sent", "delivered", "opened", "clicked", "unsubscribed")
    } == dict.fromkeys(("sent", "delivered", "opened", "clicked", "unsubscribed"), 1)
    kinds = [one["event_type"] for one in [*events, *first]]
    assert (day["opens"], day["clicks"]) == (kinds.count("opened"), kinds.count("clicked"))


async def test_only_writers_and_deliveries_of_the_whole_group_may(asker: Asker, db: Database) -> None:
    w = await world(db)
    variables = {"provider": "sendgrid", "body": json.dumps(OPENED)}
    for scope, roles in (
        (w.scope, frozenset({Role.READ})),
        (replace(w.scope, store_id=1), frozenset({Role.MARKETING})),
    ):
        made = await answer(Operation(INGEST, variables), asker.context(scope, roles=roles))
        assert made.errors[0]["extensions"]["code"] == "FORBIDDEN"
    made = await answer(
        Operation(INGEST, {**variables, "provider": "nobody"}),
        asker.context(w.scope, roles=frozenset({Role.WRITE})),
    )
    assert made.data is not None
    assert json.loads(made.data)["webhookIngest"]["errors"][0]["code"] == "NOT_FOUND"
    assert await w.rows("SELECT 1 FROM event") == []
