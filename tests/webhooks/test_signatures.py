"""Which deliveries are believed. The providers' own libraries do the signing where there is one that can."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hubspot.utils.signature import Signature
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from app.auth.principal import Principal, Role
from app.auth.webhooks.connections import disconnect, set_tolerance
from app.auth.webhooks.deliveries import MAX_TRIES, Deliveries
from app.auth.webhooks.sealing import SecretBox, Secrets
from app.auth.webhooks.signatures import Delivery
from app.db.database import Database
from app.errors import NotFound, Unauthorized
from app.values.scope import Scope
from tests.given import groups
from tests.given.asking import NOW
from tests.given.webhooks import Connected, box, connection, delivery, documented

BODY = {"event_type": "email.opened", "email": "a@example.com", "timestamp": "2025-06-15T11:00:00Z"}
STAMP = str(int(NOW.timestamp()))
AUTH_TOKEN = "twilio-auth-token-0123456789"
CLIENT_SECRET = "hubspot-client-secret-01"


async def enter(db: Database, sent: Delivery, *, now: Any = NOW) -> Principal:
    return await Deliveries(box(), db).authenticate(sent, now=now)


async def refused(db: Database, sent: Delivery, *, now: Any = NOW) -> str:
    with pytest.raises(Unauthorized) as failure:
        await enter(db, sent, now=now)
    return failure.value.message


# ── the documented way ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "stamp", [STAMP, "2025-06-15T12:00:00Z", "2025-06-15T14:00:00+02:00", "2025-06-15 12:00:00.5"]
)
@pytest.mark.parametrize("prefix", ["", "sha256="])
async def test_the_documented_signature_holds(db: Database, stamp: str, prefix: str) -> None:
    group = await groups.group(db)
    mine = await connection(db, group.group_id)
    principal = await enter(db, documented(mine, BODY, at=stamp, prefix=prefix))
    assert principal == Principal(
        f"webhook:{mine.id}", Scope(group.group_id), frozenset({Role.WEBHOOK}), "webhook"
    )


async def test_what_is_signed_is_the_timestamps_own_text_and_the_raw_body(db: Database) -> None:
    mine = await connection(db, (await groups.group(db)).group_id)
    sent = documented(mine, BODY, at="2025-06-15T12:00:00Z")
    same_moment = {**sent.headers, "x-webhook-timestamp": "2025-06-15T12:00:00.0Z"}
    await refused(db, replace(sent, headers=same_moment))
    await refused(db, replace(sent, body=sent.body + b" "))
    await refused(db, replace(sent, body=sent.body.replace(b"opened", b"0pened")))
    for body in (b"", b"\xff\xfe not text", b"null"):
        assert (await enter(db, documented(mine, body))).kind == "webhook"


async def test_every_changed_letter_of_a_signature_is_noticed(db: Database) -> None:
    mine = await connection(db, (await groups.group(db)).group_id)
    sent = documented(mine, BODY)
    good = sent.headers["x-webhook-signature"]
    wrong = [good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1 :] for at in range(0, 64, 7)]
    for signature in [*wrong, good.upper(), good[:-1], good + "0", "", "é" * 64, "sha1=" + good, "x" * 5000]:
        await refused(db, replace(sent, headers={**sent.headers, "x-webhook-signature": signature}))
    for missing in ("x-webhook-signature", "x-webhook-timestamp"):
        kept = {name: value for name, value in sent.headers.items() if name != missing}
        await refused(db, replace(sent, headers=kept))


@pytest.mark.parametrize("seconds", [301, -301, 86_400])
async def test_a_stale_or_early_delivery_is_refused(db: Database, seconds: int) -> None:
    mine = await connection(db, (await groups.group(db)).group_id)
    told = await refused(db, documented(mine, BODY, at=NOW - timedelta(seconds=seconds)))
    assert told == "The delivery's timestamp is more than 300 seconds away from now."
    edge = timedelta(seconds=300 if seconds > 0 else -300)
    await enter(db, documented(mine, BODY, at=NOW - edge))


@pytest.mark.parametrize("stamp", ["soon", "1e9", "٣" * 10, "-5", "9" * 30, "0x5", "2025-13-40T00:00:00Z"])
async def test_a_timestamp_that_cannot_be_read_is_refused(db: Database, stamp: str) -> None:
    mine = await connection(db, (await groups.group(db)).group_id)
    assert "cannot be read" in await refused(db, documented(mine, BODY, at=stamp))


async def test_a_replay_minutes_later_is_stale(db: Database) -> None:
    mine = await connection(db, (await groups.group(db)).group_id)
    sent = documented(mine, BODY)
    await enter(db, sent, now=NOW + timedelta(minutes=4))
    await refused(db, sent, now=NOW + timedelta(minutes=6))


# ── SendGrid ──────────────────────────────────────────────────────────────────


def sendgrid_keys() -> tuple[ec.EllipticCurvePrivateKey, str]:
    private = ec.generate_private_key(ec.SECP256R1())
    shown = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private, base64.b64encode(shown).decode()


def by_sendgrid(
    mine: Connected, private: ec.EllipticCurvePrivateKey, body: bytes, stamp: str = STAMP
) -> Delivery:
    signature = base64.b64encode(private.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": stamp,
    }
    return delivery(mine, body, headers=headers)


async def test_sendgrids_signature_holds_as_its_own_library_sees_it(db: Database) -> None:
    private, public = sendgrid_keys()
    mine = await connection(db, (await groups.group(db)).group_id, provider_secret=public)
    body = json.dumps([{"event": "open", "email": "é@example.com"}], indent=1).encode() + b"\r\n"
    sent = by_sendgrid(mine, private, body)
    signature = sent.headers["x-twilio-email-event-webhook-signature"]
    assert EventWebhook(public).verify_signature(body.decode(), signature, STAMP)
    await enter(db, sent)
    other = by_sendgrid(mine, sendgrid_keys()[0], body)
    late = by_sendgrid(mine, private, body, str(int(STAMP) - 301))
    moved = {**sent.headers, "x-twilio-email-event-webhook-timestamp": str(int(STAMP) + 1)}
    broken = {**sent.headers, "x-twilio-email-event-webhook-signature": signature[:-4] + "AAAA"}
    for tampered in (
        other, late, replace(sent, body=body + b" "), replace(sent, headers=moved), replace(sent, headers=broken),
        replace(sent, headers={**sent.headers, "x-twilio-email-event-webhook-signature": "?"}),
    ):  # fmt: skip
        await refused(db, tampered)


async def test_sendgrids_public_key_signs_nothing_in_the_documented_way(db: Database) -> None:
    _, public = sendgrid_keys()
    mine = await connection(db, (await groups.group(db)).group_id, provider_secret=public)
    await refused(db, documented(replace(mine, secret=public), BODY))


# ── Twilio ────────────────────────────────────────────────────────────────────

FORM = [("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+33 6"), ("Blank", ""), ("Ü", "é&=")]


def by_twilio(
    mine: Connected, fields: list[tuple[str, str]], *, url: str | None = None, algorithm: str = ""
) -> Delivery:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    sent = delivery(mine, urlencode(fields).encode(), query="campaign_id=camp_1&x=a%20b", headers=headers)
    signed = RequestValidator(AUTH_TOKEN).compute_signature(
        url or sent.url, Fields(fields), algorithm or None
    )
    more = {"x-twilio-signature": signed}
    if algorithm:
        more["x-twilio-webhooks-signature-settings"] = f"key=webhooks_sharedkey_1,algorithm={algorithm}"
    return replace(sent, headers={**headers, **more})


class Fields(dict[str, list[str]]):
    """A form as Twilio's library takes it: `getall`, by name."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in fields:
            self.setdefault(name, []).append(value)

    def getall(self, name: str) -> list[str]:
        return self[name]


