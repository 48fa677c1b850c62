"""Connections: made with a secret shown once, rotated with two live ones, ended for good; and the list of providers."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.auth.claims import read_roles
from app.auth.principal import ADMIN_ROLES, CRM_ROLES, Principal, Role
from app.auth.webhooks.connections import rotate_connection
from app.auth.webhooks.deliveries import Deliveries
from app.auth.webhooks.sealing import SecretBox
from app.db.database import Database
from app.errors import Conflict, Unauthorized
from app.graph.running.entry import Operation, answer
from app.values.scope import Scope
from tests.given import groups
from tests.given.asking import NOW, Asker
from tests.given.webhooks import Connected, box, connection, delivery, documented

ENDPOINT = "endpoint { id provider status url previousSecretUntil createdAt rotatedAt disconnectedAt }"
CREATE = f"""mutation ($input: WebhookEndpointCreateInput!) {{
  webhookEndpointCreate(input: $input) {{ {ENDPOINT} secret errors {{ code message path }} }} }}"""
ROTATE = f"""mutation ($input: WebhookEndpointRotateInput!) {{
  webhookEndpointRotate(input: $input) {{ {ENDPOINT} secret errors {{ code message path }} }} }}"""
DISCONNECT = f"""mutation ($input: WebhookEndpointDisconnectInput!) {{
  webhookEndpointDisconnect(input: $input) {{ {ENDPOINT} errors {{ code message path }} }} }}"""
PROVIDERS = "{ webhookProviders { id name status events eventsReceived eventsIgnored lastEvent } }"
ENDPOINTS = f"{{ webhookEndpoints {{ totalCount nodes {{ {ENDPOINT.partition('{ ')[2]} }} }}"


async def run(
    asker: Asker,
    scope: Scope,
    document: str,
    *,
    role: Role = Role.TENANT_ADMIN,
    now: datetime = NOW,
    **given: Any,
) -> dict[str, Any]:
    context = asker.context(scope, roles=frozenset({role}))
    context.now = now
    made = await answer(Operation(document, {"input": given}), context)
    assert not made.errors, made.errors
    assert made.data is not None
    [payload] = json.loads(made.data).values()
    return dict(payload)


async def connected(asker: Asker, scope: Scope, provider: str = "SENDGRID", **given: Any) -> Connected:
    made = await run(asker, scope, CREATE, provider=provider, **given)
    assert made["errors"] == []
    row = made["endpoint"]
    token = row["url"].rpartition("/")[2]
    assert row["url"] == f"https://gateway.example/api/v1/marketing/webhooks/{provider.lower()}/{token}"
    return Connected(int(row["id"].removeprefix("hook_")), provider.lower(), token, made["secret"])


def by(asker: Asker) -> Deliveries:
    return Deliveries(SecretBox(asker.settings.secret_key), asker.db)


async def holds(asker: Asker, mine: Connected, *, now: datetime = NOW, bare: bool = False) -> bool:
    try:
        await by(asker).authenticate(documented(mine, {}, at=now, bare=bare), now=now)
    except Unauthorized:
        return False
    return True


async def test_a_new_connection_shows_its_secret_once(asker: Asker, db: Database) -> None:
    scope = (await groups.group(db)).scope
    mine = await connected(asker, scope)
    assert len(mine.token) == 32
    assert mine.secret.startswith("whs_")
    assert await holds(asker, mine)
    assert await holds(asker, mine, bare=True)
    listed = await asker.planned(scope, ENDPOINTS)
    assert listed.execution == "planned"
    assert listed.data is not None
    assert mine.secret.encode() not in listed.body
    [row] = json.loads(listed.data)["webhookEndpoints"]["nodes"]
    assert row == {
        "id": f"hook_{mine.id}", "provider": "SENDGRID", "status": "CONNECTED",
        "url": f"https://gateway.example{mine.path}", "previousSecretUntil": None,
        "createdAt": "2025-06-15T12:00:00Z", "rotatedAt": None, "disconnectedAt": None,
    }  # fmt: skip


async def test_every_provider_is_listed_and_counters_only_while_connected(asker: Asker, db: Database) -> None:
    scope = (await groups.group(db)).scope
    mine = await connected(asker, scope, "TWILIO")
    planned, resolved = await asker.both(scope, PROVIDERS)
    assert planned.execution == "planned"
    assert planned.data == resolved.data
    assert planned.data is not None
    rows = json.loads(planned.data)["webhookProviders"]
    assert [(r["id"], r["name"], r["status"], r["eventsReceived"]) for r in rows] == [
        ("sendgrid", "SendGrid", "DISCONNECTED", None),
        ("twilio", "Twilio", "CONNECTED", 0),
        ("mailchimp", "Mailchimp", "DISCONNECTED", None),
        ("hubspot", "HubSpot", "DISCONNECTED", None),
    ]
    assert [r["events"] for r in rows] == [
        ["delivered", "opened", "clicked", "bounced", "unsubscribed"],
        ["delivered", "failed"],
        ["subscribed", "unsubscribed", "campaign_sent"],
        ["contact_created", "form_submitted"],
    ]
    await run(asker, scope, DISCONNECT, id=f"hook_{mine.id}")
    after = await asker.planned(scope, PROVIDERS)
    assert after.data is not None
    assert {(r["status"], r["eventsReceived"]) for r in json.loads(after.data)["webhookProviders"]} == {
        ("DISCONNECTED", None)
    }
    in_store = await asker.planned(Scope(scope.group_id, store_id=1), ENDPOINTS)
    assert in_store.data is not None
    assert json.loads(in_store.data)["webhookEndpoints"]["totalCount"] == 0


async def test_after_a_rotation_both_secrets_hold_until_the_former_one_ends(
    asker: Asker, db: Database
) -> None:
    scope = (await groups.group(db)).scope
    first = await connected(asker, scope)
    made = await run(asker, scope, ROTATE, id=f"hook_{first.id}", keepPreviousHours=2)
    assert made["endpoint"]["previousSecretUntil"] == "2025-06-15T14:00:00Z"
    assert made["endpoint"]["rotatedAt"] == "2025-06-15T12:00:00Z"
    second = replace(first, secret=made["secret"])
    assert second.secret != first.secret
    soon, later = NOW + timedelta(minutes=119), NOW + timedelta(minutes=120)
    for bare in (False, True):
        assert await holds(asker, first, now=soon, bare=bare)
        assert await holds(asker, second, now=soon, bare=bare)
        assert not await holds(asker, first, now=later, bare=bare)
        assert await holds(asker, second, now=later, bare=bare)
    third = replace(first, secret=(await run(asker, scope, ROTATE, id=f"hook_{first.id}"))["secret"])
    assert [await holds(asker, one) for one in (first, second, third)] == [False, True, True]
    now_only = await run(asker, scope, ROTATE, id=f"hook_{first.id}", keepPreviousHours=0)
    last = replace(first, secret=now_only["secret"])
    assert now_only["endpoint"]["previousSecretUntil"] is None
    assert [await holds(asker, one) for one in (first, second, third, last)] == [False, False, False, True]


async def test_a_providers_secret_rotates_by_itself(asker: Asker, db: Database) -> None:
    scope = (await groups.group(db)).scope
    mine = await connected(asker, scope, "HUBSPOT", providerSecret="the first client secret")
    made = await run(asker, scope, ROTATE, id=f"hook_{mine.id}", providerSecret="the second client secret")
    assert made["secret"] is None
    assert await holds(asker, mine)
    from hubspot.utils.signature import Signature

    stamp = f"{int(NOW.timestamp())}000"
    for secret, good in (
        ("the first client secret", True),
        ("the second client secret", True),
        ("another", False),
    ):
        sent = delivery(mine, b"[]")
        signed = {
            "x-hubspot-signature-v3": Signature.get_signature(secret, "[]", "v3", sent.url, "POST", stamp),
            "x-hubspot-request-timestamp": stamp,
        }
        sent = replace(sent, headers={**sent.headers, **signed})
        if good:
            assert isinstance(await by(asker).authenticate(sent, now=NOW), Principal)
        else:
            with pytest.raises(Unauthorized):
                await by(asker).authenticate(sent, now=NOW)


async def test_an_ended_connection_stays_ended(asker: Asker, db: Database) -> None:
    scope = (await groups.group(db)).scope
    mine = await connected(asker, scope)
    for _ in range(2):
        ended = await run(asker, scope, DISCONNECT, id=f"hook_{mine.id}")
        assert ended["errors"] == []
        assert ended["endpoint"]["status"] == "DISCONNECTED"
        assert ended["endpoint"]["disconnectedAt"] == "2025-06-15T12:00:00Z"
    assert not await holds(asker, mine)
    again = await run(asker, scope, ROTATE, id=f"hook_{mine.id}")
    assert again["errors"][0]["code"] == "DISCONNECTED"
    async with db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT connections FROM webhook_provider") == 0
        assert await tx.fetchval("SELECT sealed FROM webhook_connection WHERE id = $1", mine.id) == b""


async def test_ten_live_connections_are_the_most_however_many_ask_at_once(asker: Asker, db: Database) -> None:
    scope = (await groups.group(db)).scope
    made = await asyncio.gather(*(run(asker, scope, CREATE, provider="MAILCHIMP") for _ in range(14)))
    codes = sorted(one["errors"][0]["code"] if one["errors"] else "" for one in made)
    assert codes == [""] * 10 + ["TOO_MANY_CONNECTIONS"] * 4
    other = await run(asker, scope, CREATE, provider="HUBSPOT")
    assert other["errors"] == []


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"provider": "SENDGRID", "secret": "short"}, ["secret"]),
        ({"provider": "SENDGRID", "secret": "é" * 20}, ["secret"]),
        ({"provider": "SENDGRID", "secret": "x" * 513}, ["secret"]),
        ({"provider": "SENDGRID", "providerSecret": "not a key"}, ["providerSecret"]),
        ({"provider": "TWILIO", "providerSecret": ""}, ["providerSecret"]),
        ({"provider": "TWILIO", "providerSecret": "x" * 4097}, ["providerSecret"]),
        ({"provider": "MAILCHIMP", "providerSecret": "anything at all"}, ["providerSecret"]),
    ],
)
async def test_a_secret_that_cannot_be_one_is_refused(
    asker: Asker, db: Database, given: dict[str, Any], path: list[str]
) -> None:
    scope = (await groups.group(db)).scope
    made = await run(asker, scope, CREATE, **given)
    assert made["endpoint"] is None
    assert made["secret"] is None
    assert [error["path"] for error in made["errors"]] == [path]
    async with db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM webhook_provider") == 0


async def test_a_foreign_connection_is_not_found(asker: Asker, db: Database) -> None:
    mine = await connected(asker, (await groups.group(db)).scope)
    other = (await groups.group(db)).scope
    for ident in (f"hook_{mine.id}", "hook_0", "hook_x", "store_1", ""):
        for document in (ROTATE, DISCONNECT):
            assert (await run(asker, other, document, id=ident))["errors"][0]["code"] == "NOT_FOUND"
    assert await holds(asker, mine)
    outside = await run(asker, other, ROTATE, id=f"hook_{mine.id}", keepPreviousHours=999)
    assert outside["errors"][0]["path"] == ["keepPreviousHours"]


async def test_only_administrators_of_the_whole_group_connect_providers(asker: Asker, db: Database) -> None:
    group = await groups.group(db)
    document = Operation(CREATE, {"input": {"provider": "TWILIO"}})
    for role in (CRM_ROLES - ADMIN_ROLES) | {Role.READ, Role.WRITE, Role.WEBHOOK}:
        made = await answer(document, asker.context(group.scope, roles=frozenset({role})))
        assert made.errors[0]["extensions"]["code"] == "FORBIDDEN", role
    narrow = asker.context(Scope(group.group_id, group.store_id), roles=frozenset({Role.TENANT_ADMIN}))
    assert (await answer(document, narrow)).errors[0]["extensions"]["code"] == "FORBIDDEN"


def test_no_token_can_claim_to_be_a_delivery() -> None:
    assert read_roles(["webhook", "marketing"]) == {Role.MARKETING}


def sendgrid_keys() -> tuple[str, str]:
    """A verification key as SendGrid shows it, and the same as PEM."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode(), pem.decode()


