"""A group's connections to webhook providers: made, given new secrets, ended. Used by the graph's mutations."""

import secrets as random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.auth.material import MAX_LENGTH, new_secret
from app.auth.webhooks.sealing import SecretBox, Secrets
from app.auth.webhooks.signatures import read_public_key
from app.db.database import Database, Transaction
from app.errors import Conflict, Invalid, NotFound
from app.tables.webhooks import Provider
from app.values.changes import Settable, Unset
from app.values.scope import Scope
from app.values.texts import read_text

PREFIX = "whs_"
MAX_CONNECTIONS = 10
"""Live connections of one group with one provider."""
MIN_SECRET = 16
MAX_KEY = 4_096
DEFAULT_OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=7)
DEFAULT_TOLERANCE_S = 300
MAX_TOLERANCE_S = 31_536_000
"""A year; beyond that one means any age."""
PROVIDER_SECRETS = {
    Provider.SENDGRID: "the verification key of its signed event webhook",
    Provider.TWILIO: "the account's auth token",
    Provider.HUBSPOT: "the app's client secret",
}
"""What each provider signs with. Mailchimp signs nothing."""

# The limit on live connections is this statement's condition, so any number of requests at once keep to it.
_COUNT_UP = """
INSERT INTO webhook_provider AS p (group_id, provider, created_at, connections) VALUES ($1, $2, $3, 1)
ON CONFLICT (group_id, provider) DO UPDATE SET connections = p.connections + 1 WHERE p.connections < $4
RETURNING p.connections
"""
_COUNT_DOWN = """
UPDATE webhook_provider SET connections = connections - 1 WHERE group_id = $1 AND provider = $2
"""
_INSERT = """
INSERT INTO webhook_connection (group_id, provider, token, sealed, status, created_at, tolerance_s)
VALUES ($1, $2, $3, $4, 'connected', $5, $6) RETURNING id
"""
_LOCK = """
SELECT provider, sealed, status FROM webhook_connection WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE
"""
_ROTATE = """
UPDATE webhook_connection SET sealed = $3, previous_sealed = $4, previous_until = $5, rotated_at = $6
 WHERE group_id = $1 AND id = $2
"""
# Nobody has a use for the secrets of an ended connection.
_DISCONNECT = """
UPDATE webhook_connection
   SET status = 'disconnected', disconnected_at = $3, sealed = '', previous_sealed = NULL, previous_until = NULL
 WHERE group_id = $1 AND id = $2 AND status = 'connected'
RETURNING provider
"""
# Of other groups: only a public key can be had by somebody it does not belong to.
_OTHERS = """
SELECT id, sealed, CASE WHEN previous_until > $3 THEN previous_sealed END AS previous
  FROM webhook_connection
 WHERE provider = $1 AND status = 'connected' AND group_id <> $2 AND id > $4
 ORDER BY id LIMIT $5
"""
CHUNK = 200
_SET_TOLERANCE = """
UPDATE webhook_connection SET tolerance_s = CASE WHEN $4 THEN $3 ELSE tolerance_s END
 WHERE group_id = $1 AND id = $2 AND status = 'connected'
"""
_LIST = """
SELECT id AS number, provider, status, tolerance_s FROM webhook_connection WHERE group_id = $1 ORDER BY id DESC
"""
_EXISTS = "SELECT true FROM webhook_connection WHERE group_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Shown:
    """A connection that was made or rotated, with our secret, which is shown this once."""

    connection_id: int
    token: str
    secret: str | None = field(repr=False)
    """None where only the provider's was replaced."""


async def create_connection(
    tx: Transaction,
    box: SecretBox,
    *,
    provider: Provider,
    secret: str | None = None,
    provider_secret: str | None = None,
    tolerance_s: int | None = DEFAULT_TOLERANCE_S,
    now: datetime,
) -> Shown:
    """Connect a provider. Our secret is random unless given; the provider's is what it signs with itself.

    `tolerance_s`: how far a signed timestamp may be from now; None or 0: any age.
    """
    tolerance_s = _checked_tolerance(tolerance_s)
    own = new_secret(PREFIX) if secret is None else _checked(secret, "secret")
    theirs = _checked_provider(provider, provider_secret)
    await _refuse_another_s_key(tx, box, provider, theirs, now=now)
    group_id = tx.scope.group_id
    if await tx.fetchval(_COUNT_UP, group_id, provider, now, MAX_CONNECTIONS) is None:
        raise Conflict(
            f"There are {MAX_CONNECTIONS} endpoints for {provider} already; disconnect one first.",
            path=["provider"],
            code="TOO_MANY_CONNECTIONS",
        )
    token = random.token_urlsafe(24)
    sealed = box.seal(Secrets(own, theirs))
    made = await tx.fetchval(_INSERT, group_id, provider, token, sealed, now, tolerance_s)
    return Shown(int(made), token, own)