@pytest.mark.parametrize("algorithm", ["", "HMAC_SHA1", "HMAC_SHA256"])
async def test_twilios_signature_of_a_form_holds(db: Database, algorithm: str) -> None:
    mine = await connection(db, (await groups.group(db)).group_id, "twilio", provider_secret=AUTH_TOKEN)
    sent = by_twilio(mine, [*FORM, ("Twice", "b"), ("Twice", "a"), ("Twice", "b")], algorithm=algorithm)
    await enter(db, sent)
    await enter(db, by_twilio(mine, FORM, url=sent.url.replace(".example/", ".example:443/")))
    for changed in (
        sent.body.replace(b"delivered", b"failed"), sent.body + b"&More=1", sent.body.replace(b"Blank=&", b""), b"",
        b"\xff=1",
    ):  # fmt: skip
        await refused(db, replace(sent, body=changed))
    for url in (sent.url + "&y=1", sent.url.replace("camp_1", "camp_2"), sent.url.replace("https", "http")):
        await refused(db, replace(sent, url=url))
    settings = {**sent.headers, "x-twilio-webhooks-signature-settings": "algorithm=HMAC_MD5"}
    assert "HMAC_MD5" in await refused(db, replace(sent, headers=settings))


async def test_twilios_signature_of_json_covers_the_body_by_its_digest(db: Database) -> None:
    mine = await connection(db, (await groups.group(db)).group_id, "twilio", provider_secret=AUTH_TOKEN)
    body = json.dumps(
        [{"type": "com.twilio.messaging.message.delivered", "data": {"messageSid": "é"}}]
    ).encode()
    sent = delivery(mine, body, query=f"bodySHA256={hashlib.sha256(body).hexdigest()}")
    signature = RequestValidator(AUTH_TOKEN).compute_signature(sent.url, {})
    assert RequestValidator(AUTH_TOKEN).validate(sent.url, body.decode(), signature)
    sent = replace(sent, headers={**sent.headers, "x-twilio-signature": signature})
    await enter(db, sent)
    await refused(db, replace(sent, body=body + b" "))
    other = hashlib.sha256(body + b" ").hexdigest()
    url = sent.url.replace(hashlib.sha256(body).hexdigest(), other)
    await refused(db, replace(sent, url=url, body=body + b" "))
    without = sent.url.partition("?")[0]
    signed = RequestValidator(AUTH_TOKEN).compute_signature(without, {})
    await refused(db, replace(sent, url=without, headers={**sent.headers, "x-twilio-signature": signed}))


