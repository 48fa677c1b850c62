"""What webhook providers deliver to the Marketing & CRM API, and the list of them."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.auth.webhooks.sealing import SecretBox
from app.auth.webhooks.signatures import sign
from app.domain.webhooks.providers import EVENTS
from app.rest.crm.routes import BASE, GATEWAY
from app.rest.crm.schemas import DELIVERY
from app.settings import Settings
from app.tables.webhooks import Provider
from tests.given import crm, webhooks
from tests.given.webhooks import Connected
from tests.rest.conftest import Marketer, error_of
from tests.rest.test_lagriffe_reading import assert_documented


@pytest.fixture
async def sendgrid(marketer: Marketer, settings: Settings) -> Connected:
    """A connection of the client's group."""
    return await connect(marketer, settings)


async def connect(marketer: Marketer, settings: Settings, provider: str = "sendgrid") -> Connected:
    return await webhooks.connection(
        marketer.db, marketer.given.group_id, provider, sealed_by=SecretBox(settings.secret_key),
        now=datetime.now(UTC),
    )  # fmt: skip


async def deliver(
    client: Marketer,
    connected: Connected,
    body: object = DELIVERY,
    *,
    base: str = BASE,
    own: bool = False,
    stamp: str | None = None,
    signature: str | None = None,
    kind: str = "application/json",
) -> httpx.Response:
    """A delivery signed in the documented way; no bearer token."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = stamp or str(int(time.time()))
    headers = {
        "X-Webhook-Timestamp": stamp,
        "X-Webhook-Signature": signature or sign(connected.secret, stamp, raw),
        "Content-Type": kind,
    }
    path = f"/webhooks/{connected.provider}" + (f"/{connected.token}" if own else "")
    return await client.http.post(base + path, content=raw, headers=headers)


async def counters(client: Marketer, provider: str = "sendgrid") -> dict[str, Any]:
    listed = await client.get("/webhooks")
    assert_documented(listed, "CrmProviders")
    return next(one for one in listed["providers"] if one["id"] == provider)


async def test_the_documented_delivery_counts_once_however_often_it_comes(
    marketer: Marketer, sendgrid: Connected
) -> None:
    await crm.campaign(
        marketer.db, marketer.given.scope, now=datetime.now(UTC), name="c", external_id="camp_001"
    )
    first = await deliver(marketer, sendgrid)
    assert first.status_code == 200, first.text
    assert first.json() == {"received": 1, "applied": 1, "ignored": 0, "repeated": 0}
    assert_documented(first.json(), "CrmReceived")
    again = await asyncio.gather(
        *(deliver(marketer, sendgrid, base=GATEWAY if n % 2 else BASE, own=n % 3 == 0) for n in range(6))
    )
    assert {answer.status_code for answer in again} == {200}
    assert {answer.json()["repeated"] for answer in again} == {1}
    assert await counters(marketer) == {
        "id": "sendgrid", "name": "SendGrid", "status": "connected", "events_received": 1,
        "last_event": "2026-01-24T18:30:00Z",
    }  # fmt: skip
    assert (await marketer.get("/campaigns/camp_001"))["metrics"]["opened"] == 1


async def test_an_event_counts_with_a_channel_before_it_and_without(
    marketer: Marketer, sendgrid: Connected
) -> None:
    await crm.campaign(
        marketer.db, marketer.given.scope, now=datetime.now(UTC), name="c", external_id="camp_001"
    )
    for kind in ("email.opened", "opened"):
        answer = await deliver(marketer, sendgrid, {**DELIVERY, "event_type": kind})
        assert answer.json()["applied"] == 1
    # Two events of one person.
    assert (await marketer.get("/campaigns/camp_001"))["metrics"]["opened"] == 1
    async with marketer.db.transaction(marketer.given.scope) as tx:
        rows = await tx.fetch("SELECT event_type, kind, body FROM event ORDER BY event_type")
    assert [(row["event_type"], row["kind"]) for row in rows] == [("email.opened", "opened"), ("opened",) * 2]
    assert [json.loads(row["body"])["event_type"] for row in rows] == ["email.opened", "opened"]


@pytest.mark.parametrize("provider", list(Provider))
async def test_each_provider_has_its_events_and_others_are_recorded_as_ignored(
    marketer: Marketer, settings: Settings, provider: Provider
) -> None:
    connected = await connect(marketer, settings, provider)
    documented = {
        "sendgrid": "delivered opened clicked bounced unsubscribed",
        "twilio": "delivered failed",
        "mailchimp": "subscribed unsubscribed campaign_sent",
        "hubspot": "contact_created form_submitted",
    }[provider]
    assert set(EVENTS[provider]) == set(documented.split())
    for kind in documented.split():
        answer = await deliver(marketer, connected, {"event_type": kind, "email": "a@example.com"})
        assert answer.json()["applied"] == 1, kind
    answer = await deliver(marketer, connected, {"event_type": "moon_landing"})
    assert (answer.status_code, answer.json()["ignored"]) == (200, 1)
    assert (await counters(marketer, provider))["events_received"] == len(documented.split()) + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature": "0" * 64},
        {"signature": "sha256="},
        {"stamp": str(int(time.time()) - 3_600)},
        {"stamp": str(int(time.time()) + 3_600)},
        {"stamp": "yesterday"},
    ],
)
@pytest.mark.parametrize("own", [False, True])
async def test_what_is_not_signed_or_stale_is_refused_and_nothing_stored(
    marketer: Marketer, sendgrid: Connected, wrong: dict[str, Any], own: bool
) -> None:
    answer = await deliver(marketer, sendgrid, own=own, **wrong)
    assert answer.status_code == 401
    error_of(answer, "unauthorized")
    assert await marketer.count("event") == 0


async def test_a_bearer_token_is_no_signature(marketer: Marketer, sendgrid: Connected) -> None:
    response = await marketer.call("POST", "/webhooks/sendgrid", json=DELIVERY)
    assert response.status_code == 401
    assert await marketer.count("event") == 0


async def test_rfc_3339_and_a_prefix_are_fine_too(marketer: Marketer, sendgrid: Connected) -> None:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw = json.dumps(DELIVERY).encode()
    signature = "sha256=" + sign(sendgrid.secret, stamp, raw)
    answer = await deliver(marketer, sendgrid, raw, stamp=stamp, signature=signature)
    assert answer.status_code == 200, answer.text


async def test_an_unknown_provider_is_not_found(marketer: Marketer, sendgrid: Connected) -> None:
    for path in ("/webhooks/acme", "/webhooks/acme/token", "/webhooks/SendGrid"):
        answer = await marketer.http.post(BASE + path, json=DELIVERY)
        assert answer.status_code == 404
        error_of(answer, "not_found")


async def test_the_signature_says_whose_delivery_it_is(
    marketer: Marketer, marketers: Any, settings: Settings, sendgrid: Connected
) -> None:
    other = await marketers(name="B")
    theirs = await connect(other, settings)
    assert (await deliver(marketer, sendgrid)).status_code == 200
    assert "events_received" not in await counters(other) or (await counters(other))["events_received"] == 0
    # The other's secret at this one's address, and a token of nobody.
    mixed = Connected(theirs.id, "sendgrid", sendgrid.token, theirs.secret)
    nobody = Connected(theirs.id, "sendgrid", "x" * 32, theirs.secret)
    for one in (mixed, nobody):
        assert (await deliver(marketer, one, own=True)).status_code == 401
    assert await other.count("event") == 0


async def test_a_delivery_that_cannot_be_read_is_refused(marketer: Marketer, sendgrid: Connected) -> None:
    for body in (b"\xff\xfe", b"{", b"7", b"", b'{"event_type":""}'):
        answer = await deliver(marketer, sendgrid, body)
        assert answer.status_code == 400, (body, answer.text)
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        answer = await deliver(marketer, sendgrid, b'"' + b"x" * 2**20 + b'"', kind=kind)
        assert answer.status_code == 413, kind
        error_of(answer, "body_too_large")
    assert await marketer.count("event") == 0


async def test_what_cannot_be_taken_refuses_no_other(marketer: Marketer, sendgrid: Connected) -> None:
    good = json.dumps({**DELIVERY, "event_id": "1"}).encode()
    bad = [
        b"null",
        b'"x"',
        b"7",
        b'{"event_type":"opened","x":"\\u0000"}',
        b'{"x":"\\ud800"}',
        b'{"x":"a\xffb"}',
        b'{"x":"\x00"}',
    ]
    answer = await deliver(marketer, sendgrid, b"[" + b",".join([*bad, good]) + b"]")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"received": 8, "applied": 1, "ignored": 0, "repeated": 0, "refused": 7}
    assert_documented(answer.json(), "CrmReceived")
    async with marketer.db.transaction(marketer.given.scope) as tx:
        rows = await tx.fetch("SELECT body, reason FROM webhook_refusal ORDER BY id")
    assert {row["reason"] for row in rows} == {"NOT_AN_OBJECT", "UNREADABLE"}
    assert {r'{"x":"a\udcffb"}', r'{"x":"\u0000"}'} < {row["body"] for row in rows}


async def test_the_documents_sample_is_taken_as_it_is_printed(
    marketer: Marketer, sendgrid: Connected
) -> None:
    answer = await deliver(marketer, sendgrid, stamp=DELIVERY["timestamp"])
    assert (answer.status_code, answer.json()["applied"]) == (200, 1)
    assert (await deliver(marketer, sendgrid, stamp=DELIVERY["timestamp"])).json()["repeated"] == 1


async def test_mailchimp_checks_the_address_and_posts_forms(marketer: Marketer, settings: Settings) -> None:
    connected = await connect(marketer, settings, "mailchimp")
    for path in (connected.path, "/api/v1/marketing/webhooks/mailchimp"):
        address = f"{path}?secret={connected.secret}"
        check = await marketer.http.get(address)
        assert (check.status_code, check.json()["id"]) == (200, "mailchimp")
        assert (await marketer.http.get(path + "?secret=guess")).status_code == 401
        form = {
            "type": "unsubscribe",
            "fired_at": "2026-01-24 18:30:00",
            "data[email]": f"{len(path)}@example.com",
        }
        answer = await marketer.http.post(address, data=form)
        assert answer.json() == {"received": 1, "applied": 1, "ignored": 0, "repeated": 0}
    explained = await marketer.http.post(address, data=form, headers={"X-Explain": "1"})
    assert connected.secret not in explained.text


async def test_disconnected_ones_have_no_counters(marketer: Marketer, sendgrid: Connected) -> None:
    body = (await marketer.call("GET", "/webhooks")).json()
    assert list(body) == ["providers"]
    assert {one["id"]: one["status"] for one in body["providers"]} == {
        "sendgrid": "connected", "twilio": "disconnected", "mailchimp": "disconnected", "hubspot": "disconnected",
    }  # fmt: skip
    assert all(
        list(one) == ["id", "name", "status"] for one in body["providers"] if one["status"] == "disconnected"
    )
    assert "last_event" not in next(one for one in body["providers"] if one["id"] == "sendgrid")