async def rotate_connection(
    tx: Transaction,
    box: SecretBox,
    connection_id: int,
    *,
    secret: str | None = None,
    provider_secret: str | None = None,
    overlap: timedelta = DEFAULT_OVERLAP,
    now: datetime,
) -> Shown:
    """Give new secrets. The former ones stay valid for `overlap`, those before them end now.

    With `provider_secret` and no `secret`, only the provider's changes; else ours does, to a random one unless
    given.
    """
    if not timedelta() <= overlap <= MAX_OVERLAP:
        hours = int(MAX_OVERLAP.total_seconds() // 3600)
        raise Invalid(f"`keepPreviousHours` must be from 0 to {hours}.", path=["keepPreviousHours"])
    row = await tx.fetchrow(_LOCK, tx.scope.group_id, connection_id)
    if row is None:
        raise NotFound("webhook endpoint", connection_id, path=["id"])
    if row["status"] != "connected":
        raise _ended("id")
    before = box.open(row["sealed"])
    own = None if secret is None else _checked(secret, "secret")
    theirs = _checked_provider(Provider(row["provider"]), provider_secret)
    await _refuse_another_s_key(tx, box, Provider(row["provider"]), theirs, now=now)
    if own is None and (theirs is None or before is None):
        own = new_secret(PREFIX)
    kept = before or Secrets("")
    after = Secrets(own or kept.own, theirs or kept.provider)
    keeps = before is not None and overlap > timedelta()
    previous: tuple[Any, Any] = (row["sealed"], now + overlap) if keeps else (None, None)
    await tx.execute(_ROTATE, tx.scope.group_id, connection_id, box.seal(after), *previous, now)
    return Shown(connection_id, "", own)


async def list_connections(db: Database, group_id: int) -> list[dict[str, Any]]:
    """The group's connections, the newest first."""
    async with db.transaction(Scope(group_id)) as tx:
        return [dict(row) for row in await tx.fetch(_LIST, group_id)]


async def set_tolerance(tx: Transaction, connection_id: int, tolerance_s: Settable[int | None]) -> None:
    """How far a signed timestamp may be from now, in seconds; None or 0: any age; UNSET: as before."""
    is_said = not isinstance(tolerance_s, Unset)
    checked = _checked_tolerance(None if isinstance(tolerance_s, Unset) else tolerance_s)
    if not await tx.execute(_SET_TOLERANCE, tx.scope.group_id, connection_id, checked, is_said):
        if await tx.fetchval(_EXISTS, tx.scope.group_id, connection_id) is None:
            raise NotFound("webhook endpoint", connection_id, path=["id"])
        raise _ended("id")


async def disconnect(tx: Transaction, connection_id: int, *, now: datetime) -> int:
    """End a connection: its deliveries are refused from now on. Returns its id; ending it again changes nothing."""
    provider = await tx.fetchval(_DISCONNECT, tx.scope.group_id, connection_id, now)
    if provider is not None:
        await tx.execute(_COUNT_DOWN, tx.scope.group_id, provider)
    elif await tx.fetchval(_EXISTS, tx.scope.group_id, connection_id) is None:
        raise NotFound("webhook endpoint", connection_id, path=["id"])
    return connection_id


async def _refuse_another_s_key(
    tx: Transaction, box: SecretBox, provider: Provider, key: str | None, *, now: datetime
) -> None:
    """Conflict where another group has this public key: on the bare path, neither could be told from the other.

    So that is the newcomer's trouble, and nobody can make the deliveries of the group that has it fail.
    """
    if key is None or provider is not Provider.SENDGRID:
        return  # The others' secrets are known to their owners alone, who may share them among their groups.
    mine = read_public_key(key).public_numbers()
    last = 0
    while rows := await tx.fetch(_OTHERS, provider, tx.scope.group_id, now, last, CHUNK):
        for row in rows:
            for sealed in (row["sealed"], row["previous"]):
                secrets = None if sealed is None else box.open(sealed)
                if (
                    secrets is not None
                    and secrets.provider is not None
                    and read_public_key(secrets.provider).public_numbers() == mine
                ):
                    raise Conflict(
                        "This verification key cannot be registered here. Give SendGrid's webhook a key of its own"
                        " (a new one in its settings), and register that.",
                        path=["providerSecret"],
                        code="KEY_UNAVAILABLE",
                    )
        last = rows[-1]["id"]


def _ended(*path: str) -> Conflict:
    return Conflict("This endpoint was ended; make a new one.", path=path, code="DISCONNECTED")


def _checked_tolerance(seconds: int | None) -> int | None:
    if seconds is not None and not 0 <= seconds <= MAX_TOLERANCE_S:
        raise Invalid(
            f"`toleranceSeconds` must be from 1 to {MAX_TOLERANCE_S}; null or 0 takes any age.",
            path=["toleranceSeconds"],
        )
    return seconds or None


def _checked(secret: str, name: str) -> str:
    if not (MIN_SECRET <= len(secret) <= MAX_LENGTH and secret.isascii() and secret.isprintable()):
        raise Invalid(
            f"`{name}` must be {MIN_SECRET} to {MAX_LENGTH} printable ASCII characters; leave it out for a random one.",
            path=[name],
        )
    return secret


def _checked_provider(provider: Provider, secret: str | None) -> str | None:
    if secret is None:
        return None
    path = ["providerSecret"]
    if provider not in PROVIDER_SECRETS:
        raise Invalid(
            f"{provider.capitalize()} signs with no secret of its own: the one shown goes into its URL.",
            path=path,
        )
    try:
        read_text(secret, longest=MAX_KEY, blank=False)
        if provider is Provider.SENDGRID:
            read_public_key(secret)
    except ValueError as why:
        raise Invalid(f"`providerSecret` {why}.", path=path) from None
    return secret