# ── HubSpot ───────────────────────────────────────────────────────────────────


def by_hubspot(
    mine: Connected, body: bytes, *, stamp: str = STAMP + "000", query: str = "", signed_url: str = ""
) -> Delivery:
    sent = delivery(mine, body, query=query)
    signature = Signature.get_signature(
        CLIENT_SECRET, body.decode(), "v3", signed_url or sent.url, "POST", stamp
    )
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}
    return replace(sent, headers={**sent.headers, **headers})


async def test_hubspots_signature_holds(db: Database) -> None:
    mine = await connection(db, (await groups.group(db)).group_id, "hubspot", provider_secret=CLIENT_SECRET)
    body = '[{"eventId": 1, "note": "é"}]'.encode()
    sent = by_hubspot(mine, body)
    await enter(db, sent)
    # HubSpot signs the decoded address.
    await enter(db, by_hubspot(mine, body, query="a=b%3Ac%2Fd", signed_url=f"{sent.url}?a=b:c/d"))
    for tampered in (
        replace(sent, body=body + b" "),
        replace(sent, method="PUT"),
        replace(sent, url=sent.url + "?x=1"),
        replace(sent, headers={**sent.headers, "x-hubspot-request-timestamp": STAMP + "001"}),
        replace(sent, headers={**sent.headers, "x-hubspot-signature-v3": "AAAA"}),
        by_hubspot(mine, body, stamp=f"{int(STAMP) - 301}000"),
        by_hubspot(mine, body, stamp="soon"),
    ):
        await refused(db, tampered)


# ── Mailchimp ─────────────────────────────────────────────────────────────────


async def test_mailchimps_secret_is_in_the_address_for_its_check_and_its_deliveries(db: Database) -> None:
    mine = await connection(db, (await groups.group(db)).group_id, "mailchimp")
    for method in ("GET", "POST"):
        await enter(db, delivery(mine, b"", query=f"secret={mine.secret}", method=method))
        await enter(db, delivery(mine, b"", query=f"secret={mine.secret}", method=method, bare=True))
        for query in ("", "secret=", "secret=wrong", f"secret={mine.secret}0", f"Secret={mine.secret}"):
            await refused(db, delivery(mine, b"", query=query, method=method))


async def test_nobody_elses_deliveries_are_believed_for_a_secret_in_the_address(db: Database) -> None:
    for provider in ("sendgrid", "twilio", "hubspot"):
        mine = await connection(db, (await groups.group(db)).group_id, provider)
        for method in ("GET", "POST"):
            await refused(db, delivery(mine, b"[]", query=f"secret={mine.secret}", method=method))


# ── whose delivery it is ──────────────────────────────────────────────────────


async def test_on_the_bare_path_the_group_is_the_one_whose_secret_holds(db: Database) -> None:
    made = [(await groups.group(db)).group_id for _ in range(4)]
    connected = [await connection(db, group_id, "hubspot") for group_id in made]
    for group_id, mine in zip(made, connected, strict=True):
        assert (await enter(db, documented(mine, BODY, bare=True))).scope == Scope(group_id)
    stranger = replace(connected[0], secret="whs_" + "x" * 40)
    await refused(db, documented(stranger, BODY, bare=True))


async def test_a_secret_that_two_groups_share_needs_their_own_urls(db: Database) -> None:
    shared = "one secret for everybody"
    first, second = [
        await connection(db, (await groups.group(db)).group_id, "twilio", secret=shared) for _ in range(2)
    ]
    assert "own URL" in await refused(db, documented(first, BODY, bare=True))
    assert (await enter(db, documented(first, BODY))).name == f"webhook:{first.id}"
    assert (await enter(db, documented(second, BODY))).name == f"webhook:{second.id}"


