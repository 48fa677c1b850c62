"""Webhook connections, and deliveries signed the way providers sign them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.auth.webhooks.connections import Shown, create_connection
from app.auth.webhooks.deliveries import Deliveries
from app.auth.webhooks.sealing import SecretBox
from app.auth.webhooks.signatures import SIGNATURE, Delivery, sign
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from app.tables.webhooks import Provider
from app.values.scope import Scope
from tests.given.asking import NOW, Asker

HOST = "https://gateway.example"


def box() -> SecretBox:
    """What seals the secrets of a test."""
    return SecretBox("a secret key for tests")


@dataclass(frozen=True)
class Connected:
    """A connection, with its token and our secret."""

    id: int
    provider: str
    token: str
    secret: str

    @property
    def path(self) -> str:
        """Of its own URL."""
        return f"/api/v1/marketing/webhooks/{self.provider}/{self.token}"


async def connection(
    db: Database,
    group_id: int,
    provider: str = "sendgrid",
    *,
    provider_secret: str | None = None,
    secret: str | None = None,
    sealed_by: SecretBox | None = None,
    now: datetime = NOW,
) -> Connected:
    """A live connection of a group."""
    async with db.transaction(Scope(group_id)) as tx:
        made: Shown = await create_connection(
            tx, sealed_by or box(), provider=Provider(provider), provider_secret=provider_secret, secret=secret,
            now=now,
        )  # fmt: skip
    assert made.secret is not None
    return Connected(made.connection_id, provider, made.token, made.secret)


def delivery(
    connected: Connected,
    body: object,
    *,
    headers: Mapping[str, str] | None = None,
    query: str = "",
    bare: bool = False,
    method: str = "POST",
    **changed: Any,
) -> Delivery:
    """A delivery to a connection, on its own URL or the bare path; a body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/api/v1/marketing/webhooks/{connected.provider}" if bare else connected.path
    kept: dict[str, Any] = {
        "provider": connected.provider,
        "method": method,
        "url": HOST + path + (f"?{query}" if query else ""),
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": raw,
        "token": None if bare else connected.token,
    }
    return Delivery(**(kept | changed))


def documented(
    connected: Connected, body: object, *, at: datetime | str = NOW, prefix: str = "", **further: Any
) -> Delivery:
    """A delivery signed in the documented way, at a moment or with that text as its timestamp."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = at if isinstance(at, str) else str(int(at.timestamp()))
    signed = {
        "x-webhook-timestamp": stamp,
        "x-webhook-signature": prefix + sign(connected.secret, stamp, raw),
    }
    return delivery(connected, raw, headers=signed, **further)


INGEST = """
mutation ($provider: String!, $body: String!, $contentType: String, $query: String) {
  webhookIngest(input: {provider: $provider, body: $body, contentType: $contentType, query: $query}) {
    received applied ignored repeated
    errors { code message path }
  }
}
"""


async def post(asker: Asker, sent: Delivery, *, now: datetime = NOW) -> dict[str, Any]:
    """What a webhook route does: find out who delivers, then run the stored document as that principal."""
    principal = await Deliveries(box(), asker.db).authenticate(sent, now=now)
    context = asker.context(principal.scope)
    context.principal = principal
    context.now = now
    variables = {
        "provider": sent.provider,
        "body": sent.body.decode(),
        "contentType": sent.headers.get("content-type"),
        # The documented signature does not cover the address.
        "query": "" if SIGNATURE in sent.headers else urlsplit(sent.url).query,
    }
    made = await answer(Operation(INGEST, variables), context)
    assert not made.errors, made.errors
    assert made.data is not None
    told: dict[str, Any] = json.loads(made.data)["webhookIngest"]
    return told