async def test_a_public_key_that_another_group_has_is_refused(db: Database) -> None:
    ours, theirs = await groups.group(db), await groups.group(db)
    key, pem = sendgrid_keys()
    first = await connection(db, ours.group_id, provider_secret=key)
    for sent in (key, pem, f"\n{key}\n"):
        with pytest.raises(Conflict) as refused:
            await connection(db, theirs.group_id, provider_secret=sent)
        assert refused.value.reason == "KEY_UNAVAILABLE"
        # Nothing tells whose it is.
        assert str(ours.group_id) not in refused.value.message
    # Neither by rotating to it.
    mine = await connection(db, theirs.group_id, provider_secret=sendgrid_keys()[0])
    async with db.transaction(theirs.scope) as tx:
        with pytest.raises(Conflict):
            await rotate_connection(tx, box(), mine.id, provider_secret=pem, now=NOW)
    # One's own one may have several times, and the one that is given up may be had by others.
    second = await connection(db, ours.group_id, provider_secret=pem)
    for row in (first.id, second.id):
        async with db.transaction(ours.scope) as tx:
            await rotate_connection(tx, box(), row, provider_secret=sendgrid_keys()[0], now=NOW)
    with pytest.raises(Conflict):  # It still verifies for a day.
        await connection(db, theirs.group_id, provider_secret=key)
    await connection(db, theirs.group_id, provider_secret=key, now=NOW + timedelta(days=2))