async def test_a_token_opens_its_own_provider_alone(db: Database) -> None:
    group = await groups.group(db)
    mine = await connection(db, group.group_id, "sendgrid")
    sent = documented(mine, BODY)
    await refused(db, replace(sent, provider="hubspot"))
    for token in ("", "nobody", "\0", "é", "x" * 5000, "\ud800"):
        await refused(db, replace(sent, token=token))
    for provider in ("nobody", "", "SendGrid", "sendgrid ", "\0"):
        with pytest.raises(NotFound):
            await enter(db, replace(sent, provider=provider))


async def test_an_ended_connection_takes_nothing(db: Database) -> None:
    group = await groups.group(db)
    mine = await connection(db, group.group_id)
    async with db.transaction(group.scope) as tx:
        await disconnect(tx, mine.id, now=NOW)
    for bare in (False, True):
        await refused(db, documented(mine, BODY, bare=bare))


async def test_on_the_bare_path_no_more_than_a_hundred_secrets_are_tried(db: Database) -> None:
    tried = 0

    class Counting(SecretBox):
        def __init__(self) -> None:
            super().__init__("a secret key for tests")
            opened = self.open

            def counted(sealed: bytes) -> Secrets | None:
                nonlocal tried
                tried += 1
                return opened(sealed)

            self.open = counted  # type: ignore[assignment]  # counts on the way

    ids = [(await groups.group(db)).group_id for _ in range(11)]
    connected = [await connection(db, ids[n // 10], "hubspot") for n in range(MAX_TRIES + 4)]
    last = connected[-1]
    with pytest.raises(Unauthorized):
        await Deliveries(Counting(), db).authenticate(documented(last, BODY, bare=True), now=NOW)
    assert tried == MAX_TRIES
    tried = 0
    await Deliveries(Counting(), db).authenticate(documented(last, BODY), now=NOW)
    assert tried == 1


async def test_secrets_sealed_with_another_key_open_nothing(db: Database) -> None:
    group = await groups.group(db)
    mine = await connection(db, group.group_id, sealed_by=SecretBox("the former key"))
    await refused(db, documented(mine, BODY))
    async with db.directory() as directory:
        sealed = await directory.fetchval("SELECT sealed FROM webhook_connection WHERE id = $1", mine.id)
    assert mine.secret.encode() not in sealed
    assert "whs_" not in repr(SecretBox("the former key").open(sealed))


def test_a_key_of_another_kind_is_no_verification_key() -> None:
    from app.auth.webhooks.signatures import read_public_key

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    wrong = [
        "", "not a key", base64.b64encode(b"no").decode(),
        base64.b64encode(other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode(),
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(ValueError, match="key"):
            read_public_key(text)
    _, public = sendgrid_keys()
    assert read_public_key(f"-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n")


# ── how old a delivery may be ─────────────────────────────────────────────────


@pytest.mark.parametrize(("tolerance", "late"), [(7_200, 3_600), (None, 86_400 * 300), (0, 86_400 * 300)])
async def test_how_late_a_delivery_may_be_is_its_endpoints_setting(
    db: Database, tolerance: int | None, late: int
) -> None:
    group = await groups.group(db)
    mine = await connection(db, group.group_id)
    sent = documented(mine, BODY, at=NOW - timedelta(seconds=late))
    await refused(db, sent)
    async with db.transaction(group.scope) as tx:
        await set_tolerance(tx, mine.id, tolerance)
    for one in (sent, documented(mine, BODY, at=NOW - timedelta(seconds=late), bare=True)):
        await enter(db, one)
    if tolerance:
        assert "7200 seconds" in await refused(db, sent, now=NOW + timedelta(seconds=tolerance - late + 1))


@pytest.mark.parametrize("stamp", ["1749988800000", "1749988800123"])
async def test_milliseconds_are_read(db: Database, stamp: str) -> None:
    private, public = sendgrid_keys()
    mine = await connection(db, (await groups.group(db)).group_id, provider_secret=public)
    assert (await enter(db, documented(mine, BODY, at=stamp))).kind == "webhook"
    assert (await enter(db, by_sendgrid(mine, private, b"[]", stamp))).kind == "webhook"
    await refused(db, documented(mine, BODY, at=str(int(stamp) - 301_000)))


async def test_the_documents_own_timestamp_is_the_events(db: Database) -> None:
    """The header is called the event's timestamp there, and the event may be of long ago."""
    mine = await connection(db, (await groups.group(db)).group_id)
    sample = {
        "event_type": "email.opened", "email": "customer@example.com", "campaign_id": "camp_001",
        "timestamp": "2026-01-24T18:30:00Z",
    }  # fmt: skip
    for body in (sample, [sample, BODY]):
        sent = documented(mine, body, at="2026-01-24T18:30:00Z")
        for now in (NOW, NOW + timedelta(days=400)):
            await enter(db, sent, now=now)
        await refused(db, replace(sent, body=sent.body + b" "))
    await refused(db, documented(mine, BODY, at="2026-01-24T18:30:00Z"))
